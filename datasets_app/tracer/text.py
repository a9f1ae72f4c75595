"""The text that is traced: what cannot be traced is refused in words; its lines, its passages, and its offsets for an editor."""

import re
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from core.errors import InvalidInput
from datasets_app.tracing import question

MOST = question.MOST_CHARACTERS
SHORTEST = question.LEAST  # span that can be asked for
LEAST = 50  # characters of a span, where nothing else is asked for
FIELD = "text"
_SURROGATE = re.compile("[\ud800-\udfff]")
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_LINE_END = re.compile(r"\r\n|\r|\n")


def check(text: str, least: int = LEAST) -> None:
    """Refuse what cannot be traced.

    Args:
        text: Any text.
        least: Characters of the shortest span that is looked for.

    Raises:
        InvalidInput: It is empty, shorter than a span, too long, or no text; or ``least`` is out of its bounds.
    """
    if not SHORTEST <= least <= MOST:
        raise InvalidInput(
            f"The shortest span to look for has {SHORTEST} to {MOST:,} characters, not {least:,}.", "least"
        )
    if not text.strip():
        raise InvalidInput("There is no text to trace. Give some code.", FIELD)
    if len(text) > MOST:
        raise InvalidInput(
            f"This text has {len(text):,} characters. Up to {MOST:,} are traced at a time: give it in parts.", FIELD
        )
    if "\0" in text:
        raise InvalidInput("This is not a text: it has NUL characters. Give source code.", FIELD)
    if found := _SURROGATE.search(text):
        raise InvalidInput(
            f"This is not a text: its character {found.start() + 1:,} is half of a pair of surrogates. Send whole characters.",
            FIELD,
        )
    if len(text) < least:
        raise InvalidInput(
            f"This text has {len(text)} character{'' if len(text) == 1 else 's'}. The shortest span that is looked for has "
            f"{least}: give more of the code.",
            FIELD,
        )


def mended(text: str) -> str:
    """The text with NULs and halves of surrogate pairs replaced, as long as before in code points and in UTF-16 units.

    A model may write the ones, and an editor that cuts its window by UTF-16 units the others.
    """
    return _NO_TEXT.sub("\ufffd", text)


def utf16(text: str, offsets: Iterable[int]) -> list[int]:
    """Offsets in code points as offsets in UTF-16 units, as editors count."""
    wide = [place for place, character in enumerate(text) if character > "\uffff"]
    return [offset + bisect_left(wide, offset) for offset in offsets]


class Stretch(Protocol):
    """A part of the text: code points, the end exclusive."""

    @property
    def start(self) -> int: ...

    @property
    def end(self) -> int: ...


@dataclass(frozen=True)
class Passage:
    """Spans that overlap, joined: what a page marks.

    Attributes:
        number: From 1, in the order of the text.
        start: Code points; ``end`` is exclusive.
        spans: The places of its spans in the list they came from.
    """

    number: int
    start: int
    end: int
    spans: tuple[int, ...]


def passages(spans: Sequence[Stretch]) -> list[Passage]:
    """Spans joined by position where they overlap, and never over a gap: spans that only touch stay apart."""
    found: list[Passage] = []
    for place in sorted(range(len(spans)), key=lambda one: (spans[one].start, -spans[one].end)):
        span = spans[place]
        if found and span.start < found[-1].end:
            last = found[-1]
            found[-1] = Passage(last.number, last.start, max(last.end, span.end), (*last.spans, place))
        else:
            found.append(Passage(len(found) + 1, span.start, span.end, (place,)))
    return found


@dataclass(frozen=True)
class Piece:
    """A part of one line, not empty, all of it in one passage or in none. ``first``: of the passage no part was before it."""

    text: str
    passage: Passage | None = None
    first: bool = False


def lines(text: str, marked: Sequence[Passage]) -> list[list[Piece]]:
    """The lines of a text without their ends, each cut into pieces at the bounds of passages."""
    found = []
    seen: set[int] = set()
    start = 0
    waiting = deque(marked)
    ends = [(one.start(), one.end()) for one in _LINE_END.finditer(text)]
    for stop, after in [*ends, (len(text), len(text))]:
        while waiting and waiting[0].end <= start:
            waiting.popleft()
        found.append(_pieces(text, start, stop, waiting, seen))
        start = after
    if len(found) > 1 and not found[-1]:
        found.pop()
    return found


def _pieces(text: str, start: int, stop: int, marked: Iterable[Passage], seen: set[int]) -> list[Piece]:
    pieces = []
    at = start
    for passage in marked:
        if passage.start >= stop:
            break
        first, last = max(passage.start, start), min(passage.end, stop)
        if first > at:
            pieces.append(Piece(text[at:first]))
        if last > first:
            pieces.append(Piece(text[first:last], passage, passage.number not in seen))
            seen.add(passage.number)
        at = max(at, last)
    if at < stop:
        pieces.append(Piece(text[at:stop]))
    return pieces
