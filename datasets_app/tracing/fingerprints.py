"""The table by which sampled windows are found: their places, in the order of their hashes.

Four arrays, about eight bytes a window. The upper half of a hash gives the *bucket*; four windows lie in one on the average.
``buckets`` tells where each begins, ``tags`` 16 more bits of each window, ascending in a bucket, ``places`` where it begins in
the texts, ascending for one tag. Before them stands ``filter``, eight bits a window of which each sets two: it turns away
nineteen of twenty windows that are not there at the price of one access to memory. All four are entered by the upper half of the
hash, so hashes that are looked up in ascending order walk through them from front to back.

What the table gives are places where a window of this hash lies: the texts have to be compared.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from datasets_app.pipeline.compiling import njit

PARTS = ("filter", "buckets", "tags", "places")
_IN_BUCKET = 4
_FEW = 64  # in a bucket, that are sorted by insertion
_16, _22, _32 = np.uint64(16), np.uint64(22), np.uint64(32)
_TAG, _BIT, _ONE = np.uint64(0xFFFF), np.uint64(63), np.uint64(1)


@njit
def _slot(key: Any, slots: int) -> int:
    """Where a hash enters an array of so many slots."""
    return int(((key >> _32) * np.uint64(slots)) >> _32)


@njit
def _bits(key: Any) -> Any:
    """The two bits of the filter that a hash sets."""
    return (_ONE << ((key >> _16) & _BIT)) | (_ONE << ((key >> _22) & _BIT))


@njit
def _fill(hashes: Any, where: Any, filters: Any, buckets: Any, tags: Any, places: Any) -> None:
    for number in range(len(hashes)):
        buckets[_slot(hashes[number], len(buckets) - 1) + 1] += 1
        filters[_slot(hashes[number], len(filters))] |= _bits(hashes[number])
    for bucket in range(1, len(buckets)):
        buckets[bucket] += buckets[bucket - 1]
    ends = buckets[:-1].copy()
    for number in range(len(hashes)):
        bucket = _slot(hashes[number], len(buckets) - 1)
        tags[ends[bucket]] = hashes[number] & _TAG
        places[ends[bucket]] = where[number]
        ends[bucket] += 1
    for bucket in range(len(buckets) - 1):
        _sort(tags[buckets[bucket] : buckets[bucket + 1]], places[buckets[bucket] : buckets[bucket + 1]])


@njit
def _sort(tags: Any, places: Any) -> None:
    """Sort one bucket by tag and place."""
    if len(tags) > _FEW:
        keys = np.empty(len(tags), np.uint64)
        for at in range(len(tags)):
            keys[at] = (np.uint64(tags[at]) << _32) | np.uint64(places[at])
        keys.sort()
        for at in range(len(tags)):
            tags[at], places[at] = keys[at] >> _32, keys[at] & np.uint64(0xFFFFFFFF)
        return
    for at in range(1, len(tags)):
        tag, place = tags[at], places[at]
        back = at
        while back and (tags[back - 1] > tag or (tags[back - 1] == tag and places[back - 1] > place)):
            tags[back], places[back] = tags[back - 1], places[back - 1]
            back -= 1
        tags[back], places[back] = tag, place


def table(hashes: npt.NDArray[np.uint64], where: npt.NDArray[np.uint32]) -> dict[str, npt.NDArray[Any]]:
    """The arrays, by the names in :data:`PARTS`, of windows with these hashes at these places."""
    filters = np.zeros(max(1, math.ceil(len(hashes) / 8)), np.uint64)
    buckets = np.zeros(max(1, math.ceil(len(hashes) / _IN_BUCKET)) + 1, np.uint32)
    tags, places = np.empty(len(hashes), np.uint16), np.empty(len(hashes), np.uint32)
    _fill(hashes, where, filters, buckets, tags, places)
    return {"filter": filters, "buckets": buckets, "tags": tags, "places": places}


@njit
def look_up(hashes: Any, filters: Any, buckets: Any, tags: Any, kept: Any, starts: Any, ends: Any) -> int:
    """Which of these hashes, ascending, the table may hold: ``kept`` their numbers, ``starts`` and ``ends`` where in ``places``.

    Gives how many they are. The three arrays are as long as ``hashes`` at least.
    """
    maybe = 0
    for number in range(len(hashes)):  # without a branch, so that the processor has many accesses under way
        bits = _bits(hashes[number])
        kept[maybe] = number
        maybe += (filters[_slot(hashes[number], len(filters))] & bits) == bits
    found = 0
    for at in range(maybe):
        number = kept[at]
        bucket, tag = _slot(hashes[number], len(buckets) - 1), hashes[number] & _TAG
        start, end = int(buckets[bucket]), int(buckets[bucket + 1])
        if end - start > _FEW:
            first = start + np.searchsorted(tags[start:end], tag, "left")
            last = start + np.searchsorted(tags[start:end], tag, "right")
        else:
            first = start
            while first < end and tags[first] < tag:
                first += 1
            last = first
            while last < end and tags[last] == tag:
                last += 1
        if last > first:
            kept[found], starts[found], ends[found] = number, first, last
            found += 1
    return found
