"""Pages of long work."""

import uuid
from datetime import timedelta

from django.test import SimpleTestCase, TestCase
from django.urls import reverse
from django.utils import timezone

from core.job_view import result_facts, result_tables, result_url, stages_of
from core.models import Job, JobLogLine, JobMetric
from tests.base import make_staff, make_user

NOW = timezone.now()


def make_job(user: object = None, state: str = "running", **fields: object) -> Job:
    """A job in the middle of its second stage."""
    at = [(NOW - timedelta(seconds=seconds)).isoformat() for seconds in (60, 40)]
    fields.setdefault(
        "stages",
        [
            {"stage": "read sources", "done": 40, "total": 40, "started": at[0], "finished": at[1]},
            {"stage": "attributes", "done": 100, "total": 400, "started": at[1], "finished": None},
        ],
    )
    started = NOW - timedelta(seconds=60)
    return Job.objects.create(
        kind="datasets.build",
        title="Build v1.1",
        state=state,
        requested_by=user,
        attempt=1,
        started_at=started,
        **fields,
    )


class StageTests(SimpleTestCase):
    def test_what_remains_is_told_from_what_was_done(self) -> None:
        started = (NOW - timedelta(seconds=20)).isoformat()
        job = Job(
            state="running",
            stages=[{"stage": "write", "done": 100, "total": 400, "started": started, "finished": None}],
        )
        (stage,) = stages_of(job, NOW)
        self.assertTrue(stage.running)
        self.assertEqual(stage.remaining, timedelta(seconds=60))

    def test_nothing_is_guessed_too_early(self) -> None:
        started = (NOW - timedelta(seconds=1)).isoformat()
        job = Job(
            state="running", stages=[{"stage": "write", "done": 1, "total": 400, "started": started, "finished": None}]
        )
        self.assertIsNone(stages_of(job, NOW)[0].remaining)

    def test_the_last_stage_of_a_failed_job_is_the_broken_one(self) -> None:
        started = NOW.isoformat()
        done = {"done": 1, "total": 1, "started": started, "finished": started}
        job = Job(state="failed", finished_at=NOW, stages=[{"stage": "a", **done}, {"stage": "b", **done}])
        self.assertEqual([stage.tone for stage in stages_of(job, NOW)], ["success", "danger"])

    def test_a_job_that_waits_for_another_worker_is_not_shown_as_running(self) -> None:
        stage = {"stage": "write", "done": 100, "total": 400, "started": NOW.isoformat(), "finished": None}
        (view,) = stages_of(Job(state="queued", stages=[stage]), NOW)
        self.assertTrue(view.interrupted)
        self.assertFalse(view.running or view.broken)
        self.assertEqual(view.tone, "")

    def test_a_result_shows_plain_facts_and_leads_within_the_site_only(self) -> None:
        job = Job(result={"rows": 12, "name": "v1.1", "deep": {"x": 1}, "_inner": 3, "url": "/releases/x/"})
        self.assertEqual(result_facts(job), [("Rows", 12), ("Name", "v1.1")])
        self.assertEqual(result_url(job), "/releases/x/")
        for bad in ("//elsewhere.example", "https://elsewhere.example", 7):
            self.assertEqual(result_url(Job(result={"url": bad})), "")

    def test_lists_of_a_result_are_tables(self) -> None:
        rows = [{"store": "corpus", "files": 3}, {"store": "zoo", "files": 0}]
        job = Job(result={"scanned": rows, "plain": [1, 2], "mixed": [{"a": 1}, {"b": 2}], "none": [], "_own": rows})
        (table,) = result_tables(job)
        self.assertEqual((table.title, table.headings), ("Scanned", ["Store", "Files"]))
        self.assertEqual(table.rows, [["corpus", 3], ["zoo", 0]])


class JobPageTests(TestCase):
    def setUp(self) -> None:
        self.user = make_user("ada")
        self.client.force_login(self.user)

    def page(self, job: Job, name: str = "job") -> str:
        return reverse(f"core:{name}", args=[job.pk])

    def test_a_running_job_shows_figures_and_refreshes_itself(self) -> None:
        job = make_job(self.user)
        answer = self.client.get(self.page(job))
        self.assertContains(answer, "100 of 400 (25%)")
        self.assertContains(answer, 'hx-trigger="every 1s"')
        self.assertContains(answer, '<noscript><meta http-equiv="refresh"')
        self.assertContains(answer, "Cancel the job")

    def test_an_ended_job_stands_still(self) -> None:
        job = make_job(self.user, "succeeded", finished_at=NOW, result={"rows": 12345, "url": "/releases/x/"})
        answer = self.client.get(self.page(job))
        self.assertNotContains(answer, "hx-get")
        self.assertNotContains(answer, "http-equiv")
        self.assertContains(answer, "12,345")
        self.assertContains(answer, 'href="/releases/x/"')

    def test_a_job_that_waits_says_so(self) -> None:
        answer = self.client.get(self.page(make_job(self.user, "queued", stages=[])))
        self.assertContains(answer, "waits for a free worker")
        self.assertContains(answer, "The work has not begun")

    def test_an_expected_failure_says_what_to_do(self) -> None:
        answer = self.client.get(
            self.page(make_job(self.user, "failed", finished_at=NOW, error="Free 2 GB and build again."))
        )
        self.assertContains(answer, "It could not be done")
        self.assertContains(answer, "Free 2 GB and build again.")

    def test_a_crash_shows_its_traceback_to_the_staff_alone(self) -> None:
        job = make_job(
            self.user, "failed", finished_at=NOW, error="The job crashed (KeyError).", crash="Traceback: secret"
        )
        answer = self.client.get(self.page(job))
        self.assertContains(answer, "It crashed")
        self.assertNotContains(answer, "Traceback: secret")
        self.client.force_login(make_staff())
        self.assertContains(self.client.get(self.page(job)), "Traceback: secret")

    def test_others_do_not_see_that_there_is_a_job(self) -> None:
        job = make_job(make_user("bob"))
        for name in ("job", "job-live", "job-log", "job-metrics", "job-cancel"):
            self.assertEqual(self.client.get(self.page(job, name)).status_code, 404, name)
        self.assertEqual(self.client.post(self.page(job, "job-cancel")).status_code, 404)
        self.assertEqual(self.client.get(reverse("core:job", args=[uuid.uuid4()])).status_code, 404)

    def test_strangers_are_asked_to_sign_in(self) -> None:
        self.client.logout()
        for name in ("job", "job-live", "job-log", "job-metrics", "job-cancel"):
            self.assertEqual(self.client.get(self.page(make_job(), name)).status_code, 302, name)

    def test_the_log_gives_what_came_after(self) -> None:
        job = make_job(self.user)
        first = JobLogLine.objects.create(job=job, text="one <b>")
        JobLogLine.objects.create(job=job, text="two")
        url = self.page(job, "job-log")
        self.assertContains(self.client.get(url), "one &lt;b&gt;")
        answer = self.client.get(url, {"after": first.pk})
        self.assertNotContains(answer, "one")
        self.assertContains(answer, "two")
        self.assertContains(answer, "hx-get")
        self.assertEqual(self.client.get(url, {"after": "x"}).status_code, 200)
        self.assertEqual(self.client.get(url, {"after": "9" * 40}).status_code, 200)

    def test_figures_are_given_from_a_step_on(self) -> None:
        job = make_job(self.user)
        for step in (1, 2, 3):
            JobMetric.objects.create(job=job, step=step, name="loss", value=9.0 - step)
        url = self.page(job, "job-metrics")
        self.assertEqual(
            self.client.get(url).json(), {"live": True, "series": {"loss": [[1, 8.0], [2, 7.0], [3, 6.0]]}}
        )
        self.assertEqual(self.client.get(url, {"after": 2}).json()["series"], {"loss": [[3, 6.0]]})
        self.assertContains(self.client.get(self.page(job)), "data-curves=")

    def test_the_first_figures_have_the_page_read_anew(self) -> None:
        job = make_job(self.user)
        url = self.page(job, "job-live") + "?curves=0"
        self.assertNotIn("HX-Refresh", self.client.get(url))
        JobMetric.objects.create(job=job, step=1, name="loss", value=9.0)
        self.assertEqual(self.client.get(url)["HX-Refresh"], "true")
        self.assertNotIn("HX-Refresh", self.client.get(self.page(job, "job-live")))

    def test_parts_and_parents_are_linked(self) -> None:
        parent = make_job(self.user)
        child = make_job(self.user, parent=parent)
        self.assertContains(self.client.get(self.page(parent)), self.page(child))
        self.assertContains(self.client.get(self.page(child)), self.page(parent))

    def test_cancelling_asks_first(self) -> None:
        job = make_job(self.user, "queued")
        self.assertContains(self.client.get(self.page(job, "job-cancel")), "nothing is lost")
        self.assertRedirects(self.client.post(self.page(job, "job-cancel")), self.page(job))
        job.refresh_from_db()
        self.assertEqual(job.state, "cancelled")

    def test_cancelling_what_has_ended_is_told_and_changes_nothing(self) -> None:
        job = make_job(self.user, "succeeded", finished_at=NOW)
        self.assertContains(self.client.get(self.page(job, "job-cancel")), "It has ended")
        answer = self.client.post(self.page(job, "job-cancel"), follow=True)
        self.assertContains(answer, "has ended already")
        job.refresh_from_db()
        self.assertEqual(job.state, "succeeded")


class JobListTests(TestCase):
    def test_staff_see_all_and_others_their_own(self) -> None:
        ada, grace = make_user("ada"), make_staff("grace")
        make_job(ada)
        make_job(None)
        self.client.force_login(ada)
        self.assertEqual(self.client.get(reverse("core:jobs")).context["page"].paginator.count, 1)
        self.client.force_login(grace)
        self.assertEqual(self.client.get(reverse("core:jobs")).context["page"].paginator.count, 2)

    def test_it_is_filtered_by_state_and_paged(self) -> None:
        self.client.force_login(make_staff())
        for _ in range(30):
            make_job(None, "succeeded", finished_at=NOW)
        make_job(None, "failed", finished_at=NOW)
        answer = self.client.get(reverse("core:jobs"), {"state": "succeeded", "page": "2"})
        self.assertEqual(len(answer.context["page"]), 5)
        self.assertContains(answer, "?state=succeeded&amp;page=1")
        self.assertEqual(self.client.get(reverse("core:jobs"), {"state": "failed"}).context["page"].paginator.count, 1)
        self.assertEqual(
            self.client.get(reverse("core:jobs"), {"state": "nonsense"}).context["page"].paginator.count, 31
        )
        self.assertContains(self.client.get(reverse("core:jobs"), {"state": "cancelled"}), "No job is cancelled")

    def test_the_number_of_queries_does_not_grow_with_the_rows(self) -> None:
        self.client.force_login(make_staff())
        for number in range(12):
            make_job(make_user(f"user{number}"))
        with self.assertNumQueries(5):  # session, user, count, notices, rows with who asked
            self.client.get(reverse("core:jobs"))

    def test_the_live_fragment_costs_three_queries(self) -> None:
        staff = make_staff()
        self.client.force_login(staff)
        job = make_job(staff)
        with self.assertNumQueries(3):  # session, user, job
            self.client.get(reverse("core:job-live", args=[job.pk]))
