"""What a release holds of each repository: rows whose named origin lies in it, and copies of rows of other origin."""

import polars as pl
import pyarrow as pa

from datasets_app.pipeline.decide import BLOCKED
from datasets_app.pipeline.format import HOLDINGS
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
