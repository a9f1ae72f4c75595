"""What every runner shares: reading the texts, measuring, and printing the figures as JSON, once for each line it is sent.

    <python> <runner> TEXTS.parquet RESULT.npy

A runner stays and waits, so that rounds of two of them can be interleaved and neither is started anew for each. CPU time is user
and system time of the process and of the children it has waited for. Where the peer is a library, the clock starts with all
texts in memory as Python strings (or Arrow) and the library imported; where it is a pipeline that reads and writes files itself,
it starts with the pipeline. ``RESULT.npy`` gets one value a text: the number of the text that stands for it, or whether it goes.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

MARK = "\x1e"  # a line that begins so is for whoever started the runner; all others are the peer's own


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


def serve(act: Callable[[], np.ndarray | None]) -> None:
    """Run ``act`` once for each line of the input: keep what it gives in the second argument's file, print the figures."""
    texts, result = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    about = {"mb": size(texts) / 1e6, "files": pq.read_metadata(texts).num_rows}
    print(MARK, flush=True)
    for _line in sys.stdin:
        wall, cpu = time.perf_counter(), cpu_seconds()
        found = act()
        figures = {"wall": time.perf_counter() - wall, "cpu": cpu_seconds() - cpu}
        if found is not None:
            np.save(result, found)
        print(MARK + json.dumps(about | figures | {"rss": peak_memory()}), flush=True)


def peak_memory() -> int:
    """The most memory that this process has held so far, in bytes.

    Not ``ru_maxrss``: a process inherits that from the one that started it.
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise OSError("/proc/self/status does not say how much memory this process took: measure on Linux")


def texts_argument() -> Path:
    """The first argument."""
    return Path(sys.argv[1]).resolve()
