"""Decontamination: which blobs hold text of a benchmark, and where (arXiv 2305.06161, section 3; BigCode's script).

As there, a text is looked for as an exact substring, case aside, and a file that holds one is to be dropped whole. White
space counts: a solution indented otherwise, reflowed, or with ``\\r\\n`` for ``\\n`` is not found; nor is one with a renamed
variable, a translation to another language, or a text cut in two. The original lowers the case of both sides by
``str.lower``; here letters are compared by Unicode's simple case folding, and a text in ASCII alone is compared with
ASCII alone (the original takes the Kelvin sign for a k).

All texts are searched at once. Hyperscan looks for the first bytes of each, the rest is compared in place: measured on
real code, ``ahocorasick_rs`` takes two to four times as long (on lowered bytes and on lowered text).
"""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import hyperscan
import pyarrow as pa

from datasets_app.pipeline.benchmark_sets import Benchmark
from datasets_app.pipeline.families import Family
from datasets_app.pipeline.multipattern import MultiPattern
from datasets_app.pipeline.texts import sparse_rows

CONTAMINATION = pa.schema(
    [
        ("blob_id", pa.string()),
        ("benchmark", pa.string()),
        ("item", pa.string()),  # the benchmark's id of it
        ("start", pa.int32()),  # bytes into the UTF-8 text
        ("end", pa.int32()),  # the byte behind the last
    ]
)

CODE = 1  # count up when the code finds something else with the same benchmarks
ANCHOR = 48  # characters of each text that the scan looks for


class Match(NamedTuple):
    """Bytes ``start`` to ``end`` of a text are a text of this item."""

    benchmark: str
    item: str
    start: int
    end: int


class Decontaminator:
    """Looks for the texts of some benchmarks; any number of threads may use one."""

    def __init__(self, benchmarks: Sequence[Benchmark]) -> None:
        """Compile.

        Args:
            benchmarks: With different names.

        Raises:
            ValueError: Two benchmarks have the same name.
        """
        names = [benchmark.name for benchmark in benchmarks]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"benchmarks: two are called {name}")
        texts = [(one.name, item, text) for one in benchmarks for item, text in dict.fromkeys(one.items)]
        self._texts = [(name, item, text.lower()) for name, item, text in texts]
        self._gate = MultiPattern([_anchor(text) for _, _, text in texts])
        digests = sorted(benchmark.digest for benchmark in benchmarks)
        self.rules = f"{CODE}.{hashlib.sha256(' '.join(digests).encode()).hexdigest()[:12]}"

    def find(self, content: bytes) -> list[Match]:
        """Every place where a text stands, in order.

        Args:
            content: UTF-8 text.
        """
        found = set()
        for number, end in self._gate.ends(content):
            name, item, text = self._texts[number]
            if text.isascii():
                start = end - min(ANCHOR, len(text))
                if content[start : start + len(text)].lower() == text.encode():
                    found.add(Match(name, item, start, start + len(text)))
            else:
                found.update(Match(name, item, *place) for place in _places(content.decode(), text))
        return sorted(found, key=lambda match: (match.start, match.end, match.benchmark, match.item))

    def family(self) -> Family:
        """The attribute family ``contamination``; its rules are a digest of the benchmarks."""
        return Family(
            "contamination",
            self.rules,
            CONTAMINATION,
            lambda group: sparse_rows(group, CONTAMINATION, self.find),
            dense=False,
        )


def _anchor(text: str) -> tuple[bytes, int]:
    head = text[:ANCHOR]
    if text.isascii():
        return b"".join(b"\\x%02x" % byte for byte in head.encode()), hyperscan.HS_FLAG_CASELESS
    points = b"".join(b"\\x{%x}" % ord(character) for character in head)
    return points, hyperscan.HS_FLAG_CASELESS | hyperscan.HS_FLAG_UTF8


def _places(content: str, text: str) -> list[tuple[int, int]]:
    """Where a text in lower case stands, in bytes of the content; lowering may change how many characters there are."""
    lowered = content.lower()
    if len(lowered) == len(content):
        origin: Sequence[int] = range(len(content) + 1)
    else:
        origin = [at for at, character in enumerate(content) for _ in character.lower()] + [len(content)]
    places = []
    at = lowered.find(text)
    while at >= 0:
        start, end = origin[at], origin[at + len(text)]
        places.append((len(content[:start].encode()), len(content[:end].encode())))
        at = lowered.find(text, at + 1)
    return places
