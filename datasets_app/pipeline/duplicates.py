"""Near-duplicates among sketched texts: who shares a band, who is really alike, who stays.

Texts are numbered by rank, the best first. Two texts that share a band key are *candidates*; a *component* is what candidates
tie together. What becomes of a text depends on its component alone, which makes the component the unit of incremental work:
taking texts out, or adding some, changes nothing in components that they do not touch.

Within a component, texts are taken by rank. One that is at least as similar to a text that stays as the threshold asks, by
their sketches, goes; else it stays. So every text that goes has a near-duplicate that stays, and of two candidates that are
near-duplicates at most one stays. The original ties whole components together without looking (BigCode's script: union-find
over buckets), and through chains of candidates removes files that are like nothing that is kept; ``verify=False`` does the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from datasets_app.pipeline.compiling import njit
from datasets_app.pipeline.sketches import BANDS

ALONE = -1
"""The component of a text that shares no band with another."""

LEEWAY = 0.005
"""How far below the threshold an estimate may lie. Half of the pairs at the threshold itself are estimated below it; with
this many more let through, about as few pairs are lost as by 256 classic hashes. Chosen on the quick corpus of the benchmarks
(``benchmarks/near.py``), so what is measured there is no proof of it elsewhere."""

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Clusters:
    """What became of n texts, numbered by rank.

    Attributes:
        component: The best-ranked text of the component; :data:`ALONE` where there is no other.
        representative: The text that stands for this one in the release; itself where it stays.
        similarity: To the representative, as the sketches estimate it (0..1); 1 where it stays.
    """

    component: Ints
    representative: Ints
    similarity: npt.NDArray[np.float32]

    @property
    def stays(self) -> npt.NDArray[np.bool_]:
        """Which texts stay."""
        return self.representative == np.arange(len(self.representative))


def find(
    sketches: npt.NDArray[np.uint64], bands: npt.NDArray[np.uint64], threshold: float, *, verify: bool = True
) -> Clusters:
    """Find the near-duplicates among texts.

    Args:
        sketches: n x 32 words, the rows in the order of rank.
        bands: n x 25 band keys, likewise.
        threshold: The similarity from which two texts are near-duplicates, 0..1.
        verify: Check candidates on their sketches. Where not, only the best of each component stays.
    """
    component = components(bands)
    together = np.flatnonzero(component != ALONE)
    representative = np.arange(len(component), dtype=np.int64)
    similarity = np.ones(len(component), dtype=np.float32)
    if len(together):
        if verify:
            chosen, similarity[together] = _settle(sketches[together], _buckets(bands[together]), threshold - LEEWAY)
            representative[together] = together[chosen]
        else:
            representative[together] = component[together]
            similarity[together] = _alike(sketches, together, component[together])
    return Clusters(component, representative, similarity)


def components(bands: npt.NDArray[np.uint64]) -> Ints:
    """The component of each text, named by its first member; :data:`ALONE` where there is no other member.

    One band is sorted after the other, so beside the keys of one band only 16 bytes a text are held.
    """
    parent = np.arange(len(bands), dtype=np.int64)
    for order, keys in _sorted_bands(bands):
        _join(parent, order, keys)
    return _labels(parent)


def _sorted_bands(bands: npt.NDArray[np.uint64]) -> Iterator[tuple[Ints, npt.NDArray[np.uint64]]]:
    for band in range(BANDS):
        column = np.ascontiguousarray(bands[:, band])
        order = np.argsort(column)
        yield order, column[order]


@njit
def _root(parent: Any, at: int) -> int:
    while parent[at] != at:
        parent[at] = parent[parent[at]]
        at = parent[at]
    return at


@njit
def _join(parent: Any, order: Any, keys: Any) -> None:
    """Tie together neighbours of equal key. The smaller number becomes the root, so a component's root is its best member."""
    for place in range(1, len(order)):
        if keys[place] != keys[place - 1]:
            continue
        one, other = _root(parent, order[place - 1]), _root(parent, order[place])
        if one < other:
            parent[other] = one
        else:
            parent[one] = other


@njit
def _labels(parent: Any) -> Any:
    count = len(parent)
    roots = np.empty(count, dtype=np.int64)
    members = np.zeros(count, dtype=np.int64)
    for at in range(count):
        roots[at] = _root(parent, at)
        members[roots[at]] += 1
    for at in range(count):
        if members[roots[at]] == 1:
            roots[at] = -1
    return roots


def _buckets(bands: npt.NDArray[np.uint64]) -> Ints:
    """For each text and band the number of its bucket (n x 25), -1 where it is alone in it."""
    buckets = np.full(bands.shape, -1, dtype=np.int64)
    first = 0
    for band, (order, keys) in enumerate(_sorted_bands(bands)):
        starts = np.concatenate([[True], keys[1:] != keys[:-1]])
        run = np.cumsum(starts) - 1
        shared = np.bincount(run) > 1
        numbers = np.where(shared, np.cumsum(shared) - 1 + first, -1)
        buckets[order, band] = numbers[run]
        first += int(shared.sum())
    return buckets


@njit
def _marked(word: Any) -> Any:
    """How many of the 32 pairs of bits have their lower bit set, all upper bits being clear."""
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (word * np.uint64(0x0101010101010101)) >> np.uint64(56)


@njit
def estimate(one: Any, other: Any) -> float:
    """The similarity of two texts by their sketches (32 words each), 0..1.

    The share, among the bins that are filled in either, of those whose least hash is the same. That hash is known by one of three
    codes: of the bins that are filled in both and differ, one in three looks the same all the same, which is taken off.
    """
    low = np.uint64(0x5555555555555555)
    equal = both = either = np.uint64(0)
    for place in range(len(one)):
        first, second = one[place], other[place]
        in_first = (first | (first >> np.uint64(1))) & low
        in_second = (second | (second >> np.uint64(1))) & low
        apart = first ^ second
        apart = (apart | (apart >> np.uint64(1))) & low
        equal += _marked(in_first & in_second & ~apart)
        both += _marked(in_first & in_second)
        either += _marked(in_first | in_second)
    if either == 0:
        return 0.0
    same = (float(equal) - float(both) / 3.0) / (2.0 / 3.0)
    return min(1.0, max(0.0, same / float(either)))


@njit
def _settle(sketches: Any, buckets: Any, needed: float) -> tuple[Any, Any]:
    """For each text, by rank, the best-ranked one that stays, shares a bucket with it and is alike; and how alike (1: it stays)."""
    count, bands = buckets.shape
    number = 0
    for row in range(count):
        for band in range(bands):
            number = max(number, buckets[row, band] + 1)
    # The texts that stay, bucket by bucket, as linked lists in the order in which they came, which is that of rank.
    head = np.full(number, -1, dtype=np.int64)
    tail = np.full(number, -1, dtype=np.int64)
    following = np.full(count * bands, -1, dtype=np.int64)
    looked_at = np.full(count, -1, dtype=np.int64)
    chosen = np.arange(count)
    alike = np.ones(count, dtype=np.float32)
    for row in range(count):
        best = -1
        for band in range(bands):
            bucket = buckets[row, band]
            entry = head[bucket] if bucket >= 0 else -1
            while entry >= 0:
                other = entry // bands
                if best >= 0 and other >= best:
                    break
                if looked_at[other] != row:
                    looked_at[other] = row
                    similarity = estimate(sketches[row], sketches[other])
                    if similarity >= needed:
                        best = other
                        alike[row] = similarity
                        break
                entry = following[entry]
        if best >= 0:
            chosen[row] = best
            continue
        for band in range(bands):
            bucket = buckets[row, band]
            if bucket < 0:
                continue
            entry = row * bands + band
            if head[bucket] < 0:
                head[bucket] = entry
            else:
                following[tail[bucket]] = entry
            tail[bucket] = entry
    return chosen, alike


@njit
def _alike(sketches: Any, ones: Any, others: Any) -> Any:
    """How alike each pair of texts is; a text is wholly like itself."""
    alike = np.ones(len(ones), dtype=np.float32)
    for pair in range(len(ones)):
        if ones[pair] != others[pair]:
            alike[pair] = estimate(sketches[ones[pair]], sketches[others[pair]])
    return alike
