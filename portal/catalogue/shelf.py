"""Where the index lies: one file, signed, replaced as a whole.

Whoosh unpickles what it reads, so an index that somebody else wrote could run code here. Therefore all the bytes are read at once,
their HMAC under the site's ``SECRET_KEY`` is compared, and Whoosh sees those bytes alone, in memory. A file that is damaged, of
another shape, of another version of Whoosh, or of whoever does not know the key is taken for none. Who reads while
the file is replaced keeps what is in memory; there is no moment at which a reader finds half of anything.
"""

import fcntl
import io
import logging
import os
import threading
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import whoosh
from django.utils.crypto import constant_time_compare, salted_hmac

from core import stores
from portal.catalogue.engine import SHAPE, Opened

log = logging.getLogger(__name__)
FOLDER = "indexes"
NAME = "catalogue.index"
MAGIC = b"fairstack catalogue\n"
_SIGNED = len(MAGIC) + 64 + 1
Stamp = tuple[str, int, int, int]

_opening = threading.Lock()
_opened: tuple[Stamp, Opened | None] | None = None


def current() -> Opened | None:
    """The index as it is now, opened once for all threads; None where there is none that can be used."""
    global _opened
    stamp = _stamp()
    kept = _opened
    if kept is not None and kept[0] == stamp:
        return kept[1]
    if stamp is None:
        return None
    # While one thread opens a new one, the others answer from the one before.
    same_place = kept is not None and kept[0][0] == stamp[0] and kept[1] is not None
    if not _opening.acquire(blocking=not same_place):
        return kept[1] if kept is not None else None
    try:
        if _opened is None or _opened[0] != stamp:
            files = read()
            _opened = (stamp, Opened(files) if files is not None else None)
        return _opened[1]
    finally:
        _opening.release()


def is_there() -> bool:
    """Whether there is a file, be it of use or not."""
    return _path().exists()


def read() -> dict[str, bytes] | None:
    """The files of the index, whole and ours; None where there is none, or one that cannot be used."""
    try:
        content = _path().read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        log.warning("The catalogue index cannot be read (%s): it is made anew.", error.strerror)
        return None
    body = content[_SIGNED:]
    if not content.startswith(MAGIC) or not constant_time_compare(content[len(MAGIC) : _SIGNED - 1], _signature(body)):
        log.warning("The catalogue index is damaged, or was not written by this version of this site: it is made anew.")
        return None
    with zipfile.ZipFile(io.BytesIO(body)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def replace(files: dict[str, bytes]) -> None:
    """Put an index in the place of the one that is there. The caller holds :func:`alone`. It was read back before.

    Raises:
        OSError: It could not be written; the one before is as it was.
    """
    Opened(files)  # what cannot be opened never gets there
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, content in sorted(files.items()):
            archive.writestr(name, content)
    body = packed.getvalue()
    fresh = stores.folder("tmp") / f"catalogue-{uuid.uuid4().hex}"
    try:
        with fresh.open("wb") as writing:
            writing.write(MAGIC + _signature(body).encode() + b"\n" + body)
            writing.flush()
            os.fsync(writing.fileno())
        fresh.replace(_path())
    finally:
        fresh.unlink(missing_ok=True)


@contextmanager
def alone() -> Iterator[None]:
    """One writer at a time, over all processes that share the folder."""
    with (stores.folder(FOLDER) / "catalogue.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _path() -> Path:
    return stores.folder(FOLDER) / NAME


def _stamp() -> Stamp | None:
    path = _path()
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return (str(path), found.st_ino, found.st_mtime_ns, found.st_size)


def _signature(body: bytes) -> str:
    salt = f"portal.catalogue {SHAPE} whoosh {whoosh.__version__}"
    return salted_hmac(salt, body, algorithm="sha256").hexdigest()
