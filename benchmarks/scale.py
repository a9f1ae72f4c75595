"""How every join and sort of a release's decision grows, and what follows for 200 million files: the figures of docs/scale.md.

    .venv/bin/python benchmarks/scale.py            1, 10 and 20 million synthetic rows; some 15 GB of memory and 12 GB of disk
    .venv/bin/python benchmarks/scale.py --quick    100,000 and 1 million

The rows are made up (``scale_steps.py``), the functions are the engine's own. Each runs in a process of its own. The last line
of each goes on from the largest runs: time as n log n, memory as a line.
"""

import argparse
import json
import math
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psutil

from benchmarks import runners

STEPS = {
    "components": "25 band sorts one at a time, components",
    "near-duplicates": "the same, verification, choice",
    "block-list": "semi-join with the block-list",
    "decisions": "reasons of all files, exact copies",
    "placement": "sort into the order of the shards",
    "tree": "leaves, their sort, and the root",
}
ROWS, ROWS_QUICK = (1_000_000, 10_000_000, 20_000_000), (100_000, 1_000_000)
TARGET = 200_000_000


def run(step: str, rows: int) -> dict[str, float]:
    """Run one step in a process of its own: seconds, CPU seconds, peak of its memory in bytes."""
    script = Path(__file__).with_name("scale_steps.py")
    done = subprocess.run(
        [sys.executable, str(script), step, str(rows)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=runners.environment(),
    )
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def at(target: int, runs: dict[int, dict[str, float]]) -> dict[str, float]:
    """What runs (figures by rows) say of ``target`` rows: time from the largest one, memory by the line through the last two."""
    *before, rows = sorted(runs)
    longer = target / rows * math.log2(target) / math.log2(rows)
    peak = runs[rows]["peak"]
    slope = (peak - runs[before[-1]]["peak"]) / (rows - before[-1]) if before else peak / rows
    return {
        "wall": runs[rows]["wall"] * longer,
        "cpu": runs[rows]["cpu"] * longer,
        "peak": peak + slope * (target - rows),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    sizes = ROWS_QUICK if options.quick else ROWS
    figures: dict[str, dict[int, dict[str, float]]] = {}
    print(f"{'step':<42}{'rows':>13}{'s':>9}{'CPU-s':>9}{'GB':>8}")
    for step, title in STEPS.items():
        runs: dict[int, dict[str, float]] = {}
        for rows in sizes:
            if runs and at(rows, runs)["peak"] > 0.8 * psutil.virtual_memory().available:
                print(f"{title:<42}{rows:>13,}   left out: there is not memory enough for it now")
                continue
            runs[rows] = run(step, rows)
            _show(title, f"{rows:,}", runs[rows])
        figures[step] = runs | {TARGET: at(TARGET, runs)}
        _show(title, f"~{TARGET:,}", figures[step][TARGET])
    print()
    print(json.dumps({"extrapolated_to": TARGET, "steps": _rounded(figures)}))


def _rounded(figures: dict[str, dict[int, dict[str, float]]]) -> dict[str, dict[int, dict[str, float]]]:
    return {
        step: {rows: {key: float(f"{value:.3g}") for key, value in one.items()} for rows, one in runs.items()}
        for step, runs in figures.items()
    }


def _show(title: str, rows: str, figures: dict[str, float]) -> None:
    print(
        f"{title:<42}{rows:>13}{figures['wall']:>9.2f}{figures['cpu']:>9.2f}{figures['peak'] / 1e9:>8.2f}", flush=True
    )


if __name__ == "__main__":
    main()
