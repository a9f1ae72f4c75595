"""The blobs of a corpus: immutable Parquet files of 16 to 32 MB of content, each blob once in all of them.

A blob file is named by the SHA-256 of its blob ids, sorted and one a line, so that the same blobs give the same name
whatever order they came in. It holds row groups of about 512 kB, so that reading the blobs of one
owner, which came in together, reads little else.
"""

import functools
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datasets_app.pipeline.atomic import TEMPORARY, replacing
from datasets_app.pipeline.errors import BlobMissing, CorpusDamaged
from datasets_app.pipeline.format import BLOBS
from datasets_app.pipeline.release_errors import CorpusChanged

ROW_GROUP_BYTES = 512 << 10
BLOB_FILE_BYTES = 24 << 20  # content after which a blob file is closed


def blob_id(content: bytes | memoryview) -> str:
    """The git blob SHA-1 of these bytes, in hex: what ``git hash-object`` gives."""
    digest = hashlib.sha1(b"blob %d\0" % len(content), usedforsecurity=False)
    digest.update(content)
    return digest.hexdigest()


def blob_files(corpus: Path) -> list[Path]:
    """The blob files of a corpus in a stable order; none where there is no corpus yet."""
    return sorted(path for path in (corpus / "blobs").glob("*.parquet") if not path.name.startswith(TEMPORARY))


def blob_ids(path: Path) -> pa.ChunkedArray:
    """The ids in a blob file, in its order.

    Raises:
        CorpusDamaged: The file cannot be read.
    """
    try:
        return pq.read_table(path, columns=["blob_id"], use_threads=False).column("blob_id")
    except (OSError, pa.ArrowException) as error:
        raise CorpusDamaged(_damaged(path, error)) from error


def blob_ids_of(path: Path) -> pa.Array:
    """The ids in a blob file, in its order, remembered for the files that were asked of last.

    Raises:
        CorpusChanged: The file is gone.
        CorpusDamaged: It cannot be read.
    """
    try:
        return _ids_at(path, path.stat().st_mtime_ns)
    except FileNotFoundError as error:
        raise CorpusChanged(
            f"The blob file {path} is gone: the corpus was purged in the meantime. Build again."
        ) from error


@functools.lru_cache(maxsize=64)
def _ids_at(path: Path, written: int) -> pa.Array:
    return blob_ids(path).combine_chunks()


def take_blobs(path: Path, rows: npt.NDArray[np.int64]) -> pa.Array:
    """The contents of these rows of a blob file (``large_binary``), in the order asked for.

    Only the row groups that hold them are read, one after the other.

    Raises:
        CorpusChanged: The file is gone.
        CorpusDamaged: It cannot be read.
    """
    order = np.argsort(rows, kind="stable")
    parts = []
    try:
        with pq.ParquetFile(path) as file:
            sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
            ends = np.cumsum(sizes)
            groups = np.searchsorted(ends, rows[order], side="right")
            for group in np.unique(groups):
                inside = rows[order][groups == group] - (ends[group] - sizes[group])
                content = file.read_row_group(int(group), columns=["content"], use_threads=False)["content"]
                parts.append(content.combine_chunks().cast(pa.large_binary()).take(pa.array(inside)))
    except FileNotFoundError as error:
        raise CorpusChanged(
            f"The blob file {path} is gone: the corpus was purged in the meantime. Build again."
        ) from error
    except (OSError, pa.ArrowException) as error:
        raise CorpusDamaged(_damaged(path, error)) from error
    back = np.empty(len(rows), dtype=np.int64)
    back[order] = np.arange(len(rows))
    return pa.concat_arrays(parts).take(pa.array(back))


def row_groups(path: Path) -> Iterator[pa.Table]:
    """The row groups of a blob file, one at a time, with the columns of :data:`~datasets_app.pipeline.format.BLOBS`.

    Raises:
        CorpusDamaged: The file cannot be read.
    """
    try:
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                yield file.read_row_group(group, use_threads=False).cast(BLOBS)
    except (OSError, pa.ArrowException) as error:
        raise CorpusDamaged(_damaged(path, error)) from error


def groups_with(path: Path, rows: pa.BooleanArray) -> Iterator[pa.Table]:
    """The row groups of a blob file that hold one of these rows (one flag a row), one at a time; of the others nothing is read.

    Raises:
        CorpusDamaged: The file cannot be read.
    """
    try:
        with pq.ParquetFile(path) as file:
            start = 0
            for group in range(file.num_row_groups):
                size = file.metadata.row_group(group).num_rows
                if pc.any(rows.slice(start, size)).as_py():
                    yield file.read_row_group(group, use_threads=False).cast(BLOBS)
                start += size
    except (OSError, pa.ArrowException) as error:
        raise CorpusDamaged(_damaged(path, error)) from error


def read_blob(corpus: Path, wanted: str) -> bytes:
    """The bytes of one blob.

    Raises:
        BlobMissing: The corpus does not hold it.
        CorpusDamaged: A blob file cannot be read.
    """
    for path in blob_files(corpus):
        at = blob_ids(path).index(wanted).as_py()
        if at < 0:
            continue
        for group in row_groups(path):
            if at < group.num_rows:
                return group.column("content")[at].as_py()
            at -= group.num_rows
    raise BlobMissing(f"The corpus {corpus} holds no blob {wanted}. It may have been purged, or never ingested.")


def blob_file(corpus: Path, ids: Iterable[str]) -> Path:
    """Where a blob file with these blobs lies."""
    digest = hashlib.sha256("".join(f"{blob}\n" for blob in sorted(ids)).encode()).hexdigest()
    return corpus / "blobs" / f"{digest}.parquet"


def write_blob_file(corpus: Path, contents: dict[str, bytes]) -> Path:
    """Write a new blob file with these blobs (id to bytes), whole or not at all."""
    path = blob_file(corpus, contents)
    with (
        replacing(path) as temporary,
        pq.ParquetWriter(temporary, BLOBS, compression="zstd", write_statistics=False, store_schema=False) as writer,
    ):
        for ids in _groups(contents):
            columns = [pa.array(ids, pa.string()), pa.array([contents[one] for one in ids], pa.large_binary())]
            writer.write_table(pa.table(columns, schema=BLOBS), row_group_size=len(ids))
    return path


def _groups(contents: dict[str, bytes]) -> Iterator[list[str]]:
    group: list[str] = []
    size = 0
    for blob, content in contents.items():
        group.append(blob)
        size += len(content)
        if size >= ROW_GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _damaged(path: Path, error: Exception) -> str:
    return f"The blob file {path} cannot be read ({error}). Restore it from a backup, or delete it and ingest again."


class BlobIndex:
    """Which blobs a corpus holds: 40 bytes for each that was there before, so that many millions fit into memory."""

    def __init__(self, corpus: Path) -> None:
        columns = [blob_ids(path).cast(pa.large_binary()).to_numpy(zero_copy_only=False) for path in blob_files(corpus)]
        self._held = (
            np.sort(np.concatenate([column.astype("S40") for column in columns])) if columns else np.empty(0, "S40")
        )
        self._touched = np.zeros(len(self._held), dtype=bool)
        self._new: set[str] = set()

    @property
    def touched(self) -> int:
        """How many distinct blobs :meth:`add` was told of."""
        return int(self._touched.sum()) + len(self._new)

    @property
    def new(self) -> int:
        """How many of them the corpus did not hold before."""
        return len(self._new)

    def add(self, blob: str) -> bool:
        """Take note of a blob; True if it was never seen before and has to be stored."""
        at = int(np.searchsorted(self._held, np.bytes_(blob.encode())))
        if at < len(self._held) and self._held[at] == blob.encode():
            self._touched[at] = True
            return False
        if blob in self._new:
            return False
        self._new.add(blob)
        return True


class BlobWriter:
    """Collects new blobs and writes a blob file whenever enough content came together."""

    def __init__(self, corpus: Path, file_bytes: int = BLOB_FILE_BYTES) -> None:
        self._corpus = corpus
        self._file_bytes = file_bytes
        self._pending: dict[str, bytes] = {}
        self._size = 0
        self._written: list[Path] = []

    def add(self, blob: str, content: bytes) -> None:
        """Take a blob that the corpus does not hold."""
        self._pending[blob] = content
        self._size += len(content)
        if self._size >= self._file_bytes:
            self.flush()

    def flush(self) -> None:
        """Write what was collected."""
        if self._pending:
            self._written.append(write_blob_file(self._corpus, self._pending))
            self._pending, self._size = {}, 0

    def discard(self) -> None:
        """Delete what was written: only while no table of files names these blobs."""
        for path in self._written:
            path.unlink(missing_ok=True)
        self._pending, self._size, self._written = {}, 0, []
