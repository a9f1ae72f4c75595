"""The demo: every step by the services that the pages call, told while workers do it, and done once only."""

import threading
import time
from io import StringIO

from django.core.management import CommandError, call_command
from django.db import connection
from django.test import TransactionTestCase, override_settings

from core.jobs import execute_here
from core.models import Job, User
from datasets_app.models import Release
from modelzoo.models import Revision
from tests.datasets_app.floor import FloorMixin


class Demo(FloorMixin, TransactionTestCase):
    def work_beside(self) -> None:
        """Do waiting jobs in another thread until the test ends, as a worker would."""
        ended = threading.Event()

        def work() -> None:
            try:
                while not ended.is_set():
                    job = Job.objects.filter(state="queued").first()
                    if job is not None:
                        execute_here(job)
                    time.sleep(0.05)
            finally:
                connection.close()

        thread = threading.Thread(target=work)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(ended.set)

    def demo(self, *arguments: str) -> str:
        out = StringIO()
        call_command("demo", "--preset", "tiny", *arguments, stdout=out)
        return out.getvalue()

    def test_from_nothing_to_a_model_and_then_nothing_twice(self) -> None:
        self.make_source(name="installed-packages")
        User.objects.filter(is_superuser=True).update(is_superuser=False)
        self.work_beside()
        told = self.demo()
        self.assertRegex(told, r"First staff account: staff +password \(shown this once\): \S{12,}")
        for stage in ("listing repositories", "listing holdings", "publishing to the zoo", "Ready on http"):
            self.assertIn(stage, told)
        self.assertEqual(Release.objects.get().state, "published")
        revision = Revision.objects.get()
        self.assertIn(f"/models/{revision.model.repo_id}", told)
        jobs = Job.objects.count()
        again = self.demo()
        self.assertNotIn("password", again)
        self.assertIn("Ready on http", again)
        self.assertEqual(Job.objects.count(), jobs)

    def test_what_fails_is_told_with_its_reason(self) -> None:
        self.make_source([], name="installed-packages")
        with self.assertRaisesMessage(CommandError, "failed"):
            self.demo("--here")

    def test_where_two_must_approve_it_waits_for_the_second(self) -> None:
        self.make_source(name="installed-packages")
        with (
            override_settings(FAIRSTACK_APPROVALS=2),
            self.assertRaisesMessage(CommandError, "waits for 2 approvals"),
        ):
            self.demo("--here")
        self.assertEqual(Release.objects.get().state, "built")
