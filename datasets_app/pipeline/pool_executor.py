"""Running tasks with the help of other processes: they are called, and whoever comes takes part.

The process that waits for the results works itself, so it ends even where nobody comes: a call that is lost costs time only.
"""

import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Event
from typing import Any

from datasets_app.pipeline.executors import REPORT_EVERY, Spec
from datasets_app.pipeline.outcomes import result_of
from datasets_app.pipeline.pool import Pool, wait_until_let_go

CALL_AGAIN = 2.0  # seconds until a call is repeated; twice as long each time that nobody came
CALL_AT_LEAST_EVERY = 60.0
PATIENCE = 15.0  # seconds for the workers of a pool that was closed to let go


class PoolExecutor:
    """Tasks in a pool (``pipeline.pool``), for this process and all that it calls."""

    def __init__(
        self, make_folder: Callable[[], AbstractContextManager[Path]], call: Callable[[Path, int], None], workers: int
    ) -> None:
        """Make an executor.

        Args:
            make_folder: Gives an empty folder that all workers see, and clears it away.
            call: Asks so many workers to come to the pool in a folder. May fail to reach any.
            workers: How many to call at most, beside this process.
        """
        self._make_folder = make_folder
        self._call = call
        self._workers = workers

    def run(
        self, task: str, common: Sequence[str], specs: Sequence[Spec], tick: Callable[[], None]
    ) -> Generator[tuple[int, Any], None, None]:
        """See ``Executor``."""
        if not specs:
            return
        with self._make_folder() as folder:
            known: set[int] = set()
            try:
                with Pool.owned(folder, task, common, specs) as pool:
                    yield from self._collect(pool, known, tick)
            finally:
                wait_until_let_go(folder, known, PATIENCE)

    def _collect(self, pool: Pool, known: set[int], tick: Callable[[], None]) -> Generator[tuple[int, Any], None, None]:
        calls = _Calls(pool, self._call, self._workers)
        stop = Event()
        with ThreadPoolExecutor(1) as own:
            working = own.submit(pool.work, lambda: not stop.is_set())
            try:
                while len(known) < len(pool.specs):
                    calls.repeat(len(pool.specs) - len(known))
                    wait([working], REPORT_EVERY)
                    for place, outcome in pool.results(known):
                        yield place, result_of(outcome)
                    tick()
                    if working.done():
                        working.result()  # a result that could not be written
            finally:
                stop.set()


class _Calls:
    """Calls for workers: once, and again while fewer are there than are wanted."""

    def __init__(self, pool: Pool, call: Callable[[Path, int], None], workers: int) -> None:
        self._pool, self._call, self._workers = pool, call, workers
        self._pause = CALL_AGAIN
        self._next = 0.0
        self._called = False

    def repeat(self, left: int) -> None:
        """Call if it is time to. ``left`` specs have no result yet; this process works on one of them."""
        if self._workers == 0 or time.monotonic() < self._next:
            return
        here = self._pool.workers()
        if self._called:
            self._pause = CALL_AGAIN if here else min(2 * self._pause, CALL_AT_LEAST_EVERY)
        if (missing := min(self._workers, left - 1) - here) > 0:
            self._call(self._pool.folder, missing)
            self._called = True
        self._next = time.monotonic() + self._pause
