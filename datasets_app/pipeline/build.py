"""Building a release: decide, plan, write the shards that are new, index, commit.

Shards are made from nothing but their rows, the write options and the writer. A shard of an earlier release with the
same input digest is taken over without being read. Everything new grows in a work folder; the last step moves the
shards to their shelf and renames the folder with manifest, decisions and holdings to its place. Whoever is killed
before that rename leaves nothing that can be seen, and the next builder of the same release goes on from there.
"""

import hashlib
import shutil
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datasets_app.pipeline import atomic, decide, manifest, merkle, needs, placement, planning, shards, state, workspace
from datasets_app.pipeline.delta import Delta
from datasets_app.pipeline.errors import StorageError
from datasets_app.pipeline.executors import Executor, ThreadExecutor
from datasets_app.pipeline.format import manifest_path, shard_path
from datasets_app.pipeline.manifest import Manifest
from datasets_app.pipeline.outcome import Outcome, from_scratch
from datasets_app.pipeline.planning import PlannedShard
from datasets_app.pipeline.progress import Progress, silent
from datasets_app.pipeline.reasons import public_funnel
from datasets_app.pipeline.recipe import Recipe
from datasets_app.pipeline.release_errors import NothingKept, ReleaseExists, ShardsGone
from datasets_app.pipeline.shards import ShardEntry, ShardSpec
from datasets_app.pipeline.similarity import Similarity
from datasets_app.pipeline.snapshots import snapshots
from datasets_app.pipeline.state import Ground


@dataclass(frozen=True)
class BuildSpec:
    """What to build.

    Attributes:
        name: Of the data set.
        version: Of the release.
        recipe: Which files to take.
        blocked_owners: Owner keys that may not enter.
        blocked_repositories: Repository keys that may not enter.
        blocked_blobs: Blob ids that may not enter under any owner.
        blocklist_position: How far the block-list had come.
        parent: Name and version of the release to go on from: its plan is kept. ``None`` for a first release.
        buckets: Buckets by language to place by. ``None`` takes the parent's where it has the same name and major
            version, and otherwise plans anew from the bytes at hand.
    """

    name: str
    version: str
    recipe: Recipe
    blocked_owners: frozenset[str] = frozenset()
    blocked_repositories: frozenset[str] = frozenset()
    blocked_blobs: frozenset[str] = frozenset()
    blocklist_position: int = 0
    parent: tuple[str, str] | None = None
    buckets: Mapping[str, int] | None = field(default=None, hash=False)

    def __post_init__(self) -> None:
        """Check the names.

        Raises:
            ReleaseError: A name or version cannot be a folder.
            ValueError: ``blocklist_position`` or ``buckets`` is out of range.
        """
        manifest.check_name(self.name, self.version)
        if self.parent is not None:
            manifest.check_name(*self.parent)
        if self.blocklist_position < 0:
            raise ValueError(f"blocklist_position: {self.blocklist_position} is below 0")
        for language, buckets in (self.buckets or {}).items():
            if not 1 <= buckets <= placement.MOST_BUCKETS:
                raise ValueError(f"buckets: {buckets} for {language} is not between 1 and {placement.MOST_BUCKETS}")

    @property
    def blocks(self) -> decide.Blocks:
        """The block-list of this build."""
        return decide.Blocks(self.blocked_owners, self.blocked_repositories, self.blocked_blobs)


def build(
    corpus: Path,
    releases: Path,
    spec: BuildSpec,
    *,
    progress: Progress = silent,
    workers: int | None = None,
    executor: Executor | None = None,
) -> Manifest:
    """Build a release and give its manifest.

    A release that is there already with the same content is given as it is. ``workers`` are threads (as many as there are
    cores if ``None``), or an ``executor`` writes the shards elsewhere; the result does not depend on them.

    Raises:
        EmptyCorpus, NothingKept: There is nothing to build from, or nothing of it passes; both carry the funnel.
        AttributesMissing: Attributes have to be computed first.
        ReleaseExists: The version is taken by another release, or was withdrawn.
        BuildInProgress: Another process is building it now.
        NoSuchRelease: There is no such parent.
        CorpusChanged, CorpusDamaged, ShardsGone: The ground moved in the meantime, or the corpus is damaged.
        StorageError: The disk is full.
    """
    try:
        with workspace.work_folder(releases, spec.name, spec.version) as work:
            _drop_unfinished(work)
            return _build(corpus, releases, spec, work, progress, executor or ThreadExecutor(workers))
    except OSError as error:
        if not atomic.is_full(error):
            raise
        raise StorageError(
            f"The disk is full at {releases}: release {spec.name} {spec.version} was not built, and what was half-made is "
            f"deleted. Free some space and build again. ({error.strerror})"
        ) from error


def _build(
    corpus: Path, releases: Path, spec: BuildSpec, work: Path, progress: Progress, executor: Executor
) -> Manifest:
    outcome = _decide(corpus, releases, spec, progress)
    existing = _existing(releases, spec, outcome)
    if existing is not None:
        return existing

    entries = planning.reusable(releases, outcome.planned)
    taken_over = len(entries) + len(outcome.carried)
    progress("writing shards", 0, len(outcome.planned), f"{taken_over} shards taken over as they are")
    _write_shards(corpus, work, outcome.planned, entries, executor, progress)
    written = [entries[shard.spec["input_digest"]] for shard in outcome.planned]
    ordered = sorted([*outcome.carried, *written], key=lambda entry: (entry["language"], entry["bucket"]))

    progress("indexing", 0, 3)
    leaves = _leaves(releases, work, outcome, written)
    progress("indexing", 1, 3)
    made = work / "release"
    made.mkdir()
    outcome.write_state(made)
    state.write_leaves(made, leaves)
    progress("indexing", 2, 3)
    atomic.write_table(made / "holdings.parquet", outcome.holdings)
    result = Manifest(
        name=spec.name,
        version=spec.version,
        parent=spec.parent,
        recipe=spec.recipe.to_dict(),
        recipe_digest=spec.recipe.digest(),
        plan=outcome.plan,
        blocklist_position=spec.blocklist_position,
        shards=ordered,
        rows=sum(entry["rows"] for entry in ordered),
        bytes=sum(entry["bytes"] for entry in ordered),
        funnel=public_funnel(outcome.counts),
        languages=outcome.languages,
        licences=outcome.licences,
        digest_bytes=manifest.bytes_digest(ordered),
        digest_logical=manifest.logical_digest(ordered),
        tree_root=merkle.root(leaves["leaf"].to_pylist()).hex(),
        writer=dict(shards.WRITER),
        created_at=manifest.now(),
    )
    atomic.write_bytes(made / "manifest.json", result.to_json().encode())
    progress("indexing", 3, 3)
    _commit(releases, work, result, progress)
    return result


def _decide(corpus: Path, releases: Path, spec: BuildSpec, progress: Progress) -> Outcome:
    """What the release is to be: from its parent where only the block-list grew, else from scratch."""
    progress("deciding", 0, 3, "reading files and attributes")
    families = needs.needed(corpus, spec.recipe)
    needs.check(corpus, families)
    blobs = hashlib.sha256("\n".join(sorted(spec.blocked_blobs)).encode()).hexdigest()
    ground = Ground(spec.recipe.digest(), [one.folder for one in families], snapshots(corpus), blobs)
    redaction = needs.redaction(families, spec.recipe)
    parent = manifest.load(releases, *spec.parent) if spec.parent else None
    if parent is not None and planning.same_plan(parent, spec.name, spec.version, spec.buckets):
        outcome = Delta(corpus, releases, parent, spec.recipe, redaction).decide(ground, spec.blocks)
        if outcome is not None:
            if not outcome.planned and not outcome.carried:
                raise NothingKept(outcome.counts)
            progress(
                "deciding", 3, 3, f"from {parent.name} {parent.version}: {len(outcome.planned)} shards are touched"
            )
            return outcome
    files = decide.load(corpus, needs.named(families, "contamination"))
    progress("deciding", 1, 3)
    decided = decide.decide(files, spec.recipe, spec.blocks, Similarity(corpus, spec.recipe).settle)
    progress("deciding", 2, 3)
    kept = decided.kept
    if kept.is_empty():
        raise NothingKept(decide.funnel(decided.files))
    sizes = dict(kept.group_by("language").agg(pl.col("size").sum()).iter_rows())
    plan = planning.make_plan(spec.name, spec.version, parent, spec.buckets, sizes, spec.recipe.shard_bytes)
    outcome = from_scratch(decided, spec.recipe, plan, ground, redaction)
    progress("deciding", 3, 3, f"{len(kept)} of {len(files)} files kept, in {len(outcome.planned)} shards")
    return outcome


def _existing(releases: Path, spec: BuildSpec, outcome: Outcome) -> Manifest | None:
    if not manifest_path(releases, spec.name, spec.version).exists():
        return None
    there = manifest.load(releases, spec.name, spec.version)
    if there.withdrawn:
        raise ReleaseExists(f"Release {spec.name} {spec.version} was withdrawn; its number is not used again.")
    wanted = [shard.spec["input_digest"] for shard in outcome.planned]
    wanted += [entry["input_digest"] for entry in outcome.carried]
    same = (
        there.recipe_digest == spec.recipe.digest()
        and there.plan == outcome.plan
        and sorted(shard["input_digest"] for shard in there.shards) == sorted(wanted)
    )
    if not same:
        raise ReleaseExists(
            f"Release {spec.name} {spec.version} is there already with other content, and releases never change. "
            "Choose another version."
        )
    return there


def _drop_unfinished(work: Path) -> None:
    """Leave in the work folder of a killed builder only its finished shards."""
    atomic.sweep(work)
    shutil.rmtree(work / "release", ignore_errors=True)
    (work / planning.ROWS_NAME).unlink(missing_ok=True)


def _write_shards(
    corpus: Path,
    work: Path,
    planned: list[PlannedShard],
    entries: dict[str, ShardEntry],
    executor: Executor,
    progress: Progress,
) -> None:
    """Write the shards that ``entries`` lacks, and add them to it."""
    todo: list[ShardSpec] = []
    with pq.ParquetWriter(
        work / planning.ROWS_NAME, shards.ROWS, compression="zstd", compression_level=1, store_schema=False
    ) as writer:
        for spec, rows in planned:
            digest = spec["input_digest"]
            if digest in entries:
                continue
            finished = shards.finished(work, digest)
            if finished is not None:
                entries[digest] = finished
                continue
            todo.append({**spec, "row_group": len(todo)})
            writer.write_table(rows, row_group_size=len(rows))
    done = len(planned) - len(todo)
    progress("writing shards", done, len(planned))
    outcomes = executor.run(
        "run_shard", (str(corpus), str(work)), todo, lambda: progress("writing shards", done, len(planned))
    )
    with closing(outcomes):
        for _, entry in outcomes:
            entries[entry["input_digest"]] = entry
            done += 1
            progress("writing shards", done, len(planned))


def _leaves(releases: Path, work: Path, outcome: Outcome, written: list[ShardEntry]) -> pa.Table:
    """The leaves of the tree over all rows. The hashes of published texts come from the shards, whose rows have the same order."""
    blobs: list[str] = []
    sources: list[bytes] = []
    published: list[bytes] = []
    fresh = pa.array(sorted(outcome.fresh), pa.string())
    for entry in written:
        path = shards.pending_path(work, entry["input_digest"])
        if not path.exists():
            path = shard_path(releases, entry["digest"])
        try:
            columns = ["blob_id", "sha256", "published_sha256"]
            rows = pq.ParquetFile(path).read(columns, use_threads=False)
        except FileNotFoundError:
            raise _gone(entry) from None
        rows = rows.filter(pc.is_in(rows["blob_id"], value_set=fresh))
        blobs += rows["blob_id"].to_pylist()
        sources += rows["sha256"].to_pylist()
        published += rows["published_sha256"].to_pylist()
    made = state.make_leaves(blobs, sources, published)
    if not outcome.leaves.num_rows:
        return made
    return pa.concat_tables([outcome.leaves, made]).sort_by("blob_id")


def _gone(entry: ShardEntry) -> ShardsGone:
    return ShardsGone(
        f"The shard {placement.shard_name(entry['language'], entry['bucket'])} that was to be taken over was deleted in "
        "the meantime, because its release was withdrawn. Build again."
    )


def _commit(releases: Path, work: Path, result: Manifest, progress: Progress) -> None:
    """Move the new shards to the shelf and the release to its place. The rename of its folder is the commit."""
    progress("committing", 0, 1)
    with workspace.shelf_lock(releases):
        for entry in result.shards:
            pending = shards.pending_path(work, entry["input_digest"])
            shelf = shard_path(releases, entry["digest"])
            if pending.exists():
                shelf.parent.mkdir(parents=True, exist_ok=True)
                pending.rename(shelf)
                atomic.flush_folder(shelf.parent)
            elif not planning.is_whole(releases, entry):
                raise _gone(entry)
        home = manifest_path(releases, result.name, result.version).parent
        (work / "release").rename(home)
        atomic.flush_folder(home.parent)
    progress("committing", 1, 1, f"{result.name} {result.version} stands, digest {result.digest_bytes}")
