"""A pool: tasks laid out in a folder, for any process that sees it to work on.

::

    pool/owner            locked by the process that wants the results, as long as it wants them
    pool/work.json        name of the task, common arguments, specs
    pool/claims/<n>       locked by whoever works on spec ``n``; one byte for each time that somebody began
    pool/results/<n>.json how spec ``n`` ended (``outcomes``); written once, whole
    pool/workers/<id>     locked by a process that came to help, as long as it is here

Nothing has to be told when a process dies: the kernel drops its locks, and what it was working on is free again. A worker
that is told twice of a pool, or of one that is gone, does no harm. The locks (``flock``) hold between machines on NFS 4,
CephFS, Lustre and the like; the folder must lie on such a file system where several machines work on it.
"""

import fcntl
import json
import os
import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from datasets_app.pipeline import atomic
from datasets_app.pipeline.executors import Spec
from datasets_app.pipeline.outcomes import Outcome, attempt

MOST_ATTEMPTS = 3
"""How often a spec is begun by those who help. One that ended so many processes is left to the owner: it may be killed by
chance alone (then the owner does it), or for want of memory (then it ends the owner, which somebody watches)."""

PAUSE = 0.2  # seconds between two looks for work that another process let go of


@contextmanager
def _try_lock(path: Path, how: int = fcntl.LOCK_EX) -> Iterator[int | None]:
    """A descriptor of ``path`` while it is locked; ``None`` where another process holds it.

    Raises:
        FileNotFoundError: Its folder is gone.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        try:
            fcntl.flock(descriptor, how | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        yield descriptor
    finally:
        os.close(descriptor)


def _is_free(path: Path) -> bool:
    # A shared lock: those who look at the same moment do not take each other for the holder.
    with _try_lock(path, fcntl.LOCK_SH) as descriptor:
        return descriptor is not None


def is_open(folder: Path) -> bool:
    """Whether the pool is there and its owner still waits for results."""
    if not (folder / "work.json").exists():
        return False
    try:
        return not _is_free(folder / "owner")
    except FileNotFoundError:
        return False


@dataclass(frozen=True)
class Pool:
    """A pool that lies in ``folder``. The process that wants the results opens it with ``owned``, others with ``read``."""

    folder: Path
    task: str
    common: tuple[str, ...]
    specs: Sequence[Spec] = field(repr=False)
    mine: bool = False

    @classmethod
    @contextmanager
    def owned(cls, folder: Path, task: str, common: Sequence[str], specs: Sequence[Spec]) -> Iterator["Pool"]:
        """Lay a pool out in an empty folder and own it while the block runs. It is closed to workers afterwards."""
        pool = cls(folder, task, tuple(common), specs, mine=True)
        for name in ("claims", "results", "workers"):
            (folder / name).mkdir()
        with _try_lock(folder / "owner"):
            work = {"task": task, "common": list(common), "specs": list(specs)}
            atomic.write_bytes(folder / "work.json", json.dumps(work).encode())
            try:
                yield pool
            finally:
                (folder / "work.json").unlink(missing_ok=True)

    @classmethod
    def read(cls, folder: Path) -> "Pool":
        """The pool in ``folder``.

        Raises:
            FileNotFoundError: There is none (any more).
        """
        work: Mapping[str, Any] = json.loads((folder / "work.json").read_bytes())
        return cls(folder, work["task"], tuple(work["common"]), work["specs"])

    def work(self, wanted: Callable[[], bool]) -> int:
        """Do what nobody else is doing until every spec has its result or ``wanted`` says no; gives how many were done here.

        Raises:
            OSError: A result could not be written; ``FileNotFoundError`` where the pool is gone.
        """
        done = 0
        left = list(range(len(self.specs)))
        if not self.mine:  # each begins elsewhere, so that they do not get into each other's way
            start = random.randrange(len(left) + 1)  # noqa: S311
            left = left[start:] + left[:start]
        while left and wanted():
            busy = []
            for place in left:
                if not wanted():
                    return done
                match self._try(place):
                    case "mine":
                        done += 1
                    case "busy":
                        busy.append(place)
            if busy and len(busy) == len(left):
                time.sleep(PAUSE)
            left = busy
        return done

    def _try(self, place: int) -> Literal["mine", "busy", "done"]:
        """Do one spec: ``"mine"``: done here; ``"busy"``: another process is at it or has to be; ``"done"``: it was done already."""
        if self._result_path(place).exists():
            return "done"
        with _try_lock(self._claim_path(place)) as claim:
            if claim is None:
                return "busy"
            if self._result_path(place).exists():
                return "done"
            if not self.mine and os.fstat(claim).st_size >= MOST_ATTEMPTS:
                return "busy"
            os.write(claim, b".")
            outcome = attempt(self.task, self.common, self.specs[place])
            atomic.write_bytes(self._result_path(place), json.dumps(outcome).encode(), make_folder=False)
        return "mine"

    def results(self, known: set[int]) -> Iterator[tuple[int, Outcome]]:
        """The outcomes that are there and not in ``known``, which learns them."""
        for path in list((self.folder / "results").iterdir()):
            if path.name.startswith(atomic.TEMPORARY) or int(path.stem) in known:
                continue
            known.add(int(path.stem))
            yield int(path.stem), json.loads(path.read_bytes())

    def workers(self) -> int:
        """How many processes are here to help."""
        return sum(not _is_free(path) for path in (self.folder / "workers").iterdir())

    def _claim_path(self, place: int) -> Path:
        return self.folder / "claims" / str(place)

    def _result_path(self, place: int) -> Path:
        return self.folder / "results" / f"{place}.json"


def wait_until_let_go(folder: Path, known: Set[int], patience: float) -> bool:
    """Wait until nobody works in the pool on a spec that is not in ``known``; False where one does after ``patience`` seconds."""
    end = time.monotonic() + patience
    for path in (folder / "claims").iterdir():
        while int(path.name) not in known and not _is_free(path):
            if time.monotonic() > end:
                return False
            time.sleep(PAUSE)
    return True


def help_with(folder: Path) -> int:
    """Come to a pool, work until nothing is left or nobody wants it any more, and give how many specs were done here.

    A pool that is gone is nothing to complain of.
    """
    try:
        pool = Pool.read(folder)
        mark = folder / "workers" / uuid.uuid4().hex
        with _try_lock(mark):
            try:
                return pool.work(lambda: is_open(folder))
            finally:
                mark.unlink(missing_ok=True)
    except FileNotFoundError:
        return 0
