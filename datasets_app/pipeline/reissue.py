"""Issuing a release again without what was blocked since: ``v1.0+r1`` in the place of ``v1.0``.

A re-issue is made of the release's own shards, never of the texts of the corpus, and adds nothing: shards without blocked
rows are taken over unread but for their keys, the others are written anew from themselves. A text whose named origin is
blocked stays under its next best origin, if the release knew that file as an exact copy and the corpus still has it under
a permissive licence. A near-duplicate, or another version of a file, that made way for a blocked one is *not* taken in: that
is for the next build. Rows that name the number of their copies are written anew where a copy went.

Where the corpus has not changed and no near-duplicate is concerned, the shards are byte by byte those of a build with the
same block-list.
"""

import os
import re
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from datasets_app.pipeline import atomic, committing, decide, manifest, merkle, placement, rewriting, shards, workspace
from datasets_app.pipeline.decide import Blocks
from datasets_app.pipeline.errors import StorageError
from datasets_app.pipeline.format import manifest_path
from datasets_app.pipeline.manifest import LanguageRow, LicenceRow, Manifest, Plan
from datasets_app.pipeline.progress import Progress, silent
from datasets_app.pipeline.reasons import REASONS, FunnelRow, public_funnel
from datasets_app.pipeline.redecide import Redecided, redecide
from datasets_app.pipeline.release import Release
from datasets_app.pipeline.release_errors import NothingBlocked, NothingLeft, ReleaseError, ReleaseExists
from datasets_app.pipeline.rewriting import Rewrite
from datasets_app.pipeline.shards import ShardEntry, WriteOptions

_NUMBERED = re.compile(r"(?P<original>.+?)(?:\+r(?P<number>[1-9]\d*))?")
_REPORT_EVERY = 0.3  # seconds


@dataclass(frozen=True)
class ReissueSpec:
    """What to issue again.

    Attributes:
        name: Of the data set.
        original: Version of the release to issue again; it may be a re-issue itself.
        version: Of the re-issue, see ``next_version``.
        blocks: What has to go.
        blocklist_position: How far the block-list had come.
    """

    name: str
    original: str
    version: str
    blocks: Blocks
    blocklist_position: int = 0

    def __post_init__(self) -> None:
        """Check the names.

        Raises:
            ReleaseError: A name or version cannot be a folder, or both versions are the same.
            ValueError: ``blocklist_position`` is out of range.
        """
        manifest.check_name(self.name, self.original)
        manifest.check_name(self.name, self.version)
        if self.original == self.version:
            raise ReleaseError(f"Release {self.name} {self.version} cannot be issued again under its own version.")
        if self.blocklist_position < 0:
            raise ValueError(f"blocklist_position: {self.blocklist_position} is below 0")


def next_version(version: str, taken: Iterable[str] = ()) -> str:
    """The version of the next re-issue: ``1.0+r1`` after ``1.0``, ``1.0+r3`` after ``1.0+r2``, passing over those taken."""
    match = _NUMBERED.fullmatch(version)
    assert match is not None
    number, known = int(match["number"] or 0), set(taken)
    while True:
        number += 1
        if (found := f"{match['original']}+r{number}") not in known:
            return found


def shifted(stated: Iterable[FunnelRow], before: Iterable[FunnelRow], after: Iterable[FunnelRow]) -> list[FunnelRow]:
    """A stated funnel, moved by the difference of two others: rows that the decisions forgot stay counted."""
    counts = {key: [0, 0] for reason in REASONS.values() for key in (reason.key, reason.public)}
    for rows, sign in ((stated, 1), (before, -1), (after, 1)):
        for row in rows:
            counts[row["reason"]][0] += sign * row["files"]
            counts[row["reason"]][1] += sign * row["bytes"]
    return [FunnelRow(reason=key, files=files, bytes=size) for key, (files, size) in counts.items() if files]


def reissue(
    corpus: Path, releases: Path, spec: ReissueSpec, *, progress: Progress = silent, workers: int | None = None
) -> Manifest:
    """Issue a release again without what is blocked, and give the manifest; the original stays as it is.

    A re-issue that is there already with the same content is given as it is. ``workers`` are threads (as many as there are
    cores if ``None``); the result does not depend on them.

    Raises:
        NoSuchRelease: There is no such original, or it was withdrawn.
        NothingBlocked, NothingLeft: The original holds nothing that is blocked, or nothing else.
        ReleaseExists: The version is taken by another release, or was withdrawn.
        BuildInProgress: Another process is making this version now.
        ReleaseDamaged, ShardsGone: A shard of the original is missing, damaged, or was deleted meanwhile.
        StorageError: The disk is full.
    """
    try:
        with workspace.work_folder(releases, spec.name, spec.version) as work:
            committing.drop_unfinished(work)
            return _reissue(corpus, releases, spec, work, progress, workers or os.cpu_count() or 1)
    except OSError as error:
        if not atomic.is_full(error):
            raise
        raise StorageError(
            f"The disk is full at {releases}: release {spec.name} {spec.version} was not made, and what was half-made is "
            f"deleted. Free some space and try again. ({error.strerror})"
        ) from error


def _reissue(corpus: Path, releases: Path, spec: ReissueSpec, work: Path, progress: Progress, workers: int) -> Manifest:
    progress("finding what goes", 0, 2, "reading the keys of its rows")
    release = Release.open(releases, spec.name, spec.original)
    original = release.manifest
    rows = rewriting.read_keys(releases, original.shards)
    progress("finding what goes", 1, 2)
    found = redecide(corpus, release, rows, spec.blocks)
    if not found.concerned:
        raise NothingBlocked(f"Release {spec.name} {spec.original} holds nothing of what is blocked.")
    if found.kept.is_empty():
        raise NothingLeft(f"Release {spec.name} {spec.original} holds nothing but what is blocked. Withdraw it.")
    recipe = original.recipe
    sizes = dict(found.kept.group_by("language").agg(pl.col("size").sum()).iter_rows())
    plan = Plan(buckets=placement.plan_buckets(sizes, recipe["shard_bytes"], original.plan["buckets"]))
    kept = placement.place(found.kept, plan["buckets"])
    write = WriteOptions(row_group_bytes=recipe["row_group_bytes"], zstd_level=recipe["zstd_level"])
    entries, todo = rewriting.plan(kept, original.shards, write)
    progress("finding what goes", 2, 2, f"{original.rows - len(kept)} of {original.rows} files go")

    order = [entry["input_digest"] if entry else rewrite.input_digest for entry, rewrite in entries]
    existing = _existing(releases, spec, order)
    if existing is not None:
        return existing
    written = _write(releases, work, todo, len(entries), progress, workers)
    ordered = [entry if entry else written[rewrite.input_digest] for entry, rewrite in entries]

    progress("indexing", 0, 2)
    made = work / "release"
    made.mkdir()
    schema = pq.read_schema(release.folder / "decisions.parquet")
    decisions = found.decisions.select(schema.names).to_arrow(compat_level=pl.CompatLevel.oldest()).cast(schema)
    atomic.write_table(made / "decisions.parquet", decisions)
    atomic.write_table(made / "holdings.parquet", found.holdings)
    progress("indexing", 1, 2)
    result = _manifest(spec, original, plan, kept, ordered, found)
    atomic.write_bytes(made / "manifest.json", result.to_json().encode())
    progress("indexing", 2, 2)
    committing.commit(releases, work, result, progress)
    return result


def _manifest(
    spec: ReissueSpec,
    original: Manifest,
    plan: Plan,
    kept: pl.DataFrame,
    ordered: list[ShardEntry],
    found: Redecided,
) -> Manifest:
    root = merkle.release_root(
        zip(kept["blob_id"].to_list(), kept["sha256"].to_list(), kept["published_sha256"].to_list(), strict=True)
    )
    before, after = (public_funnel(decide.funnel(decided)) for decided in (found.decisions_before, found.decisions))
    return Manifest(
        name=spec.name,
        version=spec.version,
        parent=(spec.name, spec.original),
        recipe=original.recipe,
        recipe_digest=original.recipe_digest,
        plan=plan,
        blocklist_position=spec.blocklist_position,
        shards=ordered,
        rows=len(kept),
        bytes=int(kept["size"].sum()),
        funnel=shifted(original.funnel, before, after),
        languages=[LanguageRow(**row) for row in committing.tally(kept, "language")],  # type: ignore[typeddict-item]
        licences=[LicenceRow(**row) for row in committing.tally(kept, "licence")],  # type: ignore[typeddict-item]
        digest_bytes=manifest.bytes_digest(ordered),
        digest_logical=manifest.logical_digest(ordered),
        tree_root=root.hex(),
        writer=dict(shards.WRITER),
        created_at=manifest.now(),
        reissue_of=original.reissue_of or original.version,
    )


def _existing(releases: Path, spec: ReissueSpec, order: list[str]) -> Manifest | None:
    if not manifest_path(releases, spec.name, spec.version).exists():
        return None
    there = manifest.load(releases, spec.name, spec.version)
    if there.withdrawn:
        raise ReleaseExists(f"Release {spec.name} {spec.version} was withdrawn; its number is not used again.")
    same = there.parent == (spec.name, spec.original) and [shard["input_digest"] for shard in there.shards] == order
    if not same:
        raise ReleaseExists(
            f"Release {spec.name} {spec.version} is there already with other content, and releases never change. "
            "Choose another version."
        )
    return there


def _write(
    releases: Path, work: Path, todo: list[Rewrite], total: int, progress: Progress, workers: int
) -> dict[str, ShardEntry]:
    """Write the shards that change; entries by input digest."""
    done = total - len(todo)
    progress("writing shards", done, total, f"{done} shards taken over as they are")
    entries: dict[str, ShardEntry] = {}
    with ThreadPoolExecutor(workers) as pool:
        pending = {pool.submit(rewriting.rewrite_shard, releases, work, rewrite) for rewrite in todo}
        try:
            while pending:
                finished, pending = wait(pending, _REPORT_EVERY, FIRST_COMPLETED)
                for future in finished:
                    entry = future.result()
                    entries[entry["input_digest"]] = entry
                    done += 1
                progress("writing shards", done, total)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return entries
