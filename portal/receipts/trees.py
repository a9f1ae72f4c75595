"""Proofs about many leaves of one tree at once, sharing the inner nodes that they have in common.

A release's tree has its leaves sorted by blob id (``datasets_app.pipeline.merkle``). Known leaves and the hashes of the subtrees that
hold none of them give the root again; a blob id between two neighbours is not in the tree.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

WIDTH = 32  # bytes of a hash
_ID = "S20"  # all are of this length, so that a zero byte at the end does not matter to their order


class Tree:
    """All levels of a tree, from its leaf hashes in their order. Memory: about 64 bytes a leaf; time: one hash a leaf.

    Attributes:
        size: How many leaves.
        root: Of the tree (32 bytes).
    """

    def __init__(self, leaf_hashes: bytes) -> None:
        """Build it. ``leaf_hashes`` are 32 bytes each, end to end.

        Raises:
            ValueError: There is no leaf, or the length is no multiple of 32.
        """
        if not leaf_hashes or len(leaf_hashes) % WIDTH:
            raise ValueError(f"{len(leaf_hashes)} bytes are no list of hashes")
        self._levels = [leaf_hashes]
        while len(level := self._levels[-1]) > WIDTH:
            pairs = len(level) // (2 * WIDTH)
            above = [sha256(b"\x01" + level[at : at + 64]).digest() for at in range(0, pairs * 64, 64)]
            if len(level) % 64:
                above.append(level[-WIDTH:])  # an odd last node goes up unchanged
            self._levels.append(b"".join(above))
        self.size = len(leaf_hashes) // WIDTH
        self.root = self._levels[-1]

    def subtree(self, start: int, end: int) -> bytes:
        """The root over leaves ``start`` to ``end``, as RFC 6962 cuts the tree."""
        height = (end - start - 1).bit_length()
        at = (start >> height) * WIDTH
        return self._levels[height][at : at + WIDTH]

    def nodes_beside(self, indices: Sequence[int]) -> bytes:
        """The roots of the largest subtrees that hold none of these leaves, from left to right, end to end.

        Args:
            indices: Sorted, without repetition.

        Raises:
            IndexError: There is no such leaf.
        """
        if indices and not 0 <= indices[0] <= indices[-1] < self.size:
            raise IndexError(f"leaves {indices[0]} to {indices[-1]} of a tree of {self.size}")
        found: list[bytes] = []
        open_ranges = [(0, self.size, 0, len(indices))]
        while open_ranges:
            start, end, first, last = open_ranges.pop()
            if first == last:
                found.append(self.subtree(start, end))
            elif end - start > 1:
                middle = start + (1 << ((end - start - 1).bit_length() - 1))
                cut = bisect_left(indices, middle, first, last)
                open_ranges += [(middle, end, cut, last), (start, middle, first, cut)]
        return b"".join(found)


@dataclass(frozen=True)
class Places:
    """Where asked blob ids lie among the sorted ids of a tree.

    Attributes:
        present: The indices of those that are there.
        beside: The indices of the neighbours between which the others would lie.
    """

    present: list[int]
    beside: list[int]


def places(sorted_ids: bytes, asked: bytes) -> Places:
    """Find blob ids (20 bytes each, end to end) among the sorted ones of a tree."""
    if not asked:
        return Places([], [])
    ids = np.frombuffer(sorted_ids, dtype=_ID)
    wanted = np.unique(np.frombuffer(asked, dtype=_ID))
    at = np.searchsorted(ids, wanted)
    there = at < len(ids)
    there[there] = ids[at[there]] == wanted[there]
    near = np.concatenate([at[~there] - 1, at[~there]])
    beside = np.unique(near[(near >= 0) & (near < len(ids))])
    return Places(np.unique(at[there]).tolist(), beside.tolist())
