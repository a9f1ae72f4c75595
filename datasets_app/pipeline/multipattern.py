"""Many patterns in one pass over bytes, by hyperscan: the gate before every exact check.

A scan tells which pattern ends where and nothing more, so whoever asks looks at the place again with exact means. The
interpreter's lock is released while it scans. Measured with the 39 patterns of personal data on real files of 10 KB: 29
microseconds a file, against 103 for a pass of Polars with each and 234 for ``re2.Set``, which both tell no places.
"""

import threading
from collections.abc import Sequence

import hyperscan


class MultiPattern:
    """A compiled set of patterns that any number of threads may use at once.

    Hyperscan needs working memory that one scan owns alone, so each thread gets its own.
    """

    def __init__(self, patterns: Sequence[tuple[bytes, int]], *, literal: bool = False) -> None:
        """Compile.

        Args:
            patterns: Each an expression in hyperscan's syntax (PCRE's without look-around and back-references) and
                its ``hyperscan.HS_FLAG_*``. None may match the empty string.
            literal: Take the expressions as plain bytes.

        Raises:
            hyperscan.error: An expression is invalid. It says no more, so compile new ones alone first.
        """
        self._database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        self._empty = not patterns
        if patterns:
            self._database.compile(
                expressions=[expression for expression, _ in patterns],
                ids=list(range(len(patterns))),
                flags=[flags for _, flags in patterns],
                literal=literal,
            )
        self._own = threading.local()

    def ends(self, content: bytes) -> list[tuple[int, int]]:
        """Where patterns end in these bytes: (number of the pattern, offset behind its last byte), in order of the offset.

        A pattern that can end at several places is told at each of them.
        """
        if self._empty or not content:
            return []
        try:
            scratch = self._own.scratch
        except AttributeError:
            scratch = self._own.scratch = hyperscan.Scratch(self._database)
        found: list[tuple[int, int]] = []

        def take(pattern: int, _start: int, end: int, _flags: int, _context: object) -> None:
            found.append((pattern, end))

        self._database.scan(content, match_event_handler=take, scratch=scratch)
        found.sort(key=lambda hit: hit[1])
        return found
