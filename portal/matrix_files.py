"""The exposure matrix of one repository, file by file: from what each release decided on it."""

from dataclasses import dataclass

import polars as pl

from datasets_app.models import ContentMask, Release, Repository
from datasets_app.pipeline import state
from datasets_app.pipeline.decide import BLOCKED
from datasets_app.pipeline.reasons import KEPT, REASONS
from datasets_app.services import masks
from portal.matrix import IN, MASKED, NEVER, REMOVED, WORDS, Matrix

ROWS = 100
NOT_KEPT = "not kept"  # a release that ended keeps no list of its files


@dataclass(frozen=True)
class FileCell:
    """How one file stands in one release. ``why`` says why it is not in it, where the release decided against it."""

    standing: str
    why: str = ""

    @property
    def words(self) -> str:
        """For people."""
        return WORDS.get(self.standing, "no list kept")


@dataclass
class FileRow:
    """One file: its path, and a cell for each release."""

    path: str
    cells: list[FileCell]


@dataclass
class Files:
    """A part of the files of a repository. ``total`` counts all."""

    rows: list[FileRow]
    total: int


def files(matrix: Matrix, repository: Repository, offset: int = 0, limit: int | None = ROWS) -> Files:
    """The files of a repository by path, each by release. Reads one part of the decisions of each release."""
    decided = {release.pk: _decided(release, repository) for release in matrix.releases}
    tables = [table for table in decided.values() if table is not None]
    if not tables:
        return Files([], 0)
    paths = pl.concat([table.select("path") for table in tables])["path"].unique().sort()
    wanted = paths.slice(offset, limit)
    lookups = {
        pk: None
        if table is None
        else {row["path"]: row for row in table.filter(pl.col("path").is_in(wanted.implode())).to_dicts()}
        for pk, table in decided.items()
    }
    blobs = {row["blob_id"] for rows in lookups.values() for row in (rows or {}).values()}
    hidden = _hidden(repository, blobs)
    rows = [
        FileRow(
            path, [_cell(matrix, repository, release, lookups[release.pk], path, hidden) for release in matrix.releases]
        )
        for path in wanted
    ]
    return Files(rows, len(paths))


def _decided(release: Release, repository: Repository) -> pl.DataFrame | None:
    """What a release decided on the files of a repository; None where it keeps nothing of that any more."""
    table = state.decisions(release.folder)
    if not table.parts:
        return None
    found = table.read(table.parts_of([repository.owner.key]), ["repository_key", "path", "blob_id", "held", "reason"])
    return found.filter(repository_key=repository.key).unique("path", keep="first", maintain_order=True)


def _hidden(repository: Repository, blobs: set[str]) -> set[tuple[str, str]]:
    """Which blobs are hidden now: everywhere (with an empty path), or at one path of the repository."""
    found = {("", blob) for blob in masks.hidden_blobs(blobs)}
    live = ContentMask.objects.filter(lifted_at=None, repository=repository, blob__in=blobs)
    return found | set(live.values_list("path", "blob"))


def _cell(
    matrix: Matrix,
    repository: Repository,
    release: Release,
    rows: dict[str, dict[str, str]] | None,
    path: str,
    hidden: set[tuple[str, str]],
) -> FileCell:
    if rows is None:
        return FileCell(REMOVED if matrix.kept_out(repository, release) else NOT_KEPT)
    row = rows.get(path)
    if row is None:
        return FileCell(REMOVED if matrix.kept_out(repository, release) else NEVER)
    if row["reason"] in BLOCKED:
        return FileCell(REMOVED)
    if not row["held"]:
        return FileCell(NEVER, REASONS[row["reason"]].text if row["reason"] in REASONS else "")
    masked = matrix.hidden(repository) or ("", row["blob_id"]) in hidden or (path, row["blob_id"]) in hidden
    why = "" if row["reason"] == KEPT else "its content is held under another origin"
    return FileCell(MASKED if masked else IN, why)
