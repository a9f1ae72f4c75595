"""The folder in which a release grows until it is committed, and the locks around it.

The work folder ``<name>/.tmp-<version>`` is locked as long as its builder lives: a second builder of the same release is
turned away, and a folder whose builder was killed is taken over by the next one, finished shards included. The kernel
drops the locks of a dead process, so nothing has to be cleaned up by hand.
"""

import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from datasets_app.pipeline.atomic import TEMPORARY
from datasets_app.pipeline.release_errors import BuildInProgress


def _try_lock(path: Path) -> int | None:
    """A descriptor that holds the lock of a work folder, or ``None`` where another process holds it."""
    while True:
        path.mkdir(parents=True, exist_ok=True)
        lock = path / "lock"
        try:
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        # Its last owner may have removed the folder between our opening and our locking: then this lock guards nothing.
        try:
            if os.fstat(descriptor).st_ino == lock.stat().st_ino:
                return descriptor
        except FileNotFoundError:
            pass
        os.close(descriptor)


@contextmanager
def work_folder(releases: Path, name: str, version: str) -> Iterator[Path]:
    """Lock and give the work folder of a release; it is gone afterwards, however the block ends.

    It may hold finished shards of a builder that was killed. Work folders of other releases whose builders are dead go.

    Raises:
        BuildInProgress: Another process is building this release.
    """
    path = releases / name / f"{TEMPORARY}{version}"
    with shelf_lock(releases):
        descriptor = _try_lock(path)
        sweep_work_folders(releases)
    if descriptor is None:
        raise BuildInProgress(f"Release {name} {version} is being built by another process. Wait for it to finish.")
    try:
        yield path
    finally:
        _remove(path)
        os.close(descriptor)


def _remove(path: Path) -> None:
    """Take a folder whose lock we hold away at once, then delete it: so nobody can lock it while it is half gone."""
    gone = path.with_name(f"{TEMPORARY}gone-{uuid.uuid4().hex[:12]}")
    path.rename(gone)
    shutil.rmtree(gone)


def sweep_work_folders(releases: Path) -> list[Path]:
    """Remove the work folders whose builders are dead; give their paths.

    To be called under the ``shelf_lock``: else a builder that starts now could find its folder locked by this sweep.
    """
    removed = []
    for path in sorted(releases.glob(f"*/{TEMPORARY}*")):
        descriptor = _try_lock(path)
        if descriptor is not None:
            _remove(path)
            os.close(descriptor)
            removed.append(path)
    return removed


@contextmanager
def shelf_lock(releases: Path) -> Iterator[None]:
    """Hold the lock under which builds start and commit, and purges delete: they take turns. It is no lock for long work."""
    releases.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(releases / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
