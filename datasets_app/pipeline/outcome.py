"""What deciding leads to, whether it was done from scratch or from the release before: what there is to write."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pyarrow as pa

from datasets_app.pipeline import decide, placement, planning, state
from datasets_app.pipeline.decide import Blocks, Decided
from datasets_app.pipeline.holdings import holdings
from datasets_app.pipeline.manifest import LanguageRow, LicenceRow, Plan
from datasets_app.pipeline.planning import PlannedShard
from datasets_app.pipeline.publishing import Redaction
from datasets_app.pipeline.reasons import FunnelRow
from datasets_app.pipeline.recipe import Recipe
from datasets_app.pipeline.shards import ShardEntry
from datasets_app.pipeline.state import Ground


@dataclass(frozen=True)
class Outcome:
    """What a release is to be.

    Attributes:
        planned: The shards whose rows are at hand. They are written, unless a release has them already.
        carried: The entries of the other shards: they stand in the parent release and were not looked at.
        plan: How rows are placed.
        counts: Files and bytes by reason.
        languages: Largest first.
        licences: Largest first.
        leaves: The leaves of rows that are in no planned shard, or in one but known already; sorted by blob id.
        fresh: Blobs of planned shards whose leaves are not among ``leaves``.
        holdings: As ``format.HOLDINGS``.
        write_state: Writes decisions, near-duplicates and the rest of ``state`` into a folder.
    """

    planned: list[PlannedShard]
    carried: list[ShardEntry]
    plan: Plan
    counts: list[FunnelRow]
    languages: list[LanguageRow]
    licences: list[LicenceRow]
    leaves: pa.Table
    fresh: frozenset[str]
    holdings: pa.Table
    write_state: Callable[[Path], None] = field(compare=False)


def from_scratch(
    decided: Decided, recipe: Recipe, plan: Plan, ground: Ground, redaction: Redaction | None, blocks: Blocks
) -> Outcome:
    """The outcome of decisions on every file of the corpus, taken with these blocks."""
    kept = placement.place(decided.kept, plan["buckets"])
    counts = decide.funnel(decided.files)

    def write_state(folder: Path) -> None:
        state.decisions(folder).write(decided.files, state.BY_FILE)
        state.duplicates(folder).write(decided.duplicates, state.BY_COMPONENT)
        state.write_repositories(folder, state.repositories(decided.files))
        state.write_blocked(folder, blocks)
        state.write_facts(folder, state.Facts(ground, counts))

    return Outcome(
        planned=planning.plan_shards(kept, recipe, redaction),
        carried=[],
        plan=plan,
        counts=counts,
        languages=[LanguageRow(**row) for row in tally(kept, "language")],  # type: ignore[typeddict-item]
        licences=[LicenceRow(**row) for row in tally(kept, "licence")],  # type: ignore[typeddict-item]
        leaves=state.LEAVES.empty_table(),
        fresh=frozenset(kept["blob_id"]),
        holdings=holdings(decided.files),
        write_state=write_state,
    )


def tally(kept: pl.DataFrame, column: str) -> list[dict[str, object]]:
    """Files and bytes of rows by a column, largest first."""
    counts = kept.group_by(column).agg(pl.len().alias("files"), pl.col("size").sum().alias("bytes"))
    return list(counts.sort(["files", column], descending=[True, False]).iter_rows(named=True))
