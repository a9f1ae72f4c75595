"""Jobs that wait, fail, die and count."""

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from core.jobs import ExpectedFailure, JobContext, job_kind


@job_kind("tests.count", queue="default", title="Count")
def count(ctx: JobContext) -> dict[str, Any]:
    """Counts to ``to``, ``pause`` seconds a number, and says so."""
    to = ctx.params["to"]
    for number in range(to + 1):
        ctx.progress("counting", number, to)
        time.sleep(ctx.params.get("pause", 0))
    ctx.metric(to, {"count": float(to)})
    return {"counted": to}


@job_kind("tests.fail", queue="default", title="Fail")
def fail(ctx: JobContext) -> dict[str, Any]:
    """Fails as expected, or crashes."""
    if ctx.params.get("expected"):
        raise ExpectedFailure("The source is empty: add a file.")
    raise RuntimeError("a bug")


@job_kind("tests.die_once", queue="default", title="Die once")
def die_once(ctx: JobContext) -> dict[str, Any]:
    """Kills itself the first time, as an out-of-memory kill would."""
    mark = Path(ctx.params["mark"])
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return {"attempt": ctx.job.attempt}


@job_kind("tests.deaf", queue="default", title="Deaf")
def deaf(ctx: JobContext) -> dict[str, Any]:
    """Never asks whether it was cancelled, and has a child that does not either."""
    child = subprocess.Popen(["sleep", "60"])
    Path(ctx.params["pids"]).write_text(f"{os.getpid()} {child.pid}")
    child.wait()
    return {}
