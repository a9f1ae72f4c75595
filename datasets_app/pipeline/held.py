"""Which rows of a release hold certain contents, or what certain people wrote alone."""

import polars as pl

from datasets_app.pipeline import state
from datasets_app.pipeline.decide import Blocks
from datasets_app.pipeline.reasons import KEPT
from datasets_app.pipeline.release import Release

KEYS = ["blob_id", "language", "owner_key", "repository_key", "path", "size"]


def rows(release: Release, wanted: Blocks) -> pl.DataFrame:
    """The rows (``KEYS``) with a blob of ``wanted``, or that one of its authors wrote alone. Owners are not looked at.

    Reads one column of every shard, and of the decisions where authors are asked for; no text.

    Args:
        release: A release in a folder.
        wanted: Its ``blobs`` and ``authors``.
    """
    paths = release.shard_paths()
    found = [pl.DataFrame(schema={**dict.fromkeys(KEYS, pl.String), "size": pl.Int64})]
    if paths and wanted.blobs:
        blobs = pl.Series(sorted(wanted.blobs), dtype=pl.String)
        shards = pl.scan_parquet(paths).select(pl.col(name).cast(found[0].schema[name]) for name in KEYS)
        found.append(shards.filter(pl.col("blob_id").is_in(blobs.implode())).collect())
    if wanted.authors:
        decisions = state.decisions(release.folder)
        authors = pl.Series(sorted(wanted.authors), dtype=pl.String)
        theirs = decisions.read(decisions.parts_where("sole_author", authors), [*KEYS, "sole_author", "reason"])
        found.append(theirs.filter(pl.col("sole_author").is_in(authors.implode()), reason=KEPT).select(KEYS))
    return pl.concat(found).unique(["repository_key", "path"], keep="first", maintain_order=True)
