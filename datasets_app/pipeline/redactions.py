"""How much personal data a release replaced, in figures alone: no value and no place is given."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from datasets_app.pipeline import state
from datasets_app.pipeline.families import table_paths
from datasets_app.pipeline.recipe import Recipe


@dataclass(frozen=True)
class Kind:
    """One kind of personal data: how often it was replaced, and in how many texts."""

    kind: str
    places: int
    texts: int


@dataclass(frozen=True)
class Redactions:
    """What was replaced in the texts of a release: ``texts`` that hold any of it, out of ``total``; most places first."""

    texts: int
    total: int
    kinds: list[Kind]


def count(corpus: Path, folder: Path, recipe: Recipe) -> Redactions | None:
    """What a release replaced; None where it replaces nothing, or where that is known no more.

    Reads the ids of the release and the tables of the attributes that it was made by, in which only finds stand. Finds that
    touch each other are replaced as one, and are counted as the tables have them.

    Args:
        corpus: The folder of the corpus.
        folder: Where the release's manifest lies.
        recipe: Of the release.
    """
    facts = state.read_facts(folder)
    used = [name for name in facts.ground.families if name.startswith("pii-")] if facts else []
    tables = [path for name in used for path in table_paths(corpus, name)]
    if not tables or not recipe.redact or not (folder / "leaves.parquet").exists():
        return None
    held = pl.scan_parquet(folder / "leaves.parquet").select(pl.col("blob_id").bin.encode("hex"))
    found = (
        pl.scan_parquet(tables)
        .filter(pl.col("kind").is_in(recipe.redact))
        .unique()
        .join(held, on="blob_id", how="semi")
        .select("blob_id", "kind")
        .collect()
    )
    kinds = found.group_by("kind").agg(pl.len(), pl.col("blob_id").n_unique())
    rows = [Kind(*row) for row in kinds.sort(["len", "kind"], descending=[True, False]).iter_rows()]
    total = int(held.select(pl.len()).collect().item())
    return Redactions(int(found["blob_id"].n_unique()), total, rows)
