"""The quality rules on lines and characters: the kernel against plain Python and against Polars, with equal results."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from benchmarks import runners, texts

ROWS, ROWS_QUICK = 5000, 2000
PAIRS, PAIRS_QUICK = 5, 3
SCRIPT = "quality_rules.py"


def measure_quality(folder: Path, *, quick: bool) -> dict[str, float]:
    """Print the table of this section, and give its figures.

    Raises:
        SystemExit: The results differ.
    """
    part = folder / "quality.parquet"
    pq.write_table(texts.spread(pq.read_table(texts.texts_file(quick=True)), ROWS_QUICK if quick else ROWS), part)
    results = {name: folder / f"quality-{name}.npy" for name in ("ours", "python", "polars")}
    figures: dict[str, float] = {}
    print(f"{'quality rules':<28}{'texts':>8}{'MB':>8}{'CPU-s':>9}{'MB/CPU-s':>10}{'ours':>9}{'ratio':>8}{'pairs':>7}")
    with runners.Runner(SCRIPT, "ours", part, results["ours"]) as ours:
        for name in ("python", "polars"):
            with runners.Runner(SCRIPT, name, part, results[name]) as theirs:
                found = runners.pairs(ours, theirs, PAIRS_QUICK if quick else PAIRS)
            figures[f"quality_vs_{name}"] = runners.row(name, *found)
            same(np.load(results["ours"]), np.load(results[name]), name)
    return figures


def same(ours: np.ndarray, theirs: np.ndarray, name: str) -> None:
    """Check that two measures are equal: counts exactly, shares to the 32 bits in which they are kept.

    Raises:
        SystemExit: They are not.
    """
    apart = ~np.isclose(ours, theirs, rtol=1e-6, atol=0).all(axis=1)
    if apart.any():
        row = int(np.flatnonzero(apart)[0])
        raise SystemExit(f"{name} measures {apart.sum()} texts otherwise; the first: {ours[row]} and {theirs[row]}")
