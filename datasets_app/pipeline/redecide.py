"""What becomes of the files of a release when more is blocked: its own decisions, changed as little as can be."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa

from datasets_app.pipeline import decide, holdings
from datasets_app.pipeline.decide import BLOCKED, Blocks, is_blocked
from datasets_app.pipeline.format import HOLDINGS
from datasets_app.pipeline.reasons import KEPT
from datasets_app.pipeline.release import Release
from datasets_app.pipeline.release_errors import EmptyCorpus

FILE = ["repository_key", "path", "blob_id"]
_ORIGIN = ["repository_key", "owner_key", "forge", "owner", "repository", "path", "language", "licence"]


@dataclass(frozen=True)
class Redecided:
    """The files of a release after more was blocked.

    Attributes:
        concerned: Whether a block hits any file that the release decided on.
        kept: The rows that stay, as ``rewriting.read_keys`` gives them, with ``changed``: a value is another now.
        decisions_before: The release's decisions.
        decisions: What they are now, in the same order.
        holdings: As ``format.HOLDINGS``.
    """

    concerned: bool
    kept: pl.DataFrame
    decisions_before: pl.DataFrame
    decisions: pl.DataFrame
    holdings: pa.Table


def redecide(corpus: Path, release: Release, rows: pl.DataFrame, blocks: Blocks) -> Redecided:
    """Take what is blocked out of a release.

    Args:
        corpus: Its tables of files say what a copy that becomes an origin is: licence, language, names.
        release: The release.
        rows: All its rows, as ``rewriting.read_keys`` gives them.
        blocks: What has to go.
    """
    before = pl.read_parquet(release.folder / "decisions.parquet")
    blocked = is_blocked(blocks)
    held = before.filter(~pl.col("reason").is_in(BLOCKED))
    hit, free = held.filter(blocked), held.filter(~blocked)
    going = rows.filter(blocked)
    lost = hit.group_by("blob_id").agg(pl.len().cast(pl.Int32).alias("lost"))
    counted = rows.join(lost, on="blob_id", how="left", maintain_order="left").with_columns(
        copies=pl.col("copies") - pl.col("lost").fill_null(0), changed=pl.col("lost").is_not_null()
    )
    # Where a text went or moved, everything that these repositories hold is counted anew.
    touched = held.join(going, on="blob_id", how="semi").select("repository_key").unique()
    copies = (
        free.filter(pl.col("reason") != KEPT)
        .join(touched, on="repository_key", how="semi")
        .join(rows, on="blob_id", how="semi")
    )
    files = _files(corpus, copies)
    promoted = _next_origins(files, copies, counted.filter(blocked))
    kept = pl.concat([counted.filter(~blocked), promoted.select(counted.columns)]).drop("lost")
    left = going.join(promoted, on="blob_id", how="anti").select("blob_id")
    decisions = _reasons(before, blocks, promoted, left)
    return Redecided(
        concerned=not hit.is_empty(),
        kept=kept,
        decisions_before=before,
        decisions=decisions,
        holdings=_holdings(release, decisions, kept, files, touched, blocks),
    )


def _files(corpus: Path, wanted: pl.DataFrame) -> pl.DataFrame:
    """The corpus's rows of some files; those that it no longer has are missing."""
    columns = [*_ORIGIN, "blob_id", "permissive", "rank"]
    if wanted.is_empty():
        return pl.DataFrame(schema=dict.fromkeys(columns, pl.String) | {"permissive": pl.Boolean, "rank": pl.Int32})
    try:
        return decide.load_files(corpus, columns).join(wanted, on=FILE, how="semi")
    except EmptyCorpus:
        return _files(corpus, wanted.clear())


def _next_origins(files: pl.DataFrame, copies: pl.DataFrame, going: pl.DataFrame) -> pl.DataFrame:
    """The rows of blocked origins under the best of the other files that passed the recipe with the same text."""
    passed = copies.filter(pl.col("reason") == "exact_copy")
    best = (
        files.join(passed, on=FILE, how="semi")
        .filter("permissive", pl.col("language").is_not_null(), pl.col("licence").is_not_null())
        .sort("rank", "blob_id", "repository_key", "path")
        .unique("blob_id", keep="first", maintain_order=True)
        .select("blob_id", *_ORIGIN)
    )
    return going.drop(_ORIGIN).join(best, on="blob_id", how="inner").with_columns(changed=pl.lit(True))


def _reasons(before: pl.DataFrame, blocks: Blocks, promoted: pl.DataFrame, left: pl.DataFrame) -> pl.DataFrame:
    """The decisions as they are now."""
    one_by_one = {
        "blocked_owner": Blocks(owners=blocks.owners),
        "blocked_repository": Blocks(repositories=blocks.repositories),
        "blocked_blob": Blocks(blobs=blocks.blobs),
    }
    why = pl.coalesce(pl.when(is_blocked(one)).then(pl.lit(reason)) for reason, one in one_by_one.items())
    return (
        before.join(promoted.select(*FILE, promoted=pl.lit(True)), on=FILE, how="left", maintain_order="left")
        .join(left.with_columns(left=pl.lit(True)), on="blob_id", how="left", maintain_order="left")
        .with_columns(
            reason=pl.when(pl.col("reason").is_in(BLOCKED))
            .then("reason")
            .otherwise(
                pl.coalesce(
                    why,
                    pl.when("promoted").then(pl.lit(KEPT)),
                    pl.when(pl.col("left") & (pl.col("reason") == "exact_copy")).then(pl.lit("origin_left")),
                    "reason",
                )
            )
        )
        .drop("promoted", "left")
    )


def _holdings(
    release: Release,
    decisions: pl.DataFrame,
    kept: pl.DataFrame,
    files: pl.DataFrame,
    touched: pl.DataFrame,
    blocks: Blocks,
) -> pa.Table:
    """The holdings: those of the touched repositories counted anew, the others as they were, without what is blocked."""
    old = pl.from_arrow(release.holdings())
    assert isinstance(old, pl.DataFrame)
    gone = is_blocked(Blocks(blocks.owners, blocks.repositories))
    still = old.with_columns(blob_id=pl.lit("")).filter(~gone).join(touched, on="repository_key", how="anti")
    copies = (
        decisions.filter(~pl.col("reason").is_in((*BLOCKED, KEPT)))
        .join(touched, on="repository_key", how="semi")
        .join(kept, on="blob_id", how="semi")
        .join(files.select(*FILE, "language", "licence"), on=FILE, how="left")
        .join(old.select("repository_key", "forge", "owner", "repository"), on="repository_key", how="inner")
    )
    columns = [*FILE, "owner_key", "forge", "owner", "repository", "size", "language", "licence", "reason"]
    counted = holdings.holdings(
        pl.concat([kept.with_columns(reason=pl.lit(KEPT)).select(columns), copies.select(columns)])
    )
    anew = pl.from_arrow(counted)
    assert isinstance(anew, pl.DataFrame)
    both = pl.concat([still.select(HOLDINGS.names), anew.join(touched, on="repository_key", how="semi")])
    return both.sort("repository_key").to_arrow(compat_level=pl.CompatLevel.oldest()).cast(HOLDINGS)
