"""Running one job in a process group of its own: heartbeats, cancel that really stops it, and no orphans."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from django.conf import settings
from django.db import close_old_connections, connection

from core import jobs
from core.models import Job

HEARTBEAT_EVERY = 1.0  # seconds
GRACE = 5.0  # seconds between asking a cancelled job to stop and killing it


def supervise(job: Job) -> bool:
    """Claim ``job``, run it in a child process and watch it to its end. Gives False where it was not there to claim."""
    claim = jobs.claim(job)
    if claim is None:
        return False
    child = subprocess.Popen(
        [sys.executable, "-m", "core.job_process", str(job.pk), claim, str(os.getpid())],
        cwd=settings.BASE_DIR,
        env=child_environment(),
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _watch(job, claim, child)
    finally:
        stop_group(child.pid)
        child.wait()
    return True


def _watch(job: Job, claim: str, child: "subprocess.Popen[bytes]") -> None:
    asked_at: float | None = None
    while True:
        try:
            code = child.wait(timeout=HEARTBEAT_EVERY if asked_at is None else 0.2)
        except subprocess.TimeoutExpired:
            close_old_connections()
            state = jobs.heartbeat(job.pk, claim)
            if state is None and child.poll() is None:  # given to another worker: this one must not write any more
                return
            if state == "cancelling" and asked_at is None:
                asked_at = time.monotonic()
            if asked_at is not None and time.monotonic() - asked_at > GRACE:
                stop_group(child.pid)
            continue
        job.refresh_from_db()
        if job.claim == claim and job.state in ("running", "cancelling"):
            jobs.give_back(job, _ending(code))
        return


def _ending(code: int) -> str:
    if code < 0:
        return f"The job's process was ended by signal {-code} ({signal.Signals(-code).name})."
    return f"The job's process ended with code {code} and left no result."


def stop_group(pid: int) -> None:
    """Kill the process group led by ``pid``, if there is one left."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def child_environment() -> dict[str, str]:
    """The environment of a job's process: ours, with the database and data folder that are in use here."""
    return os.environ | {
        "FAIRSTACK_DATA": str(Path(settings.FAIRSTACK_DATA).resolve()),
        "FAIRSTACK_UNDO_KEYS": str(Path(settings.FAIRSTACK_UNDO_KEYS).resolve()),
        "FAIRSTACK_JOURNAL": str(Path(settings.FAIRSTACK_JOURNAL).resolve()),
        "FAIRSTACK_DATABASE_NAME": str(connection.settings_dict["NAME"]),
        "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "config.settings"),
    }
