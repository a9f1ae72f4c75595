"""Rows of the table of files: made when a file is taken, licensed when its repository ends, written a batch at a time."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from datasets_app.pipeline import languages, marks
from datasets_app.pipeline.atomic import replacing
from datasets_app.pipeline.format import FILES
from datasets_app.pipeline.licences import Licence
from datasets_app.pipeline.snapshots import Snapshot
from datasets_app.pipeline.sources.base import RepositoryRecord, SourceFile

ROWS = 20_000  # of the table of files, written at a time
# The rank of a file among copies of its blob: permissive before not, the repository's own before vendored, then the
# source's own order.
RANK_NOT_PERMISSIVE = 1 << 24
RANK_VENDORED = 1 << 23


class FilesWriter:
    """Writes a table of files a batch of rows at a time."""

    def __init__(self, path: Path) -> None:
        self._writer = pq.ParquetWriter(path, FILES, compression="zstd", write_statistics=False, store_schema=False)
        self._rows: list[dict[str, Any]] = []
        self._snapshot = Snapshot()

    def __enter__(self) -> "FilesWriter":
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        try:
            if failed is None:
                self._flush()
                self._writer.add_key_value_metadata(self._snapshot.footer())
        finally:
            self._writer.close()

    def add(self, row: dict[str, Any]) -> None:
        """Add a row, with every column of ``format.FILES``."""
        self._rows.append(row)
        if len(self._rows) >= ROWS:
            self._flush()

    def _flush(self) -> None:
        rows = pa.Table.from_pylist(self._rows, schema=FILES)
        self._snapshot.add(rows)
        self._writer.write_table(rows)
        self._rows = []


def write_rows(path: Path, rows: pa.Table, footer: Mapping[str, str]) -> None:
    """Write a table of files whole or not at all, with the bytes that :class:`FilesWriter` gives the same rows."""
    with (
        replacing(path) as temporary,
        pq.ParquetWriter(temporary, FILES, compression="zstd", write_statistics=False, store_schema=False) as writer,
    ):
        for start in range(0, len(rows), ROWS):
            writer.write_table(rows.slice(start, ROWS).combine_chunks())
        writer.add_key_value_metadata(dict(footer))


def row_of(record: RepositoryRecord, file: SourceFile, blob: str, content: bytes) -> dict[str, Any]:
    """The row of a file, but for its licence and for what that adds to its rank."""
    return {
        "blob_id": blob,
        "repository_key": record.repository_key,
        "owner_key": record.owner_key,
        "forge": record.forge,
        "owner": record.owner,
        "repository": record.repository,
        "path": file.path,
        "size": len(content),
        "language": languages.detect(file.path, content),
        "vendored": marks.is_vendored(file.path) if file.vendored is None else file.vendored,
        "generated": marks.is_generated(file.path, content) if file.generated is None else file.generated,
        "rank": min(max(file.rank, 0), RANK_VENDORED - 1),
        "commit": file.commit,
        "sole_author": file.sole_author,
        "authors": None if file.authors is None else list(file.authors),
        "stars": file.stars,
    }


def licensed(row: dict[str, Any], licence: Licence) -> dict[str, Any]:
    """The row with its licence, and with the rank that follows from it."""
    added = (0 if licence.permissive else RANK_NOT_PERMISSIVE) + (RANK_VENDORED if row["vendored"] else 0)
    return {
        **row,
        "licence": licence.expression,
        "licence_evidence": licence.evidence,
        "permissive": licence.permissive,
        "rank": row["rank"] + added,
    }
