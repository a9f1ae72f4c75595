"""The texts of licences, for whoever has to ship them: of the SPDX licence list, as ``scripts/convert_licences.py`` takes them."""

import functools
import json
import lzma
from pathlib import Path

DATA = Path(__file__).parent / "data" / "licence_full_texts.json.xz"


@functools.cache
def _texts() -> dict[str, str]:
    texts: dict[str, str] = json.loads(lzma.decompress(DATA.read_bytes()))["texts"]
    return texts


def known() -> list[str]:
    """The ids of the licences whose texts are at hand."""
    return list(_texts())


def text_of(spdx: str) -> str | None:
    """The text of a licence with the places for years and names as they are in the list; None where it is not at hand."""
    return _texts().get(spdx) or _texts().get(spdx.replace("-or-later", "-only"))
