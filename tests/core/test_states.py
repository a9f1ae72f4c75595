"""State changes are compare-and-swap."""

from django.test import TestCase

from core.errors import InvalidTransition
from core.models import Job
from core.states import JOB, Machine


class MachineTests(TestCase):
    def test_a_move_that_the_table_allows_changes_row_and_object(self) -> None:
        job = Job.objects.create(kind="k", title="t")
        self.assertTrue(JOB.move(job, "running", claim="c"))
        self.assertEqual((job.state, job.claim), ("running", "c"))
        job.refresh_from_db()
        self.assertEqual((job.state, job.claim), ("running", "c"))

    def test_the_second_of_two_movers_learns_that_it_lost(self) -> None:
        job = Job.objects.create(kind="k", title="t")
        stale = Job.objects.get(pk=job.pk)
        self.assertTrue(JOB.move(job, "running"))
        self.assertFalse(JOB.move(stale, "running"))
        self.assertEqual(stale.state, "queued")

    def test_a_forbidden_move_says_what_stood_in_the_way(self) -> None:
        job = Job.objects.create(kind="k", title="t", state="succeeded")
        with self.assertRaisesMessage(InvalidTransition, "The job is “succeeded” and cannot become “running”."):
            JOB.move_or_raise(job, "running")

    def test_a_move_of_a_row_that_is_gone_says_so(self) -> None:
        job = Job.objects.create(kind="k", title="t")
        Job.objects.all().delete()
        with self.assertRaisesMessage(InvalidTransition, "gone"):
            JOB.move_or_raise(job, "running")

    def test_a_condition_beside_the_state_must_hold(self) -> None:
        job = Job.objects.create(kind="k", title="t", state="running", claim="mine")
        self.assertFalse(JOB.move(job, "succeeded", where={"claim": "other"}))
        self.assertTrue(JOB.move(job, "succeeded", where={"claim": "mine"}))

    def test_a_table_that_leads_nowhere_is_refused(self) -> None:
        with self.assertRaisesMessage(ValueError, "unknown states ['c']"):
            Machine("The thing", {"a": frozenset({"c"})})

    def test_ended_states_lead_nowhere(self) -> None:
        for ended in ("succeeded", "failed", "cancelled"):
            self.assertEqual(JOB.transitions[ended], frozenset())
