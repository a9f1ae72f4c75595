"""Building a release: decide what it is to be, from its parent where that is enough, and make it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from datasets_app.pipeline import decide, making, manifest, needs, placement, planning, state
from datasets_app.pipeline.delta import Delta
from datasets_app.pipeline.executors import Executor, ThreadExecutor
from datasets_app.pipeline.families import Family
from datasets_app.pipeline.format import manifest_path
from datasets_app.pipeline.making import Title
from datasets_app.pipeline.manifest import Manifest
from datasets_app.pipeline.outcome import Outcome, from_scratch
from datasets_app.pipeline.progress import Progress, silent
from datasets_app.pipeline.recipe import Recipe
from datasets_app.pipeline.release_errors import NothingKept
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
        blocked_authors: Keyed hashes of people of whom nothing may enter that they wrote alone.
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
    blocked_authors: frozenset[str] = frozenset()
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
        return decide.Blocks(self.blocked_owners, self.blocked_repositories, self.blocked_blobs, self.blocked_authors)


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
    with making.work_folder(releases, spec.name, spec.version) as work:
        families = needs.needed(corpus, spec.recipe)
        needs.check(corpus, families)
        outcome = _decide(corpus, releases, spec, families, progress)
        title = Title(
            name=spec.name,
            version=spec.version,
            parent=spec.parent,
            recipe=spec.recipe.to_dict(),
            recipe_digest=spec.recipe.digest(),
            blocklist_position=spec.blocklist_position,
            rules=tuple(family.folder for family in families),
        )
        return making.make(corpus, releases, work, title, outcome, executor or ThreadExecutor(workers), progress)


def _decide(corpus: Path, releases: Path, spec: BuildSpec, families: list[Family], progress: Progress) -> Outcome:
    """What the release is to be: from its parent where only the block-list grew, else from scratch."""
    progress("deciding", 0, 3, "reading files and attributes")
    ground = Ground(spec.recipe.digest(), [one.folder for one in families], snapshots(corpus))
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
    files = decide.load(corpus, needs.named(families, "contamination"), needs.named(families, "notebooks"))
    progress("deciding", 1, 3)
    decided = decide.decide(files, spec.recipe, spec.blocks, _settle(corpus, releases, spec.recipe, parent, ground))
    progress("deciding", 2, 3)
    kept = decided.kept
    if kept.is_empty():
        raise NothingKept(decide.funnel(decided.files))
    sizes = dict(kept.group_by("language").agg(pl.col("size").sum()).iter_rows())
    plan = planning.make_plan(spec.name, spec.version, parent, spec.buckets, sizes, spec.recipe.shard_bytes)
    outcome = from_scratch(decided, spec.recipe, plan, ground, redaction, spec.blocks)
    progress("deciding", 3, 3, f"{len(kept)} of {len(files)} files kept, in {len(outcome.planned)} shards")
    return outcome


def _settle(corpus: Path, releases: Path, recipe: Recipe, parent: Manifest | None, ground: Ground) -> decide.Settle:
    """What settles near-duplicates: from those of the parent where it was made by the same recipe and rules."""
    similarity = Similarity(corpus, recipe)
    if parent is None or parent.withdrawn or recipe.near_duplicates == "off":
        return similarity.settle
    folder = manifest_path(releases, parent.name, parent.version).parent
    facts = state.read_facts(folder)
    if facts is None or (facts.ground.recipe, facts.ground.families) != (ground.recipe, ground.families):
        return similarity.settle
    passed = (
        state.decisions(folder)
        .read(columns=["blob_id", "rank", "reason"])
        .filter(pl.col("reason").is_in(decide.PASSED))
    )
    before = passed.group_by("blob_id").agg(pl.col("rank").min())
    return similarity.settle_from(before, state.duplicates(folder).read())
