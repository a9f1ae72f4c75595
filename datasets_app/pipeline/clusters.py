"""Clusters of near-duplicates as a release settled them: a text that stays, and those for which it stands.

A *component* is what shared bands tie together; a *cluster* is the part of it for which one text stands. So a component has as
many clusters as texts that stay, and most of those stand for nobody else. Only clusters of two texts and more are told of.

All is read from what the release keeps for the staff (:mod:`state`). Who is hidden now is left out and not counted: a blob is
shown with the best of its files that is not hidden, and a cluster whose representative has none is not shown at all.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from datasets_app.pipeline import state
from datasets_app.pipeline.decide import PASSED

FACTS = [
    "blob_id",
    "forge",
    "owner",
    "owner_key",
    "repository",
    "repository_key",
    "path",
    "language",
    "licence",
    "size",
]
_NEAR = ["blob_id", "component", "representative", "similarity"]
_STAYS = pl.col("blob_id") == pl.col("representative")
_ORDER = ["rank", "blob_id", "repository_key", "path"]


@dataclass(frozen=True)
class Hidden:
    """Whose files are not to be shown: owner keys and repository keys."""

    owners: Collection[str] = ()
    repositories: Collection[str] = ()

    def covers(self) -> pl.Expr:
        """Whether a file is one of theirs."""
        return pl.col("owner_key").is_in(sorted(self.owners)) | pl.col("repository_key").is_in(
            sorted(self.repositories)
        )


@dataclass(frozen=True)
class Filter:
    """Which clusters to list; what is empty narrows nothing.

    Attributes:
        language: Of the representative.
        owner: A login, in any case, or an owner key: of any text of the cluster.
    """

    language: str = ""
    owner: str = ""


@dataclass(frozen=True)
class Text:
    """One text of a cluster, by the best of its files.

    Attributes:
        files: Files that hold it, this one among them.
        similarity: To the representative, estimated from the sketches, 0..1.
        size: Bytes of source.
    """

    blob_id: str
    forge: str
    owner: str
    owner_key: str
    repository: str
    repository_key: str
    path: str
    language: str | None
    licence: str | None
    size: int
    files: int
    similarity: float


@dataclass(frozen=True)
class Row:
    """A cluster in a list.

    Attributes:
        representative: The text that stays.
        texts: How many texts it is, the representative among them.
        files: How many files hold them.
        lowest: The least similarity of one of them to the representative.
        component: How many texts its component has.
    """

    representative: Text
    texts: int
    files: int
    lowest: float
    component: int


@dataclass(frozen=True)
class Page:
    """A part of a list of clusters.

    Attributes:
        total: How many clusters match.
        away: For how many texts they stand.
        languages: Of all clusters, whether they match or not.
    """

    rows: list[Row]
    total: int
    away: int
    languages: list[str]


@dataclass(frozen=True)
class Cluster:
    """One cluster: the text that stays, those for which it stands (the most similar first), the texts of its component."""

    representative: Text
    members: list[Text]
    component: int


def find(folder: Path, wanted: Filter, hidden: Hidden, offset: int = 0, limit: int = 50) -> Page:
    """The clusters of a release, those of most texts first. Reads five columns of the near-duplicates and the files of their blobs.

    Args:
        folder: Where the release's manifest lies.
        wanted: Which ones.
        hidden: What is left out.
        offset: How many to pass over.
        limit: How many to give at most.
    """
    duplicates = state.duplicates(folder).read(columns=_NEAR)
    texts = _with_files(folder, duplicates, hidden)
    clusters = _clusters(texts).join(texts.filter(_STAYS), on="representative")  # not those whose own is hidden
    languages = clusters["language"].drop_nulls().unique().sort().to_list()
    if wanted.owner:
        login = wanted.owner.strip().removeprefix("@")
        theirs = texts.filter(
            (pl.col("owner").str.to_lowercase() == login.lower()) | (pl.col("owner_key") == wanted.owner.strip())
        )
        clusters = clusters.join(theirs, on="representative", how="semi")
    if wanted.language:
        clusters = clusters.filter(language=wanted.language)
    clusters = clusters.sort(["texts", "representative"], descending=[True, False])
    rows = [
        Row(_text(row), row["texts"], row["all_files"], row["lowest"], row["component_texts"])
        for row in clusters.slice(offset, limit).iter_rows(named=True)
    ]
    return Page(rows, len(clusters), int(clusters["texts"].sum()) - len(clusters), languages)


def cluster(folder: Path, blob_id: str, hidden: Hidden) -> Cluster | None:
    """The cluster to which a text belongs, whether it stays or not; None where there is none to be shown."""
    table = state.duplicates(folder)
    if not table.parts:
        return None
    found = table.read(table.parts_with(pl.Series([blob_id])), _NEAR)
    mine = found.filter(blob_id=blob_id)
    if mine.is_empty():
        return None
    texts = _with_files(folder, found.filter(component=mine["component"][0]), hidden)
    members = texts.filter(representative=mine["representative"][0]).sort(
        ["similarity", *_ORDER], descending=[True, *([False] * len(_ORDER))]
    )
    rows = [_text(row) for row in members.iter_rows(named=True)]
    first = next((row for row in rows if row.blob_id == mine["representative"][0]), None)
    if first is None or len(rows) < 2 or blob_id not in {row.blob_id for row in rows}:
        return None
    return Cluster(first, [row for row in rows if row is not first], len(texts))


def _with_files(folder: Path, duplicates: pl.DataFrame, hidden: Hidden) -> pl.DataFrame:
    """Texts that share a band with another, each by the best of its files."""
    paths = state.decisions(folder).paths()
    if not paths or duplicates.is_empty():
        empty = {"rank": pl.Int32, "size": pl.Int64, "files": pl.UInt32}
        return duplicates.clear().with_columns(
            pl.lit(None, empty.get(name, pl.String)).alias(name) for name in [*FACTS[1:], "rank", "files"]
        )
    files = (
        pl.scan_parquet(paths)
        .filter(pl.col("reason").is_in(PASSED), ~hidden.covers())
        .select(*FACTS, "rank")
        .join(duplicates.lazy().select("blob_id"), on="blob_id", how="semi")
        .collect()
        .sort(_ORDER)
    )
    counts = files.group_by("blob_id").agg(pl.len().alias("files"))
    best = files.unique("blob_id", keep="first", maintain_order=True)
    return duplicates.join(best, on="blob_id").join(counts, on="blob_id")


def _clusters(texts: pl.DataFrame) -> pl.DataFrame:
    """Clusters of two texts and more: ``representative``, ``texts``, ``all_files``, ``lowest``, ``component_texts``."""
    return (
        texts.group_by("representative")
        .agg(
            pl.len().alias("texts"),
            pl.col("files").sum().alias("all_files"),
            pl.col("similarity").min().alias("lowest"),
            pl.col("component").first(),
        )
        .filter(pl.col("texts") > 1)
        .join(texts.group_by("component").agg(pl.len().alias("component_texts")), on="component")
        .drop("component")
    )


def _text(row: dict[str, object]) -> Text:
    return Text(**{name: row[name] for name in [*FACTS, "files", "similarity"]})  # type: ignore[arg-type]
