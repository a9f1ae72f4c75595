"""The text of a release, read from its shards, whole or as a stated sample."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from .errors import BadShard, NoText

_DIGEST = re.compile(r"[0-9a-f]{64}")
_BLOB_ID = re.compile(r"[0-9a-f]{40}")
_ROWS = 512  # read at once


@dataclass(frozen=True, slots=True)
class Document:
    """One row of a shard."""

    blob_id: bytes  # 20 bytes
    text: str


@dataclass(frozen=True, slots=True)
class Selection:
    """Which documents of a release are read."""

    chosen: dict[Path, set[str] | None]  # by shard, in order; None is every row
    documents: int
    size: int  # bytes of their sources
    all_documents: int
    all_size: int


def shard_digest(shard: Path) -> str:
    """The SHA-256 of a shard (hex): its name where the name is one, for a shard never changes; else that of its bytes.

    Raises:
        BadShard: There is no such file.
    """
    if not shard.is_file():
        raise BadShard(f"{shard}: there is no such shard; build the release again, or name other shards")
    return shard.stem if _DIGEST.fullmatch(shard.stem) else _digest_of_bytes(shard)


def select(shards: list[Path], max_bytes: int | None) -> Selection:
    """Choose documents of at most ``max_bytes`` bytes in sum, or all.

    Each shard gives in proportion to its own size, and within a shard the smallest blob ids come first: the choice is
    random as to content, the same every time, and changes little between releases.

    Raises:
        BadShard: A shard cannot be read.
        NoText: The shards are empty, or no document is as small as ``max_bytes``.
    """
    if not shards:
        raise NoText("no shards were given; a release with at least one shard is needed")
    sizes = {shard: _sizes(shard) for shard in sorted(shards, key=lambda shard: (shard.name, str(shard)))}
    all_documents = sum(len(rows) for rows in sizes.values())
    all_size = sum(size for rows in sizes.values() for _, size in rows)
    if all_size == 0:
        raise NoText(f"the {len(shards)} shards hold no text; choose a release with files in it")
    if max_bytes is None or all_size <= max_bytes:
        return Selection(dict.fromkeys(sizes), all_documents, all_size, all_documents, all_size)
    chosen: dict[Path, set[str] | None] = {}
    documents = size_taken = 0
    allowance = 0.0
    for shard, rows in sizes.items():
        allowance += max_bytes * sum(size for _, size in rows) / all_size
        taken = set()
        for blob_id, size in rows:
            if size <= allowance:
                taken.add(blob_id)
                allowance -= size
                size_taken += size
        if taken:
            chosen[shard] = taken
        documents += len(taken)
    if not documents:
        raise NoText(f"max_bytes: no document is as small as {max_bytes} bytes; allow more")
    return Selection(chosen, documents, size_taken, all_documents, all_size)


def documents(selection: Selection) -> Iterator[Document]:
    """The documents of a selection, in the order of shards and rows.

    Raises:
        BadShard: A shard is damaged: its bytes do not give its name, or cannot be decoded.
    """
    for shard, wanted in selection.chosen.items():
        if _DIGEST.fullmatch(shard.stem) and _digest_of_bytes(shard) != shard.stem:
            raise BadShard(f"{shard}: its bytes are not those that its name promises; restore it or build it again")
        for batch in _batches(shard, ["blob_id", "content"]):
            for blob_id, text in zip(batch["blob_id"].to_pylist(), batch["content"].to_pylist(), strict=True):
                if wanted is None or blob_id in wanted:
                    yield Document(_blob_bytes(shard, blob_id), text or "")


def _sizes(shard: Path) -> list[tuple[str, int]]:
    rows: list[tuple[str, int]] = []
    for batch in _batches(shard, ["blob_id", "size"]):
        sizes = batch["size"].fill_null(0).to_pylist()
        rows.extend(zip(batch["blob_id"].to_pylist(), sizes, strict=True))
    return sorted(rows)


def _batches(shard: Path, columns: list[str]) -> Iterator[pa.RecordBatch]:
    try:
        with pq.ParquetFile(shard) as file:
            missing = sorted(set(columns) - set(file.schema_arrow.names))
            if missing:
                raise BadShard(f"{shard}: lacks the column {missing[0]!r}; it is not a shard of a release")
            yield from file.iter_batches(batch_size=_ROWS, columns=columns)
    except (pa.ArrowException, OSError) as error:
        raise BadShard(f"{shard}: cannot be read ({error}); restore it or build it again") from error


def _blob_bytes(shard: Path, blob_id: str | None) -> bytes:
    if blob_id is None or not _BLOB_ID.fullmatch(blob_id):
        raise BadShard(f"{shard}: {blob_id!r} is not a blob id (40 hex digits)")
    return bytes.fromhex(blob_id)


def _digest_of_bytes(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
