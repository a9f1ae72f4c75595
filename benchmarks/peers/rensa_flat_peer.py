"""Near-duplicates with rensa's flat API on the benchmark's own numba shingler: no Python object a token.

25 bands of 10 rows (rensa wants the slots divided evenly: 250). What LSH gives here is whether a text shares a band with another
one; rensa forms no clusters of a matrix, so the work of that is not counted against it.
"""

import sys
from pathlib import Path

import measured
import numpy as np
import pyarrow as pa
from rensa import RMinHash, RMinHashLSH

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks import shingles

content = measured.content(measured.texts_argument())
shingles.hashed(pa.array(["compile the kernel"], pa.large_string()))


def shared() -> np.ndarray:
    """Whether each text shares a band with another."""
    index = RMinHashLSH(threshold=0.7, num_perm=250, num_bands=25)
    flags: list[bool] = []
    for chunk in shingles.chunks(content):
        places, hashes = shingles.hashed(chunk)
        matrix = RMinHash.digest_matrix_from_flat_token_hashes(hashes, places.astype(np.uint64), num_perm=250, seed=42)
        flags += index.insert_matrix_and_query_duplicate_flags(matrix, start_key=len(flags))
    return np.array(flags, dtype=np.bool_)


measured.serve(shared)
