"""How fast text of removed blobs is looked for: ``python -m benchmarks.scan [MB]``.

The Python files of this environment become a corpus; every hundredth blob counts as removed. Figures are bytes of source a
CPU-second of this process. The last line printed is JSON.
"""

import hashlib
import json
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from datasets_app.pipeline.blobs import write_blob_file
from datasets_app.pipeline.markers import WIDTH, choose
from datasets_app.pipeline.needles import Needles
from datasets_app.pipeline.scan import survey

BLOBS_A_FILE = 4000


def texts(most: int) -> dict[str, bytes]:
    """Python files of this environment by git blob id, until there are ``most`` bytes of them."""
    found: dict[str, bytes] = {}
    size = 0
    for path in sorted(Path(sysconfig.get_path("purelib")).rglob("*.py")):
        data = path.read_bytes()
        blob_id = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
        if data and blob_id not in found and size < most:
            found[blob_id] = data
            size += len(data)
    return found


def speed(size: int, work: Callable[[], Any]) -> tuple[float, Any]:
    """Megabytes a CPU-second, and what the work gave."""
    began = time.process_time()
    result = work()
    return round(size / (time.process_time() - began) / 1e6), result


def random_needles(count: int) -> Needles:
    """So many windows that stand nowhere."""
    data = np.random.default_rng(7).bytes(count * WIDTH)
    return Needles(data[at : at + WIDTH] for at in range(0, len(data), WIDTH))


def main() -> None:
    """Print the figures."""
    held = texts(int(sys.argv[1] if len(sys.argv) > 1 else 200) * 1_000_000)
    size, ids = sum(map(len, held.values())), list(held)
    whole = b"".join(held.values())
    figures: dict[str, float] = {"source_mb": round(size / 1e6), "blobs": len(ids)}
    random_needles(10).within(whole[:1000])  # compiled now, not while it is measured
    for count in (10, 100, 1000, 10_000):
        needles = random_needles(count)
        figures[f"find_{count}"], hit = speed(size, lambda needles=needles: needles.within(whole))  # type: ignore[misc]
        assert not hit
    hundred = random_needles(100).texts
    figures["python_in_100"], _ = speed(size, lambda: any(text in whole for text in hundred))
    with tempfile.TemporaryDirectory() as name:
        corpus = Path(name)
        for start in range(0, len(ids), BLOBS_A_FILE):
            write_blob_file(corpus, {blob: held[blob] for blob in ids[start : start + BLOBS_A_FILE]})
        figures["choose"], chosen = speed(size, lambda: choose(corpus, corpus, set(ids[::100])))
        figures |= {"windows": len(chosen.windows), "removed": chosen.blobs, "marked": chosen.marked}
        needles = random_needles(max(10, len(chosen.windows)))
        figures["scan_parquet"], seen = speed(size, lambda: survey(corpus, needles))
        assert not seen.hits
        raw = corpus / "raw"
        raw.write_bytes(whole)
        figures["scan_raw"], _ = speed(size, lambda: survey(raw, needles))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
