"""Which shard a row belongs to: by its language and a range of the hash of its owner.

An owner's rows of one language lie in one shard, so that taking an owner out rewrites few shards. The owner *key* is
hashed, which is stable under renames. How many buckets a language has is decided when it first appears and is kept for
the children of the same name and major version: so a build from scratch and an incremental one place rows alike.
"""

import hashlib
import math
from collections.abc import Iterable, Mapping

import polars as pl

MOST_BUCKETS = 1 << 16


def owner_hash(owner_key: str) -> int:
    """The first 64 bits of SHA-256 of an owner's key."""
    return int.from_bytes(hashlib.sha256(owner_key.encode()).digest()[:8])


def bucket_of(owner_key: str, buckets: int) -> int:
    """The bucket of an owner: its hash, scaled to 0..buckets-1."""
    return (owner_hash(owner_key) * buckets) >> 64


def plan_buckets(sizes: Mapping[str, int], shard_bytes: int, fixed: Mapping[str, int]) -> dict[str, int]:
    """How many buckets each language gets, sorted by language.

    Args:
        sizes: Bytes of source to place, by language.
        shard_bytes: Bytes to aim at in a bucket.
        fixed: Buckets that earlier releases of the same plan gave; languages in here keep them, also when nothing of
            them is left, so that they find their old places if they come back.
    """
    planned = dict(fixed)
    for language, size in sizes.items():
        planned.setdefault(language, min(MOST_BUCKETS, max(1, math.ceil(size / shard_bytes))))
    return dict(sorted(planned.items()))


def place(rows: pl.DataFrame, buckets: Mapping[str, int]) -> pl.DataFrame:
    """Add the column ``bucket`` and sort into the order of the shards: language, bucket, owner, repository, path."""
    pairs = rows.select("language", "owner_key").unique()
    placed = pairs.with_columns(
        pl.Series("bucket", list(_buckets(pairs.iter_rows(), buckets)), dtype=pl.Int32),
    )
    return rows.join(placed, on=["language", "owner_key"], how="left").sort(
        "language", "bucket", "owner_key", "repository_key", "path"
    )


def _buckets(pairs: Iterable[tuple[str, str]], buckets: Mapping[str, int]) -> Iterable[int]:
    for language, owner_key in pairs:
        yield bucket_of(owner_key, buckets[language])


def shard_name(language: str, bucket: int) -> str:
    """The stable name under which a shard is served: ``data/<language>/part-NNNNN.parquet``.

    Characters of a language that have a meaning in paths are percent-encoded, so that names stay apart.
    """
    safe = "".join(
        letter if letter.isalnum() or letter in " +#-._'()*" else f"%{ord(letter):02X}" for letter in language
    )
    return f"data/{safe}/part-{bucket:05d}.parquet"
