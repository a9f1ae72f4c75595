"""Near-duplicates by the classic engine (``reference_minhash.py``), measured as the others are."""

import measured
import numpy as np
import pyarrow as pa

from benchmarks import reference_minhash

content = measured.content(measured.texts_argument())
reference_minhash.clusters(reference_minhash.signatures(pa.array(["compile the kernel right now"], pa.large_string())))


def clusters() -> np.ndarray:
    """The smallest number of each text's cluster."""
    return reference_minhash.clusters(reference_minhash.signatures(content))


measured.serve(clusters)
