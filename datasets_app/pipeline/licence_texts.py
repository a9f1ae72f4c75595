"""Which licence a text is, by how many runs of three words it shares with the texts of known licences.

A known text is kept as a *fingerprint*: the hashes of its runs of three words, of the longer texts every second, fourth
... hash alone (those divisible by ``keep``, so that the same ones are chosen in any text). Lines of copyright are left
out, since they differ from project to project.

A text counts as a licence when the stretch of it that begins where the licence's words begin, and is as long as the
licence, has a Dice coefficient of at least :data:`THRESHOLD` with it. What follows that stretch (notices of bundled
parts, most often) is not looked at: the licence a file opens with is the project's own.
"""

import base64
import functools
import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xxhash

THRESHOLD = (
    0.85  # a change of the organisation's name in BSD-3-Clause costs .04; BSD-2 against BSD-3 is .87, the best wins
)
SHORT = 2000  # words; below it a licence does not itself speak of what _RESTRICTED looks for, as the GPL does
LONGEST_PREAMBLE = 250  # words before the licence begins
MOST_HASHES = 700  # kept a licence
DATA = Path(__file__).parent / "data" / "licence_texts.json"

_COPYRIGHT_LINE = re.compile(
    r"^\W*(copyright\b|\(c\)|©|all rights reserved|<one line|<year>|\[year\]|portions copyright)", re.I
)
_WORD = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True)
class Fingerprint:
    """The runs of three words of a licence: ``length`` of them in the text, of which the ``hashes`` % keep == 0 are held."""

    length: int
    keep: int
    hashes: frozenset[int]

    def to_json(self) -> dict[str, object]:
        """As it stands in the data file."""
        packed = base64.b64encode(np.array(sorted(self.hashes), dtype="<u4").tobytes()).decode()
        return {"length": self.length, "keep": self.keep, "hashes": packed}

    @classmethod
    def from_json(cls, entry: dict[str, object]) -> "Fingerprint":
        """The inverse of :meth:`to_json`."""
        packed = np.frombuffer(base64.b64decode(str(entry["hashes"])), dtype="<u4")
        return cls(int(str(entry["length"])), int(str(entry["keep"])), frozenset(packed.tolist()))


# A few words that take back what a permissive text grants, and are too few to make it unlike that text.
_RESTRICTED = re.compile(
    r"\b(commons clause|non ?commercial|used for good not evil|(academic|educational|research|evaluation|personal) "
    r"(use|purposes?) only|only for (academic|educational|research|evaluation|personal)|commercial use (is|requires))\b"
)


def words_of(text: str) -> list[str]:
    """The words of a text in lower case, without its lines of copyright."""
    lines = (line for line in text.splitlines() if not _COPYRIGHT_LINE.match(line))
    return _WORD.findall("\n".join(lines).lower().replace("licence", "license").replace("https://", "http://"))


def shingles(words: list[str]) -> list[int]:
    """The hashes of the runs of three words, in order."""
    return [xxhash.xxh32_intdigest(" ".join(words[at : at + 3]).encode()) for at in range(len(words) - 2)]


def fingerprint(text: str) -> Fingerprint:
    """The fingerprint of a licence's text."""
    hashes = shingles(words_of(text))
    keep = 1
    while len(set(hashes)) / keep > MOST_HASHES:
        keep *= 2
    return Fingerprint(len(hashes), keep, frozenset(value for value in hashes if value % keep == 0))


@functools.cache
def known() -> dict[str, Fingerprint]:
    """The fingerprints of the data file, by SPDX id."""
    table = json.loads(DATA.read_text(encoding="utf-8"))
    return {spdx: Fingerprint.from_json(entry) for spdx, entry in table["licences"].items()}


def similarity(hashes: list[int], licence: Fingerprint) -> float:
    """How far a text (as shingles) opens with a licence: the Dice coefficient, 0 to 1."""
    limit = LONGEST_PREAMBLE + licence.length
    start = next((at for at, value in enumerate(hashes[:limit]) if value in licence.hashes), None)
    if start is None or start > LONGEST_PREAMBLE + licence.length // 4:
        return 0.0
    start = 0 if start < 3 * licence.keep else start
    stretch = {value for value in hashes[start : start + licence.length] if value % licence.keep == 0}
    if not stretch:
        return 0.0
    return 2 * len(stretch & licence.hashes) / (len(stretch) + len(licence.hashes))


def match(text: str) -> str | None:
    """The SPDX id of the licence that a text opens with; None also where a restriction was added to a short one."""
    words = words_of(text)
    hashes = shingles(words)
    if len(hashes) < 10:
        return None
    best, score = max(
        ((spdx, similarity(hashes, licence)) for spdx, licence in known().items()), key=lambda pair: pair[1]
    )
    if score < THRESHOLD:
        return None
    length = known()[best].length
    opening = " ".join(words[: LONGEST_PREAMBLE + length])
    return None if length < SHORT and _RESTRICTED.search(opening) else best
