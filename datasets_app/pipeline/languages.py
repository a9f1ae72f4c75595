"""Which language a file is in: linguist's tables of file names, extensions and interpreters, and a few looks at content.

In order: the whole file name; the longest extension that the table knows; the interpreter that a ``#!`` line names, for
files without a known extension. Where several languages share an extension, :mod:`~datasets_app.pipeline.ambiguous`
looks at the content, and failing that the language that lists the extension first among its own is taken, but for the few
extensions that say nothing by themselves.

Source of the tables: github-linguist through the npm package linguist-languages (MIT; the notice stands in the data
file), converted by ``scripts/convert_linguist.py``.
"""

import functools
import json
import re
from dataclasses import dataclass
from pathlib import Path

from datasets_app.pipeline import ambiguous

DATA = Path(__file__).parent / "data" / "languages.json"
HEAD = 16_384  # bytes of a file that decide between languages of one extension

_SHEBANG = re.compile(
    rb"\A#!\s*(?:\S*/)?env(?:\s+-\S+|\s+\w+=\S+)*\s+(?:\S*/)?(?P<by_env>[\w.+-]+)|\A#!\s*(?:\S*/)?(?P<direct>[\w.+-]+)"
)


@dataclass(frozen=True)
class Tables:
    """Linguist's tables turned round. Extensions, lower case with their dot, give candidates, the likeliest first."""

    types: dict[str, str]
    filenames: dict[str, str]
    extensions: dict[str, tuple[str, ...]]
    interpreters: dict[str, str]


@functools.cache
def tables() -> Tables:
    """The data file as look-up tables."""
    languages = json.loads(DATA.read_text(encoding="utf-8"))["languages"]
    extensions: dict[str, list[tuple[bool, int, str]]] = {}
    filenames: dict[str, str] = {}
    interpreters: dict[str, str] = {}
    for name, entry in languages.items():
        for at, extension in enumerate(entry.get("extensions", ())):
            order = (name != ambiguous.DEFAULTS.get(extension.lower()), at, name)
            extensions.setdefault(extension.lower(), []).append(order)
        for filename in entry.get("filenames", ()):
            filenames.setdefault(filename, name)
        for interpreter in entry.get("interpreters", ()):
            if interpreter not in interpreters or ambiguous.DEFAULT_INTERPRETERS.get(interpreter) == name:
                interpreters[interpreter] = name
    return Tables(
        types={name: entry["type"] for name, entry in languages.items()},
        filenames=filenames,
        extensions={
            extension: tuple(dict.fromkeys(name for *_, name in sorted(found)))
            for extension, found in extensions.items()
        },
        interpreters=interpreters,
    )


def detect(path: str, content: bytes) -> str | None:
    """The language of a file, by linguist's name for it; None where it is unknown.

    Args:
        path: Its path; the last part counts.
        content: Its bytes, or at least the first :data:`HEAD` of them.
    """
    known = tables()
    name = path.rpartition("/")[2]
    if name in known.filenames:
        return known.filenames[name]
    parts = name.lower().split(".")
    for at in range(1, len(parts)):
        candidates = known.extensions.get("." + ".".join(parts[at:]))
        if candidates:
            extension = "." + ".".join(parts[at:])
            chosen = ambiguous.choose(extension, content[:HEAD]) if len(candidates) > 1 else None
            if chosen is not None or extension not in ambiguous.WITHOUT_DEFAULT:
                return chosen or candidates[0]
            break
    return from_shebang(content)


def from_shebang(content: bytes) -> str | None:
    """The language of the interpreter that a ``#!`` line names, directly or through ``env``; None without one."""
    match = _SHEBANG.match(content[:200].split(b"\n", 1)[0])
    if not match:
        return None
    interpreter = (match["by_env"] or match["direct"]).decode("ascii", errors="replace")
    known = tables().interpreters
    # python3.11 is python3, then python
    for form in (
        interpreter,
        re.sub(r"[-\d.]*\.\d+$", "", interpreter) or interpreter,
        re.sub(r"[-\d.]+$", "", interpreter),
    ):
        if form in known:
            return known[form]
    return None
