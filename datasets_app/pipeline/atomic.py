"""Files that appear whole or not at all: written under a temporary name, flushed to the disk, then renamed."""

import errno
import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

TEMPORARY = ".tmp-"
"""Every temporary name starts so; whatever has such a name and no living writer may be deleted."""

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def is_full(error: OSError) -> bool:
    """Whether the error says that the disk, the quota or the allowed size of a file is used up."""
    return error.errno in _FULL


def flush_file(path: Path) -> None:
    """Have the system write a file's bytes to the disk now."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def flush_folder(path: Path) -> None:
    """Have the system write a folder's entries to the disk now, so that a rename in it outlives a power cut."""
    flush_file(path)


@contextmanager
def replacing(path: Path, *, make_folder: bool = True) -> Iterator[Path]:
    """Give a temporary path beside ``path``; when the block ends well it is flushed and takes the place of ``path``.

    When the block fails, the temporary file is removed and ``path`` is as it was. With ``make_folder`` off, a folder that
    is gone stays gone: for those who write into a folder that somebody else may clear away.
    """
    if make_folder:
        path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{TEMPORARY}{uuid.uuid4().hex[:12]}-{path.name}")
    try:
        yield temporary
        flush_file(temporary)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    flush_folder(path.parent)


def write_bytes(path: Path, data: bytes, *, make_folder: bool = True) -> None:
    """Write ``data`` to ``path`` whole or not at all; ``make_folder`` as for ``replacing``."""
    with replacing(path, make_folder=make_folder) as temporary:
        temporary.write_bytes(data)


def write_new(path: Path, data: bytes) -> bool:
    """Write ``data`` to ``path`` whole or not at all, unless a file is there already: then give False and leave it as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{TEMPORARY}{uuid.uuid4().hex[:12]}-{path.name}")
    try:
        temporary.write_bytes(data)
        flush_file(temporary)
        try:
            path.hardlink_to(temporary)  # unlike a rename, this never takes the place of another file
        except FileExistsError:
            return False
    finally:
        temporary.unlink(missing_ok=True)
    flush_folder(path.parent)
    return True


def write_table(path: Path, table: pa.Table, footer: Mapping[str, str] | None = None, **options: Any) -> None:
    """Write a table as Parquet (zstd, if the options do not say otherwise) to ``path`` whole or not at all.

    Args:
        path: Where to.
        table: Its rows.
        footer: Keys and values to keep in the file's footer.
        options: For the Parquet writer.
    """
    with (
        replacing(path) as temporary,
        pq.ParquetWriter(temporary, table.schema, store_schema=False, **{"compression": "zstd", **options}) as writer,
    ):
        writer.write_table(table)
        writer.add_key_value_metadata(dict(footer or {}))


def sweep(folder: Path) -> list[Path]:
    """Delete every file below ``folder`` that has a temporary name; give the paths that were deleted.

    Only for a folder in which nobody is writing. Folders with a temporary name are left to their owner.
    """
    removed = []
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(TEMPORARY)]
        for name in files:
            if name.startswith(TEMPORARY):
                path = Path(parent, name)
                path.unlink(missing_ok=True)
                removed.append(path)
    return removed
