"""How fast the engine computes attributes, and how much cheaper an opt-out is than a build from scratch.

    .venv/bin/python benchmarks/curation.py --quick

The corpus is the packages installed in the running environment. Pairs are interleaved: each opts out another random owner
and builds the same release twice, from the parent and from nothing, with attributes cached for both. The digests of both must
be equal. Wall time is what counts; CPU time stands beside it, because machines are shared.
"""

import argparse
import json
import random
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import polars as pl

from datasets_app.pipeline import attributes
from datasets_app.pipeline.build import BuildSpec, build
from datasets_app.pipeline.corpus import ingest
from datasets_app.pipeline.manifest import Manifest
from datasets_app.pipeline.needs import needed
from datasets_app.pipeline.recipe import PRESETS, Recipe, preset
from datasets_app.pipeline.sources.installed import InstalledPackages

SEED = 20230509


@dataclass(frozen=True)
class Timed:
    manifest: Manifest
    wall: float
    cpu: float


def timed_build(corpus: Path, releases: Path, spec: BuildSpec) -> Timed:
    wall, cpu = time.perf_counter(), time.process_time()
    manifest = build(corpus, releases, spec)
    return Timed(manifest, time.perf_counter() - wall, time.process_time() - cpu)


def owners_held(releases: Path) -> list[str]:
    holdings = pl.read_parquet(releases / "bench" / "1.0" / "holdings.parquet")
    return sorted(set(holdings.filter(pl.col("files") > 0)["owner_key"]))


def measure(folder: Path, recipe: Recipe, pairs: int) -> dict[str, float]:
    corpus, releases = folder / "corpus", folder / "releases"
    start = time.perf_counter()
    report = ingest(InstalledPackages(), corpus)
    print(f"ingested {report.files:,} files, {report.bytes / 1e6:,.0f} MB in {time.perf_counter() - start:.1f} s")
    facts = attributes.compute(corpus, needed(corpus, recipe))
    speed = facts.bytes / 1e6 / facts.cpu_seconds
    print(
        f"attributes of {facts.blobs_computed:,} blobs, {facts.bytes / 1e6:,.0f} MB: {facts.cpu_seconds:.2f} CPU-s, "
        f"{speed:,.0f} MB a CPU-s"
    )

    # The first build warms the file cache and the libraries; it is the parent and is not counted.
    parent = build(corpus, releases, BuildSpec("bench", "1.0", recipe))
    owners = random.Random(SEED).sample(owners_held(releases), pairs)
    print(
        f"\nparent: {parent.rows:,} files, {parent.bytes / 1e6:,.0f} MB, {len(parent.shards)} shards, recipe {recipe.name}"
    )
    print(
        f"{'opted out':<34}{'files':>7}{'shards':>8}{'MB':>8}{'full s':>9}{'opt-out s':>11}{'ratio':>8}{'CPU ratio':>11}"
    )
    walls, cpus, optouts = [], [], []
    listed = {shard["digest"] for shard in parent.shards}
    for number, owner in enumerate(owners):
        version, blocked = f"1.{number + 1}", frozenset({owner})
        after = BuildSpec("bench", version, recipe, blocked_owners=blocked, parent=("bench", "1.0"))
        afresh = BuildSpec("bench", version, recipe, blocked_owners=blocked, buckets=parent.plan["buckets"])
        runs: dict[str, Timed] = {}
        # Alternate the order within pairs, so that neither side always has the warmer cache.
        for which in ("full", "optout") if number % 2 else ("optout", "full"):
            runs[which] = timed_build(
                corpus, folder / "scratch" if which == "full" else releases, afresh if which == "full" else after
            )
        full, optout = runs["full"], runs["optout"]
        same = ("digest_bytes", "digest_logical", "tree_root")
        if any(getattr(full.manifest, field) != getattr(optout.manifest, field) for field in same):
            raise SystemExit(f"{owner}: the build after the opt-out is not the build from scratch")
        shutil.rmtree(folder / "scratch")
        shutil.rmtree(releases / "bench" / version)
        written = [shard for shard in optout.manifest.shards if shard["digest"] not in listed]
        walls.append(full.wall / optout.wall)
        cpus.append(full.cpu / optout.cpu)
        optouts.append(optout.wall)
        print(
            f"{owner:<34}{parent.rows - optout.manifest.rows:>7}{len(written):>8}{sum(s['bytes'] for s in written) / 1e6:>8.1f}"
            f"{full.wall:>9.2f}{optout.wall:>11.2f}{walls[-1]:>8.1f}{cpus[-1]:>11.1f}"
        )
    return {
        "attributes_mb_cpu_s": round(speed, 1),
        "optout_vs_full": round(statistics.median(walls), 2),
        "optout_vs_full_min": round(min(walls), 2),
        "optout_vs_full_max": round(max(walls), 2),
        "optout_vs_full_cpu": round(statistics.median(cpus), 2),
        "optout_s": round(statistics.median(optouts), 3),
        "pairs": pairs,
        "files": parent.rows,
        "mb": round(parent.bytes / 1e6, 1),
        "shards": len(parent.shards),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--quick", action="store_true", help="five pairs instead of fifteen: under five minutes on two cores"
    )
    parser.add_argument("--recipe", choices=sorted(PRESETS), default="demo")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fairstack-bench-") as folder:
        figures = measure(Path(folder), preset(options.recipe), 5 if options.quick else 15)
    print()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
