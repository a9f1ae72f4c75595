"""The pages of runs: what everybody sees, what only some see, and the way from the form to the run."""

import re
from typing import Any

from django.test import TestCase
from django.urls import reverse

from core.models import Job, JobLogLine, JobMetric
from tests.base import make_staff, make_user
from tests.training_jobs.rows import make_release, make_revision, make_run
from tests.training_jobs.test_launch import engineer
from training_jobs import curves
from training_jobs.models import Run


class PageTests(TestCase):
    def setUp(self) -> None:
        self.release = make_release()

    def finished(self, name: str = "coder") -> Run:
        run = make_run(self.release, engineer(f"maker-{name}"), name, "succeeded")
        run.revision = make_revision(self.release, name)
        run.summary = {
            "steps": 20,
            "tokens": 5120,
            "loss": 4.5,
            "validation_loss": 4.321,
            "unigram_entropy": 5.1,
            "wall_seconds": 2.5,
            "parameters": 41_792,
            "device": "cpu",
            "threads": 2,
            "epochs": 0,
            "versions": {"torch": "2.13.0"},
            "token_file": {
                "digest": "d" * 64,
                "documents": 90,
                "tokens": 80_000,
                "text_bytes": 300_000,
                "release_documents": 120,
                "release_bytes": 2_000_000,
            },
        }
        run.save()
        JobMetric.objects.bulk_create(
            JobMetric(job=run.job, step=step, name=name, value=6 - step / 10)
            for step in range(2, 21, 2)
            for name in ("loss", "lr", "grad_norm", "tokens_per_second")
        )
        JobLogLine.objects.create(job=run.job, text="step 10: writing a checkpoint")
        return run

    def test_the_list_shows_public_facts_and_the_button_to_those_who_may(self) -> None:
        self.assertContains(self.client.get(reverse("runs:runs")), "No runs yet")
        run = self.finished()
        running = make_run(self.release, name="young", state="running")
        JobMetric.objects.create(job=running.job, step=3, name="loss", value=5.678)
        page = self.client.get(reverse("runs:runs"))
        for text in (
            "fairstack/coder",
            "the-stack-demo v1.0",
            "Succeeded",
            "4.321",
            "fairstack/young",
            "Running",
            "5.678",
        ):
            self.assertContains(page, text)
        self.assertNotContains(page, reverse("runs:launch"))
        self.assertNotContains(page, run.created_by.username)
        self.client.force_login(engineer())
        self.assertContains(self.client.get(reverse("runs:runs")), reverse("runs:launch"))

    def test_the_page_of_a_finished_run_tells_everybody_its_data_curve_and_model(self) -> None:
        run = self.finished()
        page = self.client.get(run.get_absolute_url())
        for text in (
            "4.321",
            "5,120",
            "41,792",
            "80,000 tokens",
            "90 of 120 files",
            self.release.digest_logical,
            "2.13.0",
        ):
            self.assertContains(page, text)
        self.assertContains(page, run.revision.model.get_absolute_url())
        self.assertContains(page, self.release.get_absolute_url())
        self.assertContains(page, "<polyline", count=4)
        self.assertContains(page, "Python")
        for secret in (
            "writing a checkpoint",
            run.created_by.username,
            reverse("core:job", args=[run.job_id]),
            "Cancel",
        ):
            self.assertNotContains(page, secret)

    def test_who_launched_it_and_the_staff_see_the_log_and_may_cancel(self) -> None:
        run = make_run(self.release, engineer(), state="running")
        JobLogLine.objects.create(job=run.job, text="a line of the log")
        for user, sees in (
            (make_user(), False),
            (engineer("barbara"), False),
            (run.created_by, True),
            (make_staff(), True),
        ):
            with self.subTest(user):
                self.client.force_login(user)
                page = self.client.get(run.get_absolute_url()).content.decode()
                self.assertEqual("a line of the log" in page, sees)
                self.assertEqual(reverse("runs:cancel", args=[run.pk]) in page, sees)
                answer = self.client.get(reverse("runs:cancel", args=[run.pk]))
                self.assertEqual(answer.status_code, 200 if sees else 403)

    def test_an_error_is_told_to_who_launched_it_alone(self) -> None:
        run = make_run(self.release, engineer(), state="failed")
        Job.objects.filter(pk=run.job_id).update(error="the disk of /somewhere is full")
        self.assertNotContains(self.client.get(run.get_absolute_url()), "/somewhere")
        self.client.force_login(run.created_by)
        page = self.client.get(run.get_absolute_url())
        self.assertContains(page, "the disk of /somewhere is full")
        self.assertContains(page, "Take it up again")

    def test_the_live_part_asks_again_while_the_run_is_active_and_then_reads_the_page_anew(self) -> None:
        run = make_run(self.release, state="running")
        Job.objects.filter(pk=run.job_id).update(
            stages=[
                {"stage": "training", "done": 7, "total": 20, "started": "2026-01-01T00:00:00+00:00", "finished": None}
            ]
        )
        address = reverse("runs:live", args=[run.pk])
        answer = self.client.get(address)
        self.assertContains(answer, "7 of 20")
        self.assertContains(answer, f'hx-get="{address}"')
        self.assertNotIn("HX-Refresh", answer)
        Job.objects.filter(pk=run.job_id).update(state="succeeded")
        answer = self.client.get(address)
        self.assertNotContains(answer, "hx-get")
        self.assertEqual(answer["HX-Refresh"], "true")

    def test_metrics_come_as_series_from_a_step_on_and_thinned(self) -> None:
        run = make_run(self.release, state="running")
        JobMetric.objects.bulk_create(
            JobMetric(job=run.job, step=step, name=name, value=step / 2)
            for step in range(5000)
            for name in ("loss", "lr")
        )
        address = reverse("runs:metrics", args=[run.pk])
        whole = self.client.get(address).json()
        self.assertEqual((whole["live"], list(whole["series"])), (True, ["loss", "lr"]))
        loss = whole["series"]["loss"]
        self.assertEqual((len(loss), loss[0], loss[-1]), (curves.MOST_POINTS, [0, 0], [4999, 2499.5]))
        after = self.client.get(address, {"after": "4997", "of": "loss"}).json()["series"]
        self.assertEqual(after, {"loss": [[4998, 2499.0], [4999, 2499.5]]})
        self.assertEqual(self.client.get(reverse("runs:metrics", args=[999])).status_code, 404)

    def test_the_number_of_queries_does_not_grow_with_the_runs(self) -> None:
        self.finished("one")
        with self.assertNumQueries(2):
            self.client.get(reverse("runs:runs"))
        for name in ("two", "three", "four"):
            run = self.finished(name)
        with self.assertNumQueries(2):
            self.client.get(reverse("runs:runs"))
        with self.assertNumQueries(2):
            self.client.get(run.get_absolute_url())
        with self.assertNumQueries(1):
            self.client.get(reverse("runs:live", args=[run.pk]))


class LaunchPageTests(TestCase):
    def setUp(self) -> None:
        self.release = make_release()
        self.user = engineer()
        self.client.force_login(self.user)
        self.address = reverse("runs:launch")

    def filled(self, **changes: Any) -> dict[str, Any]:
        page = self.client.get(self.address).content.decode()
        token = re.search(r'name="request_token" value="(\w+)"', page)
        assert token
        given = {
            "release": "the-stack-demo:v1.0",
            "base": "",
            "preset": "tiny",
            "model_name": "coder",
            "request_token": token[1],
        }
        return given | changes

    def test_only_those_who_may_see_the_form(self) -> None:
        self.client.logout()
        self.assertRedirects(self.client.get(self.address), f"{reverse('core:sign-in')}?next={self.address}")
        self.client.force_login(make_user())
        self.assertEqual(self.client.get(self.address).status_code, 403)
        self.assertEqual(self.client.post(self.address, {"step": "start"}).status_code, 403)

    def test_from_the_form_by_what_it_will_do_to_the_run_and_sending_twice_makes_one(self) -> None:
        filled = self.filled(steps="7", lr="0.0005")
        check = self.client.post(self.address, filled | {"step": "check"})
        for text in ("What this run will do", "41,792", "1,792", "after 7 steps", "0.0005", "Nothing has started yet"):
            self.assertContains(check, text)
        self.assertFalse(Run.objects.exists())
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', check.content.decode()))
        first = self.client.post(self.address, hidden | {"step": "start"})
        run = Run.objects.get()
        self.assertRedirects(first, run.get_absolute_url())
        self.assertEqual((run.config["steps"], run.config["lr"], run.created_by), (7, 0.0005, self.user))
        again = self.client.post(self.address, hidden | {"step": "start"})
        self.assertRedirects(again, run.get_absolute_url())
        self.assertEqual((Run.objects.count(), Job.objects.count()), (1, 1))

    def test_changing_something_keeps_what_was_filled_in(self) -> None:
        page = self.client.post(self.address, self.filled(model_name="mine", steps="9") | {"step": "change"})
        self.assertContains(page, 'value="mine"')
        self.assertContains(page, 'value="9"')
        self.assertNotContains(page, "There is a problem")

    def test_what_is_wrong_stands_beside_its_field(self) -> None:
        wrong = [
            ({"model_name": "no/way"}, "model_name", "cannot be part of a model"),
            ({"lr": "-1"}, "lr", "must be a finite number above 0"),
            ({"steps": "0"}, "steps", "greater than or equal to 1"),
            ({"release": "the-stack-demo:v9.9"}, "release", "not one of the available choices"),
            ({"preset": "huge"}, "preset", "not one of the available choices"),
        ]
        for changes, field, text in wrong:
            with self.subTest(changes):
                page = self.client.post(self.address, self.filled(**changes) | {"step": "start"})
                self.assertContains(page, "There is a problem")
                self.assertIn(text, str(page.context["form"].errors[field]))
        self.assertFalse(Run.objects.exists())

    def test_releases_that_may_not_be_used_are_not_offered_and_the_page_says_why(self) -> None:
        make_release("v0.9", "withdrawn")
        make_release("v1.1", "built")
        page = self.client.get(self.address)
        self.assertContains(page, "the-stack-demo v1.0")
        self.assertNotContains(page, "v0.9")
        self.assertNotContains(page, "v1.1")
        type(self.release).objects.update(state="withdrawn")
        self.assertContains(self.client.get(self.address), "There is no release to train on")

    def test_a_fine_tune_is_filled_in_from_the_address_and_says_what_it_starts_from(self) -> None:
        base = make_revision(self.release)
        page = self.client.get(self.address, {"base": "fairstack/old-coder", "release": "the-stack-demo:v1.0"})
        key = f"fairstack/old-coder@{base.sha}"
        self.assertContains(page, f'<option value="{key}" selected>')
        check = self.client.post(
            self.address, self.filled(base=key, model_name="old-coder", seconds="30") | {"step": "check"}
        )
        for text in (
            "Fine-tune fairstack/old-coder",
            "is in the zoo already",
            "as many as fit",
            "30 s",
            "sequences of 48",
        ):
            self.assertContains(check, text)
        self.client.post(self.address, self.filled(base=key) | {"step": "start"})
        self.assertEqual(Run.objects.get().base, base)

    def test_cancel_asks_first_and_going_on_takes_it_up_again(self) -> None:
        run = make_run(self.release, self.user)
        address = reverse("runs:cancel", args=[run.pk])
        self.assertContains(self.client.get(address), "Cancel run")
        page = self.client.post(address, follow=True)
        self.assertContains(page, "It was cancelled")
        self.assertContains(self.client.get(address), "It has ended already")
        self.assertContains(self.client.post(address, follow=True), "ended already")
        self.client.post(reverse("runs:go-on", args=[run.pk]))
        run = Run.objects.select_related("job").get(pk=run.pk)
        self.assertEqual(run.state, "queued")
        page = self.client.post(reverse("runs:go-on", args=[run.pk]), follow=True)
        self.assertContains(page, "only a cancelled or failed one can go on")
