"""Copies of somebody's files under other owners: the same content (ring A) and nearly the same text (ring B).

What becomes of a copy is decided by rules that stand here as data. Content that anybody could have (:data:`TRIVIAL`) stays,
whoever asks. Of the rest, content whose origin is beyond doubt (:data:`ORIGIN`) is blocked by its blob id, so that it comes
back under no name; what is left is for a person to compare. The corpus knows no dates of files and no ties between
repositories, so the evidence is what it does know: who wrote a file alone, what is carried along as other people's work, and
how many stars a source tells.

Texts in which only a piece is the same (ring C) are not looked for: they stay.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from datasets_app.pipeline import duplicates, state
from datasets_app.pipeline.clusters import Hidden
from datasets_app.pipeline.decide import BLOCKED, Blocks, is_blocked
from datasets_app.pipeline.licence_files import is_licence_file
from datasets_app.pipeline.reasons import KEPT
from datasets_app.pipeline.sketches import SKETCHES, matrix

BLOCK, COMPARE, LEAVE = "block", "open", "leave"
NEAR = 0.6  # least similarity of a near copy: a little below that of a near-duplicate, so that two published texts can be near copies
SHORT = 200  # bytes
MANY_OWNERS = 20
FORK_SHARE, FORK_LEAST = 0.5, 3  # of a repository's blobs that stand in its fork, and how many at least
MOST_PAIRS = (
    20_000_000  # of texts in one component that are compared; beyond it, the smaller texts' best candidates are enough
)

PLACE = [
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
_MORE = {"vendored": pl.Boolean, "rank": pl.Int32, "sole_author": pl.String, "stars": pl.Int32}


@dataclass(frozen=True)
class Rule:
    """Why a copy stays, is blocked or has to be compared: ``text`` follows "This file ..."."""

    key: str
    text: str


TRIVIAL = (
    Rule("empty", "has no content"),
    Rule("short", f"has fewer than {SHORT} bytes"),
    Rule("licence", "is a licence text"),
    Rule("many_owners", f"is held by more than {MANY_OWNERS} other accounts, so that it is nobody's in particular"),
)
"""Content that stays whoever asks; tried in this order."""

ORIGIN = (
    Rule("alone", "is held by no other account"),
    Rule("same_author", "was written by the same person alone wherever it lies"),
    Rule("carried", "is carried along by the others as other people's work"),
    Rule(
        "forks", "lies elsewhere in forks alone: repositories of the same name with half the same files and fewer stars"
    ),
)
"""Evidence that content comes from the account; any one is enough, tried in this order."""

DOUBT = (
    Rule("own_vendored", "stands in the account's repository as other people's work"),
    Rule("unknown_origin", "lies under several accounts, and nothing here says who had it first"),
    Rule("near", "is nearly the same text"),
    Rule("declared", "lies under an account that declared to stay in, too"),
)
"""Why a person has to compare."""

RULES = {rule.key: rule for rule in (*TRIVIAL, *ORIGIN, *DOUBT)}


@dataclass(frozen=True)
class Copies:
    """What lies elsewhere of somebody's files.

    Attributes:
        own: Their blobs: ``blob_id``, ``size``, ``why`` (a key of ``RULES``) and ``verdict``.
        exact: Files of others with the same content (``PLACE``, ``why``, ``verdict``).
        near: Files of others with nearly the same text (``PLACE``, ``why``, ``verdict``, ``mine``: the blob they are near to,
            ``similarity``).
    """

    own: pl.DataFrame
    exact: pl.DataFrame
    near: pl.DataFrame


def of_corpus(corpus: Path, release: Path | None, covered: Blocks) -> Copies:
    """All copies that the corpus holds, and all near ones that a release found: for the verified owner and the reviewers alone.

    Args:
        corpus: The folder of the corpus.
        release: Where the manifest of the newest release lies; None where there is none, and then no near copy is known.
        covered: What the request covers: owners, repositories, authors.
    """
    tables = sorted((corpus / "files").glob("[!.]*.parquet"))
    if not tables:
        return _none()
    files = pl.concat([_wide(pl.scan_parquet(table)) for table in tables])
    own = files.filter(is_blocked(covered)).collect()
    found = files.join(own.lazy().select("blob_id").unique(), on="blob_id", how="semi").filter(~is_blocked(covered))
    others = found.collect().unique(["repository_key", "path", "blob_id"], maintain_order=True)
    exact = _judged(own, others, _forks(own, others))
    near = _near(release, set(own["blob_id"]), covered, public=None) if release else _none().near
    return Copies(exact[0], exact[1], near.join(exact[1], on=["repository_key", "path"], how="anti"))


def files_of(corpus: Path, covered: Blocks) -> pl.DataFrame:
    """The files (``PLACE``) of what is covered, of all sources."""
    tables = sorted((corpus / "files").glob("[!.]*.parquet"))
    if not tables:
        return _none().exact.select(PLACE)
    return (
        pl.concat([_wide(pl.scan_parquet(table)) for table in tables])
        .filter(is_blocked(covered))
        .select(PLACE)
        .collect()
    )


def of_release(release: Path, covered: Blocks, hidden: Hidden, hidden_blobs: frozenset[str]) -> Copies:
    """The copies that anybody can find in a published release: what is hidden, or was left out of it, is as if it were not there."""
    shown = ~hidden.covers() & ~pl.col("blob_id").is_in(pl.Series(sorted(hidden_blobs), dtype=pl.String).implode())
    parts = state.decisions(release).paths()
    if not parts:
        return _none()
    files = _wide(pl.scan_parquet(parts).filter(pl.col("held"), ~pl.col("reason").is_in(BLOCKED), shown))
    own = files.filter(is_blocked(covered)).collect()
    found = files.join(own.lazy().select("blob_id").unique(), on="blob_id", how="semi").filter(~is_blocked(covered))
    exact = _judged(own, found.collect(), None)
    near = _near(release, set(own["blob_id"]), covered, public=shown)
    return Copies(exact[0], exact[1], near)


def doubted(found: Copies, owners: Collection[str]) -> Copies:
    """The same, with whatever lies under one of these owners for a person to decide: they declared to stay in."""
    theirs = pl.col("owner_key").is_in(pl.Series(sorted(owners), dtype=pl.String).implode())
    blobs = pl.concat([found.exact.filter(theirs)["blob_id"], found.near.filter(theirs)["blob_id"]]).unique()
    doubt = pl.col("blob_id").is_in(blobs.implode()) & (pl.col("verdict") != LEAVE)

    def judged(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(
            why=pl.when(doubt).then(pl.lit("declared")).otherwise("why"),
            verdict=pl.when(doubt).then(pl.lit(COMPARE)).otherwise("verdict"),
        )

    return Copies(judged(found.own), judged(found.exact), judged(found.near))


def _wide(files: pl.LazyFrame) -> pl.LazyFrame:
    """The columns that are looked at; what a table does not have is null."""
    there = files.collect_schema().names()
    missing = [pl.lit(None, kind).alias(name) for name, kind in _MORE.items() if name not in there]
    return files.with_columns(missing).select(*PLACE, *_MORE)


def _judged(own: pl.DataFrame, others: pl.DataFrame, forks: pl.DataFrame | None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The blobs of ``own`` with why and verdict; the files of others with those of their blobs."""
    in_fork = pl.lit(False) if forks is None else pl.col("repository_key").is_in(forks["repository_key"].implode())
    licences = [
        path for path in [*own["path"].unique(), *others["path"].unique()] if is_licence_file(path.rpartition("/")[2])
    ]
    is_licence = pl.col("path").is_in(pl.Series(licences, dtype=pl.String).implode()).any()
    mine = own.group_by("blob_id").agg(
        pl.col("size").first(),
        is_licence.alias("licence_here"),
        pl.col("vendored").fill_null(False).all().alias("own_vendored"),
        pl.col("sole_author").min().alias("author"),
        ((pl.col("sole_author").n_unique() == 1) & pl.col("sole_author").is_not_null().all()).alias("one_author"),
    )
    theirs = others.group_by("blob_id").agg(
        pl.col("owner_key").n_unique().alias("owners"),
        is_licence.alias("licence_there"),
        pl.col("vendored").fill_null(False).all().alias("carried"),
        in_fork.all().alias("forks"),
        pl.col("sole_author").min().alias("their_author"),
        ((pl.col("sole_author").n_unique() == 1) & pl.col("sole_author").is_not_null().all()).alias("their_one"),
    )
    both = mine.join(theirs, on="blob_id", how="left")
    same = pl.col("one_author") & pl.col("their_one") & (pl.col("author") == pl.col("their_author"))
    tests = {
        "empty": pl.col("size") == 0,
        "short": pl.col("size") < SHORT,
        "licence": pl.col("licence_here") | pl.col("licence_there").fill_null(False),
        "many_owners": pl.col("owners") > MANY_OWNERS,
        "own_vendored": pl.col("own_vendored"),
        "alone": pl.col("owners").is_null(),
        "same_author": same,
        "carried": pl.col("carried"),
        "forks": pl.col("forks"),
    }
    why = pl.coalesce(*(pl.when(test).then(pl.lit(key)) for key, test in tests.items()), pl.lit("unknown_origin"))
    judged = both.with_columns(why=why).with_columns(verdict=_verdict()).select("blob_id", "size", "why", "verdict")
    places = others.select(PLACE).join(judged.select("blob_id", "why", "verdict"), on="blob_id")
    return judged.sort("blob_id"), places.sort("owner_key", "repository_key", "path")


def _verdict() -> pl.Expr:
    trivial, origin = ([rule.key for rule in rules] for rules in (TRIVIAL, ORIGIN))
    return (
        pl.when(pl.col("why").is_in(trivial))
        .then(pl.lit(LEAVE))
        .when(pl.col("why").is_in(origin))
        .then(pl.lit(BLOCK))
        .otherwise(pl.lit(COMPARE))
    )


def _forks(own: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """Repositories of others that are forks of one of ours, for certain: name, content and stars say so."""
    keys = ["repository_key", "name"]
    ours = own.filter(pl.col("size") >= SHORT).with_columns(name=pl.col("repository").str.to_lowercase())
    theirs = others.with_columns(name=pl.col("repository").str.to_lowercase())
    held = ours.group_by(keys).agg(pl.col("blob_id").n_unique().alias("blobs"), pl.col("stars").max().alias("stars"))
    shared = (
        ours.select(*keys, "blob_id")
        .unique()
        .join(
            theirs.select("name", "blob_id", "repository_key", "stars").unique(), on=["name", "blob_id"], suffix="_fork"
        )
        .group_by("repository_key", "repository_key_fork")
        .agg(pl.col("blob_id").n_unique().alias("shared"), pl.col("stars").max().alias("fork_stars"))
        .join(held, on="repository_key")
    )
    certain = (
        (pl.col("shared") >= FORK_LEAST)
        & (pl.col("shared") >= FORK_SHARE * pl.col("blobs"))
        & (pl.col("stars") > pl.col("fork_stars"))
    )
    return shared.filter(certain).select(repository_key="repository_key_fork").unique()


def _near(release: Path, mine: set[str], covered: Blocks, public: pl.Expr | None) -> pl.DataFrame:
    """Files of others whose text is nearly one of ``mine``, the most alike first; with ``public``, only what is published."""
    table = state.duplicates(release)
    ours = pl.Series(sorted(mine), dtype=pl.String)
    first = table.read(table.parts_with(ours), ["blob_id", "component"]).filter(pl.col("blob_id").is_in(ours.implode()))
    if first.is_empty():
        return _none().near
    names = first["component"].unique()
    rows = table.read(table.parts_of(names), ["blob_id", "component", "sketch"])
    rows = rows.filter(pl.col("component").is_in(names.implode()))
    decisions = state.decisions(release)
    files = decisions.read(decisions.parts_with(rows["blob_id"]), [*PLACE, "sole_author", "reason"])
    files = files.filter(pl.col("blob_id").is_in(rows["blob_id"].implode()), ~pl.col("reason").is_in(BLOCKED))
    if public is not None:
        files = files.filter(public, reason=KEPT)
        rows = rows.join(files.select("blob_id").unique(), on="blob_id", how="semi")
    pairs = _pairs(rows, ours)
    theirs = files.filter(~is_blocked(covered), ~pl.col("blob_id").is_in(ours.implode())).select(PLACE)
    found = theirs.join(pairs, on="blob_id").with_columns(why=pl.lit("near"), verdict=pl.lit(COMPARE))
    return found.select(_none().near.columns).sort(
        ["similarity", "blob_id", "repository_key", "path"], descending=[True, False, False, False]
    )


def _pairs(rows: pl.DataFrame, ours: pl.Series) -> pl.DataFrame:
    """Each text of others with the most alike of ours, where it is alike enough: ``blob_id``, ``mine``, ``similarity``."""
    found: list[tuple[str, str, float]] = []
    budget = MOST_PAIRS
    for _, part in rows.group_by("component"):
        is_mine = part["blob_id"].is_in(ours.implode())
        left, right = part.filter(is_mine), part.filter(~is_mine)
        if left.is_empty() or right.is_empty():
            continue
        table = pl.concat([left, right]).select("sketch").to_arrow(compat_level=pl.CompatLevel.oldest())
        sketches = matrix(table["sketch"].cast(SKETCHES.schema.field("sketch").type), "<u8")
        for at, blob in enumerate(right["blob_id"]):
            count = len(left) if budget > 0 else 1
            budget -= count
            alike = np.array([duplicates.estimate(sketches[one], sketches[len(left) + at]) for one in range(count)])
            best = int(alike.argmax())
            if alike[best] >= NEAR:
                found.append((blob, left["blob_id"][best], float(alike[best])))
    schema = {"blob_id": pl.String, "mine": pl.String, "similarity": pl.Float64}
    return pl.DataFrame(found, schema=schema, orient="row")


def _none() -> Copies:
    place = {**dict.fromkeys(PLACE, pl.String), "size": pl.Int64}
    judged = {"why": pl.String, "verdict": pl.String}
    own = {"blob_id": pl.String, "size": pl.Int64, **judged}
    near = {**place, **judged, "mine": pl.String, "similarity": pl.Float64}
    return Copies(pl.DataFrame(schema=own), pl.DataFrame(schema={**place, **judged}), pl.DataFrame(schema=near))
