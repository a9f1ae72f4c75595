"""The ledger's pages in a real browser."""

from django.urls import reverse

from core import ledger
from tests.browser.base import BrowserTestCase


class LedgerPagesTests(BrowserTestCase):
    def setUp(self) -> None:
        super().setUp()
        for number in range(60):
            ledger.append(
                "release published", {"name": "the-stack-demo", "version": f"v1.{number}", "tree_root": "9f" * 32}
            )
        ledger.append_personal("opt-out accepted", {"owner": "github.com/ada"})
        ledger.sequence()

    def test_one_reads_the_ledger_and_follows_an_entry_to_its_proof(self) -> None:
        page = self.open(reverse("core:ledger"))
        page.get_by_text("Show entry 59").click()
        page.get_by_text('"version": "v1.59"').wait_for()
        page.get_by_label("Number of an entry").fill("60")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Entry 60: opt-out accepted").wait_for()
        page.get_by_text("This act was about a person").wait_for()
        page.get_by_role("link", name="Entry 59").click()
        page.get_by_role("heading", name="Entry 59: release published").wait_for()
        page.get_by_role("link", name="The ledger").click()
        with self.expect_refusals():
            page.get_by_label("Number of an entry").fill("999")
            page.get_by_role("button", name="Show it").click()
            page.get_by_text("The numbers go from 0 to 60").wait_for()
        self.shoot("ledger", reverse("core:ledger"))
        self.shoot("ledger-entry", reverse("core:ledger-entry", args=[60]))
        self.shoot("ledger-plain-entry", reverse("core:ledger-entry", args=[3]))
