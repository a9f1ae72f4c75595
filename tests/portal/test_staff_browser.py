"""The pages of roles, the audit trail, transparency and training content in a browser, at both widths, in both themes."""

from datetime import UTC, datetime

from django.contrib.auth.models import Group
from django.urls import reverse
from playwright.sync_api import expect

from core import audit, ledger, roles
from core.permissions import SYSTEM
from tests.base import make_user
from tests.browser.base import BrowserTestCase
from tests.core.test_roles import make_with
from tests.datasets_app.floor import FloorMixin
from tests.portal.test_transparency import finished


class StaffPages(BrowserTestCase):
    def test_an_administrator_gives_a_role_without_scripts_and_finds_it_in_the_trail(self) -> None:
        make_with("rosa", "administrator")
        ada = make_user("ada")
        context = self.make_context(scripts=False)
        page = context.new_page()
        self.watch(page)
        self.sign_in("rosa", page=page)
        page.goto("/accounts/roles/")
        page.get_by_label("Name of an account").fill("ada")
        page.get_by_role("button", name="Find it").click()
        page.get_by_role("button", name="Give Reviewer").click()
        expect(page.get_by_text("ada is now reviewer.")).to_be_visible()
        self.assertTrue(ada.groups.filter(name="reviewer").exists())
        page.goto("/audit/?action=give+role")
        expect(page.get_by_role("cell", name="rosa", exact=True)).to_be_visible()
        context.close()
        self.sign_in("rosa")
        for number in range(60):
            audit.record_named(SYSTEM, "expire request", "portal.optoutrequest", str(number), state="expired")
        roles.give(SYSTEM, make_user("cleo"), "curator")
        self.shoot("roles", "/accounts/roles/")
        self.shoot("person", reverse("core:person", args=[ada.pk]))
        self.shoot("audit", "/audit/")

    def test_transparency_with_a_year_behind_it(self) -> None:
        ada = make_user("ada")
        for month in range(1, 12):
            for day in range(5 + month % 4):
                late = month in (3, 8) and day == 0
                finished(ada, datetime(2026, month, 2 + day, tzinfo=UTC), 4 + day + month / 3, late=late)
        ledger.append("release published", {"name": "the-stack-demo", "version": "v1.0"})
        ledger.sequence()
        self.shoot("transparency-year", "/transparency/")
        for slug in ("policies-decisions", "policies-opt-out", "policies-privacy", "policies-retention", "roles"):
            self.shoot(slug, f"/docs/{slug}")

    def test_who_asks_too_often_is_told_when_to_come_back(self) -> None:
        with self.settings(FAIRSTACK_LIMITS={"sign-in.network": "1/hour"}, REDIS_URL=""), self.expect_refusals():
            page = self.open("/accounts/sign-in/")
            for _ in range(2):
                page.get_by_label("Name").fill("ada")
                page.get_by_label("Password").fill("wrong")
                page.get_by_role("main").get_by_role("button", name="Sign in").click()
            expect(page.get_by_role("heading", level=1)).to_have_text("That was too often")
            self.assert_no_overflow()
            page.screenshot(path="tests/browser/shots/too-often.png", full_page=True)


class Cards(FloorMixin, BrowserTestCase):
    def test_training_content_is_reached_from_the_release(self) -> None:
        Group.objects.get(name="auditor")
        release = self.published()
        page = self.open(release.get_absolute_url())
        page.get_by_role("link", name="summary of training content").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Training content")
        self.shoot("training-content", page.url)
