"""Where the engine's pure functions run: in threads of this process, or elsewhere with the same results.

A *task* is a function ``task(*common, spec)`` that depends on nothing but its arguments and the files they name, may be run
again at any time, and leaves whole files or none. ``common`` are strings (folders, most often), ``spec`` and the result plain
JSON values: so a task can be handed to any process on any machine that sees the same folders. The planner and the committer
know one executor or another by this protocol alone.
"""

import importlib
import os
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import Any, Protocol

REPORT_EVERY = 0.3  # seconds

Spec = Mapping[str, Any]

TASKS: dict[str, str] = {
    "compute_file": "datasets_app.pipeline.attribute_tasks:compute_file",
    "index_shard": "datasets_app.pipeline.code_index:index_shard",
    "index_trace": "datasets_app.tracing.shard_index:index_shard",
    "run_shard": "datasets_app.pipeline.shards:run_shard",
}
"""Every task by name, as ``module:function``. By name, so that a message can carry it and no other function is ever called."""


def task_of(name: str) -> Callable[..., Any]:
    """The function of a task.

    Raises:
        ValueError: There is no task of this name.
    """
    if name not in TASKS:
        raise ValueError(f"{name!r} is no task of the engine: there are {', '.join(sorted(TASKS))}")
    module, _, function = TASKS[name].partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return found


class Executor(Protocol):
    """Something that runs a task once for each spec."""

    def run(
        self, task: str, common: Sequence[str], specs: Sequence[Spec], tick: Callable[[], None]
    ) -> Generator[tuple[int, Any], None, None]:
        """Give the place of each spec and its result, as they come.

        Args:
            task: A name in ``TASKS``.
            common: The first arguments of every call.
            specs: The last argument of each call.
            tick: Called a few times a second. May raise to stop the work.

        When the generator is closed, or ``tick`` or a task raises, what has not begun is dropped; after that no call of
        this run writes any more.

        Raises:
            Exception: What the first task raised that failed.
        """


class ThreadExecutor:
    """Threads of this process: reading, compressing and hashing all happen outside the interpreter's lock."""

    def __init__(self, workers: int | None = None) -> None:
        """``workers`` threads; as many as there are cores where ``None``."""
        self._workers = workers or os.cpu_count() or 1

    def run(
        self, task: str, common: Sequence[str], specs: Sequence[Spec], tick: Callable[[], None]
    ) -> Generator[tuple[int, Any], None, None]:
        """See ``Executor``."""
        function = task_of(task)
        with ThreadPoolExecutor(self._workers) as pool:
            pending = {pool.submit(function, *common, spec): place for place, spec in enumerate(specs)}
            try:
                while pending:
                    for future in wait(pending, REPORT_EVERY, FIRST_COMPLETED).done:
                        yield pending.pop(future), future.result()
                    tick()
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise
