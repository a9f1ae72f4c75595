"""Issuing a release again without what was blocked since: ``v1.0+r1`` in the place of ``v1.0``.

A re-issue is what the release would have been with the block-list of now, decided from its own decisions: nothing that was
ingested since enters it. Shards without blocked rows are taken over unread, the others are written anew from themselves. A file
whose copy or near-duplicate stood in the release and is blocked takes its place, if the corpus still has it, and under a
permissive licence; so where the corpus has not changed, a re-issue is byte by byte a build with the same block-list.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from datasets_app.pipeline import making, manifest, needs
from datasets_app.pipeline.decide import Blocks
from datasets_app.pipeline.delta import Delta
from datasets_app.pipeline.executors import Executor, ThreadExecutor
from datasets_app.pipeline.making import Title
from datasets_app.pipeline.manifest import Manifest
from datasets_app.pipeline.progress import Progress, silent
from datasets_app.pipeline.recipe import Recipe
from datasets_app.pipeline.release import Release
from datasets_app.pipeline.release_errors import NothingBlocked, NothingLeft, ReleaseError

_NUMBERED = re.compile(r"(?P<original>.+?)(?:\+r(?P<number>[1-9]\d*))?")


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


def reissue(
    corpus: Path,
    releases: Path,
    spec: ReissueSpec,
    *,
    progress: Progress = silent,
    workers: int | None = None,
    executor: Executor | None = None,
) -> Manifest:
    """Issue a release again without what is blocked, and give the manifest; the original stays as it is.

    A re-issue that is there already with the same content is given as it is. ``workers`` are threads (as many as there are
    cores if ``None``), or an ``executor`` writes the shards elsewhere; the result does not depend on them.

    Raises:
        NoSuchRelease: There is no such original, or it was withdrawn.
        NothingBlocked, NothingLeft: The original holds nothing that is blocked, or nothing else.
        ReleaseExists: The version is taken by another release, or was withdrawn.
        BuildInProgress: Another process is making this version now.
        ReleaseDamaged: A shard of the original, or what was decided on it, is missing.
        CorpusChanged, CorpusDamaged, ShardsGone: The ground moved in the meantime, or a shard is damaged.
        StorageError: The disk is full.
    """
    with making.work_folder(releases, spec.name, spec.version) as work:
        progress("finding what goes", 0, 1)
        original = Release.open(releases, spec.name, spec.original).manifest
        recipe = Recipe.from_dict(original.recipe, any_rules=True)
        redaction = needs.redaction(needs.needed(corpus, recipe), recipe)
        outcome = Delta(corpus, releases, original, recipe, redaction).without(spec.blocks)
        if outcome is None:
            raise NothingBlocked(f"Release {spec.name} {spec.original} holds nothing of what is blocked.")
        if not outcome.planned and not outcome.carried:
            raise NothingLeft(f"Release {spec.name} {spec.original} holds nothing but what is blocked. Withdraw it.")
        progress("finding what goes", 1, 1, f"{len(outcome.planned)} shards are touched")
        title = Title(
            name=spec.name,
            version=spec.version,
            parent=(spec.name, spec.original),
            recipe=original.recipe,
            recipe_digest=original.recipe_digest,
            blocklist_position=spec.blocklist_position,
            rules=original.rules,
            reissue_of=original.reissue_of or original.version,
        )
        return making.make(corpus, releases, work, title, outcome, executor or ThreadExecutor(workers), progress)
