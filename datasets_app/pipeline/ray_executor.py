"""Running tasks on a Ray cluster. Ray is an optional extra (``requirements/ray.txt``), imported when it is needed."""

import importlib
import importlib.util
import os
import socket
from collections.abc import Callable, Generator, Sequence
from typing import Any

from datasets_app.pipeline.errors import PipelineError
from datasets_app.pipeline.executors import REPORT_EVERY, Spec
from datasets_app.pipeline.outcomes import attempt, result_of

MOST_ATTEMPTS = 6
"""How often Ray begins a task whose worker dies."""

IN_FLIGHT = 4
"""Tasks handed to Ray at a time for each of its processors: enough to keep all busy, few enough to stop soon."""


_OBJECT_STORE = 80 << 20  # bytes: the least that Ray takes; specs and entries are small, contents never pass through it


class ExecutorUnavailable(PipelineError):
    """Ray is not installed, or its cluster cannot be reached."""


class WorkersLost(PipelineError):
    """Every worker that ran one task died."""


def is_installed() -> bool:
    """Whether Ray can be imported here."""
    return importlib.util.find_spec("ray") is not None


class RayExecutor:
    """Tasks as Ray tasks, one processor each. A task whose worker dies is run again by Ray."""

    def __init__(self, address: str | None = None, processors: int | None = None) -> None:
        """Prepare to connect; that is done by the first run.

        Args:
            address: Of a cluster, such as ``ray://head:10001`` or ``auto``; ``None`` starts one on this machine that ends
                with this process.
            processors: Of the cluster on this machine; as many as there are where ``None``.

        Raises:
            ExecutorUnavailable: Ray is not installed.
        """
        if not is_installed():
            raise ExecutorUnavailable(
                "DATA_ENGINE is ray, and Ray is not installed. Install it: "
                "pip install -c requirements/constraints.txt -r requirements/ray.txt"
            )
        self._address = address
        self._processors = processors

    def run(
        self, task: str, common: Sequence[str], specs: Sequence[Spec], tick: Callable[[], None]
    ) -> Generator[tuple[int, Any], None, None]:
        """See ``Executor``.

        Raises:
            ExecutorUnavailable: The cluster cannot be reached.
            WorkersLost: The same task ended every process that Ray gave it.
        """
        if not specs:
            return
        ray = self._connect()
        remote = ray.remote(num_cpus=1, max_retries=MOST_ATTEMPTS - 1, retry_exceptions=False)(attempt)
        most = max(1, int(IN_FLIGHT * ray.cluster_resources().get("CPU", 1)))
        waiting = list(reversed(range(len(specs))))
        running: dict[Any, int] = {}
        try:
            while waiting or running:
                while waiting and len(running) < most:
                    place = waiting.pop()
                    running[remote.remote(task, tuple(common), dict(specs[place]))] = place
                done, _ = ray.wait(list(running), num_returns=1, timeout=REPORT_EVERY)
                for reference in done:
                    try:
                        outcome = ray.get(reference)
                    except ray.exceptions.WorkerCrashedError as error:
                        raise WorkersLost(
                            f"{MOST_ATTEMPTS} Ray workers in turn ended while they worked on the same part of the work "
                            f"({task}), most likely for want of memory. Give them more, or make shards smaller."
                        ) from error
                    yield running.pop(reference), result_of(outcome)
                tick()
        finally:
            for reference in running:
                ray.cancel(reference, force=True)
            if running:  # what was cancelled ends now: nothing is written after this
                ray.wait(list(running), num_returns=len(running), timeout=15)

    def _connect(self) -> Any:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray tells its makers about clusters unless asked not to
        ray = importlib.import_module("ray")
        if ray.is_initialized():
            return ray
        local: dict[str, Any] = {}
        if self._address is None:
            local = {"num_cpus": self._processors, "include_dashboard": False, "object_store_memory": _OBJECT_STORE}
        try:
            self._knock()
            ray.init(address=self._address, log_to_driver=False, logging_level="error", **local)
        except (OSError, RuntimeError, ValueError) as error:
            raise ExecutorUnavailable(
                f"The Ray cluster at {self._address or 'this machine'} cannot be reached: {error}. "
                "Start it (ray start --head), or set FAIRSTACK_RAY_ADDRESS."
            ) from error
        return ray

    def _knock(self) -> None:
        """See that somebody listens at the address: Ray itself would go on trying for many minutes."""
        host, _, port = (self._address or "").removeprefix("ray://").rpartition(":")
        if host and port.isdigit():
            socket.create_connection((host, int(port)), timeout=10).close()
