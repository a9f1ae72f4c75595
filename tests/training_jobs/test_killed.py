"""Runs in processes of their own: killed and taken up again, cancelled and let go on."""

import os
import signal
import sys
import threading
import time
from pathlib import Path
from unittest import skipUnless

from django.db import connection
from django.test import TransactionTestCase

from core.models import Job
from core.supervisor import supervise
from tests.core.test_supervisor import alive, until
from tests.datasets_app.floor import FloorMixin
from training_jobs import folders, services
from training_jobs.models import Run
from training_jobs.trainer import checkpoint


def process_of(job: Job) -> int:
    """The process that works on a job."""
    until(lambda: bool(processes_of(job)))
    return processes_of(job)[0]


def processes_of(job: Job) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"core.job_process" in words and str(job.pk).encode() in words:
            found.append(int(path.parent.name))
    return found


@skipUnless(sys.platform == "linux", "processes are found in /proc")
class KilledTests(FloorMixin, TransactionTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.release = self.published()

    def launch(self, name: str) -> Run:
        return services.launch(
            self.staff,
            release=self.release,
            preset="tiny",
            model_name=name,
            steps=240,
            overrides={"checkpoint_every": 20},
        )

    def start(self, job: Job) -> threading.Thread:
        def work() -> None:
            try:
                supervise(Job.objects.get(pk=job.pk))
            finally:
                connection.close()

        thread = threading.Thread(target=work)
        thread.start()
        self.addCleanup(thread.join)
        return thread

    def checkpoints(self, run: Run) -> dict[int, Path]:
        return checkpoint.steps(folders.run_folder(run) / "checkpoints")

    def test_a_killed_run_goes_on_from_its_last_checkpoint_and_ends_in_the_zoo(self) -> None:
        run = self.launch("killed")
        thread = self.start(run.job)
        until(lambda: bool(self.checkpoints(run)), 60)
        os.kill(process_of(run.job), signal.SIGKILL)
        thread.join(30)
        job = Job.objects.get(pk=run.job_id)
        self.assertEqual(job.state, "queued")
        self.assertIn("SIGKILL", " ".join(job.log_lines.values_list("text", flat=True)))
        self.assertIsNone(Run.objects.get(pk=run.pk).revision)
        saved = max(self.checkpoints(run))
        self.start(job).join(120)
        job.refresh_from_db()
        self.assertEqual((job.state, job.attempt), ("succeeded", 2), job.error + job.crash)
        run = Run.objects.select_related("revision").get(pk=run.pk)
        self.assertGreaterEqual(run.summary["resumed_from"], saved)
        self.assertEqual((run.summary["steps"], run.revision.training["steps"]), (240, 240))
        steps = list(job.metrics.filter(name="loss").values_list("step", flat=True))
        self.assertEqual(steps, list(range(2, 241, 2)))
        self.assertIn(f"going on from the checkpoint of step {run.summary['resumed_from']}", self.log(job))

    def test_cancel_stops_the_process_in_seconds_and_the_run_goes_on_later_from_its_checkpoint(self) -> None:
        run = self.launch("cancelled")
        thread = self.start(run.job)
        until(lambda: bool(self.checkpoints(run)), 60)
        process = process_of(run.job)
        asked = time.monotonic()
        services.cancel(run, self.staff)
        thread.join(30)
        self.assertLess(time.monotonic() - asked, 10)
        until(lambda: not alive(process), 5)
        run.job.refresh_from_db()
        self.assertEqual(run.state, "cancelled")
        saved = max(self.checkpoints(run))
        job = services.go_on(run, self.staff)
        self.start(job).join(120)
        run = Run.objects.select_related("revision", "job").get(pk=run.pk)
        self.assertEqual(run.state, "succeeded", run.job.error + run.job.crash)
        self.assertEqual((run.summary["resumed_from"], run.summary["steps"]), (saved, 240))
        self.assertEqual(run.job.metrics.filter(name="loss").count(), 120)

    def log(self, job: Job) -> str:
        return "\n".join(job.log_lines.values_list("text", flat=True))
