"""Writing one shard: a pure function of the corpus and a spec, so that any machine that shares the storage can do it.

``run_shard`` reads the contents of its rows from the blob files, checks them, and writes one Parquet file. The same spec
gives the same bytes anywhere, given the same version of the writer, which is part of the input digest.
"""

import hashlib
import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datasets_app.pipeline import atomic
from datasets_app.pipeline.blobs import blob_ids_of, take_blobs
from datasets_app.pipeline.canonical import table_digest
from datasets_app.pipeline.errors import CorpusDamaged
from datasets_app.pipeline.format import SHARD, shard_path
from datasets_app.pipeline.publishing import WriteOptions, published_texts
from datasets_app.pipeline.release_errors import CorpusChanged

WRITER: dict[str, str | int] = {"format": 2, "pyarrow": pa.__version__}
"""What decides the bytes of a shard beside its rows: our layout and the Parquet writer. Raise ``format`` with each change."""

METADATA = [name for name in SHARD.names if name not in ("content", "published_sha256")]
"""The columns that are known before a shard is written."""

ROWS = pa.schema([SHARD.field(name) for name in METADATA] + [("blob_file", pa.string())])
"""The rows of a shard as the planner hands them over: their metadata, and the blob file that holds each.

A row without one is a row of the shard's ``base``: a shard of the same recipe, in which its text stands as it was published."""

_REPEATING = ["forge", "owner", "repository", "repository_key", "owner_key", "language", "licence"]
# Never the content: Parquet would keep its least and greatest value in the footer, where it would outlive a purge in caches.
_WITH_STATISTICS = ["path", *_REPEATING, "size", "copies"]


class ShardSpec(TypedDict):
    """One shard to write, as plain JSON values."""

    language: str
    bucket: int
    rows: str  # path of a Parquet file of ROWS, relative to the folder that the shard is written into
    row_group: int  # of that file
    base: str  # digest of a shard that holds the texts of the rows without a blob file; or empty
    write: WriteOptions
    writer: dict[str, str | int]
    input_digest: str


class ShardEntry(TypedDict):
    """One shard in a manifest."""

    language: str
    bucket: int
    digest: str  # SHA-256 of the file
    rows: int
    bytes: int  # of source
    file_bytes: int
    input_digest: str  # of everything that the shard was made from
    logical: str  # of its values, whatever wrote them


def input_digest(
    rows: pa.Table, language: str, bucket: int, write: WriteOptions, writer: Mapping[str, str | int]
) -> str:
    """SHA-256 (hex) over all that decides the bytes of a shard: rows, place, write options and writer."""
    how = json.dumps({"language": language, "bucket": bucket, "write": write, "writer": dict(writer)}, sort_keys=True)
    return hashlib.sha256(f"{how}\n{table_digest(rows.select(METADATA))}".encode()).hexdigest()


def entry_path(out: Path, digest: str) -> Path:
    """Where ``run_shard`` puts the entry of the shard with this input digest once the shard is whole."""
    return out / f"{digest}.json"


def pending_path(out: Path, digest: str) -> Path:
    """Where ``run_shard`` puts the shard with this input digest."""
    return out / f"{digest}.parquet"


def finished(out: Path, digest: str) -> ShardEntry | None:
    """The entry of a shard that an earlier call of ``run_shard`` finished in ``out``, if its bytes are still those."""
    try:
        entry: ShardEntry = json.loads(entry_path(out, digest).read_bytes())
        with pending_path(out, digest).open("rb") as file:
            whole = hashlib.file_digest(file, "sha256").hexdigest() == entry["digest"]
    except FileNotFoundError:
        return None
    return entry if whole else None


def run_shard(uri: str, out: str, spec: Mapping[str, Any]) -> ShardEntry:
    """Write one shard, and give its entry for the manifest.

    Args:
        uri: The folder of the corpus.
        out: The folder to write into; the shard stands there as ``<input digest>.parquet``, its entry beside it.
        spec: A ``ShardSpec``.

    Raises:
        CorpusChanged: A blob that the rows name is gone, or the rows are not those that the spec was made for.
        CorpusDamaged: A blob's bytes are not those that the attributes were computed on.
    """
    corpus, folder = Path(uri), Path(out)
    if spec["writer"] != WRITER:
        raise CorpusChanged(f"The shard was planned for the writer {spec['writer']}, this is {WRITER}. Build again.")
    rows = pq.ParquetFile(folder / spec["rows"]).read_row_group(spec["row_group"]).cast(ROWS)
    made_of = input_digest(rows, spec["language"], spec["bucket"], spec["write"], spec["writer"])
    if made_of != spec["input_digest"]:
        raise CorpusChanged(f"The rows in {spec['rows']} are not those that the shard was planned for. Build again.")
    content, hashes = _texts(corpus, folder, rows, spec)
    columns = {name: rows[name] for name in METADATA}
    columns |= {"content": content, "published_sha256": pa.array(hashes, pa.binary(32))}
    table = pa.table([columns[name] for name in SHARD.names], schema=SHARD).combine_chunks()
    path = pending_path(folder, made_of)
    # The folder is the builder's: one that it cleared away meanwhile must not come back with a shard in it.
    with atomic.replacing(path, make_folder=False) as temporary:
        write_shard(table, temporary, spec["write"])
        with temporary.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = temporary.stat().st_size
    entry = ShardEntry(
        language=spec["language"],
        bucket=spec["bucket"],
        digest=digest,
        rows=table.num_rows,
        bytes=pc.sum(table["size"]).as_py(),
        file_bytes=size,
        input_digest=made_of,
        logical=table_digest(table.drop_columns(["content"])),
    )
    atomic.write_bytes(entry_path(folder, made_of), json.dumps(entry).encode(), make_folder=False)
    return entry


def _texts(corpus: Path, folder: Path, rows: pa.Table, spec: Mapping[str, Any]) -> tuple[pa.Array, list[bytes]]:
    """The published texts of rows and their SHA-256: from the corpus, or from the base where a row names no blob file."""
    fresh = rows.filter(pc.is_valid(rows["blob_file"]))
    content = pa.array([], pa.large_string())
    hashes: list[bytes] = []
    if fresh.num_rows:
        content = fetch(corpus, fresh["blob_id"], fresh["blob_file"])
        hashes = check(fresh["blob_id"], fresh["sha256"], content)
        published = published_texts(
            corpus, spec["write"], spec["language"], fresh["blob_id"], fresh["blob_file"], content
        )
        if published is not content:
            content, hashes = published, text_hashes(published)
    if fresh.num_rows == rows.num_rows:
        return content, hashes
    standing = rows.filter(pc.is_null(rows["blob_file"]))
    # The builder's folder lies beside the folders of the releases: see ``workspace.work_folder``.
    taken, taken_hashes = from_base(shard_path(folder.parent.parent, spec["base"]), standing["blob_id"])
    fresh_rows = pc.is_valid(rows["blob_file"]).to_numpy()
    order = np.where(fresh_rows, np.cumsum(fresh_rows) - 1, len(hashes) + np.cumsum(~fresh_rows) - 1)
    hashes += taken_hashes
    return pa.concat_arrays([content, taken]).take(pa.array(order)), [hashes[at] for at in order.tolist()]


def from_base(path: Path, blob_ids: pa.ChunkedArray) -> tuple[pa.Array, list[bytes]]:
    """The texts of these blobs in a shard, and their SHA-256, in the order asked for.

    Raises:
        CorpusChanged: The shard, or a blob in it, is gone.
        CorpusDamaged: A text is not the one that was published.
    """
    wanted = blob_ids.combine_chunks()
    try:
        with pq.ParquetFile(path) as source:
            table = source.read(["blob_id", "content", "published_sha256"], use_threads=False)
    except FileNotFoundError as error:
        raise CorpusChanged(
            f"The shard {path} is gone: its release was withdrawn in the meantime. Build again."
        ) from error
    except pa.ArrowInvalid as error:
        raise CorpusDamaged(f"The shard {path} cannot be read: {error}") from error
    places = pc.index_in(wanted, value_set=table["blob_id"].combine_chunks())
    if places.null_count:
        raise CorpusChanged(f"The shard {path} lacks {places.null_count} of the blobs that were to be taken from it.")
    content = table["content"].combine_chunks().cast(pa.large_string()).take(places)
    stated = table["published_sha256"].combine_chunks().take(places).to_pylist()
    return content, check(blob_ids, stated, content)


def fetch(corpus: Path, blob_ids: pa.ChunkedArray, blob_files: pa.ChunkedArray) -> pa.Array:
    """The contents of blobs, in the order asked for, as text (``large_string``), reading no row group that holds none of them.

    Raises:
        CorpusChanged: A blob file, or a blob in it, is gone.
        CorpusDamaged: A blob is not UTF-8 though its attributes say so, or a blob file cannot be read.
    """
    wanted = blob_ids.combine_chunks()
    parts: list[pa.Array] = []
    places = np.empty(len(wanted), dtype=np.int64)
    found = 0
    for name in pc.unique(blob_files).to_pylist():
        here = pc.indices_nonzero(pc.equal(blob_files, name)).to_numpy()
        path = corpus / "blobs" / f"{name}.parquet"
        index = pc.index_in(wanted.take(pa.array(here)), value_set=blob_ids_of(path))
        if index.null_count:
            raise CorpusChanged(
                f"{index.null_count} blobs are no longer in {path}: the corpus was purged in the meantime. Build again."
            )
        parts.append(take_blobs(path, index.to_numpy()))
        places[here] = np.arange(found, found + len(here))
        found += len(here)
    content = pa.concat_arrays(parts).take(pa.array(places))
    try:
        return content.cast(pa.large_string())
    except pa.ArrowInvalid as error:
        raise CorpusDamaged(
            f"A blob of the corpus at {corpus} is not UTF-8 though its attributes say so: {error}. "
            "Compute the attributes again."
        ) from error


def text_hashes(content: pa.Array) -> list[bytes]:
    """SHA-256 of each text in UTF-8."""
    offsets = np.frombuffer(content.buffers()[1], dtype=np.int64)[content.offset : content.offset + len(content) + 1]
    data = memoryview(content.buffers()[2] or b"")
    bounds = offsets.tolist()
    return [hashlib.sha256(data[start:end]).digest() for start, end in itertools.pairwise(bounds)]


def check(blob_ids: pa.ChunkedArray, expected: Sequence[bytes] | pa.ChunkedArray, content: pa.Array) -> list[bytes]:
    """The SHA-256 of each text, after comparing it with what it was when it was computed before.

    Raises:
        CorpusDamaged: They differ.
    """
    hashes = text_hashes(content)
    stated = expected.to_pylist() if isinstance(expected, pa.ChunkedArray) else expected
    for row, (found, wanted) in enumerate(zip(hashes, stated, strict=True)):
        if found != wanted:
            raise CorpusDamaged(
                f"The bytes of blob {blob_ids[row].as_py()} are not those that its attributes were computed on. "
                "Ingest its source again."
            )
    return hashes


def write_shard(table: pa.Table, path: Path, write: WriteOptions) -> None:
    """Write a table of SHARD to ``path`` in row groups of about ``row_group_bytes`` of source."""
    with pq.ParquetWriter(
        path,
        SHARD,
        compression="zstd",
        compression_level=write["zstd_level"],
        use_dictionary=_REPEATING,
        write_statistics=_WITH_STATISTICS,
        write_page_index=True,
        store_schema=False,
    ) as writer:
        for start, end in row_group_bounds(table["size"].to_pylist(), write["row_group_bytes"]):
            writer.write_table(table.slice(start, end - start), row_group_size=end - start)


def row_group_bounds(sizes: list[int], row_group_bytes: int) -> list[tuple[int, int]]:
    """Cut rows into groups: a group ends with the row that brings it to ``row_group_bytes``."""
    bounds = []
    start = filled = 0
    for row, size in enumerate(sizes):
        filled += size
        if filled >= row_group_bytes:
            bounds.append((start, row + 1))
            start, filled = row + 1, 0
    if start < len(sizes):
        bounds.append((start, len(sizes)))
    return bounds
