"""From windows that may be the same to stretches that are: the kernels that compare texts.

A place in the texts and one in the question where windows of one hash lie make an *anchor*; the difference of the two is its
*diagonal*. Anchors are taken diagonal by diagonal: the texts are compared from the anchor to both sides, and the anchors that lie
in the stretch just compared need no second look. So each stretch is read once, and what the hash said is never believed.

With a cap, of the places of one hash in a shard only the first ``cap`` that are not hidden are taken. A stretch of a text is
missed then only if all windows by which it could be found are capped. Where in the question that can happen is told as *blind*
stretches: a span that lies in none of them has no other sources than those that are given.
"""

from typing import Any

import numpy as np

from datasets_app.pipeline.compiling import njit
from datasets_app.tracing.windows import WINDOW

NO_CAP = 1 << 40
_SHIFT = 17  # a question has at most 80,000 bytes
_OFFSET = (1 << _SHIFT) - 1
_BLOCK = 32


@njit
def _row(bounds: Any, place: Any) -> int:
    """The row that a place lies in."""
    return int(np.searchsorted(bounds, place, "right")) - 1


@njit
def touch(starts: Any, ends: Any, places: Any, bounds: Any, hidden: Any, cap: int, touched: Any) -> None:
    """Mark the rows of the places that would be taken, given the rows that are hidden."""
    for number in range(len(starts)):
        taken = 0
        for at in range(starts[number], ends[number]):
            row = _row(bounds, places[at])
            if hidden[row]:
                continue
            if taken == cap:
                break
            taken += 1
            touched[row] = True


@njit
def anchors(
    kept: Any,
    starts: Any,
    ends: Any,
    places: Any,
    bounds: Any,
    hidden: Any,
    cap: int,
    offsets: Any,
    offset_bounds: Any,
    length: int,
    capped: Any,
) -> Any:
    """The anchors of the hashes that were found, each as diagonal and offset in one number, and in ``capped`` which hashes are.

    ``hidden`` tells of each row whether it is; it is empty where none is.
    """
    total = 0
    for number in range(len(kept)):
        total += min(ends[number] - starts[number], cap) * (
            offset_bounds[kept[number] + 1] - offset_bounds[kept[number]]
        )
    keys = np.empty(total, np.int64)
    count = 0
    for number in range(len(kept)):
        taken = 0
        for at in range(starts[number], ends[number]):
            place = np.int64(places[at])
            if len(hidden) and hidden[_row(bounds, places[at])]:
                continue
            if taken == cap:
                capped[kept[number]] = True
                break
            taken += 1
            for order in range(offset_bounds[kept[number]], offset_bounds[kept[number] + 1]):
                offset = offsets[order]
                keys[count] = ((place - offset + length) << _SHIFT) | offset
                count += 1
    return keys[:count]


@njit
def _forth(text: Any, place: int, query: Any, offset: int) -> int:
    """How many bytes are the same from here on."""
    most = min(len(text) - place, len(query) - offset)
    same = 0
    while same + _BLOCK <= most:
        differing = np.uint8(0)
        for step in range(_BLOCK):
            differing |= text[place + same + step] ^ query[offset + same + step]
        if differing:
            break
        same += _BLOCK
    while same < most and text[place + same] == query[offset + same]:
        same += 1
    return same


@njit
def _repeats(query: Any, start: int, end: int) -> bool:
    """Whether every byte is that two before it."""
    for at in range(start + 2, end):  # noqa: SIM110  (numba knows no generators)
        if query[at] != query[at - 2]:
            return False
    return True


@njit
def compare(
    keys: Any,
    text: Any,
    query: Any,
    onward: Any,
    back: Any,
    characters: Any,
    least: int,
    reach: Any,
    found: Any,
) -> int:
    """Compare the texts at anchors, ascending; put start and end of each stretch in the query and its place into ``found``.

    A stretch is cut to whole characters; one of fewer than ``least``, one that repeats itself, and one that lies within another that
    was found before are left out. ``reach`` holds of each offset the farthest end of the stretches found that it lies in.
    Gives how many there are.
    """
    count = 0
    last = np.int64(-1)
    covered = np.int64(0)
    for key in keys:
        diagonal, offset = key >> _SHIFT, key & _OFFSET
        if diagonal == last and offset < covered:
            continue
        place = diagonal - len(query) + offset
        end = offset + _forth(text, place, query, offset)
        if end - offset < WINDOW:
            continue
        start = offset
        while start > 0 and place > 0 and text[place - 1] == query[start - 1]:
            start -= 1
            place -= 1
        last, covered = diagonal, end
        first, end = onward[start], back[end]
        if characters[end] - characters[first] < least or reach[first] > end:
            continue
        if (first > 0 and reach[first - 1] >= end) or _repeats(query, first, end):
            continue
        found[count, 0], found[count, 1], found[count, 2] = first, end, place + first - start
        count += 1
        at = first
        while at < end and reach[at] < end:
            reach[at] = end
            at += 1
    return count


@njit
def mark_blind(capped: Any, offsets: Any, offset_bounds: Any, repeating: Any, blind: Any) -> None:
    """Put into ``blind``, of each offset, the farthest end of the blind stretches that it lies in.

    A text that holds a stretch is found by windows a stride apart. So a stretch can be missed if from its first to its last the
    windows of one such chain are capped, or repeat themselves: these are not in the index. Where all of them repeat themselves,
    the text is found by a window over the end of the run, so one of those has to be capped.
    """
    count = len(repeating)
    is_capped = np.zeros(count, np.bool_)
    for number in range(len(capped)):
        if capped[number]:
            for order in range(offset_bounds[number], offset_bounds[number + 1]):
                is_capped[offsets[order]] = True
    before = np.zeros(count + 1, np.int64)
    for at in range(count):
        before[at + 1] = before[at] + is_capped[at]
    for phase in range(min(WINDOW, count)):
        first = phase
        while first < count:
            at = first
            while at < count and (is_capped[at] or repeating[at]):
                at += WINDOW
            if at > first:
                start, end = max(0, first - WINDOW + 1), min(count + WINDOW - 1, at + WINDOW - 1)
                if before[min(count, end)] > before[start]:
                    place = start
                    while place < end and blind[place] < end:
                        blind[place] = end
                        place += 1
            first = at + WINDOW
