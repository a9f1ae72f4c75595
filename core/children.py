"""The processes of a running site: one that ended by itself is started again, but not for ever; none outlives this process."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from core.orphans import die_with_parent
from core.supervisor import stop_group

PAUSES = (0.0, 2.0, 10.0)
"""Seconds before the first, second and third new start within ``WITHIN``; a fourth there is not."""

WITHIN = 600.0  # seconds in which the new starts are counted
GRACE = 6.0  # seconds between asking the processes to stop and killing them


class KeepsEnding(Exception):
    """A process ended by itself once more after all its new starts."""


class Children:
    """Processes with names, each in a group of its own, with a log each."""

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        logs: Path,
        tell: Callable[[str], Any],
        pauses: Sequence[float] = PAUSES,
    ) -> None:
        """Start none yet.

        Args:
            folder: Where they work.
            environment: Theirs.
            logs: A folder for ``<name>.log``.
            tell: Told of each one that ended.
            pauses: Seconds before each new start; as many new starts as there are pauses.
        """
        self._folder, self._environment, self._logs, self._tell = folder, environment, logs, tell
        self._pauses = pauses
        self._commands: dict[str, list[str]] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._started_again: dict[str, list[float]] = {}
        self._due: dict[str, float] = {}

    def start(self, name: str, command: list[str]) -> None:
        """Start a process, and from now on keep it running."""
        self._commands[name] = command
        with (self._logs / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                command,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent,  # so that a SIGKILL of this process leaves nothing behind either
            )

    def look_after(self) -> None:
        """Start again what ended by itself, once its pause is over. To be called again and again.

        Raises:
            KeepsEnding: One has ended by itself more often than it may.
        """
        for name, process in list(self._running.items()):
            if process.poll() is not None:
                del self._running[name]
                stop_group(process.pid)  # what it started itself goes first: it may hold a port
                self._plan(name, process.returncode)
        for name, due in list(self._due.items()):
            if time.monotonic() >= due:
                del self._due[name]
                self._started_again[name].append(time.monotonic())
                self.start(name, self._commands[name])

    def stop(self) -> None:
        """Ask all to end, then kill what has not."""
        self._due.clear()
        for process in self._running.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        end = time.monotonic() + GRACE
        for process in self._running.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, end - time.monotonic()))
            stop_group(process.pid)
            process.wait()

    def _plan(self, name: str, code: int) -> None:
        now = time.monotonic()
        lately = [at for at in self._started_again.get(name, []) if now - at < WITHIN]
        self._started_again[name] = lately
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        log = self._logs / f"{name}.log"
        if len(lately) >= len(self._pauses):
            raise KeepsEnding(
                f"The process “{name}” {how}, after {len(lately)} new starts within {WITHIN / 60:.0f} minutes. "
                f"Everything was stopped. {log} says why; put that right, then start again."
            )
        pause = self._pauses[len(lately)]
        self._due[name] = now + pause
        when = f"in {pause:.0f} s" if pause else "now"
        self._tell(
            f"The process “{name}” {how} (see {log}). It is started again {when} "
            f"({len(lately) + 1} of {len(self._pauses)} within {WITHIN / 60:.0f} minutes)."
        )
