"""Parquet files of the corpus's texts: each distinct text once, in the order of (release, path)."""

import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import corpus

SCHEMA = pa.schema(
    [("blob_id", pa.string()), ("release", pa.string()), ("path", pa.string()), ("content", pa.large_string())]
)
GROUP_BYTES = 16 << 20  # of text in a row group


def blob_id(content: bytes) -> str:
    """The git blob SHA-1."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def texts_file(*, quick: bool) -> Path:
    """The Parquet file of all distinct texts of a corpus, made if it is not there."""
    listed = hashlib.sha256(corpus.LIST.read_bytes()).hexdigest()[:12]
    path = corpus.cache_folder() / f"texts-{'quick' if quick else 'full'}-{listed}.parquet"
    if not path.exists():
        folders = corpus.ensure(quick=quick)
        part = path.with_suffix(".part")
        seen: set[str] = set()
        rows: list[tuple[str, str, str, str]] = []
        size = 0
        with pq.ParquetWriter(part, SCHEMA, compression="zstd") as writer:
            for folder in folders:
                for file in corpus.files_of(folder):
                    content = file.read_bytes()
                    blob = blob_id(content)
                    if blob in seen:
                        continue
                    seen.add(blob)
                    rows.append((blob, folder.name, str(file.relative_to(folder)), content.decode()))
                    size += len(content)
                    if size >= GROUP_BYTES:
                        writer.write_table(_table(rows))
                        rows, size = [], 0
            writer.write_table(_table(rows))
        part.rename(path)
    return path


def _table(rows: list[tuple[str, str, str, str]]) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else [[]] * len(SCHEMA)
    return pa.table([pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)], SCHEMA)


def spread(table: pa.Table, rows: int) -> pa.Table:
    """About ``rows`` rows of a table, chosen evenly by the hash of their blob: the same ones wherever this is run."""
    if rows >= len(table):
        return table
    limit = (rows << 32) // len(table)
    chosen = [number for number, blob in enumerate(table["blob_id"].to_pylist()) if int(blob[:8], 16) < limit]
    return table.take(pa.array(chosen, pa.int64())).combine_chunks()


def megabytes(table: pa.Table) -> float:
    """Bytes of all texts, in millions."""
    return table["content"].combine_chunks().get_total_buffer_size() / 1e6 if len(table) else 0.0
