"""Asking for work, doing it in this process, cancelling it, and finding it again."""

from datetime import timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.test import TestCase
from django.utils import timezone

from core import jobs
from core.errors import Conflict
from core.models import AuditEntry, Job, JobMetric
from core.permissions import SYSTEM
from tests.base import make_staff, make_user
from tests.jobkinds import kinds  # noqa: F401


def ask(kind: str = "tests.count", actor: Any = SYSTEM, **params: Any) -> Job:
    return jobs.enqueue(kind, params, actor=actor)


class PerformTests(TestCase):
    def test_a_job_that_ends_well_keeps_result_stages_and_metrics(self) -> None:
        job = jobs.execute_here(ask(to=3))
        self.assertEqual((job.state, job.result, job.attempt), ("succeeded", {"counted": 3}, 1))
        self.assertEqual([(s["stage"], s["done"], s["total"]) for s in job.stages], [("counting", 3, 3)])
        self.assertIsNotNone(job.stages[0]["finished"])
        self.assertEqual(JobMetric.objects.get(job=job).value, 3.0)

    def test_an_expected_failure_shows_its_reason_and_no_traceback(self) -> None:
        job = jobs.execute_here(ask("tests.fail", expected=True))
        self.assertEqual((job.state, job.error, job.crash), ("failed", "The source is empty: add a file.", ""))

    def test_a_crash_keeps_its_traceback_for_the_staff_and_spares_the_visitor(self) -> None:
        job = jobs.execute_here(ask("tests.fail"))
        self.assertEqual(job.state, "failed")
        self.assertIn("crashed (RuntimeError)", job.error)
        self.assertNotIn("a bug", job.error)
        self.assertIn("RuntimeError: a bug", job.crash)

    def test_a_kind_that_nobody_knows_fails_with_a_reason(self) -> None:
        job = Job.objects.create(kind="gone.kind", title="t")
        jobs.execute_here(job)
        job.refresh_from_db()
        self.assertEqual(job.state, "failed")
        self.assertIn("gone.kind", job.error)

    def test_a_job_runs_once_however_often_it_is_woken(self) -> None:
        job = ask(to=1)
        jobs.execute_here(job)
        with self.assertRaises(Conflict):
            jobs.execute_here(job)

    def test_a_worker_given_up_for_dead_writes_nothing_more(self) -> None:
        job = ask(to=1)
        old = jobs.claim(job)
        assert old
        job.refresh_from_db()
        jobs.give_back(job, "silent")
        fresh = Job.objects.get(pk=job.pk)
        new = jobs.claim(fresh)
        jobs.perform(job, old)
        fresh.refresh_from_db()
        self.assertEqual((fresh.state, fresh.claim, fresh.stages), ("running", new, []))

    def test_progress_stops_a_job_that_was_cancelled(self) -> None:
        job = ask(to=1)
        claim = jobs.claim(job)
        assert claim
        job.refresh_from_db()
        jobs.cancel(job, SYSTEM)
        jobs.perform(job, claim)
        job.refresh_from_db()
        self.assertEqual(job.state, "cancelled")


class AskingTests(TestCase):
    def test_the_wake_up_goes_out_when_the_transaction_commits(self) -> None:
        with self.captureOnCommitCallbacks(execute=True):
            job = ask(to=1)
            self.assertIsNone(Job.objects.get(pk=job.pk).woken_at)
        self.assertIsNotNone(Job.objects.get(pk=job.pk).woken_at)

    def test_asking_twice_with_one_key_gives_the_same_active_job(self) -> None:
        first = jobs.enqueue("tests.count", {"to": 1}, actor=SYSTEM, dedupe_key="build:x")
        self.assertEqual(jobs.enqueue("tests.count", {"to": 1}, actor=SYSTEM, dedupe_key="build:x"), first)
        jobs.execute_here(first)
        self.assertNotEqual(jobs.enqueue("tests.count", {"to": 1}, actor=SYSTEM, dedupe_key="build:x"), first)

    def test_asking_is_in_the_audit_trail(self) -> None:
        user = make_user()
        job = ask(actor=user, to=1)
        entry = AuditEntry.objects.get(object_id=str(job.pk))
        self.assertEqual((entry.action, entry.actor), ("enqueue job", user))


class CancelTests(TestCase):
    def test_a_waiting_job_ends_at_once(self) -> None:
        job = ask(to=1)
        jobs.cancel(job, SYSTEM)
        self.assertEqual(Job.objects.get(pk=job.pk).state, "cancelled")

    def test_cancelling_twice_does_no_harm_and_cancelling_what_ended_is_refused(self) -> None:
        job = ask(to=1)
        jobs.claim(job)
        jobs.cancel(job, SYSTEM)
        jobs.cancel(Job.objects.get(pk=job.pk), SYSTEM)
        self.assertEqual(Job.objects.get(pk=job.pk).state, "cancelling")
        ended = jobs.execute_here(ask(to=1))
        with self.assertRaisesMessage(Conflict, "succeeded"):
            jobs.cancel(ended, SYSTEM)

    def test_only_who_asked_and_the_staff_may_cancel(self) -> None:
        asker, other, staff = make_user("ada"), make_user("bob"), make_staff()
        with self.assertRaises(PermissionDenied):
            jobs.cancel(ask(actor=asker, to=1), other)
        jobs.cancel(ask(actor=asker, to=1), asker)
        jobs.cancel(ask(actor=asker, to=1), staff)


class SweepTests(TestCase):
    def silent(self, **fields: Any) -> Job:
        long_ago = timezone.now() - timedelta(hours=1)
        return Job.objects.create(
            kind="tests.count", title="t", params={"to": 1}, heartbeat_at=long_ago, created_at=long_ago, **fields
        )

    def test_a_running_job_without_heartbeat_is_put_back_to_wait(self) -> None:
        job = self.silent(state="running", claim="c", attempt=1)
        self.assertEqual(jobs.find_lost()["requeued"], 1)
        job.refresh_from_db()
        self.assertEqual((job.state, job.claim), ("queued", ""))
        self.assertIn("fell silent", job.log_lines.get().text)

    def test_after_the_last_attempt_it_is_given_up_with_a_reason(self) -> None:
        job = self.silent(state="running", claim="c", attempt=3)
        self.assertEqual(jobs.find_lost()["failed"], 1)
        job.refresh_from_db()
        self.assertIn("tried 3 times", job.error)

    def test_one_that_was_being_cancelled_ends_as_cancelled(self) -> None:
        job = self.silent(state="cancelling", claim="c", attempt=1)
        self.assertEqual(jobs.find_lost()["cancelled"], 1)
        job.refresh_from_db()
        self.assertEqual(job.state, "cancelled")

    def test_a_waiting_job_whose_wake_up_was_lost_is_woken_once_a_minute(self) -> None:
        self.silent(state="queued")
        self.assertEqual(jobs.find_lost()["woken"], 1)
        self.assertEqual(jobs.find_lost()["woken"], 0)

    def test_a_living_job_is_left_alone(self) -> None:
        job = ask(to=1)
        claim = jobs.claim(job)
        assert claim
        self.assertEqual(jobs.heartbeat(job.pk, claim), "running")
        self.assertEqual(jobs.find_lost(), {"requeued": 0, "failed": 0, "cancelled": 0, "woken": 0})
        self.assertIsNone(jobs.heartbeat(job.pk, "another claim"))
