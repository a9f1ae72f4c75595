"""Facts of each blob that depend on its bytes alone, computed once and kept beside the blob file of the same name.

While at it, each blob's id is computed again from its bytes: a blob file that rotted is found here and not in a release.
"""

import hashlib
import os
import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from datasets_app.pipeline import kernels
from datasets_app.pipeline.atomic import is_full, write_table
from datasets_app.pipeline.blobs import blob_files, blob_id, row_groups
from datasets_app.pipeline.errors import CorpusDamaged, StorageError
from datasets_app.pipeline.format import ATTRIBUTES
from datasets_app.pipeline.progress import Progress, silent

BEAT = 0.25  # seconds between two reports of progress


@dataclass(frozen=True)
class AttributesReport:
    """What :func:`compute` did.

    Attributes:
        files: Blob files that had no attributes and have them now.
        blobs_computed: Blobs in them.
        blobs_cached: Blobs whose attributes were there already.
        bytes: Of the blobs computed.
        cpu_seconds: Of all workers together, reading, decompressing and writing included; compiling the kernel is not.
    """

    files: int
    blobs_computed: int
    blobs_cached: int
    bytes: int
    cpu_seconds: float


@dataclass(frozen=True)
class _Part:
    blobs: int
    bytes: int
    cpu_seconds: float


class _Tally:
    """How many blobs all workers have done, and whether they are to stop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.done = 0
        self.stop = threading.Event()

    def add(self, blobs: int) -> None:
        with self._lock:
            self.done += blobs


def attribute_file(corpus: Path, blobs: Path) -> Path:
    """Where the attributes of a blob file lie."""
    return corpus / "attributes" / blobs.name


def compute(corpus: Path, *, progress: Progress = silent, workers: int | None = None) -> AttributesReport:
    """Compute the attributes of every blob file that has none.

    Args:
        corpus: The folder of the corpus; it may be empty or missing.
        progress: Told about four times a second; whatever it raises stops the work, and what is finished stays.
        workers: Threads (the kernel and the hashes run without the interpreter's lock); None for one a processor.

    Raises:
        CorpusDamaged: A blob file cannot be read, or a blob is not what its id says.
        StorageError: The disk is full. The attributes finished by then stay.
        ValueError: ``workers`` is below 1.
    """
    if workers is not None and workers < 1:
        raise ValueError(f"workers must be at least 1, not {workers}")
    rows = {path: _rows(path) for path in blob_files(corpus)}
    todo = [path for path in rows if not attribute_file(corpus, path).exists()]
    total = sum(rows[path] for path in todo)
    cached = sum(rows.values()) - total
    progress("computing attributes", 0, total)
    if not todo:
        return AttributesReport(0, 0, cached, 0, 0.0)
    kernels.measure(pa.array([b"warm"], pa.large_binary()))  # compiled, or loaded, here and not in every worker
    tally = _Tally()
    parts: list[_Part] = []
    with ThreadPoolExecutor(workers or len(os.sched_getaffinity(0)), thread_name_prefix="attributes") as pool:
        pending: set[Future[_Part]] = {pool.submit(_compute_file, corpus, path, tally) for path in todo}
        try:
            while pending:
                finished, pending = wait(pending, timeout=BEAT, return_when=FIRST_COMPLETED)
                parts.extend(future.result() for future in finished)
                progress("computing attributes", tally.done, total)
        except OSError as error:
            tally.stop.set()
            if is_full(error):
                raise StorageError(
                    f"The disk is full: attributes of {corpus} could not be written. Make room, then try again."
                ) from error
            raise
        except BaseException:
            tally.stop.set()
            raise
        finally:
            for future in pending:
                future.cancel()
    return AttributesReport(
        files=len(parts),
        blobs_computed=sum(part.blobs for part in parts),
        blobs_cached=cached,
        bytes=sum(part.bytes for part in parts),
        cpu_seconds=sum(part.cpu_seconds for part in parts),
    )


def table(corpus: Path) -> pl.DataFrame:
    """The attributes of all blobs of the corpus that have them, with the columns of ``format.ATTRIBUTES``.

    Raises:
        CorpusDamaged: A file of attributes cannot be read.
    """
    tables = [ATTRIBUTES.empty_table()]
    for blobs in blob_files(corpus):
        path = attribute_file(corpus, blobs)
        if not path.exists():
            continue
        try:
            tables.append(pq.read_table(path).select(ATTRIBUTES.names).cast(ATTRIBUTES))
        except (OSError, pa.ArrowException, KeyError) as error:
            raise CorpusDamaged(
                f"The attributes {path} cannot be read ({error}). Delete the file and compute them again."
            ) from error
    frame = pl.from_arrow(pa.concat_tables(tables))
    assert isinstance(frame, pl.DataFrame)
    return frame


def of_blobs(group: pa.Table, origin: Path) -> pa.Table:
    """The attributes of a table of blobs.

    Args:
        group: With the columns of ``format.BLOBS``.
        origin: The blob file it is of, for the message.

    Raises:
        CorpusDamaged: A blob is not what its id says.
    """
    content = group.column("content").combine_chunks()
    if isinstance(content, pa.ChunkedArray):  # of a table without rows
        content = content.chunk(0) if content.num_chunks else pa.array([], pa.large_binary())
    ids = group.column("blob_id").to_pylist()
    views = [memoryview(scalar.as_buffer()) for scalar in content]
    for blob, view in zip(ids, views, strict=True):
        if blob_id(view) != blob:
            raise CorpusDamaged(
                f"The blob {blob} in {origin} does not have the bytes that its id names. "
                "Restore the file from a backup, or delete it and ingest again."
            )
    measured = kernels.measure(content)
    columns = {
        "blob_id": ids,
        "size": [len(view) for view in views],
        **measured,
        "content_hash": [xxhash.xxh3_128_digest(view) for view in views],
        "sha256": [hashlib.sha256(view).digest() for view in views],
    }
    return pa.table([pa.array(columns[field.name], field.type) for field in ATTRIBUTES], schema=ATTRIBUTES)


def _rows(path: Path) -> int:
    try:
        return pq.read_metadata(path).num_rows
    except (OSError, pa.ArrowException) as error:
        raise CorpusDamaged(
            f"The blob file {path} cannot be read ({error}). Restore it, or delete it and ingest again."
        ) from error


def _compute_file(corpus: Path, path: Path, tally: _Tally) -> _Part:
    started = time.thread_time()
    tables = []
    size = 0
    for group in row_groups(path):
        if tally.stop.is_set():
            break
        tables.append(of_blobs(group, path))
        size += sum(tables[-1].column("size").to_pylist())
        tally.add(group.num_rows)
    else:
        write_table(attribute_file(corpus, path), pa.concat_tables(tables) if tables else ATTRIBUTES.empty_table())
    return _Part(sum(part.num_rows for part in tables), size, time.thread_time() - started)
