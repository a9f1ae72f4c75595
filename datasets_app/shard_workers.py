"""Celery workers that help a build or another job with work that is cut into specs.

A job lays its work out in a pool below ``tmp/`` and calls for workers on the queue ``shards``; each slot that hears it starts
a process on the pool (``pipeline.pool``) and ends it when the pool is closed. Messages are wake-ups and no more: one that is
lost is sent again, one too many finds nothing to do.
"""

import logging
import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

from celery import shared_task
from django.conf import settings
from kombu.exceptions import OperationalError

from core import stores
from core.orphans import die_with_parent
from core.supervisor import stop_group
from datasets_app.pipeline import pool
from datasets_app.pipeline.pool_executor import PoolExecutor

QUEUE = "shards"
EXPIRES = 120  # seconds after which a call that nobody heard is void
LOOK_EVERY = 0.5  # seconds between two looks whether the pool is still open

logger = logging.getLogger(__name__)


def executor() -> PoolExecutor:
    """An executor that calls the Celery workers of the queue ``shards``."""
    return PoolExecutor(partial(stores.temporary_folder, "pool"), call, settings.FAIRSTACK_SHARD_WORKERS)


def call(folder: Path, workers: int) -> None:
    """Ask so many workers to come to a pool. A broker that cannot be reached is noted in the log: the job works on alone."""
    try:
        for _ in range(workers):
            work_on.apply_async(args=[folder.name], queue=QUEUE, expires=EXPIRES, retry=False)
    except (OperationalError, OSError) as error:
        logger.warning("No shard worker could be called: %s", error)


@shared_task(name="datasets_app.shard_workers.work_on")
def work_on(name: str) -> None:
    """Work on the pool of this name until it is done or closed. The work is done in a process of its own, which ends with this one."""
    folder = stores.folder("tmp") / name
    if not re.fullmatch(r"pool-\w+", name) or not pool.is_open(folder):
        return
    child = subprocess.Popen(
        [sys.executable, "-m", "datasets_app.shard_process", str(folder), str(os.getpid())],
        cwd=settings.BASE_DIR,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=die_with_parent,  # from its first moment: imports take a second
    )
    try:
        while True:
            try:
                child.wait(LOOK_EVERY)
                return
            except subprocess.TimeoutExpired:
                if not pool.is_open(folder):
                    return
    finally:
        stop_group(child.pid)
        child.wait()
