"""What every peer's runner shares: reading the texts, measuring, and printing the figures as JSON.

    <peers' python> <runner> TEXTS.parquet RESULT.npy

CPU time is user and system time of the process and of the children it has waited for. Where the peer is a library, the clock starts
with all texts in memory as Python strings (or Arrow) and the library imported; where it is a pipeline that reads and writes
files itself, it starts with the pipeline. ``RESULT.npy`` gets one value a text: the number of its cluster, or whether it is removed.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq


def content(path: Path) -> pa.Array:
    """The texts as one Arrow array."""
    return pa.concat_arrays(pq.read_table(path, columns=["content"])["content"].chunks)


def size(path: Path) -> int:
    """Bytes of all texts."""
    return sum(len(text.as_buffer()) for text in content(path))


def cpu_seconds() -> float:
    """User and system time of this process and of its children so far."""
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def run(act: Callable[[], np.ndarray | None]) -> None:
    """Measure ``act``, keep what it gives in the second argument's file, and print the figures."""
    texts, result = Path(sys.argv[1]), Path(sys.argv[2])
    wall, cpu = time.perf_counter(), cpu_seconds()
    found = act()
    figures = {"wall": time.perf_counter() - wall, "cpu": cpu_seconds() - cpu}
    if found is not None:
        np.save(result, found)
    figures |= {"mb": size(texts) / 1e6, "files": pq.read_metadata(texts).num_rows, "cores": os.cpu_count()}
    print()
    print(json.dumps(figures))


def texts_argument() -> Path:
    """The first argument."""
    return Path(sys.argv[1])
