"""Rows brought together by repository, on the disk: an external partition by hash, in bounded memory.

Files of rows are sorted by language or by nothing, so that a repository's rows lie everywhere. They are dealt out to at most
:data:`FAN` buckets by the hash of their repository, a row group at a time; a bucket that holds more than the budget is dealt
out again by further bits of the hash, until each holds one repository or fits. A bucket is then read by its row groups, of
which no more are held than the budget allows. Peak memory: one row group of the input, 4 MB for each bucket, or the budget.
"""

import tempfile
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from datasets_app.pipeline.sources.parquet_schemas import ROWS

BUDGET = 128 << 20  # bytes of content of a bucket, and of row groups that are held
FAN = 64
BUFFER = 4 << 20  # bytes of content that wait for a row group, for each bucket
_BITS, _DEEPEST = 6, 8  # bits of the hash for each dealing, and how often rows are dealt out at most


class Bucket:
    """Rows of some repositories, as :data:`~datasets_app.pipeline.sources.parquet_schemas.ROWS`, in one file on the disk."""

    def __init__(self, path: Path, level: int, budget: int = BUDGET) -> None:
        self.path = path
        self.level = level
        self.size = 0
        self.repositories: set[int] = set()  # hashes, up to two: whether it can be dealt out further
        self._budget = budget
        self._held: OrderedDict[int, pa.ChunkedArray] = OrderedDict()
        self._waiting: list[pa.Table] = []
        self._waiting_size = 0
        self._writer: pq.ParquetWriter | None = None
        self._reader: pq.ParquetFile | None = None
        self._starts = np.zeros(1, np.int64)

    def add(self, rows: pa.Table, hashes: np.ndarray, buffer: int) -> None:
        """Take rows, with the hashes of their repositories."""
        if len(self.repositories) < 2:
            self.repositories.update(np.unique(hashes)[:2].tolist())
        size = rows["content"].nbytes
        self.size += size
        self._waiting.append(rows)
        self._waiting_size += size
        if self._waiting_size >= buffer:
            self._write()

    def _write(self) -> None:
        if not self._waiting:
            return
        if self._writer is None:
            self._writer = pq.ParquetWriter(
                self.path, ROWS, compression="zstd", compression_level=1, write_statistics=False
            )
        self._writer.write_table(pa.concat_tables(self._waiting))
        self._waiting, self._waiting_size = [], 0

    def finish(self) -> None:
        """Write what waits."""
        self._write()
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def facts(self) -> pa.Table:
        """All columns but the content, in the order of the rows."""
        self._reader = pq.ParquetFile(self.path)
        groups = self._reader.metadata
        sizes = [groups.row_group(at).num_rows for at in range(groups.num_row_groups)]
        self._starts = np.concatenate([[0], np.cumsum(sizes)])
        return self._reader.read([name for name in ROWS.names if name != "content"], use_threads=False)

    def content(self, row: int) -> bytes | None:
        """The content of one row, after :meth:`facts`."""
        assert self._reader is not None
        group = int(np.searchsorted(self._starts, row, side="right")) - 1
        column = self._held.get(group)
        if column is None:
            column = self._reader.read_row_group(group, ["content"], use_threads=False)["content"]
            while self._held and sum(one.nbytes for one in self._held.values()) + column.nbytes > self._budget:
                self._held.popitem(last=False)
            self._held[group] = column
        self._held.move_to_end(group)
        found: bytes | None = column[row - int(self._starts[group])].as_py()
        return found

    def tables(self) -> Iterator[pa.Table]:
        """Its row groups, to be dealt out again."""
        with pq.ParquetFile(self.path) as file:
            for group in range(file.num_row_groups):
                yield file.read_row_group(group, use_threads=False).cast(ROWS)

    def discard(self) -> None:
        """Let go of the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        self._held.clear()
        self.path.unlink(missing_ok=True)


def grouped(tables: Iterable[pa.Table], size: int, scratch: Path | None, budget: int = BUDGET) -> Iterator[Bucket]:
    """Buckets that together hold all rows, every repository in one of them; each is gone when the next is asked for.

    Args:
        tables: Rows, each table no more than fits into memory.
        size: Bytes of content to be expected, from which follows how many buckets there are.
        scratch: An existing folder on a disk with room for all rows, compressed; the system's own where None.
        budget: See :data:`BUDGET`.
    """
    with tempfile.TemporaryDirectory(prefix="rows-", dir=scratch) as folder:
        yield from _dealt(tables, size, Path(folder), 0, budget)


def _dealt(tables: Iterable[pa.Table], size: int, folder: Path, level: int, budget: int) -> Iterator[Bucket]:
    fan = max(1, min(FAN, -(-size // budget)))
    buckets = [Bucket(folder / f"{level}-{number}.parquet", level, budget) for number in range(fan)]
    buffer = min(BUFFER, max(1, budget // 2))
    for table in tables:
        hashes = repository_hashes(table["repository"])
        numbers = ((hashes >> np.uint64(_BITS * level)) & np.uint64(FAN - 1)) % np.uint64(fan)
        for number in np.unique(numbers).tolist():
            rows = np.flatnonzero(numbers == number)
            buckets[number].add(table.take(rows), hashes[rows], buffer)  # take copies: no slice holds the table
    for bucket in buckets:
        bucket.finish()
    for bucket in buckets:
        try:
            if not bucket.repositories:
                continue
            if bucket.size > budget and len(bucket.repositories) > 1 and level < _DEEPEST:
                below = folder / str(level + 1)
                below.mkdir(exist_ok=True)
                yield from _dealt(bucket.tables(), max(bucket.size, 2 * budget), below, level + 1, budget)
            else:
                yield bucket
        finally:
            bucket.discard()


def repository_hashes(names: pa.ChunkedArray) -> np.ndarray:
    """A 64-bit hash for each name (``owner/name``), the same for any spelling in capitals."""
    encoded = names.combine_chunks().dictionary_encode()
    known = [xxhash.xxh3_64_intdigest(name.casefold().encode()) for name in encoded.dictionary.to_pylist()]
    return np.array(known, dtype=np.uint64)[encoded.indices.to_numpy()]
