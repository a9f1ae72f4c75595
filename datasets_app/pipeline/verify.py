"""Reading a release back: do its bytes, rows and digests say what the manifest says?"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datasets_app.pipeline import manifest, merkle, placement
from datasets_app.pipeline.canonical import table_digest
from datasets_app.pipeline.format import SHARD, shard_path
from datasets_app.pipeline.manifest import Manifest
from datasets_app.pipeline.progress import Progress, silent
from datasets_app.pipeline.release import Release
from datasets_app.pipeline.shards import ShardEntry, text_hashes
from datasets_app.pipeline.storage import Place, Storage, file_digest

_MOST_PROBLEMS = 100


@dataclass
class VerifyReport:
    """What was found. ``problems`` are sentences; at most a hundred are told, the last one then says how many more."""

    rows: int = 0
    shards: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def verify(releases: Place, name: str, version: str, progress: Progress = silent) -> VerifyReport:
    """Read everything of a release and compare it with its manifest.

    Checked: the SHA-256 of each shard, its rows, bytes, logical digest and place; that each text has the SHA-256 and each
    source the git blob id that its row says; that no blob stands twice; the root of the tree over all rows; both digests of the
    release; the figures; and that the holdings count the same rows.

    Raises:
        NoSuchRelease: There is none, or it was withdrawn.
        ReleaseError: Its manifest cannot be read.
    """
    release = Release.open(releases, name, version)
    expected = release.manifest
    report = VerifyReport()
    leaves: list[tuple[str, bytes, bytes]] = []
    size = 0
    for number, shard in enumerate(expected.shards):
        table = _read_shard(
            release.storage,
            expected,
            shard,
            report,
            partial(progress, "verifying shards", number, len(expected.shards)),
        )
        report.shards += 1
        if table is not None:
            report.rows += len(table)
            size += pc.sum(table["size"]).as_py() or 0
            leaves += zip(*(table[name].to_pylist() for name in ("blob_id", "sha256", "published_sha256")), strict=True)
    progress("verifying shards", len(expected.shards), len(expected.shards))
    progress("verifying the tree", 0, 1)
    _check_whole(release, leaves, size, report)
    progress("verifying the tree", 1, 1)
    more = len(report.problems) - _MOST_PROBLEMS
    if more > 0:
        report.problems[_MOST_PROBLEMS:] = [f"... and {more} more problems."]
    return report


def _read_shard(
    place: Storage, expected: Manifest, shard: ShardEntry, report: VerifyReport, tell: Callable[[], None]
) -> pa.Table | None:
    """The shard's rows without their text, or ``None`` where it cannot be read."""
    name = placement.shard_name(shard["language"], shard["bucket"])
    path = shard_path(Path(), shard["digest"]).as_posix()
    say = report.problems.append
    try:
        digest = file_digest(place, path)
    except FileNotFoundError:
        say(f"{name}: the file {place.address}/{path} is missing.")
        return None
    if digest != shard["digest"]:
        say(f"{name}: the bytes have the SHA-256 {digest}, the manifest says {shard['digest']}.")
    try:
        # Group by group: a shard's text need not fit into memory at once.
        source = pq.ParquetFile(place.open(path))
        parts = []
        for group in range(source.num_row_groups):
            tell()
            parts.append(_check_texts(source.read_row_group(group).cast(SHARD), name, say))
        table = pa.concat_tables(parts).combine_chunks()
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        say(f"{name}: it cannot be read as a shard: {error}.")
        return None
    if len(table) != shard["rows"]:
        say(f"{name}: {len(table)} rows, the manifest says {shard['rows']}.")
    if (found := pc.sum(table["size"]).as_py()) != shard["bytes"]:
        say(f"{name}: {found} bytes of source, the manifest says {shard['bytes']}.")
    if table_digest(table) != shard["logical"]:
        say(f"{name}: its values have another digest than the manifest says.")
    buckets = expected.plan["buckets"].get(shard["language"], 0)
    for language, owner_key in set(zip(table["language"].to_pylist(), table["owner_key"].to_pylist(), strict=True)):
        if language != shard["language"] or not buckets or placement.bucket_of(owner_key, buckets) != shard["bucket"]:
            say(f"{name}: it holds rows of another language or owner than its place is for.")
            break
    return table


def _check_texts(table: pa.Table, name: str, say: Callable[[str], None]) -> pa.Table:
    """Check every text of a row group, and give the group without them, with the SHA-256 found as ``published_sha256``."""
    content = table["content"].combine_chunks()
    found = text_hashes(content)
    stated = zip(
        table["blob_id"].to_pylist(),
        table["sha256"].to_pylist(),
        table["published_sha256"].to_pylist(),
        table["size"].to_pylist(),
        strict=True,
    )
    for row, (blob_id, source, published, size) in enumerate(stated):
        if found[row] != published:
            say(f"{name}: the text of blob {blob_id} is not the one that was published.")
        if source != published:
            continue  # The text was changed when it was published; the source is not here to be checked.
        text = content[row].as_buffer()
        if hashlib.sha1(b"blob %d\0" % len(text) + bytes(text), usedforsecurity=False).hexdigest() != blob_id:
            say(f"{name}: the text of blob {blob_id} has another git blob id.")
        if len(text) != size:
            say(f"{name}: the text of blob {blob_id} has {len(text)} bytes, its row says {size}.")
    at = table.schema.get_field_index("published_sha256")
    return table.set_column(at, table.schema.field(at), pa.array(found, pa.binary(32))).drop_columns(["content"])


def _check_whole(release: Release, leaves: list[tuple[str, bytes, bytes]], size: int, report: VerifyReport) -> None:
    expected = release.manifest
    say = report.problems.append
    if report.rows != expected.rows:
        say(f"The shards hold {report.rows} rows, the manifest says {expected.rows}.")
    if size != expected.bytes:
        say(f"The shards hold {size} bytes of source, the manifest says {expected.bytes}.")
    if len({leaf[0] for leaf in leaves}) != len(leaves):
        say("A blob stands in more than one row.")
    if merkle.release_root(leaves).hex() != expected.tree_root:
        say("The root of the tree over all rows is not the one in the manifest.")
    if manifest.bytes_digest(expected.shards) != expected.digest_bytes:
        say("The digest over the shards is not the one in the manifest.")
    if manifest.logical_digest(expected.shards) != expected.digest_logical:
        say("The logical digest over the shards is not the one in the manifest.")
    kept = [row for row in expected.funnel if row["reason"] == "kept"]
    for what, rows in (("reason", kept), ("language", expected.languages), ("licence", expected.licences)):
        if (sum(row["files"] for row in rows), sum(row["bytes"] for row in rows)) != (expected.rows, expected.bytes):
            say(f"The figures by {what} in the manifest do not add up to its rows and bytes.")
    try:
        held = release.holdings()
    except (FileNotFoundError, pa.ArrowException, ValueError) as error:
        say(f"The holdings cannot be read: {error}.")
        return
    if ((pc.sum(held["files"]).as_py() or 0), (pc.sum(held["bytes"]).as_py() or 0)) != (expected.rows, expected.bytes):
        say("The holdings do not add up to the rows and bytes of the manifest.")
