"""What a build will write: where rows are placed, which shards they make, and which of those exist already."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pyarrow as pa

from datasets_app.pipeline import manifest, placement, shards
from datasets_app.pipeline.manifest import Manifest, Plan
from datasets_app.pipeline.publishing import Redaction, WriteOptions
from datasets_app.pipeline.recipe import Recipe
from datasets_app.pipeline.shards import ShardEntry, ShardSpec

ROWS_NAME = "rows.parquet"
"""The file in the work folder that carries the rows of the shards to be written, one row group for each."""


class PlannedShard(NamedTuple):
    """A shard as it is to be, and its rows (ROWS)."""

    spec: ShardSpec
    rows: pa.Table


def same_plan(parent: Manifest, name: str, version: str, buckets: Mapping[str, int] | None) -> bool:
    """Whether a release of this name and version is placed as its parent is."""
    if buckets is not None and dict(buckets) != parent.plan["buckets"]:
        return False
    return parent.name == name and manifest.major(parent.version) == manifest.major(version)


def make_plan(
    name: str,
    version: str,
    parent: Manifest | None,
    buckets: Mapping[str, int] | None,
    sizes: Mapping[str, int],
    shard_bytes: int,
) -> Plan:
    """The plan of a release: ``buckets`` if given, else the parent's where it has the same name and major version.

    Languages that neither has get as many buckets as their bytes (``sizes``) ask for.
    """
    fixed: Mapping[str, int] = {}
    if buckets is not None:
        fixed = buckets
    elif parent is not None and same_plan(parent, name, version, None):
        fixed = parent.plan["buckets"]
    return Plan(buckets=placement.plan_buckets(sizes, shard_bytes, fixed))


def plan_shards(
    kept: pl.DataFrame,
    recipe: Recipe,
    redaction: Redaction | None = None,
    bases: Mapping[tuple[str, int], str] | None = None,
) -> list[PlannedShard]:
    """Cut rows, sorted as ``placement.place`` sorts them, into shards.

    Args:
        kept: The rows.
        recipe: How it wants them written.
        redaction: How it wants personal data replaced; None where it does not.
        bases: By language and bucket the digest of a shard of the same recipe that holds the texts of some rows: those
            that name no blob file.
    """
    rows = (
        kept.select(shards.ROWS.names).to_arrow(compat_level=pl.CompatLevel.oldest()).cast(shards.ROWS).combine_chunks()
    )
    write = WriteOptions(
        row_group_bytes=recipe.row_group_bytes,
        zstd_level=recipe.zstd_level,
        redaction=redaction,
        notebooks=recipe.notebooks,
    )
    planned = []
    start = 0
    for language, bucket, length in kept.group_by("language", "bucket", maintain_order=True).len().iter_rows():
        part = rows.slice(start, length)
        start += length
        spec = ShardSpec(
            language=language,
            bucket=bucket,
            rows=ROWS_NAME,
            row_group=-1,
            base=(bases or {}).get((language, bucket), ""),
            write=write,
            writer=shards.WRITER,
            input_digest=shards.input_digest(part, language, bucket, write, shards.WRITER),
        )
        planned.append(PlannedShard(spec, part))
    return planned


def reusable(releases: Path, planned: list[PlannedShard]) -> dict[str, ShardEntry]:
    """The entries, by input digest, of the planned shards that stand whole on the shelf because a release lists them."""
    wanted = {shard.spec["input_digest"] for shard in planned}
    return {
        entry["input_digest"]: entry
        for release in manifest.load_all(releases)
        for entry in release.shards
        if entry["input_digest"] in wanted and is_whole(releases, entry)
    }


def is_whole(releases: Path, entry: ShardEntry) -> bool:
    """Whether the shard stands on the shelf with its full length. Its bytes are not read: that is for ``verify``."""
    digest = entry["digest"]
    try:  # a release has many shards: by ``shard_path`` this would take several times as long
        return os.stat(f"{releases}/shards/{digest[:2]}/{digest}.parquet").st_size == entry["file_bytes"]  # noqa: PTH116
    except FileNotFoundError:
        return False
