"""Facts of each blob that depend on its bytes alone, computed once and kept in families (see :mod:`families`).

Each blob file is read once for all families that lack it. While the text is measured, each blob's id is computed again from its
bytes: a blob file that rotted is found here and not in a release.
"""

import hashlib
import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xxhash

from datasets_app.pipeline import kernels
from datasets_app.pipeline.atomic import is_full, write_table
from datasets_app.pipeline.blobs import blob_files, blob_id, row_groups
from datasets_app.pipeline.errors import CorpusDamaged, StorageError
from datasets_app.pipeline.families import Family
from datasets_app.pipeline.format import ATTRIBUTES
from datasets_app.pipeline.progress import Progress, silent

BEAT = 0.25  # seconds between two reports of progress


@dataclass(frozen=True)
class AttributesReport:
    """What :func:`compute` did.

    Attributes:
        files: Blob files that lacked facts of a family and have them now.
        blobs_computed: Blobs in them.
        blobs_cached: Blobs of which every fact asked for was there already.
        bytes: Of the blobs computed.
        cpu_seconds: Of all workers together, reading, decompressing and writing included; compiling kernels is not.
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


def text_facts(group: pa.Table) -> pa.Table:
    """The measures and hashes of a table of blobs, with the columns of ``format.ATTRIBUTES``.

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
                f"The blob {blob} does not have the bytes that its id names. "
                "Restore its blob file from a backup, or delete it and ingest again."
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


TEXT = Family("text", "3", ATTRIBUTES, text_facts)
"""Measures and hashes: every build needs them."""


def compute(
    corpus: Path,
    families: Sequence[Family] = (TEXT,),
    *,
    progress: Progress = silent,
    workers: int | None = None,
    only: str | None = None,
) -> AttributesReport:
    """Compute the facts of these families for every blob file that lacks them.

    Args:
        corpus: The folder of the corpus; it may be empty or missing.
        families: What is to be known.
        progress: Told about four times a second; whatever it raises stops the work, and what is finished stays.
        workers: Threads (kernels and hashes run without the interpreter's lock); None for one a processor.
        only: The name (digest) of the one blob file to look at; None for all.

    Raises:
        CorpusDamaged: A blob file cannot be read, or a blob is not what its id says.
        StorageError: The disk is full. The facts finished by then stay.
        ValueError: ``workers`` is below 1.
    """
    if workers is not None and workers < 1:
        raise ValueError(f"workers must be at least 1, not {workers}")
    _drop_former_layout(corpus)
    rows = {path: rows_of(path) for path in blob_files(corpus) if only in (None, path.stem)}
    lacking = {path: [one for one in families if not one.path(corpus, path.stem).exists()] for path in rows}
    todo = [path for path in rows if lacking[path]]
    total = sum(rows[path] for path in todo)
    cached = sum(rows.values()) - total
    progress("computing attributes", 0, total)
    if not todo:
        return AttributesReport(0, 0, cached, 0, 0.0)
    for family in families:
        family.compute(_WARM)  # compiled, or loaded, here and not in every worker
    tally = _Tally()
    parts: list[_Part] = []
    with ThreadPoolExecutor(workers or len(os.sched_getaffinity(0)), thread_name_prefix="attributes") as pool:
        pending: set[Future[_Part]] = {pool.submit(_compute_file, corpus, path, lacking[path], tally) for path in todo}
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


_WARM = pa.table({"blob_id": [blob_id(b"x = 1\n")], "content": pa.array([b"x = 1\n"], pa.large_binary())})


def table(corpus: Path, family: Family = TEXT) -> pl.DataFrame:
    """The facts of one family for all blobs of the corpus that have them, with the columns of its schema.

    Raises:
        CorpusDamaged: A table cannot be read.
    """
    tables = [family.schema.empty_table()]
    for blobs in blob_files(corpus):
        path = family.path(corpus, blobs.stem)
        if not path.exists():
            continue
        try:
            tables.append(pq.read_table(path).select(family.schema.names).cast(family.schema))
        except (OSError, pa.ArrowException, KeyError) as error:
            raise CorpusDamaged(
                f"The attributes {path} cannot be read ({error}). Delete the file and compute them again."
            ) from error
    frame = pl.from_arrow(pa.concat_tables(tables))
    assert isinstance(frame, pl.DataFrame)
    return frame


def rows_of(path: Path) -> int:
    """How many blobs a blob file holds.

    Raises:
        CorpusDamaged: It cannot be read.
    """
    try:
        return pq.read_metadata(path).num_rows
    except (OSError, pa.ArrowException) as error:
        raise CorpusDamaged(
            f"The blob file {path} cannot be read ({error}). Restore it, or delete it and ingest again."
        ) from error


def _compute_file(corpus: Path, path: Path, families: Sequence[Family], tally: _Tally) -> _Part:
    started = time.thread_time()
    found: dict[Family, list[pa.Table]] = {family: [] for family in families}
    size = blobs = 0
    for group in row_groups(path):
        if tally.stop.is_set():
            return _Part(blobs, size, time.thread_time() - started)
        try:
            for family in families:
                found[family].append(family.compute(group))
        except CorpusDamaged as error:
            raise CorpusDamaged(f"{error} (in {path})") from error
        blobs += group.num_rows
        size += pc.sum(pc.binary_length(group["content"])).as_py() or 0
        tally.add(group.num_rows)
    for family, tables in found.items():
        whole = pa.concat_tables(tables) if tables else family.schema.empty_table()
        write_table(family.path(corpus, path.stem), whole)
    return _Part(blobs, size, time.thread_time() - started)


def _drop_former_layout(corpus: Path) -> None:
    """Delete tables that an earlier version of this program wrote beside the folders of the families."""
    for path in (corpus / "attributes").glob("*.parquet"):
        path.unlink()
