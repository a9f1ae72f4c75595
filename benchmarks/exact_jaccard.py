"""The truth about near-duplicates: every pair of texts whose sets of shingles have a Jaccard similarity of 0.7 or more.

Exact, by prefix filtering (Chaudhuri, Ganti, Kaushik 2006; Bayardo, Ma, Srikant 2007): with the shingles of each set in one order,
rarest first, two sets of similarity t share one of the first ``n - ceil(t * n) + 1`` of each. Sets that do are intersected.
"""

import numba
import numpy as np
import pyarrow as pa

from benchmarks import shingles

THRESHOLD = 0.7


@numba.njit(cache=True, nogil=True)
def _shared(left, right):
    """How many values two sorted sets share."""
    at = other = count = 0
    while at < len(left) and other < len(right):
        if left[at] == right[other]:
            count += 1
            at += 1
            other += 1
        elif left[at] < right[other]:
            at += 1
        else:
            other += 1
    return count


@numba.njit(cache=True, nogil=True)
def jaccard(places, values, pairs):
    """The Jaccard similarity of each pair (rows of two texts) of sorted sets."""
    found = np.empty(len(pairs), dtype=np.float64)
    for at in range(len(pairs)):
        left = values[places[pairs[at, 0]] : places[pairs[at, 0] + 1]]
        right = values[places[pairs[at, 1]] : places[pairs[at, 1] + 1]]
        shared = _shared(left, right)
        found[at] = shared / max(1, len(left) + len(right) - shared)
    return found


@numba.njit(cache=True, nogil=True)
def _join(places, ranks, counts, threshold):
    """Pairs (later, earlier) that reach the threshold. ``ranks`` are sorted in each text; ``counts``: texts a rank is in."""
    texts = len(places) - 1
    order = np.argsort(
        places[1:] - places[:-1], kind="mergesort"
    )  # by size, so that the shorter set is always the earlier
    starts = np.zeros(len(counts) + 1, dtype=np.int64)
    prefix = np.zeros(texts, dtype=np.int64)
    for text in range(texts):
        size = places[text + 1] - places[text]
        prefix[text] = size - int(np.ceil(threshold * size - 1e-9)) + 1 if size else 0
        for rank in ranks[places[text] : places[text] + prefix[text]]:
            if counts[rank] > 1:
                starts[rank + 1] += 1
    starts = np.cumsum(starts)
    ends = starts[:-1].copy()
    posted = np.empty(starts[-1], dtype=np.int64)
    seen = np.full(texts, -1, dtype=np.int64)
    found = []
    for text in order:
        begin, size = places[text], places[text + 1] - places[text]
        for rank in ranks[begin : begin + prefix[text]]:
            if counts[rank] < 2:
                continue
            for place in range(ends[rank] - 1, starts[rank] - 1, -1):
                other = posted[place]
                other_size = places[other + 1] - places[other]
                if other_size < threshold * size - 1e-9:
                    break  # earlier ones are no longer
                if seen[other] == text:
                    continue
                seen[other] = text
                shared = _shared(ranks[begin : begin + size], ranks[places[other] : places[other + 1]])
                if shared >= threshold * (size + other_size - shared) - 1e-9:
                    found.append((text, other))
            posted[ends[rank]] = text
            ends[rank] += 1
    pairs = np.empty((len(found), 2), dtype=np.int64)
    for at in range(len(found)):
        pairs[at, 0], pairs[at, 1] = found[at]
    return pairs


@numba.njit(cache=True, nogil=True)
def _sort_each(places, values):
    for text in range(len(places) - 1):
        values[places[text] : places[text + 1]] = np.sort(values[places[text] : places[text + 1]])


def pairs(content: pa.Array, threshold: float = THRESHOLD) -> np.ndarray:
    """All pairs of texts that reach the threshold: an array of (smaller row, larger row), sorted."""
    return pairs_of_sets(shingles.sets(content), threshold)


def pairs_of_sets(found: shingles.Shingles, threshold: float = THRESHOLD) -> np.ndarray:
    """The same of sets of shingles that are at hand."""
    places, hashes = found
    _distinct, inverse, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    by_rarity = np.argsort(counts, kind="stable")
    rank_of = np.empty(len(counts), dtype=np.int64)
    rank_of[by_rarity] = np.arange(len(counts))
    ranks = rank_of[inverse]
    _sort_each(places, ranks)
    joined = np.sort(_join(places, ranks, counts[by_rarity], threshold), axis=1)
    return joined[np.lexsort((joined[:, 1], joined[:, 0]))]
