"""What a release keeps beside its shards, for the staff and for the release that goes on from it.

``decisions/``          every file with its reason (DECISIONS), cut by owner
``duplicates/``         every blob that shares a band with another (DUPLICATES), cut by component
``repositories.parquet``  every repository that was decided on, and whether it was blocked
``blocked.parquet``     blobs and authors that were blocked
``leaves.parquet``      the leaves of the tree over the rows, sorted by blob id
``state.json``          what all this was decided from, and the funnel with every reason

None of it is public, and none of it enters a digest. Without it (it was purged, or an earlier version of this program wrote the
release) the next release is decided from scratch, with the same result.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from datasets_app.pipeline import atomic, merkle
from datasets_app.pipeline.decide import BY_PLACE, Blocks
from datasets_app.pipeline.format import DECISIONS, DUPLICATES
from datasets_app.pipeline.parted import Parted
from datasets_app.pipeline.placement import owner_hash
from datasets_app.pipeline.reasons import FunnelRow

LEAVES = pa.schema([("blob_id", pa.binary(20)), ("leaf", pa.binary(32))])
BLOCKED_ROWS = pa.schema([("kind", pa.string()), ("value", pa.string())])
BY_FILE = ["repository_key", "path", "blob_id"]
BY_COMPONENT = ["component", "rank", "blob_id"]


def decisions(folder: Path) -> Parted:
    """The decisions of the release whose manifest lies in ``folder``."""
    return Parted(folder / "decisions", DECISIONS, "owner_key", owner_hash)


def duplicates(folder: Path) -> Parted:
    """Its near-duplicates."""
    return Parted(folder / "duplicates", DUPLICATES, "component", lambda blob_id: int(blob_id[:16], 16))


@dataclass(frozen=True)
class Ground:
    """What a release was decided from. Two releases on equal ground differ by what is blocked alone.

    Attributes:
        recipe: Its digest.
        families: The attributes that were used, with the version of their rules.
        sources: The snapshot of each source.
        apart: Why no other release may go on from it; empty where one may.
    """

    recipe: str
    families: list[str]
    sources: dict[str, str]
    apart: str = ""


@dataclass(frozen=True)
class Facts:
    """What ``state.json`` holds: the ground, and files and bytes by reason."""

    ground: Ground
    counts: list[FunnelRow]


def write_facts(folder: Path, facts: Facts) -> None:
    """Write ``state.json``."""
    atomic.write_bytes(folder / "state.json", json.dumps(asdict(facts), indent=1).encode())


def read_facts(folder: Path) -> Facts | None:
    """What ``state.json`` says, or ``None`` where it is missing or of another version."""
    try:
        values = json.loads((folder / "state.json").read_bytes())
        return Facts(ground=Ground(**values["ground"]), counts=values["counts"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def repositories(files: pl.DataFrame) -> pl.DataFrame:
    """The repositories among decided files, and whether they were blocked."""
    return (
        files.group_by("repository_key", "owner_key")
        .agg(pl.col("reason").is_in(BY_PLACE).any().alias("blocked"))
        .sort("repository_key")
    )


def write_repositories(folder: Path, rows: pl.DataFrame) -> None:
    """Write ``repositories.parquet``."""
    atomic.write_table(folder / "repositories.parquet", rows.to_arrow(compat_level=pl.CompatLevel.oldest()))


def read_repositories(folder: Path) -> pl.DataFrame:
    """The repositories that were decided on: ``repository_key``, ``owner_key``, ``blocked``."""
    return pl.read_parquet(folder / "repositories.parquet")


def write_blocked(folder: Path, blocks: Blocks) -> None:
    """Write ``blocked.parquet``. Owners and repositories stand in ``repositories.parquet``, as far as they were met."""
    rows = [("blob", value) for value in sorted(blocks.blobs)] + [("author", value) for value in sorted(blocks.authors)]
    table = pa.table([[kind for kind, _ in rows], [value for _, value in rows]], schema=BLOCKED_ROWS)
    atomic.write_table(folder / "blocked.parquet", table)


def read_blocked(folder: Path) -> Blocks | None:
    """The blobs and authors that were blocked, or ``None`` where that is not known."""
    try:
        rows = pl.read_parquet(folder / "blocked.parquet")
    except FileNotFoundError:
        return None
    blobs, authors = (frozenset(rows.filter(kind=kind)["value"]) for kind in ("blob", "author"))
    return Blocks(blobs=blobs, authors=authors)


def make_leaves(blob_ids: list[str], sha256: list[bytes], published: list[bytes]) -> pa.Table:
    """The leaves (LEAVES) of rows, sorted by blob id."""
    rows = sorted(
        (bytes.fromhex(blob), merkle.row_leaf(blob, source, text))
        for blob, source, text in zip(blob_ids, sha256, published, strict=True)
    )
    return pa.table([pa.array([row[at] for row in rows], LEAVES[at].type) for at in range(2)], schema=LEAVES)


def write_leaves(folder: Path, leaves: pa.Table) -> None:
    """Write ``leaves.parquet``, as it is: hashes do not compress."""
    atomic.write_table(folder / "leaves.parquet", leaves, use_dictionary=False, compression="none")


def read_leaves(folder: Path) -> pa.Table:
    """The leaves of the tree over the rows (LEAVES), sorted by blob id."""
    return pq.read_table(folder / "leaves.parquet").cast(LEAVES)
