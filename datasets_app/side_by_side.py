"""Two texts beside each other, line by line, with what differs told apart within the lines."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

MOST_LINES = 1000  # of each text; comparing takes time by the product of both
MOST_CHARACTERS = 400  # of a line
MOST_PAIRS = 4_000_000  # pairs of words compared within lines; the lines after that are told apart as wholes
CONTEXT = 3  # equal lines shown around what differs

SAME, CHANGED, FOLD = "same", "changed", "fold"
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")


@dataclass(frozen=True)
class Line:
    """A line of one text: its number from 1, and its parts, each with whether it stands in this text alone."""

    number: int
    parts: list[tuple[str, bool]]


@dataclass(frozen=True)
class Row:
    """A row of the comparison.

    Attributes:
        kind: ``same``, ``changed`` (the line on either side differs or is not there) or ``fold``.
        left, right: The lines; None where that side has none.
        folded: How many equal lines a ``fold`` stands for.
    """

    kind: str
    left: Line | None = None
    right: Line | None = None
    folded: int = 0


@dataclass(frozen=True)
class Comparison:
    """Two texts compared.

    Attributes:
        rows: From the first line to the last.
        only_left, only_right: Lines that stand on one side alone.
        same: Lines that stand on both.
        cut: Whether a text was longer than what was compared.
    """

    rows: list[Row]
    only_left: int
    only_right: int
    same: int
    cut: bool


def compare(left: str, right: str, *, fold: bool = True) -> Comparison:
    """Compare two texts line by line; the first ``MOST_LINES`` of each.

    Args:
        left: One text.
        right: The other.
        fold: Leave out equal lines that are far from any difference.
    """
    texts = [text.splitlines() for text in (left, right)]
    ones, others = (lines[:MOST_LINES] for lines in texts)
    rows: list[Row] = []
    within = _Words()
    same = only_left = only_right = 0
    for tag, start, end, other_start, other_end in SequenceMatcher(None, ones, others, autojunk=False).get_opcodes():
        if tag == "equal":
            same += end - start
            rows += [Row(SAME, _line(start + at, ones), _line(other_start + at, others)) for at in range(end - start)]
            continue
        only_left, only_right = only_left + end - start, only_right + other_end - other_start
        for at in range(max(end - start, other_end - other_start)):
            here = start + at if start + at < end else None
            there = other_start + at if other_start + at < other_end else None
            rows.append(_differing(ones, others, here, there, within))
    cut = any(len(lines) > MOST_LINES for lines in texts)
    return Comparison(_folded(rows) if fold else rows, only_left, only_right, same, cut)


def _line(at: int, lines: list[str], alone: bool = False) -> Line:
    return Line(at + 1, [(_short(lines[at]), alone)])


def _short(line: str) -> str:
    return line if len(line) <= MOST_CHARACTERS else line[:MOST_CHARACTERS] + " …"


class _Words:
    """Tells the words apart in which two lines differ, as long as that does not take too much time."""

    def __init__(self) -> None:
        self._pairs = 0

    def parts(self, one: str, other: str) -> tuple[list[tuple[str, bool]], list[tuple[str, bool]]]:
        """The parts of both lines, each with whether it stands in that line alone."""
        words: list[list[str]] = [_WORDS.findall(line) for line in (one, other)]
        whole = [(one, True)], [(other, True)]
        self._pairs += len(words[0]) * len(words[1])
        if self._pairs > MOST_PAIRS:
            return whole
        matcher = SequenceMatcher(None, words[0], words[1], autojunk=False)
        if matcher.ratio() < 0.4:  # two lines of which little is the same: marks within would say nothing
            return whole
        parts: tuple[list[tuple[str, bool]], list[tuple[str, bool]]] = ([], [])
        for tag, start, end, other_start, other_end in matcher.get_opcodes():
            for side, text in ((0, words[0][start:end]), (1, words[1][other_start:other_end])):
                if text:
                    parts[side].append(("".join(text), tag != "equal"))
        return parts


def _differing(ones: list[str], others: list[str], here: int | None, there: int | None, within: _Words) -> Row:
    if here is None or there is None:
        return Row(
            CHANGED,
            None if here is None else _line(here, ones, alone=True),
            None if there is None else _line(there, others, alone=True),
        )
    left, right = within.parts(_short(ones[here]), _short(others[there]))
    return Row(CHANGED, Line(here + 1, left), Line(there + 1, right))


def _folded(rows: list[Row]) -> list[Row]:
    """The rows with runs of equal lines cut down to what stands near a difference."""
    near = [False] * len(rows)
    for at, row in enumerate(rows):
        if row.kind == CHANGED:
            for beside in range(max(0, at - CONTEXT), min(len(rows), at + CONTEXT + 1)):
                near[beside] = True
    found: list[Row] = []
    at = 0
    while at < len(rows):
        end = at
        while end < len(rows) and not near[end]:
            end += 1
        if end - at > 1:
            found.append(Row(FOLD, folded=end - at))
            at = end
        else:
            found.append(rows[at])
            at += 1
    return found
