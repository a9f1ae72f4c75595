"""What a release holds of each repository: rows whose named origin lies in it, and copies of rows of other origin."""

import polars as pl
import pyarrow as pa

from datasets_app.pipeline.decide import BLOCKED, Blocks, is_blocked
from datasets_app.pipeline.format import HOLDINGS
from datasets_app.pipeline.parted import Parted
from datasets_app.pipeline.reasons import KEPT


def holdings(decided: pl.DataFrame) -> pa.Table:
    """The HOLDINGS of a release, or of some of its repositories, sorted by repository key. Blocked files are not in it.

    Args:
        decided: Every file of the repositories, with the columns of ``format.DECISIONS``.
    """
    kept = pl.col("reason") == KEPT
    held = decided.filter(~pl.col("reason").is_in(BLOCKED), "held")
    counts = held.group_by("repository_key").agg(
        pl.col("owner_key", "forge", "owner", "repository").sort_by("path").first(),
        kept.sum().cast(pl.Int64).alias("files"),
        (~kept).sum().cast(pl.Int64).alias("copies"),
        pl.col("size").filter(kept).sum().alias("bytes"),
    )
    for column, plural in (("licence", "licences"), ("language", "languages")):
        counts = counts.join(_commonest_first(held, column).rename({column: plural}), on="repository_key", how="left")
    return (
        counts.with_columns(
            pl.col("licences").list.first().alias("licence"),
            pl.col("licences", "languages").fill_null(pl.lit([], dtype=pl.List(pl.String))),
        )
        .sort("repository_key")
        .select(HOLDINGS.names)
        .to_arrow(compat_level=pl.CompatLevel.oldest())
        .cast(HOLDINGS)
    )


def without(decisions: Parted, wanted: Blocks, gone: pl.Expr) -> pl.DataFrame:
    """The HOLDINGS of the repositories that hold any of some files, as if these were not there; zeros where nothing is left.

    Args:
        decisions: Those of the release.
        wanted: Blobs and authors by which the files are looked for.
        gone: Tells them among the rows with such a blob or lone author.
    """
    blobs, authors = (pl.Series(sorted(values), dtype=pl.String) for values in (wanted.blobs, wanted.authors))
    found = decisions.read(decisions.parts_with(blobs) | decisions.parts_where("sole_author", authors))
    found = found.filter(is_blocked(wanted), ~pl.col("reason").is_in(BLOCKED), "held", gone)
    keys = found["repository_key"].unique(maintain_order=True)
    rows = decisions.read(decisions.parts_of(found["owner_key"].unique()))
    rows = rows.filter(pl.col("repository_key").is_in(keys.implode()))
    left = pl.from_arrow(holdings(rows.join(found, on=["repository_key", "path"], how="anti")))
    assert isinstance(left, pl.DataFrame)
    return (
        keys.to_frame()
        .join(left, on="repository_key", how="left", maintain_order="left")
        .with_columns(
            pl.col("files", "copies", "bytes").fill_null(0),
            pl.col("licences", "languages").fill_null(pl.lit([], dtype=pl.List(pl.String))),
        )
    )


def _commonest_first(held: pl.DataFrame, column: str) -> pl.DataFrame:
    """The values of a column in each repository, commonest first, ties by name."""
    return (
        held.lazy()
        .filter(pl.col(column).is_not_null())
        .group_by("repository_key", column)
        .len()
        .sort(["repository_key", "len", column], descending=[False, True, False])
        .group_by("repository_key", maintain_order=True)
        .agg(column)
        .collect()
    )
