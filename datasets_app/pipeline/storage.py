"""One layer for files that never change once they are there: a folder, or a bucket of an S3-compatible service.

A file has a name with ``/`` in it, such as ``shards/ab/<digest>.parquet``. It appears whole or not at all. Names stand for what
is in them (a digest, a version), so nothing is ever written over, but for one act: ``replace`` changes a small file by
compare-and-swap. A commit is ``create``: of all who try, one succeeds.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

import pyarrow as pa

from datasets_app.pipeline import atomic

_LOCK = ".storage-lock"
_READ = 8 << 20  # bytes read at a time


class StoredFile(NamedTuple):
    """A file that is there."""

    name: str
    size: int  # bytes


class Storage(Protocol):
    """A place for immutable files, which many machines may share."""

    @property
    def address(self) -> str:
        """What people call the place: a path, or ``s3://bucket/prefix``. Holds no secret."""

    def open(self, name: str) -> pa.NativeFile:
        """The file, for reading anywhere in it.

        Raises:
            FileNotFoundError: There is none.
        """

    def files(self, prefix: str = "") -> Iterator[StoredFile]:
        """Every file whose name starts so, by name. What is half-written has no name yet."""

    def size(self, name: str) -> int | None:
        """Bytes of the file, or ``None`` where there is none."""

    def put(self, name: str, path: Path) -> None:
        """Store a copy of the file at ``path``. One of the same name is replaced by it."""

    def create(self, name: str, data: bytes) -> bool:
        """Store ``data`` if there is no file of this name; whether this call did."""

    def replace(self, name: str, before: bytes, data: bytes) -> bool:
        """Store ``data`` in the place of a file that holds ``before``; False where it holds anything else, or is not there."""

    def delete(self, names: Iterable[str]) -> int:
        """Delete files for good, former versions included; gives how many there were. Those that are not there are passed over."""

    def sweep(self) -> int:
        """Delete what writers left half-written, for good; gives how many pieces. Only while nobody writes."""


class Folder:
    """A folder. Many machines share it where its file system is shared."""

    def __init__(self, root: Path) -> None:
        """The folder ``root``; made when something is stored."""
        self.root = root

    @property
    def address(self) -> str:
        """The path."""
        return str(self.root)

    def open(self, name: str) -> pa.NativeFile:
        """See ``Storage``."""
        return pa.OSFile(str(self.root / name))

    def files(self, prefix: str = "") -> Iterator[StoredFile]:
        """See ``Storage``."""
        for path in sorted(self.root.rglob("*")):
            name = path.relative_to(self.root).as_posix()
            if name.startswith(prefix) and "/." not in f"/{name}" and path.is_file():
                yield StoredFile(name, path.stat().st_size)

    def size(self, name: str) -> int | None:
        """See ``Storage``."""
        try:
            return (self.root / name).stat().st_size
        except FileNotFoundError:
            return None

    def put(self, name: str, path: Path) -> None:
        """See ``Storage``."""
        with atomic.replacing(self.root / name) as temporary, path.open("rb") as source, temporary.open("xb") as target:
            while os.sendfile(target.fileno(), source.fileno(), None, 1 << 30):
                pass

    def create(self, name: str, data: bytes) -> bool:
        """See ``Storage``."""
        with self._locked():
            if (self.root / name).exists():
                return False
            atomic.write_bytes(self.root / name, data)
        return True

    def replace(self, name: str, before: bytes, data: bytes) -> bool:
        """See ``Storage``."""
        path = self.root / name
        with self._locked():
            if not path.exists() or path.read_bytes() != before:
                return False
            atomic.write_bytes(path, data)
        return True

    def delete(self, names: Iterable[str]) -> int:
        """See ``Storage``."""
        found = [path for name in names if (path := self.root / name).exists()]
        for path in found:
            path.unlink(missing_ok=True)
        for folder in {path.parent for path in found}:
            atomic.flush_folder(folder)
        return len(found)

    def sweep(self) -> int:
        """See ``Storage``."""
        return len(atomic.sweep(self.root))

    def _locked(self) -> "_Locked":
        self.root.mkdir(parents=True, exist_ok=True)
        return _Locked(self.root / _LOCK)


class _Locked:
    """The lock under which files are created and replaced; dropped by the kernel when its process dies."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def __exit__(self, *error: object) -> None:
        os.close(self._descriptor)


Place = Path | Storage
"""Where something lies: a folder by its path, or any storage."""


def at(place: str | Place) -> Storage:
    """The storage at a path or an address (``s3://bucket/prefix``, see ``pipeline.s3``); a storage is given back as it is.

    Raises:
        StorageError: The address cannot be.
    """
    if isinstance(place, str) and place.startswith("s3://"):
        from datasets_app.pipeline.s3 import Bucket

        return Bucket.at(place)
    return Folder(Path(place)) if isinstance(place, str | Path) else place


def read_bytes(storage: Storage, name: str) -> bytes:
    """The whole of a small file.

    Raises:
        FileNotFoundError: There is none.
    """
    with storage.open(name) as file:
        data: bytes = file.read()
    return data


def file_digest(storage: Storage, name: str) -> str:
    """SHA-256 (hex) of the bytes of a file.

    Raises:
        FileNotFoundError: There is none.
    """
    state = hashlib.sha256()
    with storage.open(name) as file:
        while data := file.read(_READ):
            state.update(data)
    return state.hexdigest()
