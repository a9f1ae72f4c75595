"""``manage.py train``."""

import io
import threading

from django.core.management import CommandError, call_command
from django.db import connection
from django.test import TestCase, TransactionTestCase

from core.jobs import execute_here
from core.models import Job
from tests.core.test_supervisor import until
from tests.datasets_app.floor import FloorMixin
from tests.training_jobs.rows import make_release, make_revision
from tests.training_jobs.test_launch import engineer
from training_jobs.models import Run


class TrainCommandTests(TestCase):
    def test_it_launches_for_a_worker_and_says_where_to_look(self) -> None:
        release = make_release()
        base = make_revision(release)
        out = io.StringIO()
        call_command(
            "train",
            release="the-stack-demo:1.0",
            model="coder",
            preset="tiny",
            base=f"fairstack/old-coder@{base.sha}",
            set=["lr=0.001", "precision=fp32"],
            username=engineer().username,
            stdout=out,
        )
        run = Run.objects.get()
        self.assertEqual((run.base, run.config["lr"], run.created_by.username), (base, 0.001, "edsger"))
        self.assertIn(f"/runs/{run.pk}/", out.getvalue())
        self.assertEqual(run.state, "queued")

    def test_refusals_end_it_with_their_reason(self) -> None:
        make_release()
        make_release("v2.0", "withdrawn")
        for changes, text in (
            ({"release": "the-stack-demo:3.0"}, "There is no release"),
            ({"release": "the-stack-demo:2.0"}, "was withdrawn"),
            ({"base": "fairstack/none"}, "no model"),
            ({"set": ["lr"]}, "FIELD=VALUE"),
            ({"set": ["lr=fast"]}, "must be a number"),
            ({"username": "nobody"}, "no account"),
        ):
            given = {"release": "the-stack-demo:1.0", "model": "coder", "preset": "tiny"} | changes
            with self.subTest(changes), self.assertRaisesMessage(CommandError, text):
                call_command("train", **given)
        self.assertFalse(Run.objects.exists())


class TrainHereTests(FloorMixin, TransactionTestCase):
    def test_here_and_followed_it_ends_in_the_zoo_or_says_what_went_wrong(self) -> None:
        release = self.published()
        given = {"release": f"{release.name}:{release.version}", "preset": "tiny", "steps": 4}
        out = io.StringIO()
        call_command("train", model="here", here=True, stdout=out, **given)
        self.assertRegex(out.getvalue(), r"Published fairstack/here@[0-9a-f]{40}, loss \d")

        with self.subTest("with a worker elsewhere"):

            def worker() -> None:
                try:
                    until(lambda: Job.objects.filter(kind="training.run", state="queued").exists())
                    execute_here(Job.objects.get(kind="training.run", state="queued"))
                finally:
                    connection.close()

            thread = threading.Thread(target=worker)
            thread.start()
            out = io.StringIO()
            call_command("train", model="there", follow=True, stdout=out, **given)
            thread.join()
            self.assertIn("training …", out.getvalue())
            self.assertRegex(out.getvalue(), r"Published fairstack/there@[0-9a-f]{40}")

        with self.subTest("the failure's text"), self.assertRaisesMessage(CommandError, "positions"):
            call_command(
                "train",
                model="bad",
                base="fairstack/here",
                set=["context=4096"],
                here=True,
                stdout=io.StringIO(),
                **given,
            )
