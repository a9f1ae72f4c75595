"""Parquet files in the schema of The Stack v1, The Stack v2 with contents, or starcoderdata, as repositories on github.com.

Which schema a file has is told by its columns (:mod:`~datasets_app.pipeline.sources.parquet_schemas`). Rows are read a row group at
a time and brought together by repository on the disk (:mod:`~datasets_app.pipeline.sources.grouping`), which takes room for one
compressed copy of them below the scratch folder while the source is read.

A repository whose data set tells more stars is the better origin of a blob; one that was read first-hand, from git or from
a package, is better than any of these.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from datasets_app.pipeline.errors import SourceError
from datasets_app.pipeline.licences import Licence, combine
from datasets_app.pipeline.progress import Progress
from datasets_app.pipeline.sources.base import FileSkipped, RepositoryRecord, SourceFile
from datasets_app.pipeline.sources.grouping import BUDGET, Bucket, grouped
from datasets_app.pipeline.sources.parquet_schemas import Schema, licence_of, recognise, to_rows

FORGE = "github.com"
MOST_STARS = 1_000_000
_INT32 = (1 << 31) - 1


class ParquetRows:
    """A source over Parquet files.

    Args:
        name: The source's slug.
        paths: Files, and folders whose files ``*.parquet`` are taken. All are of one schema.
        scratch: A folder on a disk with room; the system's own where None.
        budget: Bytes of content held in memory.
    """

    def __init__(self, name: str, paths: tuple[Path, ...], scratch: Path | None = None, budget: int = BUDGET) -> None:
        self.name = name
        self.paths = paths
        self.notes: list[str] = []
        self.expected_files = 0
        self._scratch = scratch
        self._budget = budget

    def repositories(self, progress: Progress) -> Iterator[tuple[RepositoryRecord, Iterable[SourceFile]]]:
        """Each repository once, in an order that follows the rows alone.

        Raises:
            SourceError: A file is not there, is no Parquet, or has another schema.
        """
        self.notes, self.expected_files = [], 0
        files = self._files()
        schemas: Counter[Schema] = Counter()
        size = 0
        for path in files:
            with _opened(path) as file:
                schemas[recognise(path, file.schema_arrow.names)] += 1
                self.expected_files += file.metadata.num_rows
                size += sum(file.metadata.row_group(at).total_byte_size for at in range(file.num_row_groups))
        if len(schemas) > 1:
            raise SourceError(
                "The files are of several schemas: "
                + ", ".join(f"{count} of {schema.title}" for schema, count in schemas.items())
                + ". Make each a source of its own."
            )
        (schema,) = schemas
        tables = self._tables(files, schema, progress)
        for bucket in grouped(tables, size, self._scratch, self._budget):
            yield from _repositories(bucket, schema)

    def _files(self) -> list[Path]:
        found: list[Path] = []
        for path in self.paths:
            if not path.exists():
                raise SourceError(f"There is no {path}. Name Parquet files, or folders of them.")
            found.extend(sorted(path.rglob("*.parquet")) if path.is_dir() else [path])
        if not found:
            raise SourceError(
                f"There is no file *.parquet in {', '.join(map(str, self.paths)) or 'the list, which is empty'}."
            )
        return list(dict.fromkeys(found))

    def _tables(self, files: list[Path], schema: Schema, progress: Progress) -> Iterator[pa.Table]:
        done = nameless = 0
        for path in files:
            with _opened(path) as file:
                for group in range(file.num_row_groups):
                    progress("bringing repositories together", done, self.expected_files)
                    try:
                        table = file.read_row_group(group, sorted(set(schema.columns.values())), use_threads=False)
                    except (OSError, pa.ArrowException) as error:
                        raise _unreadable(path, error) from error
                    done += len(table)
                    rows, without = to_rows(schema, table, path)
                    nameless += without
                    if len(rows):
                        yield rows
        progress("bringing repositories together", done, self.expected_files)
        if nameless:
            self.notes.append(f"{nameless} rows name no owner and repository and were left out")
            self.expected_files -= nameless


def _opened(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> SourceError:
    return SourceError(f"{path} cannot be read as Parquet: {error}. Fetch it again, or take it out of the source.")


def _repositories(bucket: Bucket, schema: Schema) -> Iterator[tuple[RepositoryRecord, Iterable[SourceFile]]]:
    by_key: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    for at, row in enumerate(bucket.facts().to_pylist()):
        by_key.setdefault(row["repository"].casefold(), []).append((at, row))
    for key in sorted(by_key):
        rows = by_key.pop(key)
        yield _record(rows, schema), _files(bucket, rows, schema)


def _licence(row: dict[str, Any], schema: Schema) -> Licence:
    licences = None if row["licences"] is None else tuple(one for one in row["licences"] if one)
    return licence_of(schema, licences, row["forge_licence"])


def _record(rows: list[tuple[int, dict[str, Any]]], schema: Schema) -> RepositoryRecord:
    owner, _, name = rows[0][1]["repository"].partition("/")
    licences = {_licence(row, schema) for _, row in rows}
    known = [licence.expression for licence in licences if licence.expression]
    return RepositoryRecord(
        forge=FORGE,
        account_id=None,
        owner=owner,
        repository=name,
        url=f"https://{FORGE}/{owner}/{name}",
        licence=combine(known) if len(known) == len(licences) else None,
        licence_evidence="; ".join(sorted({licence.evidence for licence in licences if licence.evidence})) or None,
        permissive=all(licence.permissive for licence in licences),
    )


def _files(bucket: Bucket, rows: list[tuple[int, dict[str, Any]]], schema: Schema) -> Iterator[SourceFile]:
    # Row by row in the order of the bucket: a repository larger than the budget is then read without going back.
    for at, row in rows:
        stars = None if row["stars"] is None else min(max(row["stars"], 0), _INT32)
        yield SourceFile(
            row["path"] or "",
            partial(_read, bucket, at),
            licence=_licence(row, schema),
            rank=1 + MOST_STARS - min(stars or 0, MOST_STARS),
            commit=row["commit"],
            stars=stars,
        )


def _read(bucket: Bucket, row: int, limit: int) -> bytes:
    content = bucket.content(row)
    if content is None:
        raise FileSkipped("missing")
    if len(content) > limit:
        raise FileSkipped("too_large")
    return content
