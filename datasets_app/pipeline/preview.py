"""What an opt-out would change in a release, before anybody acts: decided in memory, without reading texts or writing."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from datasets_app.pipeline import decide, manifest, needs, placement, planning, state
from datasets_app.pipeline.decide import BLOCKED, Blocks
from datasets_app.pipeline.format import manifest_path
from datasets_app.pipeline.reasons import KEPT
from datasets_app.pipeline.recipe import Recipe
from datasets_app.pipeline.release_errors import NoSuchRelease
from datasets_app.pipeline.similarity import Similarity

_KEYS = ["repository_key", "path", "blob_id"]


@dataclass(frozen=True)
class Preview:
    """The effect of blocks on one release.

    Attributes:
        files: Rows of the release whose named origin is blocked.
        bytes: Of source in them.
        promoted: Of these rows, those that stay under the next best origin.
        gone: Of these rows, those whose blob leaves the release.
        shards: Shards that the next build writes anew or leaves out.
        shard_bytes: Of source in those shards now.
    """

    files: int
    bytes: int
    promoted: int
    gone: int
    shards: int
    shard_bytes: int


def preview(
    corpus: Path,
    releases: Path,
    name: str,
    version: str,
    *,
    blocked_owners: frozenset[str] = frozenset(),
    blocked_repositories: frozenset[str] = frozenset(),
    blocked_blobs: frozenset[str] = frozenset(),
    blocked_authors: frozenset[str] = frozenset(),
) -> Preview:
    """Say what these blocks, beside those that the release was built with, would change in it.

    Only files that the release was decided on are looked at: what was ingested since then is not an effect of the blocks.

    Raises:
        NoSuchRelease: There is none, or it was withdrawn.
        EmptyCorpus: The corpus holds no files.
    """
    release = manifest.load(releases, name, version)
    if release.withdrawn:
        raise NoSuchRelease(f"Release {name} {version} was withdrawn on {release.withdrawn_at}.")
    folder = manifest_path(releases, name, version).parent
    decisions = state.decisions(folder).read(columns=[*_KEYS, "size", "reason"])
    before = decisions.filter(pl.col("reason") == KEPT)
    recipe = Recipe.from_dict(release.recipe)
    families = needs.needed(corpus, recipe)
    redaction = needs.redaction(families, recipe)
    files = decide.load(corpus, needs.named(families, "contamination"), needs.named(families, "notebooks")).join(
        decisions.filter(~pl.col("reason").is_in(BLOCKED)), on=_KEYS, how="semi"
    )
    blocks = Blocks(blocked_owners, blocked_repositories, blocked_blobs, blocked_authors)
    decided = decide.decide(files, recipe, blocks, Similarity(corpus, recipe).settle).files
    after = decided.filter(pl.col("reason") == KEPT)

    lost = before.join(decided.filter(pl.col("reason").is_in(BLOCKED)), on=_KEYS, how="semi")
    promoted = lost.join(after, on="blob_id", how="semi")
    digests = {
        shard.spec["input_digest"]
        for shard in planning.plan_shards(placement.place(after, release.plan["buckets"]), recipe, redaction)
    }
    rewritten = [shard for shard in release.shards if shard["input_digest"] not in digests]
    return Preview(
        files=len(lost),
        bytes=int(lost["size"].sum()),
        promoted=len(promoted),
        gone=len(lost) - len(promoted),
        shards=len(rewritten),
        shard_bytes=sum(shard["bytes"] for shard in rewritten),
    )
