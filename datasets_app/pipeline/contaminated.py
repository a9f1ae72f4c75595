"""Files that a release left out because they hold text of a benchmark: which text, where it stands, and the lines around it.

The matches are read from the very tables of attributes that the release was decided by; its state names them. So they are true
of it also after a benchmark was added.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from datasets_app.pipeline import contents, state
from datasets_app.pipeline.clusters import FACTS, Hidden
from datasets_app.pipeline.contamination import CONTAMINATION, Match
from datasets_app.pipeline.contents import Span
from datasets_app.pipeline.families import table_paths
from datasets_app.pipeline.pii.redact import redact
from datasets_app.pipeline.recipe import Recipe
from datasets_app.pipeline.release_errors import AttributesMissing

REASON = "contaminated"
AROUND = 2  # lines shown before and after a match
MOST_LINES = 24  # of a match; what is longer is cut


@dataclass(frozen=True)
class Excerpt:
    """A match with the lines around it, as the recipe would publish them.

    Attributes:
        match: Benchmark, item and bytes of the source.
        line: The number of the line on which the match begins, from 1.
        first: The number of the first line shown, from 1.
        before: Text from there to the match.
        text: The match, cut after ``MOST_LINES`` lines.
        after: Text from its end to the end of the last line shown; empty where it is cut.
        cut: Whether it is.
    """

    match: Match
    line: int
    first: int
    before: str
    text: str
    after: str
    cut: bool


@dataclass(frozen=True)
class File:
    """A file that holds text of a benchmark; ``excerpts`` is empty where the corpus no longer holds it. ``size`` is in bytes."""

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
    matches: list[Match]
    excerpts: list[Excerpt]


@dataclass(frozen=True)
class Page:
    """A part of a list of such files.

    Attributes:
        rows: The files, by repository and path.
        total: How many match.
        benchmarks: (name, files that hold text of it, items of it that were found), most files first, of all files.
    """

    rows: list[File]
    total: int
    benchmarks: list[tuple[str, int, int]]


def find(
    corpus: Path, folder: Path, recipe: Recipe, hidden: Hidden, benchmark: str = "", offset: int = 0, limit: int = 20
) -> Page:
    """The files that a release left out for text of a benchmark, and every match in those of the page.

    Args:
        corpus: The folder of the corpus.
        folder: Where the release's manifest lies.
        recipe: Of the release: it says which personal data is not shown.
        hidden: Whose files are left out.
        benchmark: Only files that hold text of this one; of any where empty.
        offset: How many to pass over.
        limit: How many to give at most.

    Raises:
        AttributesMissing: The tables that say where the matches are have gone.
        CorpusDamaged, SourceError: A text cannot be read, or the model that finds personal data.
    """
    files = _files(folder, hidden)
    if files.is_empty():
        return Page([], 0, [])
    hits = files.join(_matches(corpus, folder, files["blob_id"].unique()), on="blob_id")
    counted = (
        hits.group_by("benchmark")
        .agg(pl.struct("repository_key", "path", "blob_id").n_unique().alias("files"), pl.col("item").n_unique())
        .sort(["files", "benchmark"], descending=[True, False])
    )
    if benchmark:
        hits = hits.filter(benchmark=benchmark)
    by_file = hits.group_by([*FACTS, "rank"]).agg(pl.struct("benchmark", "item", "start", "end").sort_by("start"))
    by_file = by_file.sort("repository_key", "path", "blob_id")
    shown = by_file.slice(offset, limit)
    texts = contents.read_blobs(corpus, shown["blob_id"].unique().to_list())
    spans = contents.personal_data(corpus, recipe, texts)
    rows = []
    for row in shown.iter_rows(named=True):
        matches = [Match(**match) for match in row["benchmark"]]
        text = texts.get(row["blob_id"])
        excerpts = [excerpt(text, match, spans[row["blob_id"]]) for match in matches] if text is not None else []
        rows.append(File(**{name: row[name] for name in FACTS}, matches=matches, excerpts=excerpts))
    return Page(rows, len(by_file), list(counted.iter_rows()))


def _files(folder: Path, hidden: Hidden) -> pl.DataFrame:
    paths = state.decisions(folder).paths()
    if not paths:
        return pl.DataFrame()
    return pl.scan_parquet(paths).filter(pl.col("reason") == REASON, ~hidden.covers()).select(*FACTS, "rank").collect()


def _matches(corpus: Path, folder: Path, blob_ids: pl.Series) -> pl.DataFrame:
    facts = state.read_facts(folder)
    used = [name for name in facts.ground.families if name.startswith("contamination-")] if facts else []
    tables = [path for name in used for path in table_paths(corpus, name)]
    if not tables:
        raise AttributesMissing(
            "The tables that say where benchmarks were found are gone from the corpus. Build the next release to have them again."
        )
    return (
        pl.scan_parquet(tables)
        .select(CONTAMINATION.names)
        .filter(pl.col("blob_id").is_in(blob_ids.implode()))
        .unique()
        .collect()
    )


def excerpt(content: bytes, match: Match, spans: Sequence[Span]) -> Excerpt:
    """A match with the lines around it.

    Args:
        content: The text in UTF-8.
        match: A place in it.
        spans: Personal data in it, to be replaced in what is shown.
    """
    start = content.rfind(b"\n", 0, match.start) + 1
    for _ in range(AROUND):
        start = content.rfind(b"\n", 0, max(0, start - 1)) + 1
    stop, cut = match.end, False
    at = match.start
    for _ in range(MOST_LINES):
        at = content.find(b"\n", at, match.end) + 1
        if not at:
            break
    else:
        stop, cut = at - 1, True
    end = stop if cut else _line_end(content, stop)
    for _ in range(0 if cut else AROUND):
        end = _line_end(content, min(end + 1, len(content)))
    return Excerpt(
        match=match,
        line=content.count(b"\n", 0, match.start) + 1,
        first=content.count(b"\n", 0, start) + 1,
        before=_shown(content, start, match.start, spans),
        text=_shown(content, match.start, stop, spans),
        after=_shown(content, stop, end, spans),
        cut=cut,
    )


def _line_end(content: bytes, at: int) -> int:
    found = content.find(b"\n", at)
    return found if found >= 0 else len(content)


def _shown(content: bytes, start: int, end: int, spans: Sequence[Span]) -> str:
    """Bytes ``start`` to ``end`` without the personal data within; of what reaches over an edge the part within goes."""
    within = [
        (max(first, start) - start, min(last, end) - start, kind)
        for first, last, kind in spans
        if first < end and last > start
    ]
    return redact(content[start:end], within).decode("utf-8", "replace")
