"""What lies between two releases: files in, files out, files with another reason, and recipes side by side.

All of it is read from the decisions, which name every file and are for staff alone. What the public may see are the totals of
each release by public bucket: how many files *moved* from one bucket to another would tell opt-outs apart.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import polars as pl

from datasets_app.pipeline import state
from datasets_app.pipeline.format import manifest_path
from datasets_app.pipeline.reasons import KEPT, REASONS, FunnelRow, public_funnel
from datasets_app.pipeline.release_errors import NoSuchRelease

FILE = ["repository_key", "path", "blob_id"]
COLUMNS = [*FILE, "owner_key", "size", "language", "licence", "reason"]
ABSENT = ""
"""Stands for the reason of a file on which a release did not decide: the corpus did not hold it, or it was forgotten."""


@dataclass(frozen=True)
class Change:
    """How many files share a reason before and a reason now. ``bytes`` are of source."""

    before: str
    now: str
    files: int
    bytes: int

    @property
    def kind(self) -> str:
        """``in`` or ``out`` of the release, ``changed`` (another reason to be left out) or ``same``."""
        if self.before == self.now:
            return "same"
        if KEPT in (self.before, self.now):
            return "in" if self.now == KEPT else "out"
        return "changed"


class BucketRow(TypedDict):
    """How many files stand in a public bucket before and now."""

    reason: str
    before: int
    now: int


@dataclass(frozen=True)
class Page:
    """A part of a list. ``total`` counts all."""

    rows: list[dict[str, Any]]
    total: int


@dataclass(frozen=True)
class FieldDifference:
    """A field of a recipe before and now; ``same`` where both say the same, None where a recipe lacks it."""

    field: str
    before: Any
    now: Any

    @property
    def same(self) -> bool:
        """Whether both recipes say the same."""
        return bool(self.before == self.now)


@dataclass(frozen=True)
class FileFilter:
    """Which files of a release's decisions to list; what is empty narrows nothing.

    Attributes:
        reason: A key of ``REASONS``.
        language: Linguist's name; files of this language.
        owner_key: Files of this owner.
        repository_key: Files of this repository.
        path: Files whose path begins so.
        taken: Whether to list the files that were taken, too.
    """

    reason: str = ""
    language: str = ""
    owner_key: str = ""
    repository_key: str = ""
    path: str = ""
    taken: bool = False


def changes(releases: Path, before: tuple[str, str], now: tuple[str, str]) -> list[Change]:
    """Counts by (reason before, reason now): what moved first, most files first; what stayed at the end.

    Args:
        releases: The folder of the releases.
        before: Name and version.
        now: Name and version.

    Raises:
        NoSuchRelease: One is not there, or was withdrawn and its decisions deleted.
    """
    counts = (
        _both(releases, before, now)
        .group_by("before", "now")
        .agg(pl.len().alias("files"), pl.col("size").sum().alias("bytes"))
        .collect()
    )
    found = [Change(**row) for row in counts.iter_rows(named=True)]
    return sorted(found, key=lambda one: (one.kind == "same", -one.files, one.before, one.now))


def changed_files(
    releases: Path,
    before: tuple[str, str],
    now: tuple[str, str],
    reasons: tuple[str, str],
    offset: int = 0,
    limit: int = 100,
) -> Page:
    """The files with these reasons before and now (``ABSENT`` for none), by repository and path.

    Raises:
        NoSuchRelease: One is not there, or was withdrawn and its decisions deleted.
    """
    found = _both(releases, before, now).filter(pl.col("before") == reasons[0], pl.col("now") == reasons[1])
    return _page(found.select(*FILE, "owner_key", "size", "before", "now"), offset, limit)


def decided_files(
    releases: Path, release: tuple[str, str], wanted: FileFilter, offset: int = 0, limit: int = 100
) -> Page:
    """The files on which a release decided, with their reasons, by repository and path.

    Raises:
        NoSuchRelease: It is not there, or was withdrawn and its decisions deleted.
    """
    found = _decisions(releases, release, wanted.owner_key)
    if not wanted.taken and wanted.reason != KEPT:
        found = found.filter(pl.col("reason") != KEPT)
    for column in ("reason", "language", "owner_key", "repository_key"):
        if value := getattr(wanted, column):
            found = found.filter(pl.col(column) == value)
    if wanted.path:
        found = found.filter(pl.col("path").str.starts_with(wanted.path))
    return _page(found.select(COLUMNS), offset, limit)


def public_changes(before: list[FunnelRow], now: list[FunnelRow]) -> list[BucketRow]:
    """Two funnels side by side by public bucket, in the order of ``REASONS``; their rows may be of reasons or of buckets."""
    totals = [{row["reason"]: row["files"] for row in _public(funnel)} for funnel in (before, now)]
    buckets = dict.fromkeys(reason.public for reason in REASONS.values())
    return [
        BucketRow(reason=bucket, before=totals[0].get(bucket, 0), now=totals[1].get(bucket, 0))
        for bucket in buckets
        if bucket in totals[0] or bucket in totals[1]
    ]


def recipe_differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[FieldDifference]:
    """Every field of two recipes side by side, in the order of the newer one; see ``FieldDifference.same``."""
    return [FieldDifference(field, before.get(field), now.get(field)) for field in dict.fromkeys([*now, *before])]


def shown(value: Any) -> str:
    """A value of a recipe as one line for people."""
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if value is None:
        return "not set"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _public(funnel: list[FunnelRow]) -> list[FunnelRow]:
    own = [row for row in funnel if row["reason"] in REASONS]
    return [*public_funnel(own), *(row for row in funnel if row["reason"] not in REASONS)]


def _decisions(releases: Path, release: tuple[str, str], owner_key: str = "") -> pl.LazyFrame:
    """The decisions of a release; of those of an owner at least the part in which they lie."""
    table = state.decisions(manifest_path(releases, *release).parent)
    paths = table.paths()
    if not paths:
        raise NoSuchRelease(
            f"What was decided for {release[0]} {release[1]} is not kept: it is not built, or it was withdrawn and its files "
            "are deleted."
        )
    if owner_key:
        paths = [table.path(part, table.parts) for part in table.parts_of([owner_key])]
    return pl.scan_parquet(paths)


def _both(releases: Path, before: tuple[str, str], now: tuple[str, str]) -> pl.LazyFrame:
    """Every file of either release once: FILE, owner_key, size, before, now."""
    first = _decisions(releases, before).select(*FILE, "owner_key", "size", before="reason")
    second = _decisions(releases, now).select(*FILE, "owner_key", "size", now="reason")
    return first.join(second, on=FILE, how="full", coalesce=True).select(
        *FILE,
        pl.coalesce("owner_key", "owner_key_right").alias("owner_key"),
        pl.coalesce("size", "size_right").alias("size"),
        pl.col("before", "now").fill_null(ABSENT),
    )


def _page(found: pl.LazyFrame, offset: int, limit: int) -> Page:
    rows, total = pl.collect_all([found.sort(FILE).slice(offset, limit), found.select(pl.len())])
    return Page(rows.to_dicts(), int(total.item()))
