"""Making a release of what was decided: write the shards that are new, index, commit.

Shards are made from nothing but their rows, the write options and the writer. A shard of another release with the same input
digest is taken over without being read. Everything new grows in a work folder; the last step moves the shards to their shelf
and renames the folder with the manifest to its place. Whoever is killed before that rename leaves nothing that can be seen,
and the next maker of the same release goes on from there.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datasets_app.pipeline import atomic, committing, manifest, planning, shards, state, tree, workspace
from datasets_app.pipeline.errors import StorageError
from datasets_app.pipeline.executors import Executor
from datasets_app.pipeline.format import manifest_path, shard_path
from datasets_app.pipeline.manifest import Manifest
from datasets_app.pipeline.outcome import Outcome
from datasets_app.pipeline.planning import PlannedShard
from datasets_app.pipeline.progress import Progress
from datasets_app.pipeline.reasons import public_funnel
from datasets_app.pipeline.release_errors import ReleaseExists
from datasets_app.pipeline.shards import ShardEntry, ShardSpec


@dataclass(frozen=True)
class Title:
    """What a release is called and where it comes from; the fields are those of the manifest."""

    name: str
    version: str
    parent: tuple[str, str] | None
    recipe: dict[str, Any]
    recipe_digest: str
    blocklist_position: int
    rules: tuple[str, ...]
    reissue_of: str | None = None


@contextmanager
def work_folder(releases: Path, name: str, version: str) -> Iterator[Path]:
    """The folder in which a release grows, with the finished shards of a maker that was killed.

    Raises:
        BuildInProgress: Another process is making this release.
        StorageError: The disk is full; what was half-made is deleted.
    """
    try:
        with workspace.work_folder(releases, name, version) as work:
            committing.drop_unfinished(work)
            yield work
    except OSError as error:
        if not atomic.is_full(error):
            raise
        raise StorageError(
            f"The disk is full at {releases}: release {name} {version} was not built, and what was half-made is "
            f"deleted. Free some space and build again. ({error.strerror})"
        ) from error


def make(
    corpus: Path, releases: Path, work: Path, title: Title, outcome: Outcome, executor: Executor, progress: Progress
) -> Manifest:
    """Write a release and give its manifest. One that is there already with the same content is given as it is.

    Raises:
        ReleaseExists: The version is taken by another release, or was withdrawn.
        CorpusChanged, CorpusDamaged, ShardsGone: The ground moved in the meantime, or the corpus is damaged.
    """
    existing = _existing(releases, title, outcome)
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
        **vars(title),
        plan=outcome.plan,
        shards=ordered,
        rows=sum(entry["rows"] for entry in ordered),
        bytes=sum(entry["bytes"] for entry in ordered),
        funnel=public_funnel(outcome.counts),
        languages=outcome.languages,
        licences=outcome.licences,
        digest_bytes=manifest.bytes_digest(ordered),
        digest_logical=manifest.logical_digest(ordered),
        tree_root=tree.root(leaves["leaf"]).hex(),
        writer=dict(shards.WRITER),
        created_at=manifest.now(),
    )
    atomic.write_bytes(made / "manifest.json", result.to_json().encode())
    progress("indexing", 3, 3)
    committing.commit(releases, work, result, progress)
    return result


def _existing(releases: Path, title: Title, outcome: Outcome) -> Manifest | None:
    if not manifest_path(releases, title.name, title.version).exists():
        return None
    there = manifest.load(releases, title.name, title.version)
    if there.withdrawn:
        raise ReleaseExists(f"Release {title.name} {title.version} was withdrawn; its number is not used again.")
    wanted = [shard.spec["input_digest"] for shard in outcome.planned]
    wanted += [entry["input_digest"] for entry in outcome.carried]
    same = (
        there.recipe_digest == title.recipe_digest
        and there.reissue_of == title.reissue_of
        and there.plan == outcome.plan
        and sorted(shard["input_digest"] for shard in there.shards) == sorted(wanted)
    )
    if not same:
        raise ReleaseExists(
            f"Release {title.name} {title.version} is there already with other content, and releases never change. "
            "Choose another version."
        )
    return there


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
    """The leaves of the tree over all rows. The hashes of published texts come from the shards, where they are not known."""
    blobs: list[str] = []
    sources: list[bytes] = []
    published: list[bytes] = []
    fresh = pa.array(sorted(outcome.fresh), pa.string())
    for entry in written:
        path = shards.pending_path(work, entry["input_digest"])
        if not path.exists():
            path = shard_path(releases, entry["digest"])
        try:
            rows = pq.ParquetFile(path).read(["blob_id", "sha256", "published_sha256"], use_threads=False)
        except FileNotFoundError:
            raise committing.gone(entry) from None
        rows = rows.filter(pc.is_in(rows["blob_id"], value_set=fresh))
        blobs += rows["blob_id"].to_pylist()
        sources += rows["sha256"].to_pylist()
        published += rows["published_sha256"].to_pylist()
    made = state.make_leaves(blobs, sources, published)
    if not made.num_rows:
        return outcome.leaves
    if not outcome.leaves.num_rows:
        return made
    return pa.concat_tables([outcome.leaves, made]).sort_by("blob_id")
