"""Near-duplicates with rensa as its README shows: full-set R-MinHash of Python tokens, ``RMinHashDeduplicator`` with LSH.

rensa chooses its bands itself; it gives for each text whether to keep it.
"""

import measured
import numpy as np
from python_shingles import shingles
from rensa import RMinHashDeduplicator

texts = measured.content(measured.texts_argument()).to_pylist()


def removed() -> np.ndarray:
    """Whether each text is a near-duplicate of an earlier one."""
    deduplicator = RMinHashDeduplicator(threshold=0.7, num_perm=256, use_lsh=True)
    kept = deduplicator.add_pairs((str(number), shingles(text)) for number, text in enumerate(texts))
    return ~np.array(kept, dtype=np.bool_)


measured.serve(removed)
