"""Which licence a text is, by how many runs of three words it shares with the texts of known licences.

A known text is kept as a *fingerprint*: the hashes of its runs of three words, of the longer texts every second, fourth
... hash alone (those divisible by ``keep``, so that the same ones are chosen in any text). Lines of copyright are left
out, since they differ from project to project.

A text holds a licence where a stretch of it that is as long as the licence has a Dice coefficient of at least
:data:`THRESHOLD` with it; of all stretches the one that shares most is compared. Texts that differ from a near one by a
sentence (:data:`_DEMANDED`, :data:`_FORBIDDEN`) need it, or may not have it. What follows that stretch (notices of bundled
parts, most often) is not looked at by :func:`match`: the licence a file opens with is the project's own.
"""

import base64
import functools
import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import xxhash

THRESHOLD = (
    0.85  # a change of the organisation's name in BSD-3-Clause costs .04; BSD-2 against BSD-3 is .87, the best wins
)
SHORT = 2000  # words; below it a licence does not itself speak of what _RESTRICTED looks for, as the GPL does
LONGEST_PREAMBLE = 250  # words before the licence begins
AROUND = 30  # words about a licence in which what sets it apart may stand
MOST_HASHES = 700  # kept a licence
DATA = Path(__file__).parent / "data" / "licence_texts.json"

_COPYRIGHT_LINE = re.compile(
    r"^\W*(copyright\b(?!\s+(?:notice|holder|owner|law|licen[cs]e|statement)|\W*$)|\(c\)|©|all rights reserved|<one line|<year>"
    r"|\[year\]|portions copyright)",
    re.I,
)
# What stands before the licence of Python: its history, which names its former owners.
_PYTHON_HISTORY = re.compile(
    r"\b(?:a )?history of the software\b.{0,8000}?\bb terms and conditions for accessing\b", re.S
)
# Projects that take over the licence of Python put their own names in the place of these.
_LICENSORS = frozenset({"psf", "python"})
_WORD = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True)
class Fingerprint:
    """The runs of three words of a licence: ``length`` of them in the text, of which the ``hashes`` % keep == 0 are held."""

    length: int
    keep: int
    hashes: frozenset[int]

    @functools.cached_property
    def values(self) -> npt.NDArray[np.uint32]:
        """The hashes as an array, in order."""
        return np.array(sorted(self.hashes), dtype=np.uint32)

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
    r"\b(commons clause|(?<!commercial or )(?<!commercial and )non ?commercial(?! or commercial)|used for good not evil"
    r"|(academic|educational|research|evaluation|personal) (use|purposes?) only"
    r"|only for (academic|educational|research|evaluation|personal)|commercial use (is|requires))\b"
)
# What sets a licence apart from a near one, where the rest is all but the same.
_DEMANDED = {
    "BSD-2-Clause": "redistributions? in binary",
    "BSD-3-Clause": "neither the names? of|nor the names? of|may not be used to endorse|be used to endorse or promote",
    "BSD-3-Clause-Clear": "no express or implied licenses to any party s patent rights",
    "BSD-4-Clause": "advertising materials",
    "ECL-2.0": "educational community license",
    "ISC": "appears? in all copies",
    "JSON": "good not evil",
    "MIT": "shall be included in all copies",
    "MIT-CMU": "distribute this software and its documentation",
    "NCSA": "neither the names of",
    "X11": "shall not be used in advertising",
}
_FORBIDDEN = {
    "0BSD": "appears? in all copies",
    "BSD-1-Clause": "redistributions? in binary",
    "BSD-2-Clause": "be used to endorse or promote|advertising materials",
    "BSD-3-Clause": "advertising materials mentioning|no express or implied licenses to any party s patent rights",
    "MIT": "good not evil|shall not be used in advertising",
    "MIT-0": "shall be included in all copies",
}


def words_of(text: str, *, names: bool = False) -> list[str]:
    """The words of a text in lower case.

    Args:
        text: Any text.
        names: Keep the lines of copyright and the names of licensors that texts spell out (:data:`_LICENSORS`).
    """
    lines = (line for line in text.splitlines() if names or not _COPYRIGHT_LINE.match(line))
    text = "\n".join(lines).lower().replace("licence", "license").replace("https://", "http://")
    words = _PYTHON_HISTORY.sub("terms and conditions for accessing", " ".join(_WORD.findall(text))).split()
    return words if names else [word for word in words if word not in _LICENSORS]


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


def similarity(hashes: npt.NDArray[np.uint32], licence: Fingerprint) -> tuple[float, int]:
    """How like a licence the stretch of a text is that is likest to it.

    Args:
        hashes: The text as shingles.
        licence: The fingerprint.

    Returns:
        The Dice coefficient, 0 to 1, and where the stretch begins (a shingle, so a word).
    """
    hashes = hashes[: LONGEST_PREAMBLE + 2 * licence.length]
    shared = np.concatenate(([0], np.cumsum(np.isin(hashes, licence.values))))
    starts = min(LONGEST_PREAMBLE + licence.length // 4, max(len(hashes) - licence.length, 0)) + 1
    stop = np.minimum(np.arange(starts) + licence.length, len(hashes))
    start = int(np.argmax(shared[stop] - shared[:starts]))
    start += int(np.searchsorted(shared[start:], shared[start], side="right")) - 1  # on to the first run that is shared
    stretch = hashes[start : start + licence.length]
    cut_off = (
        licence.length - len(stretch)
    ) / licence.keep  # a stretch that the end of the text cuts off lacks the rest
    stretch = np.unique(stretch[stretch % licence.keep == 0])
    common = np.isin(stretch, licence.values, assume_unique=True).sum()
    return 2 * float(common) / (len(stretch) + cut_off + len(licence.values)), start


@dataclass(frozen=True)
class Found:
    """A licence in a text, and the words at which it begins and ends."""

    spdx: str
    start: int
    end: int


def find(words: list[str]) -> Found | None:
    """The licence that these words open with, after at most :data:`LONGEST_PREAMBLE` others.

    None also where a restriction was added to a short one.
    """
    hashes = np.array(shingles(words), dtype=np.uint32)
    if len(hashes) < 10:
        return None
    likely = []
    for spdx, licence in known().items():
        score, start = similarity(hashes, licence)
        around = " ".join(words[max(start - AROUND, 0) : start + licence.length + AROUND])
        if (
            score >= THRESHOLD
            and not (spdx in _DEMANDED and not re.search(_DEMANDED[spdx], around))
            and not (spdx in _FORBIDDEN and re.search(_FORBIDDEN[spdx], around))
        ):
            likely.append((score, start, spdx))
    if not likely:
        return None
    first = min(start for _, start, _ in likely)
    _, start, spdx = max(entry for entry in likely if entry[1] <= first + AROUND)
    length = known()[spdx].length
    if length < SHORT and is_restricted(words[: LONGEST_PREAMBLE + length]):
        return None
    return Found(spdx, start, min(start + length + 2, len(words)))


def is_restricted(words: list[str]) -> bool:
    """Whether these words forbid a use that permissive licences allow."""
    return _RESTRICTED.search(" ".join(words)) is not None


def match(text: str) -> str | None:
    """The SPDX id of the licence that a text opens with; None also where a restriction was added to a short one."""
    found = find(words_of(text))
    return found.spdx if found else None
