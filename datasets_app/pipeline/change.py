"""What blocks change among the decisions of a release, file by file.

The files of what is blocked are found in the parts that hold their owners; other holders of the same blobs by one look through
the column of blob ids. Blobs that go, or whose best file is another now, touch components of near-duplicates, and these are
settled anew; the blobs that stay now and did not, or the other way round, have their holders looked up too.
"""

from pathlib import Path

import polars as pl

from datasets_app.pipeline import state
from datasets_app.pipeline.decide import BLOCKED, PASSED, Blocks, block_reason
from datasets_app.pipeline.reasons import KEPT
from datasets_app.pipeline.similarity import Similarity

FILE = ["repository_key", "path"]
_PASSED = pl.col("reason").is_in(PASSED)


class Change:
    """What the blocks change, file by file.

    Attributes:
        before: The decisions, as they were, of every part that is touched.
        after: The same files, as they are now.
        touched_files: Files (repository key, path) of ``after`` that hold a blob whose standing changed.
        going: The files that are blocked and were not.
    """

    def __init__(self, folder: Path, hit: pl.DataFrame, blocks: Blocks, more: Blocks, similarity: Similarity) -> None:
        """Find out.

        Args:
            folder: Where the state of the release lies.
            hit: Its repositories that are blocked and were not, or not for all reasons: ``repository_key``, ``owner_key``.
            blocks: All that is blocked: it gives the reasons.
            more: Of it, blobs and authors that were not blocked: they are looked for, too.
            similarity: Settles near-duplicates.
        """
        self._decisions = state.decisions(folder)
        self._duplicates = state.duplicates(folder)
        self._blocks = blocks
        repositories = hit.select("repository_key")
        parts = self._decisions.parts_of(hit["owner_key"].unique())
        blobs, authors = (pl.Series(sorted(wanted), dtype=pl.String) for wanted in (more.blobs, more.authors))
        parts |= self._decisions.parts_with(blobs) | self._decisions.parts_where("sole_author", authors)
        self._goes = (
            pl.col("repository_key").is_in(repositories["repository_key"].implode())
            | pl.col("blob_id").is_in(blobs.implode())
            | pl.col("sole_author").is_in(authors.implode()).fill_null(False)
        )
        goes = self._decisions.read(parts).filter(self._goes)
        self.going = goes.filter(~pl.col("reason").is_in(BLOCKED))
        # What was blocked for another reason changes no more than that reason, but that it does.
        blobs = goes.filter(pl.col("reason") != block_reason(blocks))["blob_id"].unique()
        # All other holders of these blobs; then the blobs whose standing among near-duplicates changes, and their holders.
        parts |= self._decisions.parts_with(blobs)
        before = self._decisions.read(parts)
        holders = before.filter(pl.col("blob_id").is_in(blobs.implode()), _PASSED)
        staying = holders.filter(~self._goes)
        ranks = staying.group_by("blob_id").agg(pl.col("rank").min())
        former = holders.group_by("blob_id").agg(pl.col("rank").min().alias("former"))
        gone = former.join(ranks, on="blob_id", how="anti")["blob_id"]
        moved = ranks.join(former, on="blob_id").filter(pl.col("rank") != pl.col("former")).select("blob_id", "rank")
        self._settle(gone, moved, similarity)
        further = self._decisions.parts_with(self._turned) - parts
        if further:
            parts |= further
            before = pl.concat([before, self._decisions.read(further)])
        self._parts = parts
        self.before = before
        touched = pl.concat([blobs, self._turned]).unique()
        self.after = self._decide(before, touched)
        self.touched_files = self.after.filter(pl.col("blob_id").is_in(touched.implode())).select(FILE)

    def _settle(self, gone: pl.Series, moved: pl.DataFrame, similarity: Similarity) -> None:
        """Settle the components concerned anew; ``_turned`` are the blobs that stay now and did not, or the other way round."""
        concerned = pl.concat([gone, moved["blob_id"]])
        look_up = self._duplicates.parts_with(concerned)
        found = self._duplicates.read(look_up)
        names = found.filter(pl.col("blob_id").is_in(concerned.implode()))["component"].unique()
        former = found.filter(pl.col("component").is_in(names.implode()))
        moved = moved.join(former.select("blob_id"), on="blob_id", how="semi")  # who was alone stays alone
        none = moved.clear()
        self.settled = similarity.update(former, gone, moved, none) if len(former) else former
        self._former_components = names
        stayed = former.filter(pl.col("blob_id") == pl.col("representative"))["blob_id"]
        # Who is in no component any more is alone, and stays.
        alone = former.filter(~pl.col("blob_id").is_in(gone.implode())).join(self.settled, on="blob_id", how="anti")
        stays = pl.concat(
            [self.settled.filter(pl.col("blob_id") == pl.col("representative"))["blob_id"], alone["blob_id"]]
        )
        self._turned = pl.concat(
            [
                stays.filter(~stays.is_in(stayed.implode())),
                stayed.filter(~stayed.is_in(stays.implode()) & ~stayed.is_in(gone.implode())),
            ]
        )
        self._away = self.settled.filter(pl.col("blob_id") != pl.col("representative"))["blob_id"]
        self._settled_blobs = pl.concat([former["blob_id"], self.settled["blob_id"]]).unique()

    @property
    def entering(self) -> pl.DataFrame:
        """The files that are in the release now and were not."""
        return self.after.filter(reason=KEPT).join(self.before.filter(reason=KEPT), on=[*FILE, "blob_id"], how="anti")

    def leave_out(self, blobs: pl.Series) -> None:
        """Let these blobs, which were to enter or to change their origin, go for good."""
        out = pl.col("blob_id").is_in(blobs.implode())
        self.after = self.after.with_columns(
            reason=pl.when(out & _PASSED).then(pl.lit("origin_left")).otherwise("reason"),
            held=pl.col("held") & ~out,
        )

    def _decide(self, before: pl.DataFrame, touched: pl.Series) -> pl.DataFrame:
        """Give the holders of the touched blobs their reasons anew."""
        is_touched = pl.col("blob_id").is_in(touched.implode())
        rest, concerned = before.filter(~is_touched), before.filter(is_touched)
        if concerned.is_empty():
            return before
        concerned = concerned.with_columns(
            reason=pl.when(self._goes).then(block_reason(self._blocks)).otherwise("reason")
        )
        unblocked = ~pl.col("reason").is_in(BLOCKED)
        away = self._away_blobs(concerned)
        ordered = concerned.sort("rank", "blob_id", "repository_key", "path").with_columns(
            copies=pl.when(unblocked).then(unblocked.sum().over("blob_id").cast(pl.Int32) - 1),
            first=_PASSED & (_PASSED.cum_sum().over("blob_id") == 1),
            away=pl.col("blob_id").is_in(away.implode()),
        )
        reason = (
            pl.when(~_PASSED)
            .then("reason")
            .when("away")
            .then(pl.lit("near_duplicate"))
            .when("first")
            .then(pl.lit(KEPT))
            .otherwise(pl.lit("exact_copy"))
        )
        decided = ordered.with_columns(reason=reason)
        decided = decided.with_columns(held=(pl.col("reason") == KEPT).any().over("blob_id"))
        return pl.concat([rest, decided.select(before.columns)])

    def _away_blobs(self, concerned: pl.DataFrame) -> pl.Series:
        """The blobs among these for which another stands: as settled now, else as before."""
        before = concerned.filter(reason="near_duplicate")["blob_id"].unique()
        untouched = before.filter(~before.is_in(self._settled_blobs.implode()))
        return pl.concat([self._away, untouched]).unique()

    def parts(self) -> dict[int, pl.DataFrame]:
        """The decisions of the parts that are touched."""
        whole = self._decisions.cut(self.after, self._decisions.parts)
        return {part: whole[part] for part in self._parts}

    def duplicate_parts(self) -> dict[int, pl.DataFrame]:
        """The near-duplicates of the parts that are touched."""
        parts = self._duplicates.parts_of([*self._former_components, *self.settled["component"].unique()])
        rest = self._duplicates.read(parts).filter(~pl.col("component").is_in(self._former_components.implode()))
        whole = self._duplicates.cut(pl.concat([rest, self.settled]), self._duplicates.parts)
        return {part: whole[part] for part in parts}
