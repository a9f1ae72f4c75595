"""One join or sort of a release's decision, on synthetic rows, in a process of its own: see ``scale.py``.

    scale_steps.py STEP ROWS

Making the rows is not measured. The memory is the most that the process held of its own (anonymous, sampled every 20 ms) while the
step ran, the rows included where they lie in memory; keys and sketches are mapped from files, as one would at scale.
"""

import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import measured
import numpy as np
import polars as pl

from datasets_app.pipeline import decide, duplicates, merkle, placement, state
from datasets_app.pipeline.recipe import Recipe
from datasets_app.pipeline.sketches import BANDS, SKETCH_BYTES

WORDS = SKETCH_BYTES // 8
SEED = 20230509
FILES_AN_OWNER = 25
ALIKE = 0.3  # share of the rows that are made after an earlier one
LANGUAGES = ("Python", "C", "C++", "JavaScript", "Java", "Rust", "Go", "Markdown")

Step = Callable[[], object]


def near_matrices(rows: int, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Sketches (rows x 256) and band keys (rows x 25, stored band by band) in files.

    Of every ten rows three are like one of the seven: they share 8 in 10 slots and each band with a chance of one in nine, as texts
    of similarity .8 do.
    """
    chance = np.random.default_rng(SEED)
    like = np.arange(rows)
    copies = np.flatnonzero(chance.random(rows) < ALIKE)
    like[copies] = chance.integers(0, np.maximum(copies, 1))
    like[copies] = np.where(np.isin(like[copies], copies), copies, like[copies])  # originals alone are copied
    copies = copies[like[copies] != copies]
    bands = np.memmap(folder / "bands", np.uint64, "w+", shape=(BANDS, rows))
    for band in range(BANDS):
        keys = chance.integers(0, 1 << 64, rows, dtype=np.uint64)
        shared = copies[chance.random(len(copies)) < 0.11]
        keys[shared] = keys[like[shared]]
        bands[band] = keys
    sketches = np.memmap(folder / "sketches", np.uint64, "w+", shape=(rows, WORDS))
    for start in range(0, len(copies), 1 << 18):
        part = copies[start : start + (1 << 18)]
        numbers = np.random.default_rng(SEED + start)
        originals = like[part]
        values = numbers.integers(0, 1 << 64, (len(part), WORDS), dtype=np.uint64)
        known = sketches[originals].any(axis=1)  # an original that has several copies keeps the sketch of the first
        sketches[originals[~known]] = values[~known]
        values = sketches[originals]
        other = numbers.random((len(part), WORDS), dtype=np.float32) < 0.2
        values[other] = numbers.integers(0, 1 << 64, int(other.sum()), dtype=np.uint64)
        sketches[part] = values
    return sketches, bands.T


def files(rows: int) -> pl.DataFrame:
    """Files of the corpus beside the attributes that decisions use; a fifth are copies of another file."""
    chance = np.random.default_rng(SEED)
    numbers = pl.Series("number", chance.permutation(rows))
    blobs = pl.Series("blob", np.where(chance.random(rows) < 0.2, chance.integers(0, rows, rows), np.arange(rows)))
    languages = pl.Series(LANGUAGES)[chance.integers(0, len(LANGUAGES), rows).astype(np.uint32)]
    shares = {
        name: pl.Series(chance.random(rows, dtype=np.float32) / 2 + 0.5) for name in ("alphanumeric", "alphabetic")
    }
    return pl.DataFrame({"number": numbers, "blob": blobs, "language": languages, **shares}).select(
        blob_id=pl.format("{}{}", pl.lit("0" * 20), (pl.col("blob") + 10**19).cast(pl.String)),
        owner_key=pl.format("github.com:{}", pl.col("number") // FILES_AN_OWNER),
        repository_key=pl.format("github.com:{}/project", pl.col("number") // FILES_AN_OWNER),
        path=pl.format("src/package/module_{}.py", pl.col("number")),
        size=pl.col("number") % 50_000 + 1,
        language="language",
        licence=pl.lit("MIT"),
        permissive=pl.lit(True),
        vendored=pl.lit(False),
        generated=pl.lit(False),
        rank=(pl.col("number") % 1000).cast(pl.Int32),
        is_text=pl.lit(True),
        characters=(pl.col("number") % 4000 + 100).cast(pl.Int32),
        longest_line=(pl.col("number") % 900).cast(pl.Int32),
        mean_line=(pl.col("number") % 90).cast(pl.Float32),
        alphanumeric="alphanumeric",
        alphabetic="alphabetic",
        whitespace=pl.lit(0.2, pl.Float32),
        hash_comment=pl.lit(0.2, pl.Float32),
        slash_comment=pl.lit(0.2, pl.Float32),
        html_text=pl.lit(1000, pl.Int32),
        encoded=pl.lit(0.0, pl.Float32),
        longest_encoded=pl.lit(0, pl.Int32),
        xml_head=pl.lit(False),
        contaminated=pl.lit(False),
    )


def blocks(rows: int) -> decide.Blocks:
    """A block-list of 0.1% of the owners."""
    owners = rows // FILES_AN_OWNER
    return decide.Blocks(owners=frozenset(f"github.com:{owner}" for owner in range(0, owners, 1000)))


def components(rows: int, folder: Path) -> Step:
    """25 band sorts, one at a time, and the components of all candidates."""
    _sketches, bands = near_matrices(rows, folder)
    return lambda: duplicates.components(bands)


def near(rows: int, folder: Path) -> Step:
    """The same, then buckets, verification on sketches, and the choice of who stays."""
    sketches, bands = near_matrices(rows, folder)
    return lambda: duplicates.find(sketches, bands, 0.7)


def blocklist(rows: int, _folder: Path) -> Step:
    """The semi-join of all files with the block-list."""
    table, blocked = files(rows), blocks(rows)
    return lambda: table.select(decide.is_blocked(blocked)).sum()


def decisions(rows: int, _folder: Path) -> Step:
    """Block-list, thresholds, exact copies and the origin of each blob: a reason for every file."""
    table, blocked = files(rows), blocks(rows)
    return lambda: decide.decide(table, Recipe(benchmarks=()), blocked)


def place(rows: int, _folder: Path) -> Step:
    """The sort of all rows into the order of the shards."""
    table = files(rows).select("blob_id", "owner_key", "repository_key", "path", "size", "language", "licence")
    sizes = {language: 15_000 * rows // len(LANGUAGES) for language in LANGUAGES}
    buckets = placement.plan_buckets(sizes, 64 << 20, {})
    return lambda: placement.place(table, buckets)


def tree(rows: int, _folder: Path) -> Step:
    """The leaves, sorted by blob id, and the root of the tree."""
    blobs = [f"{number * 0x9E3779B97F4A7C15 % (1 << 160):040x}" for number in range(rows)]
    hashes = [number.to_bytes(32, "little") for number in range(rows)]
    return lambda: merkle.root(state.make_leaves(blobs, hashes, hashes)["leaf"].to_pylist())


STEPS = {
    "components": components,
    "near-duplicates": near,
    "block-list": blocklist,
    "decisions": decisions,
    "placement": place,
    "tree": tree,
}


class OwnMemory(threading.Thread):
    """Watches the anonymous memory of this process; ``peak`` in bytes."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self.done = threading.Event()

    def run(self) -> None:
        while not self.done.wait(0.02):
            self.look()

    def look(self) -> None:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                self.peak = max(self.peak, int(line.split()[1]) * 1024)


def main() -> None:
    name, rows = sys.argv[1], int(sys.argv[2])
    with tempfile.TemporaryDirectory() as warm, tempfile.TemporaryDirectory() as folder:
        STEPS[name](1000, Path(warm))()  # compiles
        step = STEPS[name](rows, Path(folder))
        memory = OwnMemory()
        memory.start()
        wall, cpu = time.perf_counter(), measured.cpu_seconds()
        step()
        figures = {"wall": time.perf_counter() - wall, "cpu": measured.cpu_seconds() - cpu}
        memory.look()
        memory.done.set()
    print(json.dumps(figures | {"peak": memory.peak}))


if __name__ == "__main__":
    main()
