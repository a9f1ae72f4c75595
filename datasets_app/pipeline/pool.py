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
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from datasets_app.pipeline import atomic
from datasets_app.pipeline.errors import PipelineError
from datasets_app.pipeline.executors import Spec
from datasets_app.pipeline.outcomes import Outcome, attempt

MOST_ATTEMPTS = 6
"""How often a spec is begun. One that ended so many processes will end the next one too."""

PAUSE = 0.2  # seconds between two looks for work that another process let go of


class WorkersLost(PipelineError):
    """Every process that worked on one spec died of it."""


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
    """A pool that lies in ``folder``. Processes that only work on it open it with ``read``."""

    folder: Path
    task: str
    common: tuple[str, ...]
    specs: Sequence[Spec] = field(repr=False)

    @classmethod
    @contextmanager
    def owned(cls, folder: Path, task: str, common: Sequence[str], specs: Sequence[Spec]) -> Iterator["Pool"]:
        """Lay a pool out in an empty folder and own it while the block runs. It is closed to workers afterwards."""
        pool = cls(folder, task, tuple(common), specs)
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
        """Do one spec: ``"mine"`` where it was done here, ``"busy"`` where another process is at it, ``"done"`` where it was done."""
        if self._result_path(place).exists():
            return "done"
        with _try_lock(self._claim_path(place)) as claim:
            if claim is None:
                return "busy"
            if self._result_path(place).exists():
                return "done"
            if os.fstat(claim).st_size >= MOST_ATTEMPTS:
                outcome = self._lost()
            else:
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

    def _lost(self) -> Outcome:
        text = (
            f"{MOST_ATTEMPTS} processes in turn ended while they worked on the same part of the work ({self.task}), "
            "most likely for want of memory. Give the workers more, or make shards smaller (shard_bytes of the recipe)."
        )
        return {"error": "expected", "kind": f"{__name__}:WorkersLost", "text": text}


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
