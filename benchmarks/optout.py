"""What an opt-out costs: against a build from scratch, against the practice of today, and in a corpus of four times the size.

Each pair opts out 0.1% of the owners, chosen by chance, and builds the same release twice: from the release before, and from
nothing with the same buckets. The quick run aims at shards a tenth as large as the recipe's.
The digests of both must be equal. Attributes are cached on both sides, but for
``optout_vs_rebuild``, where the build from nothing has to compute them too. The ratios are of CPU seconds (user and system, all
threads), because machines are shared; wall time stands beside them.
"""

import random
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
import pyarrow as pa

from benchmarks import corpus, runners
from benchmarks.folder_source import FolderSource
from benchmarks.peers.measured import cpu_seconds
from datasets_app.pipeline import attributes, needs
from datasets_app.pipeline.blobs import blob_id
from datasets_app.pipeline.build import BuildSpec, build
from datasets_app.pipeline.corpus import ingest
from datasets_app.pipeline.manifest import Manifest
from datasets_app.pipeline.recipe import Recipe, preset

SEED = 20230509
SHARE = 0.001  # of the owners
TIMES = 4
PAIRS, PAIRS_QUICK = 5, 3
WARM = pa.table({"blob_id": [blob_id(b"x = 1\n")], "content": pa.array([b"x = 1\n"], pa.large_binary())})


@dataclass(frozen=True)
class Cost:
    """Seconds and CPU seconds."""

    wall: float
    cpu: float

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.wall + other.wall, self.cpu + other.cpu)


class Clock:
    """Measures what happens within its block, as ``cost``."""

    def __enter__(self) -> "Clock":
        self._wall, self._cpu = time.perf_counter(), cpu_seconds()
        return self

    def __exit__(self, *_: object) -> None:
        self.cost = Cost(time.perf_counter() - self._wall, cpu_seconds() - self._cpu)


class Ground:
    """A corpus of the unpacked releases so many times over, its attributes, and a first release."""

    def __init__(self, folder: Path, recipe: Recipe, *, copies: int, quick: bool) -> None:
        self.corpus, self.releases, self.scratch = folder / "corpus", folder / "releases", folder / "scratch"
        self.recipe = recipe
        with Clock() as ingesting:
            self.report = ingest(FolderSource(corpus.ensure(quick=quick), copies), self.corpus)
        families = needs.needed(self.corpus, recipe)
        for family in families:
            family.compute(WARM)  # compiled here, not in the measured part
        with Clock() as computing:
            self.facts = attributes.compute(self.corpus, families)
        self.attributes = computing.cost
        with Clock() as building:  # warms the file cache and the libraries too; it is not counted
            self.parent = build(self.corpus, self.releases, BuildSpec("bench", "1.0", recipe))
        holdings = pl.read_parquet(self.releases / "bench" / "1.0" / "holdings.parquet")
        self.owners = sorted(set(holdings.filter(pl.col("files") > 0)["owner_key"]))
        print(
            f"{copies} x: {self.report.files:,} files, {self.report.bytes / 1e6:,.0f} MB of {len(self.owners):,} owners; "
            f"ingest {ingesting.cost.cpu:.1f} CPU-s, attributes {computing.cost.cpu:.1f} CPU-s, first build "
            f"{building.cost.cpu:.1f} CPU-s: {self.parent.rows:,} rows, {len(self.parent.shards)} shards"
        )

    def opt_out(self, owners: frozenset[str]) -> tuple[Manifest, Cost]:
        """Build the release without these owners from the first one, and take it away again."""
        spec = BuildSpec("bench", "1.1", self.recipe, blocked_owners=owners, parent=("bench", "1.0"))
        with Clock() as clock:
            made = build(self.corpus, self.releases, spec)
        shutil.rmtree(self.releases / "bench" / "1.1")
        listed = {entry["digest"] for entry in self.parent.shards}
        for entry in made.shards:  # the next one is not to find them
            if entry["digest"] not in listed:
                (self.releases / "shards" / entry["digest"][:2] / f"{entry['digest']}.parquet").unlink()
        return made, clock.cost

    def rebuild(self, owners: frozenset[str]) -> tuple[Manifest, Cost]:
        """Build the same release from nothing."""
        buckets = self.parent.plan["buckets"]
        spec = BuildSpec("bench", "1.1", self.recipe, blocked_owners=owners, buckets=buckets)
        with Clock() as clock:
            made = build(self.corpus, self.scratch, spec)
        shutil.rmtree(self.scratch)
        return made, clock.cost

    def written(self, made: Manifest) -> int:
        """How many shards of a release are not of the first."""
        listed = {entry["digest"] for entry in self.parent.shards}
        return sum(entry["digest"] not in listed for entry in made.shards)


def measure_optout(folder: Path, *, quick: bool) -> dict[str, float]:
    """Print the tables of this section, and give its figures.

    Raises:
        SystemExit: A build after an opt-out is not the build from scratch.
    """
    # The quick corpus is a tenth of the whole one, and so are its shards: else most languages are one shard, which grows whole.
    whole = preset("starcoder")
    recipe = replace(whole, shard_bytes=whole.shard_bytes // 10) if quick else whole
    pairs = PAIRS_QUICK if quick else PAIRS
    once = Ground(folder / "once", recipe, copies=1, quick=quick)
    count = max(1, round(SHARE * len(once.owners)))
    chance = random.Random(SEED)
    chosen = [frozenset(chance.sample(once.owners, count)) for _ in range(pairs)]
    print(
        f"\n{'opt-out of':<16}{'rows':>7}{'shards':>8}{'full CPU-s':>12}{'opt-out CPU-s':>15}{'ratio':>8}{'wall ratio':>12}"
    )
    costs: list[tuple[Cost, Cost]] = []
    for number, owners in enumerate(chosen):
        costs.append(_pair(once, owners, first=bool(number % 2)))
    full, optout = [pair[0] for pair in costs], [pair[1] for pair in costs]
    rebuild = [one + once.attributes for one in full]
    figures = _ratios("optout_vs_full", full, optout) | _ratios("optout_vs_rebuild", rebuild, optout)
    shutil.rmtree(folder / "once" / "scratch", ignore_errors=True)
    print()
    more = Ground(folder / "more", recipe, copies=TIMES, quick=quick)
    at_once, at_more = [], []
    for owners in chosen:
        at_once.append(once.opt_out(owners)[1])
        at_more.append(more.opt_out(owners)[1])
    figures |= _ratios("optout_growth", at_more, at_once)
    print(
        f"the same owners in {TIMES} x: {runners.median([one.cpu for one in at_more])} CPU-s, in 1 x "
        f"{runners.median([one.cpu for one in at_once])} CPU-s"
    )
    return figures | {
        "optout_shard_mb": round(recipe.shard_bytes / 1e6, 1),
        "optout_owners": count,
        "optout_cpu_s": runners.median([one.cpu for one in optout]),
        "attributes_mb_cpu_s": round(once.facts.bytes / 1e6 / once.attributes.cpu, 1),
    }


def _pair(ground: Ground, owners: frozenset[str], *, first: bool) -> tuple[Cost, Cost]:
    """Both builds, and their costs: from nothing, from the release before. ``first``: which of them comes first."""
    if first:
        (fresh, full), (made, optout) = ground.rebuild(owners), ground.opt_out(owners)
    else:
        (made, optout), (fresh, full) = ground.opt_out(owners), ground.rebuild(owners)
    for name in ("digest_bytes", "digest_logical", "tree_root", "rows"):
        if getattr(made, name) != getattr(fresh, name):
            raise SystemExit(
                f"The build after the opt-out of {len(owners)} owners has another {name} than that from scratch."
            )
    print(
        f"{len(owners):>3} owners      {ground.parent.rows - made.rows:>7}{ground.written(made):>8}{full.cpu:>12.2f}"
        f"{optout.cpu:>15.2f}{full.cpu / optout.cpu:>8.1f}{full.wall / optout.wall:>12.1f}"
    )
    return full, optout


def _ratios(key: str, above: list[Cost], below: list[Cost]) -> dict[str, float]:
    both = list(zip(above, below, strict=True))
    return {
        key: runners.median([one.cpu / other.cpu for one, other in both]),
        f"{key}_wall": runners.median([one.wall / other.wall for one, other in both]),
    }
