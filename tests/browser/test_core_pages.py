"""The ground floor's pages in a real browser."""

import re
from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import expect

from core.models import ApiToken, Job, JobLogLine, JobMetric
from tests.base import make_staff, make_user
from tests.browser.base import PHONE, BrowserTestCase


def make_job(user: object, state: str = "running", **fields: object) -> Job:
    """A job in the middle of its third stage, with a log and figures."""
    now = timezone.now()
    at = [(now - timedelta(seconds=seconds)).isoformat() for seconds in (95, 90, 40)]
    job = Job.objects.create(
        kind="runs.train",
        title="Train fairstack/demo on the-stack-demo v1.0",
        queue="gpu",
        state=state,
        requested_by=user,
        attempt=1,
        started_at=now - timedelta(seconds=95),
        heartbeat_at=now,
        stages=[
            {"stage": "tokenizer", "done": 400, "total": 400, "started": at[0], "finished": at[1]},
            {"stage": "token files", "done": 12_204, "total": 12_204, "started": at[1], "finished": at[2]},
            {"stage": "train", "done": 110, "total": 300, "started": at[2], "finished": None},
        ],
        **fields,
    )
    JobLogLine.objects.bulk_create(
        JobLogLine(job=job, text=f"step {step}: loss {9 - step / 40:.3f}") for step in range(0, 110, 5)
    )
    JobMetric.objects.bulk_create(
        JobMetric(job=job, step=step, name=name, value=offset + 6 / (1 + step / 30))
        for step in range(0, 110, 5)
        for name, offset in (("loss", 2.0), ("validation_loss", 2.3))
    )
    return job


class StylePageTests(BrowserTestCase):
    def test_every_component_fits_both_widths_and_themes(self) -> None:
        self.shoot("style", "/style/")

    def test_copy_buttons_appear_with_scripts_alone(self) -> None:
        page = self.open("/style/")
        expect(page.locator("button.copy").first).to_be_visible()
        bare = self.make_context(scripts=False).new_page()
        bare.goto("/style/")
        expect(bare.locator("button.copy").first).to_be_hidden()
        bare.context.close()

    def test_first_tab_stop_skips_to_the_content(self) -> None:
        page = self.open("/style/")
        page.keyboard.press("Tab")
        link = page.locator(".skip-link")
        expect(link).to_be_focused()
        expect(link).to_be_in_viewport()
        page.keyboard.press("Enter")
        expect(page.locator("#main")).to_be_focused()

    def test_the_theme_is_chosen_by_a_form_without_scripts(self) -> None:
        context = self.make_context(scripts=False)
        page = context.new_page()
        page.goto("/style/")
        ground = "getComputedStyle(document.body.parentElement).backgroundColor"
        light = page.evaluate(ground)
        page.locator("summary", has_text="Colours").click()
        page.get_by_role("button", name="Dark").click()
        self.assertNotEqual(page.evaluate(ground), light)
        self.assertTrue(page.url.endswith("/style/"))
        page.locator("summary", has_text="Colours").click()
        page.get_by_role("button", name="As the device").click()
        self.assertEqual(page.evaluate(ground), light)
        context.close()

    def test_escape_closes_a_menu_and_gives_the_focus_back(self) -> None:
        page = self.open("/style/")
        summary = page.locator("summary", has_text="Colours")
        summary.click()
        expect(page.get_by_role("button", name="Dark")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("button", name="Dark")).to_be_hidden()
        expect(summary).to_be_focused()


class AccountTests(BrowserTestCase):
    def test_sign_up_sign_out_sign_in(self) -> None:
        page = self.open("/accounts/sign-up/")
        page.get_by_label("Name").fill("ada")
        page.get_by_label("Password", exact=True).fill("analytical engine 1843")
        page.get_by_label("The password again").fill("analytical engine 1843")
        page.get_by_role("button", name="Make the account").click()
        expect(page.locator(".notice--success")).to_contain_text("Welcome, ada")
        page.locator("summary", has_text="Your account").click()
        page.get_by_role("button", name="Sign out").click()
        self.sign_in("ada", "analytical engine 1843")
        page.goto("/accounts/")
        expect(page.get_by_role("heading", level=1)).to_have_text("Your account")

    def test_errors_stand_on_top_and_lead_to_their_fields(self) -> None:
        page = self.open("/accounts/sign-up/")
        page.get_by_role("button", name="Make the account").click()
        summary = page.locator(".error-summary")
        expect(summary).to_be_focused()
        summary.get_by_role("link").first.click()
        expect(page.get_by_label("Name")).to_be_focused()
        self.shoot("sign-up", "/accounts/sign-up/")

    def test_sign_in_fits_both_widths_and_themes(self) -> None:
        self.shoot("sign-in", "/accounts/sign-in/?next=/jobs/")


class TokenTests(BrowserTestCase):
    def test_a_token_is_shown_once_listed_and_revoked(self) -> None:
        make_user("ada")
        self.sign_in("ada")
        page = self.open("/accounts/tokens/")
        page.get_by_label("Name").fill("laptop")
        page.get_by_role("button", name="Make the token").click()
        plain = page.get_by_label("The new token").input_value()
        self.assertRegex(plain, r"^hf_[A-Za-z0-9]{34}$")
        expect(page.get_by_role("button", name="Copy the token")).to_be_visible()
        self.shoot("tokens", "/accounts/tokens/")
        page.goto("/accounts/tokens/")
        self.assertNotIn(plain, page.content())
        page.get_by_role("link", name="Revoke laptop").click()
        page.get_by_role("button", name="Revoke it").click()
        expect(page.locator(".notice--success")).to_contain_text("was revoked")
        self.assertIsNotNone(ApiToken.objects.get().revoked_at)


class JobPageTests(BrowserTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.staff = make_staff("grace")
        self.sign_in("grace")

    def test_a_running_job_is_followed_live(self) -> None:
        job = make_job(self.staff)
        page = self.open(f"/jobs/{job.pk}/")
        expect(page.locator(".steps")).to_contain_text("110 of 300")
        expect(page.locator(".curves canvas")).to_be_visible()
        job.stages[-1]["done"] = 250
        Job.objects.filter(pk=job.pk).update(stages=job.stages)
        JobLogLine.objects.create(job=job, text="checkpoint 250 written")
        expect(page.locator(".steps")).to_contain_text("250 of 300")
        expect(page.locator(".log")).to_contain_text("checkpoint 250 written")
        self.shoot("job", f"/jobs/{job.pk}/")
        Job.objects.filter(pk=job.pk).update(state="succeeded", finished_at=timezone.now())
        expect(page.locator("#job-live")).to_contain_text("Succeeded")
        expect(page.locator("#job-live")).not_to_have_attribute("hx-get", re.compile("."))

    def test_the_first_figures_bring_the_curves(self) -> None:
        job = Job.objects.create(
            kind="runs.train", title="Train", state="running", requested_by=self.staff, started_at=timezone.now()
        )
        page = self.open(f"/jobs/{job.pk}/")
        expect(page.locator(".curves")).to_have_count(0)
        JobMetric.objects.create(job=job, step=1, name="loss", value=9.1)
        JobMetric.objects.create(job=job, step=2, name="loss", value=8.1)
        expect(page.locator(".curves canvas")).to_be_visible()

    def test_cancelling_asks_first(self) -> None:
        job = make_job(self.staff)
        page = self.open(f"/jobs/{job.pk}/")
        page.get_by_role("link", name="Cancel the job").click()
        page.get_by_role("button", name="Cancel the job").click()
        expect(page.locator("#job-live")).to_contain_text("Cancelling")

    def test_without_scripts_there_is_a_picture_a_table_and_a_refresh(self) -> None:
        job = make_job(self.staff)
        context = self.make_context(scripts=False, size=PHONE)
        context.add_cookies(self.context.storage_state()["cookies"])  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(f"/jobs/{job.pk}/")
        expect(page.locator(".curves__svg")).to_be_visible()
        page.locator("summary", has_text="as a table").click()
        expect(page.locator(".curves table")).to_be_visible()
        expect(page.locator('meta[http-equiv="refresh"]')).to_have_count(1)
        self.assert_no_overflow(page)
        context.close()

    def test_failures_and_crashes_look_different(self) -> None:
        job = make_job(
            self.staff, "failed", error="The disk is full: 1.2 GB are needed. Free some space and build again."
        )
        self.shoot("job-failed", f"/jobs/{job.pk}/")
        page = self.open(f"/jobs/{job.pk}/")
        expect(page.get_by_role("alert")).to_contain_text("It could not be done")
        Job.objects.filter(pk=job.pk).update(error="The job crashed (KeyError).", crash="Traceback: KeyError")
        page.reload()
        expect(page.get_by_role("alert")).to_contain_text("It crashed")

    def test_the_list_fits_both_widths_and_themes(self) -> None:
        for state in ("queued", "running", "succeeded", "failed", "cancelled"):
            make_job(self.staff, state)
        self.shoot("jobs", "/jobs/")


class ErrorPageTests(BrowserTestCase):
    def test_what_is_not_there_is_told_with_a_way_on(self) -> None:
        with self.expect_refusals():
            self.shoot("not-found", "/nothing/here/")
            page = self.open("/nothing/here/")
            expect(page.get_by_role("heading", level=1)).to_have_text("There is nothing at this address")
