"""Sets of languages that published data sets took, in linguist's names.

``starcoder``: the 86 programming languages of StarCoder's data, and JSON and YAML, of which it took a sample (arXiv 2305.06161,
section 3.1). ``the_stack``: the languages of The Stack v1.1 and v1.2; the published selection names 370, of which 358 had
data. Where linguist has renamed a language since, or parts it in several, the data file says so.
"""

import functools
import json
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data" / "language_sets.json"


@functools.cache
def _tables() -> dict[str, Any]:
    tables: dict[str, Any] = json.loads(DATA.read_text(encoding="utf-8"))
    return tables


def names() -> tuple[str, ...]:
    """The names of the sets."""
    return tuple(sorted(_tables()["sets"]))


def published(name: str) -> tuple[str, ...]:
    """The languages of a set as its publishers name them.

    Raises:
        ValueError: There is no such set; the message lists those there are.
    """
    if name not in _tables()["sets"]:
        raise ValueError(f"no set of languages {name!r}; there are {', '.join(names())}")
    return tuple(_tables()["sets"][name])


def language_set(name: str) -> tuple[str, ...]:
    """The languages of a set as linguist names them, in order.

    Raises:
        ValueError: There is no such set; the message lists those there are.
    """
    linguist = _tables()["linguist"]
    return tuple(sorted({language for entry in published(name) for language in linguist.get(entry, [entry])}))
