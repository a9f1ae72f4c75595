"""Jobs in real processes: killed, deaf, orphaned; and a real Celery worker."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from unittest import skipUnless

from django.conf import settings
from django.db import connection
from django.test import TransactionTestCase

from core import jobs
from core.models import Job
from core.permissions import SYSTEM
from core.supervisor import child_environment, supervise
from tests.jobkinds import kinds  # noqa: F401


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for ``condition``, at most ``seconds``."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("waited in vain")
        time.sleep(0.05)


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@skipUnless(sys.platform == "linux", "process states are read from /proc")
class SupervisorTests(TransactionTestCase):
    def setUp(self) -> None:
        super().setUp()
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.job_settings"
        self.addCleanup(os.environ.__setitem__, "DJANGO_SETTINGS_MODULE", "config.settings")

    def supervise_in_thread(self, job: Job) -> threading.Thread:
        def work() -> None:
            try:
                supervise(job)
            finally:
                connection.close()

        thread = threading.Thread(target=work)
        thread.start()
        return thread

    def test_a_job_runs_to_its_end_in_a_process_of_its_own(self) -> None:
        job = jobs.enqueue("tests.count", {"to": 2}, actor=SYSTEM)
        self.assertTrue(supervise(job))
        job.refresh_from_db()
        self.assertEqual((job.state, job.result), ("succeeded", {"counted": 2}))

    def test_a_job_that_is_not_there_to_claim_is_left_alone(self) -> None:
        job = jobs.enqueue("tests.count", {"to": 2}, actor=SYSTEM)
        stale = Job.objects.get(pk=job.pk)
        jobs.claim(job)
        self.assertFalse(supervise(stale))

    def test_a_killed_process_is_found_and_the_job_runs_again(self) -> None:
        mark = Path(tempfile.mkdtemp()) / "mark"
        job = jobs.enqueue("tests.die_once", {"mark": str(mark)}, actor=SYSTEM)
        supervise(job)
        job.refresh_from_db()
        self.assertEqual(job.state, "queued")
        self.assertIn("SIGKILL", job.log_lines.get().text)
        supervise(job)
        job.refresh_from_db()
        self.assertEqual((job.state, job.result), ("succeeded", {"attempt": 2}))

    def test_cancel_kills_the_whole_group_of_a_job_that_does_not_listen(self) -> None:
        pids = Path(tempfile.mkdtemp()) / "pids"
        job = jobs.enqueue("tests.deaf", {"pids": str(pids)}, actor=SYSTEM)
        thread = self.supervise_in_thread(Job.objects.get(pk=job.pk))
        until(lambda: pids.exists() and bool(pids.read_text()))
        job.refresh_from_db()
        asked = time.monotonic()
        jobs.cancel(job, SYSTEM)
        thread.join(30)
        self.assertLess(time.monotonic() - asked, 15)
        job.refresh_from_db()
        self.assertEqual(job.state, "cancelled")
        for pid in map(int, pids.read_text().split()):
            until(lambda pid=pid: not alive(pid), 5)

    def test_a_celery_worker_takes_the_wake_up_and_its_kill_leaves_no_orphan(self) -> None:
        environment = child_environment()
        command = [
            sys.executable,
            "-m",
            "celery",
            "-A",
            "config",
            "worker",
            "-Q",
            "default",
            "-c",
            "1",
            "-l",
            "warning",
        ]
        worker = subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment, start_new_session=True)
        try:
            quick = jobs.enqueue("tests.count", {"to": 1}, actor=SYSTEM)
            until(lambda: Job.objects.get(pk=quick.pk).state == "succeeded", 60)
            pids = Path(tempfile.mkdtemp()) / "pids"
            deaf = jobs.enqueue("tests.deaf", {"pids": str(pids)}, actor=SYSTEM)
            until(lambda: pids.exists() and bool(pids.read_text()))
        finally:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
        job_process = int(pids.read_text().split()[0])
        until(lambda: not alive(job_process), 5)
        deaf.refresh_from_db()
        self.assertEqual(deaf.state, "running")
        Job.objects.filter(pk=deaf.pk).update(heartbeat_at="2020-01-01T00:00Z")
        self.assertEqual(jobs.find_lost()["requeued"], 1)
