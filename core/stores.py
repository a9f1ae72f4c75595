"""Every place that holds content registers here, so that a purge from below reaches every floor.

The data folder (``FAIRSTACK_DATA``) is cut into top-level folders; each belongs to exactly one store.
"""

import fcntl
import shutil
import tempfile
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from django.conf import settings


@dataclass
class Cleared:
    """What a purge did in one store.

    Attributes:
        store: The store's name.
        items: How many things (rows, documents, files) were removed.
        files: How many files were rewritten or deleted.
    """

    store: str
    items: int = 0
    files: int = 0


@dataclass
class Scanned:
    """What a scan after a purge looked at in one store.

    Attributes:
        store: The store's name.
        files: How many files were read.
        bytes: On the disk, of these files.
        hits: Where something was found that should be gone: paths below the data folder, or addresses elsewhere.
    """

    store: str
    files: int = 0
    bytes: int = 0
    hits: list[str] = field(default_factory=list)


class Markers(Protocol):
    """What a scan looks for."""

    @property
    def blob_ids(self) -> AbstractSet[str]:
        """The blobs that were removed."""

    def within(self, data: bytes) -> bool:
        """Whether bytes that stood in removed blobs alone stand in ``data``."""

    def in_file(self, path: Path) -> bool:
        """Whether they stand in a file, as it lies on the disk or as it reads."""


Progress = Callable[..., None]
Look = Callable[[Path, Markers, Progress], Scanned]
LOCK = ".in-use"


@dataclass(frozen=True)
class Store:
    """One place that holds content or may hold it.

    Attributes:
        name: What people call it.
        folders: The top-level folders of the data folder that it owns.
        purge: Removes the blobs with these ids for certain. None where the store never holds text of the corpus.
        scan: Looks for removed text where it stands elsewhere, or in a form that the bytes of files do not show, such as
            tokens; gives the paths or addresses where there is any. Every file of its folders is read besides.
    """

    name: str
    folders: tuple[str, ...]
    purge: Callable[[set[str], Progress], Cleared] | None = field(default=None, compare=False)
    scan: Callable[[Markers, Progress], list[str]] | None = field(default=None, compare=False)


_stores: dict[str, Store] = {}


def register(store: Store) -> None:
    """Add a store. Registering the same name again replaces it; two stores may not own one folder."""
    for other in _stores.values():
        if other.name != store.name and set(other.folders) & set(store.folders):
            raise ValueError(f"{store.name} and {other.name} both claim {set(other.folders) & set(store.folders)}")
    _stores[store.name] = store


def register_own() -> None:
    """The folders of the ground floor itself: they hold no text of the corpus."""
    register(Store("database", ("db",)))
    register(Store("broker", ("broker",)))
    register(Store("logs", ("logs",)))
    register(Store("position in the journal", ("position",)))
    register(Store("temporary files", ("tmp",), purge=_purge_temporary_files))


def all_stores() -> list[Store]:
    """The registered stores."""
    return list(_stores.values())


def data_root() -> Path:
    """The data folder; made where it is missing."""
    root = Path(settings.FAIRSTACK_DATA)
    root.mkdir(parents=True, exist_ok=True)
    return root


def folder(name: str) -> Path:
    """A top-level folder of the data folder, made where it is missing. It must belong to a registered store."""
    if not any(name in store.folders for store in _stores.values()):
        raise ValueError(f"No store owns the folder {name!r} of the data folder: register one in core.stores.")
    path = data_root() / name
    path.mkdir(exist_ok=True)
    return path


@contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """A new empty folder below ``tmp/``, gone when the block ends. While it is in use it is locked against being swept."""
    path = Path(tempfile.mkdtemp(prefix=f"{prefix}-", dir=folder("tmp")))
    with (path / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)


def purge_everywhere(blob_ids: set[str], progress: Progress) -> list[Cleared]:
    """Ask every store to remove these blobs (git blob SHA-1, hex)."""
    return [store.purge(blob_ids, progress) for store in all_stores() if store.purge is not None]


def scan_everywhere(markers: Markers, look: Look, progress: Progress) -> list[Scanned]:
    """Look for what was removed in everything below the data folder, store by store; what no store owns comes last.

    Args:
        markers: What to look for.
        look: Reads every file below a folder, as it lies on the disk and as it reads; its hits are absolute paths.
        progress: Told how far it is.
    """
    root = data_root()
    places = [(store.name, [root / name for name in store.folders], store.scan) for store in all_stores()]
    places.append(("no store", unowned_paths(), None))
    found = []
    for name, paths, own in places:
        total = Scanned(name)
        for path in paths:
            if path.exists():
                one = look(path, markers, progress)
                total.files += one.files
                total.bytes += one.bytes
                total.hits += one.hits
        hits = {*total.hits, *(own(markers, progress) if own else [])}
        total.hits = sorted(hit.removeprefix(f"{root}/") for hit in hits)
        found.append(total)
    return found


def unowned_paths() -> list[Path]:
    """What lies in the data folder and belongs to no store. Should be empty, always."""
    owned = {name for store in all_stores() for name in store.folders}
    return sorted(path for path in data_root().iterdir() if path.name not in owned)


def sweep_temporary_files() -> int:
    """Delete what lies in ``tmp/`` and is not in use (its lock is free, or it has none). Gives how many entries went."""
    swept = 0
    for path in folder("tmp").iterdir():
        if path.is_dir() and _locked(path / LOCK):
            continue
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
        swept += 1
    return swept


def _purge_temporary_files(blob_ids: set[str], progress: Progress) -> Cleared:
    return Cleared("temporary files", files=sweep_temporary_files())


def _locked(path: Path) -> bool:
    try:
        with path.open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
