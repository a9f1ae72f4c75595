"""The health page tells a process that can work from one that cannot; so does the probe that asks it."""

import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from unittest import mock

from django.conf import settings
from django.db import OperationalError, connection
from django.test import SimpleTestCase, TestCase, override_settings

from core import tasks
from core.jobs import enqueue
from core.models import Job
from core.permissions import SYSTEM
from core.probe import answers
from tests.base import DataFolderMixin
from tests.jobkinds import kinds  # noqa: F401


class HealthTests(DataFolderMixin, TestCase):
    def test_a_sound_process_says_so(self) -> None:
        answer = self.client.get("/healthz")
        self.assertEqual((answer.status_code, answer.json()), (200, {"ok": True, "problems": []}))

    def test_a_missing_data_folder_is_named(self) -> None:
        blocker = self.data / "file"
        blocker.write_text("")
        with override_settings(FAIRSTACK_DATA=blocker / "data"):
            answer = self.client.get("/healthz")
        self.assertEqual(answer.status_code, 503)
        self.assertIn("data folder", answer.json()["problems"][0])

    def test_a_database_that_does_not_answer_is_named(self) -> None:
        with mock.patch.object(connection, "cursor", side_effect=OperationalError("gone")):
            answer = self.client.get("/healthz")
        self.assertEqual((answer.status_code, answer.json()["problems"]), (503, ["database: OperationalError"]))


class ProbeTests(SimpleTestCase):
    def serve(self, status: int) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return f"http://127.0.0.1:{server.server_port}/healthz"

    def test_it_tells_200_from_everything_else(self) -> None:
        self.assertTrue(answers(self.serve(200)))
        self.assertFalse(answers(self.serve(503)))
        self.assertFalse(answers("http://127.0.0.1:9/healthz"))
        with self.assertRaisesMessage(ValueError, "no web address"):
            answers("file:///etc/passwd")

    def test_its_exit_code_is_the_answer(self) -> None:
        for status, code in ((200, 0), (503, 1)):
            command = [sys.executable, "-m", "core.probe", self.serve(status)]
            self.assertEqual(subprocess.run(command, cwd=settings.BASE_DIR).returncode, code)


class TaskTests(TestCase):
    def test_a_wake_up_for_a_job_that_waits_no_more_does_nothing(self) -> None:
        job = enqueue("tests.count", {"to": 1}, actor=SYSTEM)
        Job.objects.filter(pk=job.pk).update(state="cancelled")
        tasks.run_job(str(job.pk))
        job.refresh_from_db()
        self.assertEqual((job.state, job.attempt), ("cancelled", 0))

    def test_the_sweep_finds_the_lost(self) -> None:
        job = Job.objects.create(
            kind="tests.count", title="t", state="running", claim="c", attempt=1, heartbeat_at="2020-01-01T00:00Z"
        )
        tasks.find_lost_jobs()
        job.refresh_from_db()
        self.assertEqual(job.state, "queued")
