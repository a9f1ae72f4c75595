"""A span: which bytes of a text are personal data, and of what kind."""

from collections.abc import Iterable
from typing import NamedTuple

EMAIL, IP_ADDRESS, KEY, NAME, USERNAME, PASSWORD = KINDS = (
    "EMAIL",
    "IP_ADDRESS",
    "KEY",
    "NAME",
    "USERNAME",
    "PASSWORD",
)


class Span(NamedTuple):
    """Bytes ``start`` to ``end`` (not included) of the UTF-8 text; ``kind`` is one of :data:`KINDS`."""

    start: int
    end: int
    kind: str


_STRENGTH = {kind: rank for rank, kind in enumerate((KEY, PASSWORD, EMAIL, IP_ADDRESS, USERNAME, NAME))}


def merge(spans: Iterable[tuple[int, int, str]]) -> list[Span]:
    """The same spans sorted, without overlaps and without empty ones.

    Spans that share a byte become one that covers them all. Its kind is that of the longest of them, because the longest
    saw most of it; among equally long ones KEY goes before PASSWORD, EMAIL, IP_ADDRESS, USERNAME and NAME. Spans that
    merely touch stay two.
    """
    merged: list[Span] = []
    longest = 0
    for start, end, kind in sorted(spans, key=lambda span: (span[0], span[1], _STRENGTH[span[2]])):
        if end <= start:
            continue
        if not merged or start >= merged[-1].end:
            merged.append(Span(start, end, kind))
            longest = end - start
            continue
        last = merged[-1]
        size = end - start
        if (-size, _STRENGTH[kind]) < (-longest, _STRENGTH[last.kind]):
            longest = size
        else:
            kind = last.kind
        merged[-1] = Span(last.start, max(last.end, end), kind)
    return merged
