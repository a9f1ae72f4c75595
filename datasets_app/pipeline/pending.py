"""The rows of one repository while its licences are not known: any number of files in little memory.

The last :data:`BATCH` rows are plain; the others are kept as compressed Arrow batches, some 60 bytes a row, so that a repository
with a million files takes less than 100 MB.
"""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from datasets_app.pipeline.format import FILES
from datasets_app.pipeline.licences import Licence

BATCH = 20_000  # rows
_LICENCE = pa.struct([("expression", pa.string()), ("evidence", pa.string()), ("permissive", pa.bool_())])
_WITHOUT = ("licence", "licence_evidence", "permissive")
_SCHEMA = pa.schema(
    [*(column for column in FILES if column.name not in _WITHOUT), ("header", _LICENCE), ("stated", _LICENCE)]
)
_OPTIONS = pa.ipc.IpcWriteOptions(compression="zstd")

Waiting = tuple[dict[str, Any], Licence | None, Licence | None]


class PendingRows:
    """Rows in the order in which they were added, each with the licence of its header and the one that its source states."""

    def __init__(self) -> None:
        self._rows: list[Waiting] = []
        self._batches: list[pa.Buffer] = []

    def add(self, row: dict[str, Any], header: Licence | None, stated: Licence | None) -> None:
        """Add the row of a file: the columns of ``format.FILES`` but for those of its licence."""
        self._rows.append((row, header, stated))
        if len(self._rows) >= BATCH:
            self._batches.append(_packed(self._rows))
            self._rows = []

    def __iter__(self) -> Iterator[Waiting]:
        for batch in self._batches:
            yield from _unpacked(batch)
        yield from self._rows


def _packed(rows: list[Waiting]) -> pa.Buffer:
    entries = [{**row, "header": _plain(header), "stated": _plain(stated)} for row, header, stated in rows]
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, _SCHEMA, options=_OPTIONS) as writer:
        writer.write_table(pa.Table.from_pylist(entries, schema=_SCHEMA))
    return sink.getvalue()


def _unpacked(batch: pa.Buffer) -> Iterator[Waiting]:
    with pa.ipc.open_stream(batch) as reader:
        for row in reader.read_all().to_pylist():
            header, stated = row.pop("header"), row.pop("stated")
            yield row, _licence(header), _licence(stated)


def _plain(licence: Licence | None) -> dict[str, Any] | None:
    return None if licence is None else vars(licence)


def _licence(entry: dict[str, Any] | None) -> Licence | None:
    return None if entry is None else Licence(**entry)
