"""Shards made of shards: rows are chosen by their keys, texts are carried over from the old shard as they were published."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datasets_app.pipeline import atomic, placement, shards
from datasets_app.pipeline.canonical import table_digest
from datasets_app.pipeline.format import SHARD, shard_path
from datasets_app.pipeline.release_errors import ReleaseDamaged
from datasets_app.pipeline.shards import METADATA, ShardEntry, WriteOptions

KEYS = [*METADATA, "published_sha256"]
"""The columns of a shard but its texts."""

_ROWS = pa.schema([SHARD.field(name) for name in KEYS])


@dataclass(frozen=True)
class Rewrite:
    """A shard to be written from old ones.

    Attributes:
        language: Of its rows.
        bucket: Its place.
        write: How it is written.
        rows: Its rows in their order, as ``KEYS``.
        sources: For each row the SHA-256 (hex) of the old shard that holds its text.
        places: For each row its number in that shard.
        input_digest: Of everything that decides its bytes.
    """

    language: str
    bucket: int
    write: WriteOptions
    rows: pa.Table
    sources: list[str]
    places: list[int]
    input_digest: str


def read_keys(releases: Path, entries: Sequence[ShardEntry]) -> pl.DataFrame:
    """All rows of some shards without their texts, in order: ``KEYS``, and ``shard`` (its place among ``entries``), ``row``.

    Raises:
        ReleaseDamaged: A shard is missing or cannot be read.
    """
    parts = []
    for number, entry in enumerate(entries):
        try:
            table = pq.read_table(shard_path(releases, entry["digest"]), columns=KEYS, use_threads=False).cast(_ROWS)
        except (OSError, pa.ArrowException) as error:
            raise _damaged(entry["language"], entry["bucket"], error) from error
        frame = pl.from_arrow(table)
        assert isinstance(frame, pl.DataFrame)
        parts.append(frame.with_columns(shard=pl.lit(number, pl.Int32), row=pl.int_range(pl.len(), dtype=pl.Int64)))
    return pl.concat(parts)


def plan(
    kept: pl.DataFrame, before: Sequence[ShardEntry], write: WriteOptions
) -> tuple[list[tuple[ShardEntry | None, Rewrite]], list[Rewrite]]:
    """What becomes of each shard.

    Args:
        kept: Rows as ``placement.place`` sorts them: ``read_keys``, ``bucket``, and ``changed`` where a value is another now.
        before: The old shards.
        write: How the recipe writes shards.

    Returns:
        In the order of the shards, the old entry where it stays as it is (else None) beside the shard as it would be written;
        and those that have to be written.
    """
    rows = kept.select(KEYS).to_arrow(compat_level=pl.CompatLevel.oldest()).cast(_ROWS).combine_chunks()
    places = {(entry["language"], entry["bucket"]): (number, entry) for number, entry in enumerate(before)}
    groups = kept.group_by("language", "bucket", maintain_order=True).agg(
        pl.len(), pl.col("shard").min().alias("first"), pl.col("shard").max().alias("last"), pl.col("changed").any()
    )
    planned: list[tuple[ShardEntry | None, Rewrite]] = []
    start = 0
    for language, bucket, length, first, last, changed in groups.iter_rows():
        part, texts = rows.slice(start, length), kept[start : start + length]
        start += length
        number, entry = places.get((language, bucket), (None, None))
        same = entry is not None and not changed and first == last == number and length == entry["rows"]
        rewrite = Rewrite(
            language=language,
            bucket=bucket,
            write=write,
            rows=part,
            sources=[] if same else [before[shard]["digest"] for shard in texts["shard"].to_list()],
            places=[] if same else texts["row"].to_list(),
            input_digest="" if same else _input_digest(part, language, bucket, write),
        )
        planned.append((entry if same else None, rewrite))
    return planned, [rewrite for entry, rewrite in planned if entry is None]


def _input_digest(rows: pa.Table, language: str, bucket: int, write: WriteOptions) -> str:
    """Unlike that of a build it names the published texts: from there on they decide, whatever they were made of."""
    how = {"language": language, "bucket": bucket, "write": write, "writer": shards.WRITER, "from": "published rows"}
    return hashlib.sha256(f"{json.dumps(how, sort_keys=True)}\n{table_digest(rows)}".encode()).hexdigest()


def rewrite_shard(releases: Path, out: Path, rewrite: Rewrite) -> ShardEntry:
    """Write one shard into ``out``, and give its entry; one that an earlier call finished there is given as it is.

    Raises:
        ReleaseDamaged: An old shard is missing, or a text in it is not the one that was published.
    """
    done = shards.finished(out, rewrite.input_digest)
    if done is not None:
        return done
    content = _texts(releases, rewrite)
    if shards.text_hashes(content) != rewrite.rows["published_sha256"].to_pylist():
        raise _damaged(rewrite.language, rewrite.bucket, "a text in it is not the one that was published")
    columns = {name: rewrite.rows[name] for name in KEYS} | {"content": content}
    table = pa.table([columns[name] for name in SHARD.names], schema=SHARD).combine_chunks()
    path = shards.pending_path(out, rewrite.input_digest)
    with atomic.replacing(path) as temporary:
        shards.write_shard(table, temporary, rewrite.write)
        with temporary.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = temporary.stat().st_size
    entry = ShardEntry(
        language=rewrite.language,
        bucket=rewrite.bucket,
        digest=digest,
        rows=table.num_rows,
        bytes=pc.sum(table["size"]).as_py(),
        file_bytes=size,
        input_digest=rewrite.input_digest,
        logical=table_digest(table.drop_columns(["content"])),
    )
    atomic.write_bytes(shards.entry_path(out, rewrite.input_digest), json.dumps(entry).encode())
    return entry


def _texts(releases: Path, rewrite: Rewrite) -> pa.Array:
    """The texts of the rows, in their order; each row group that holds one is read once."""
    places = np.array(rewrite.places, dtype=np.int64)
    sources = np.array(rewrite.sources)
    parts: list[pa.Array] = []
    order = np.empty(len(places), dtype=np.int64)
    found = 0
    for digest in dict.fromkeys(rewrite.sources):
        here = np.flatnonzero(sources == digest)
        try:
            with pq.ParquetFile(shard_path(releases, digest)) as source:
                first = 0
                for group in range(source.num_row_groups):
                    end = first + source.metadata.row_group(group).num_rows
                    wanted = here[(places[here] >= first) & (places[here] < end)]
                    if len(wanted):
                        texts = source.read_row_group(group, columns=["content"], use_threads=False)["content"]
                        parts.append(
                            texts.combine_chunks().cast(pa.large_string()).take(pa.array(places[wanted] - first))
                        )
                        order[wanted] = np.arange(found, found + len(wanted))
                        found += len(wanted)
                    first = end
        except (OSError, pa.ArrowException) as error:
            raise _damaged(rewrite.language, rewrite.bucket, error) from error
    if found != len(places):
        raise _damaged(rewrite.language, rewrite.bucket, f"{len(places) - found} of its rows are missing")
    return pa.concat_arrays(parts).take(pa.array(order))


def _damaged(language: str, bucket: int, why: object) -> ReleaseDamaged:
    return ReleaseDamaged(
        f"The shard {placement.shard_name(language, bucket)} cannot be issued again: {why}. Restore it from a backup, or "
        "withdraw its release."
    )
