"""A worker killed by SIGKILL at every stage: the last good state stands, and the same job run again finishes."""

import os
import signal
import subprocess
import sys
import threading
from unittest.mock import patch

from django.conf import settings
from django.db import connections
from django.test import TransactionTestCase

from core import jobs, supervisor
from core.jobs import execute_here
from core.models import Job
from datasets_app.models import Release
from datasets_app.pipeline import purge
from datasets_app.pipeline.verify import verify
from datasets_app.purging import releases_folder
from datasets_app.services import releases, sources
from tests.datasets_app.floor import MARKER, FloorMixin

BUILD_STAGES = [
    ("computing attributes", "any"),
    ("deciding", "3"),
    ("writing shards", "2"),
    ("indexing", "2"),
    ("committing", "0"),
    ("committing", "1"),  # the engine is done, the rows are not
    ("listing holdings", "1"),
    ("listing holdings", "2"),  # the rows are there, the job does not know
]


class Kills(FloorMixin):
    def kill_at(self, job: Job, stage: str, done: str = "any") -> None:
        claim = jobs.claim(job)
        process = subprocess.run(
            [sys.executable, "-m", "tests.datasets_app.killed_job", str(job.pk), str(claim), stage, done],
            cwd=settings.BASE_DIR,
            env=supervisor.child_environment(),
            timeout=60,
        )
        self.assertEqual(process.returncode, -signal.SIGKILL)
        job.refresh_from_db()
        self.assertEqual(job.state, "running")
        with patch("core.jobs.wake"):
            self.assertEqual(jobs.give_back(job, "killed"), "requeued")
        job.refresh_from_db()


class KilledIngests(Kills, TransactionTestCase):
    def test_an_ingest_killed_at_each_stage_is_finished_by_the_next_attempt(self):
        self.make_source()
        for stage in ("reading packages", "reading files", "listing repositories"):
            with self.subTest(stage):
                job = sources.start_ingest(self.staff, "fakes")
                self.kill_at(job, stage)
                self.assertEqual(execute_here(job).state, "succeeded", job.error)
                self.assertEqual(job.result["repositories"], 4)


class KilledBuilds(Kills, TransactionTestCase):
    def test_a_build_killed_at_each_stage_is_finished_by_the_next_attempt(self):
        self.ingest()
        digests = set()
        for number, (stage, done) in enumerate(BUILD_STAGES):
            with self.subTest(stage=stage, done=done):
                recipe = {"name": "demo", "zstd_level": number + 1}  # other bytes each time, so that shards are written
                release = releases.start_build(self.staff, version=f"v{number}.0", recipe=recipe)
                if stage == "computing attributes":
                    self.assertEqual(list((self.data / "corpus").glob("attributes/*")), [])
                self.kill_at(release.job, stage, done)
                job = execute_here(release.job)
                self.assertEqual(job.state, "succeeded", job.error + job.crash)
                release.refresh_from_db()
                self.assertEqual((release.state, release.holdings.count()), ("built", 3))
                self.assertTrue(verify(releases_folder(), release.name, release.version).ok)
                digests.add(release.digest_logical)
        self.assertEqual(len(digests), 1)
        self.assertEqual(list((self.data / "releases").glob("*/.tmp-*")), [])


class KilledPurges(Kills, TransactionTestCase):
    def test_a_purge_killed_at_each_stage_is_finished_by_the_next_attempt(self):
        first = self.published()
        self.opt_out("alpha")
        second = self.build()
        releases.approve(second, self.staff)
        job = releases.publish(second, self.staff)
        for stage in ("purging blobs", "deleting shards", "verifying the tree"):
            self.kill_at(job, stage)
            Job.objects.filter(pk=job.pk).update(attempt=1)  # more kills here than a job would be given attempts
            job.refresh_from_db()
        self.assertEqual(execute_here(job).state, "succeeded", job.error + job.crash)
        self.assertEqual(purge.scan(self.data, [MARKER]), [])
        first.refresh_from_db()
        self.assertEqual(first.state, "withdrawn")


class RealWorkers(Kills, TransactionTestCase):
    def test_what_was_blocked_between_two_attempts_is_not_published(self):
        self.ingest()
        release = releases.start_build(self.staff)
        self.kill_at(release.job, "committing", "1")
        self.opt_out("alpha")
        self.assertEqual(execute_here(release.job).state, "succeeded")
        release.refresh_from_db()
        releases.approve(release, self.staff)
        with self.assertRaisesMessage(jobs.Conflict, "Build the next release"):
            releases.publish(release, self.staff)

    def test_a_real_worker_builds_and_a_kill_from_outside_puts_the_job_back(self):
        self.ingest()
        release = releases.start_build(self.staff)
        pids: list[int] = []
        started = threading.Event()
        popen = subprocess.Popen

        def remember(*arguments, **options):
            child = popen(*arguments, **options)
            pids.append(child.pid)
            started.set()
            return child

        def work():
            try:
                supervisor.supervise(Job.objects.get(pk=release.job_id))
            finally:
                connections.close_all()

        with patch("core.supervisor.subprocess.Popen", side_effect=remember), patch("core.jobs.wake"):
            worker = threading.Thread(target=work)
            worker.start()
            self.assertTrue(started.wait(30))
            os.killpg(pids[0], signal.SIGKILL)
            worker.join(30)
        job = Job.objects.get(pk=release.job_id)
        self.assertEqual((job.state, Release.objects.get().state), ("queued", "building"))
        supervisor.supervise(job)
        job.refresh_from_db()
        self.assertEqual((job.state, Release.objects.get().state), ("succeeded", "built"), job.error + job.crash)
