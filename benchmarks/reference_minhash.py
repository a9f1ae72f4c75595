"""The classic near-duplicate engine, as The Stack v1 was made with: 256 affine hashes, 25 bands of 10 rows, union-find.

It is the reference for recall, and verifies nothing. Signatures are kept at 32 bits; the permutations are ``(a * x + b) mod 2**64``
with odd ``a``, of which the upper half is taken, on shingles that are hashed well already.
"""

import numba
import numpy as np
import pyarrow as pa
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from benchmarks import shingles

SLOTS = 256
BANDS = 25
ROWS = 10
SEED = 42


def permutations(seed: int = SEED) -> tuple[np.ndarray, np.ndarray]:
    """The factors (odd) and summands of the hash functions."""
    numbers = np.random.default_rng(seed)
    factors = numbers.integers(0, 1 << 64, SLOTS, dtype=np.uint64) | np.uint64(1)
    return factors, numbers.integers(0, 1 << 64, SLOTS, dtype=np.uint64)


@numba.njit(cache=True, nogil=True)
def _sign(places, hashes, factors, summands, signatures):
    slots = len(factors)
    least = np.empty(slots, dtype=np.uint32)
    for text in range(len(places) - 1):
        least[:] = 0xFFFFFFFF
        for value in hashes[places[text] : places[text + 1]]:
            for slot in range(slots):
                hashed = np.uint32((value * factors[slot] + summands[slot]) >> np.uint64(32))
                least[slot] = min(least[slot], hashed)
        signatures[text] = least


def signatures(content: pa.Array, seed: int = SEED) -> np.ndarray:
    """The signature (256 values) of each text; one without shingles has the greatest value in each slot."""
    factors, summands = permutations(seed)
    parts = []
    for chunk in shingles.chunks(content):
        places, hashes = shingles.hashed(chunk)
        places = shingles._sets(places, hashes)  # each shingle once: hashing it 256 times costs more than the sort
        part = np.empty((len(chunk), SLOTS), dtype=np.uint32)
        _sign(places, hashes, factors, summands, part)
        parts.append(part)
    return np.concatenate(parts) if parts else np.empty((0, SLOTS), dtype=np.uint32)


def clusters(signed: np.ndarray, bands: int = BANDS, rows: int = ROWS) -> np.ndarray:
    """For each text the smallest row of its cluster: texts that share a band are in one, and so on."""
    texts = len(signed)
    lefts, rights = [], []
    for band in range(bands):
        part = np.ascontiguousarray(signed[:, band * rows : (band + 1) * rows])
        keys = part.view(np.dtype((np.void, part.dtype.itemsize * rows))).ravel()
        order = np.argsort(keys, kind="stable")
        same = keys[order[1:]] == keys[order[:-1]]
        lefts.append(order[1:][same])
        rights.append(order[:-1][same])
    return smallest_of_components(np.concatenate(lefts), np.concatenate(rights), texts)


def smallest_of_components(lefts: np.ndarray, rights: np.ndarray, texts: int) -> np.ndarray:
    """For each text the smallest row of its connected component."""
    graph = coo_array((np.ones(len(lefts), dtype=np.int8), (lefts, rights)), shape=(texts, texts))
    count, labels = connected_components(graph, directed=False)
    smallest = np.full(count, texts, dtype=np.int64)
    np.minimum.at(smallest, labels, np.arange(texts))
    return smallest[labels]
