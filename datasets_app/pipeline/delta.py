"""Deciding from the release before: what changes when more is blocked, and nothing else did.

The work follows what is touched. The repositories that are blocked now are found in a list of repositories, and what that changes
by :mod:`change`. What comes out is which rows leave, enter or change which shards; the other rows of those shards are read from
the shards themselves.

The result is that of deciding from scratch, part for part (the tests compare them).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datasets_app.pipeline import placement, planning, shards, state
from datasets_app.pipeline.attributes import TEXT
from datasets_app.pipeline.change import FILE, Change
from datasets_app.pipeline.decide import Blocks, funnel, is_blocked, load_files
from datasets_app.pipeline.format import HOLDINGS, manifest_path, shard_path
from datasets_app.pipeline.holdings import holdings
from datasets_app.pipeline.manifest import LanguageRow, LicenceRow, Manifest, Plan
from datasets_app.pipeline.outcome import Outcome, tally
from datasets_app.pipeline.planning import PlannedShard
from datasets_app.pipeline.publishing import Redaction
from datasets_app.pipeline.reasons import KEPT, REASONS, FunnelRow
from datasets_app.pipeline.recipe import Recipe
from datasets_app.pipeline.release_errors import EmptyCorpus, ReleaseDamaged
from datasets_app.pipeline.shards import ShardEntry
from datasets_app.pipeline.similarity import Similarity
from datasets_app.pipeline.state import Ground

_PLACE = ["language", "bucket"]


@dataclass(frozen=True)
class Delta:
    """Decides a release from its parent.

    Attributes:
        corpus: The folder of the corpus.
        releases: The folder of the releases.
        parent: The parent's manifest.
        recipe: Of both.
        redaction: How it wants personal data replaced.
    """

    corpus: Path
    releases: Path
    parent: Manifest
    recipe: Recipe
    redaction: Redaction | None

    @property
    def folder(self) -> Path:
        """The parent's."""
        return manifest_path(self.releases, self.parent.name, self.parent.version).parent

    def decide(self, ground: Ground, blocks: Blocks) -> Outcome | None:
        """The outcome of a build, or ``None`` where it has to be decided from scratch.

        That is so where the parent stands on other ground, is not whole any more, or blocked what is not blocked now.
        """
        facts, before = state.read_facts(self.folder), state.read_blocked(self.folder)
        if self.parent.withdrawn or facts is None or before is None or facts.ground != ground:
            return None
        if not (before.blobs <= blocks.blobs and before.authors <= blocks.authors):
            return None
        if not all(planning.is_whole(self.releases, entry) for entry in self.parent.shards):
            return None
        known = state.read_repositories(self.folder).with_columns(blocked_now=is_blocked(blocks, blobs=False))
        if len(known.filter("blocked", ~pl.col("blocked_now"))):
            return None
        more = Blocks(blobs=blocks.blobs - before.blobs, authors=blocks.authors - before.authors)
        return self._outcome(self._change(known, blocks, more), known, facts, blocks)

    def without(self, blocks: Blocks) -> Outcome | None:
        """The outcome of issuing the parent again without what is blocked; ``None`` where it decided on nothing of that.

        Whatever stands under other ground stays as it is. A file that would take a blocked one's place and is no longer in the
        corpus as it was, or not under a permissive licence, does not.

        Raises:
            ReleaseDamaged: A shard of the parent, or what was decided on it, is missing.
        """
        facts = state.read_facts(self.folder)
        if facts is None:
            raise ReleaseDamaged(
                f"What was decided on {self.parent.name} {self.parent.version} is missing, so it cannot be issued again. "
                "Restore it from a backup, or withdraw the release."
            )
        for entry in self.parent.shards:
            if not planning.is_whole(self.releases, entry):
                raise ReleaseDamaged(
                    f"The shard {placement.shard_name(entry['language'], entry['bucket'])} is missing or cut short, so its "
                    "release cannot be issued again. Restore it from a backup, or withdraw its release."
                )
        known = state.read_repositories(self.folder)
        known = known.with_columns(blocked_now=pl.col("blocked") | is_blocked(blocks, blobs=False))
        change = self._change(known, blocks, blocks)
        if change.going.is_empty():
            return None
        out = self._unavailable(change.entering)
        change.leave_out(out)
        if len(out):
            # A build from scratch could take what is left out here: the next one may not go on from this.
            facts = replace(facts, ground=replace(facts.ground, apart="issued again"))
        return self._outcome(change, known, facts, blocks | (state.read_blocked(self.folder) or Blocks()))

    def _change(self, known: pl.DataFrame, blocks: Blocks, more: Blocks) -> Change:
        # One that was blocked by itself counts among those of its owner when that one is blocked as well.
        both = is_blocked(Blocks(owners=blocks.owners), blobs=False) & is_blocked(
            Blocks(repositories=blocks.repositories), blobs=False
        )
        hit = known.filter(both | (~pl.col("blocked") & pl.col("blocked_now")))
        return Change(self.folder, hit, blocks, more, Similarity(self.corpus, self.recipe))

    def _unavailable(self, entering: pl.DataFrame) -> pl.Series:
        """The blobs among these files that the corpus no longer holds as they were."""
        try:
            files = load_files(self.corpus, [*FILE, "blob_id", "permissive"])
        except EmptyCorpus:
            return entering["blob_id"]
        there = entering.join(files.filter("permissive"), on=[*FILE, "blob_id"], how="semi")
        there = there.join(self._places(there["blob_id"]), on="blob_id", how="semi") if len(there) else there
        return entering.join(there, on="blob_id", how="anti")["blob_id"]

    def _outcome(self, change: Change, known: pl.DataFrame, facts: state.Facts, blocks: Blocks) -> Outcome:
        before, after = change.before, change.after
        known = known.with_columns(blocked=pl.col("blocked_now")).drop("blocked_now")
        lost = _anti(before.filter(reason=KEPT), after.filter(reason=KEPT))
        entering = _anti(after.filter(reason=KEPT), before.filter(reason=KEPT))
        # A language that had no file yet enters with its first one, and gets as many buckets as from scratch.
        sizes = dict(entering.group_by("language").agg(pl.col("size").sum()).iter_rows())
        plan = Plan(buckets=placement.plan_buckets(sizes, self.recipe.shard_bytes, self.parent.plan["buckets"]))
        planned, carried = self._plan(lost, entering, plan["buckets"])
        counts = _recount(facts.counts, before, after)
        repositories = after.join(change.touched_files, on=FILE, how="semi").select("repository_key").unique()
        held = self._holdings(after.join(repositories, on="repository_key", how="semi"), repositories)

        def write_state(folder: Path) -> None:
            state.decisions(folder).derive(state.decisions(self.folder), change.parts(), state.BY_FILE)
            state.duplicates(folder).derive(state.duplicates(self.folder), change.duplicate_parts(), state.BY_COMPONENT)
            state.write_repositories(folder, known)
            state.write_blocked(folder, blocks)
            state.write_facts(folder, state.Facts(facts.ground, counts))

        leaves = state.read_leaves(self.folder)
        moved = pa.array(
            sorted({bytes.fromhex(blob) for blob in [*lost["blob_id"], *entering["blob_id"]]}), pa.binary(20)
        )
        # A blob that only changes its origin keeps its leaf: the tree knows blobs and texts, not owners.
        staying = set(entering["blob_id"]) & set(lost["blob_id"])
        if staying:
            moved = moved.filter(pc.invert(pc.is_in(moved, value_set=_ids(staying))))
        return Outcome(
            planned=planned,
            carried=carried,
            plan=plan,
            counts=counts,
            languages=[LanguageRow(**row) for row in _retally(self.parent.languages, "language", lost, entering)],  # type: ignore[typeddict-item]
            licences=[LicenceRow(**row) for row in _retally(self.parent.licences, "licence", lost, entering)],  # type: ignore[typeddict-item]
            leaves=leaves.filter(pc.invert(pc.is_in(leaves["blob_id"], value_set=moved))),
            fresh=frozenset(set(entering["blob_id"]) - staying),
            holdings=held,
            write_state=write_state,
        )

    def _plan(
        self, lost: pl.DataFrame, entering: pl.DataFrame, buckets: Mapping[str, int]
    ) -> tuple[list[PlannedShard], list[ShardEntry]]:
        """The shards that rows leave or enter, with all their rows, and the entries of the others."""
        entering, lost = placement.place(entering, buckets), placement.place(lost, buckets)
        entering = entering.join(self._places(entering["blob_id"]), on="blob_id", how="left", maintain_order="left")
        touched = set(pl.concat([lost.select(_PLACE), entering.select(_PLACE)]).unique().iter_rows())
        entries = {(entry["language"], entry["bucket"]): entry for entry in self.parent.shards}
        frames, bases = [], {}
        for place in sorted(touched):
            coming = entering.filter(pl.col("language") == place[0], pl.col("bucket") == place[1])
            rows = [coming.select(shards.ROWS.names)]
            if place in entries:
                rows.append(
                    _rows_of(shard_path(self.releases, entries[place]["digest"])).join(lost, on=FILE, how="anti")
                )
                bases[place] = entries[place]["digest"]
            frames.append(pl.concat(rows))
        carried = [entry for place, entry in entries.items() if place not in touched]
        if not frames:
            return [], carried
        kept = placement.place(pl.concat(frames), buckets)
        return planning.plan_shards(kept, self.recipe, self.redaction, bases), carried

    def _places(self, blob_ids: pl.Series) -> pl.DataFrame:
        """The blob file of each of these blobs."""
        if blob_ids.is_empty():
            return pl.DataFrame(schema={"blob_id": pl.String, "blob_file": pl.String})
        found = (
            pl.scan_parquet(TEXT.tables(self.corpus), include_file_paths="blob_file")
            .select("blob_id", pl.col("blob_file").str.extract(r"([^/\\]+)\.parquet$"))
            .filter(pl.col("blob_id").is_in(blob_ids.implode()))
            .collect()
        )
        return found.unique("blob_id", keep="first", maintain_order=True)

    def _holdings(self, files: pl.DataFrame, repositories: pl.DataFrame) -> pa.Table:
        """The parent's, with those of these repositories counted anew."""
        parent = pl.read_parquet(self.folder / "holdings.parquet")
        anew = pl.from_arrow(holdings(files))
        assert isinstance(anew, pl.DataFrame)
        rows = pl.concat([parent.join(repositories, on="repository_key", how="anti"), anew.select(parent.columns)])
        return rows.sort("repository_key").to_arrow(compat_level=pl.CompatLevel.oldest()).cast(HOLDINGS)


def _ids(blobs: Iterable[str]) -> pa.Array:
    return pa.array([bytes.fromhex(blob) for blob in blobs], pa.binary(20))


def _anti(one: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    """The kept files of ``one`` that are not in ``other``, or not with as many copies."""
    return one.join(other, on=[*FILE, "blob_id", "copies"], how="anti")


def _rows_of(path: Path) -> pl.DataFrame:
    """The rows of a shard that stands, as ROWS: they need no blob file, since their texts are in the shard."""
    table = pl.from_arrow(pq.read_table(path, columns=shards.METADATA))
    assert isinstance(table, pl.DataFrame)
    return table.with_columns(blob_file=pl.lit(None, dtype=pl.String)).select(shards.ROWS.names)


def _recount(counts: list[FunnelRow], before: pl.DataFrame, after: pl.DataFrame) -> list[FunnelRow]:
    totals = {row["reason"]: [row["files"], row["bytes"]] for row in counts}
    for sign, rows in ((-1, funnel(before)), (1, funnel(after))):
        for row in rows:
            total = totals.setdefault(row["reason"], [0, 0])
            total[0] += sign * row["files"]
            total[1] += sign * row["bytes"]
    return [
        FunnelRow(reason=key, files=totals[key][0], bytes=totals[key][1])
        for key in REASONS
        if key in totals and totals[key][0]
    ]


def _retally(rows: Iterable[Any], column: str, lost: pl.DataFrame, entering: pl.DataFrame) -> list[dict[str, object]]:
    totals = {row[column]: [row["files"], row["bytes"]] for row in rows}
    for sign, frame in ((-1, lost), (1, entering)):
        for row in tally(frame, column):
            total = totals.setdefault(row[column], [0, 0])
            total[0] += sign * int(str(row["files"]))
            total[1] += sign * int(str(row["bytes"]))
    left = sorted((key for key in totals if totals[key][0]), key=lambda key: (-totals[key][0], key))
    return [{column: key, "files": totals[key][0], "bytes": totals[key][1]} for key in left]
