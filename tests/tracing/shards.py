"""Trace indexes of texts, in memory and as published shards."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from datasets_app.pipeline.blobs import blob_id
from datasets_app.pipeline.format import SHARD, shard_path
from datasets_app.pipeline.shards import text_hashes, write_shard
from datasets_app.tracing.shard_index import ShardIndex, arrays_of


def published(texts: Sequence[str]) -> pa.Table:
    """The rows of a shard with these texts."""
    content = pa.array(texts, pa.large_string())
    rows = {
        "blob_id": [blob_id(text.encode()) for text in texts],
        "content": content,
        "path": [f"src/{number}.py" for number in range(len(texts))],
        "repository_key": [f"github.com/o/r{number}" for number in range(len(texts))],
        "size": [len(text.encode()) for text in texts],
        "copies": [0] * len(texts),
        "sha256": text_hashes(content),
        "published_sha256": text_hashes(content),
    }
    for name in ("forge", "owner", "repository", "owner_key", "language", "licence"):
        rows[name] = [name] * len(texts)
    schema = pa.schema([SHARD.field(name) for name in rows])
    return pa.table(rows, schema=schema).select(SHARD.names).cast(SHARD)


def index(texts: Sequence[str]) -> ShardIndex:
    """A trace index of these texts that lies in no file."""
    arrays = arrays_of(published(texts))
    for array in arrays.values():
        array.flags.writeable = False  # as those that are mapped: so that no kernel is compiled twice
    return ShardIndex(Path("in memory"), arrays)


def write(releases: Path, texts: Sequence[str], digest: str = "ab" * 32) -> str:
    """A published shard with these texts; gives its digest."""
    path = shard_path(releases, digest)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_shard(published(texts), path, {"zstd_level": 1, "row_group_bytes": 2000})
    return digest
