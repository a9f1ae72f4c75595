"""What the commands share: jobs run here with progress on the terminal, failures in words, releases by name."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.management.base import CommandError, OutputWrapper
from django.db import connections
from django.db.models import F

from core.errors import FairstackError
from core.jobs import execute_here
from core.models import Job
from datasets_app.models import Release
from datasets_app.pipeline.errors import PipelineError

EVERY = 0.3  # seconds between two lines of progress


class Terminal:
    """Progress as one line that is written over."""

    def __init__(self, out: OutputWrapper) -> None:
        self._out = out
        self._stage = ""

    def __call__(self, stage: str, done: int, total: int, message: str = "") -> None:
        """Show how far a stage is; see ``pipeline.progress``."""
        line = f"{stage}: {done:,}" + (f" of {total:,}" if total else "")
        ending = "" if stage == self._stage or not self._stage else "\n"
        self._stage = stage
        self._out.write(f"{ending}\r\x1b[K{line}" if self._out.isatty() else f"{line}\n", ending="")
        self._out.flush()

    def finish(self) -> None:
        """End the line."""
        if self._stage and self._out.isatty():
            self._out.write("\n", ending="")


@contextmanager
def telling() -> Iterator[None]:
    """Turn expected failures into the command's own, without a traceback."""
    try:
        yield
    except (FairstackError, PipelineError, PermissionDenied) as error:
        raise CommandError(str(error)) from error


def run_job(job: Job, out: OutputWrapper) -> dict[str, Any]:
    """Run a waiting job in this process, show how far it is, and give its result.

    Raises:
        CommandError: It failed or was cancelled.
    """
    terminal = Terminal(out)
    over = threading.Event()

    def watch() -> None:
        shown: tuple[Any, ...] = ()
        try:
            while not over.wait(EVERY):
                stages = Job.objects.filter(pk=job.pk).values_list("stages", flat=True).first()
                if stages:
                    now = (stages[-1]["stage"], stages[-1]["done"], stages[-1]["total"])
                    if now != shown:
                        shown = now
                        terminal(*now)
        finally:
            connections.close_all()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        job = execute_here(job)
    finally:
        over.set()
        watcher.join()
        terminal.finish()
    if job.state != "succeeded":
        raise CommandError(job.error or f"The job is {job.state}.")
    return job.result


def find_release(name: str, version: str, state: str) -> Release:
    """The release of this version, or where it is empty the newest in ``state``.

    Raises:
        CommandError: There is none.
    """
    name = name or settings.FAIRSTACK_DATASET_NAME
    # A re-issue is made later than others and yet stands in the place of its original.
    rows = Release.objects.filter(name=name).order_by(F("published_at").desc(nulls_last=True), "-created_at", "-pk")
    release = (rows.filter(version=version) if version else rows.filter(state=state)).first()
    if release is None:
        raise CommandError(f"There is no release {name} {version}" if version else f"No release of {name} is {state}.")
    return release
