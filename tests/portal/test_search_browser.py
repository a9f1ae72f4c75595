"""Search in a real browser, with and without scripts: pasting, uploading, comparing, downloading; and the exposure matrix."""

from pathlib import Path

from django.urls import reverse
from playwright.sync_api import Page, expect

from datasets_app.models import Owner
from tests.base import make_user
from tests.browser.base import BrowserTestCase
from tests.datasets_app.test_code_lookup import LONG, Indexed
from tests.portal import people


class Search(Indexed, BrowserTestCase):
    def ways(self, page: Page) -> None:
        page.goto("/")
        page.get_by_role("link", name="Paste code").click()
        with self.expect_refusals():
            page.get_by_role("button", name="Look it up").click()
            expect(page.get_by_role("alert")).to_contain_text("There is no code in it")
        page.get_by_label("Code", exact=True).fill(LONG)
        page.get_by_role("button", name="Look it up").click()
        expect(page.get_by_role("heading", name="Yes: this file is in The Stack")).to_be_visible()
        expect(page).to_have_url(self.live_server_url + "/search/code")
        page.get_by_role("button", name="Side by side with beta/long.py").click()
        expect(page.locator("mark", has_text="pace_7")).to_have_count(1)
        page.get_by_role("button", name="Back to all that was found").click()
        expect(page.get_by_role("table")).to_have_count(2)

        page.get_by_label("Or a file").set_input_files(
            {"name": "x.zip", "mimeType": "application/zip", "buffer": b"PK\x03\x04.."}
        )
        with self.expect_refusals():
            page.get_by_role("button", name="Look it up").click()
            expect(page.get_by_role("alert")).to_contain_text("This is a ZIP archive")
        page.get_by_label("Or a file").set_input_files(
            {"name": "x.py", "mimeType": "text/x-python", "buffer": LONG.encode()}
        )
        page.get_by_role("button", name="Look it up").click()
        expect(page.get_by_text("the same, byte by byte")).to_be_visible()

        page.get_by_role("link", name="Many accounts").click()
        page.get_by_label("Names", exact=True).fill("alpha\nnobody\nbeta/tools")
        page.get_by_role("button", name="Look them up").click()
        expect(page.get_by_role("heading", name="2 are in The Stack")).to_be_visible()
        with page.expect_download() as download:
            page.get_by_role("button", name="Download as CSV").click()
        self.assertIn("nobody,not held", Path(download.value.path()).read_text())

    def test_every_way_to_ask(self):
        self.ways(self.page)

    def test_every_way_to_ask_without_scripts(self):
        page = self.make_context(scripts=False).new_page()
        self.ways(page)
        page.context.close()

    def test_pictures(self):
        ada = make_user("ada")
        people.verified(ada, "Alpha")
        owner = Owner.objects.get(login_folded="alpha")
        self.shoot("start", "/")
        self.shoot("search-code", "/search/code")
        self.shoot("search-accounts", "/search/accounts")
        self.shoot("search-yes", "/search?q=beta")
        self.shoot("search-no", "/search?q=bett%D0%B0")
        page = self.open("/search/code")
        page.get_by_label("Code", exact=True).fill(LONG)
        page.get_by_role("button", name="Look it up").click()
        expect(page.get_by_role("table")).to_have_count(1)
        self.picture(page, "search-code-found")
        page.get_by_role("button", name="Side by side").first.click()
        self.picture(page, "search-code-compared")
        page.goto("/search/accounts")
        page.get_by_label("Names", exact=True).fill("alpha\nnobody\nbeta/tools\na\u200bb")
        page.get_by_role("button", name="Look them up").click()
        expect(page.get_by_role("heading", name="Answers")).to_have_count(0)
        self.picture(page, "search-accounts-found")
        self.sign_in("ada")
        self.shoot("exposure", reverse("portal:exposure", args=[owner.pk]))
        self.shoot(
            "exposure-files",
            reverse("portal:exposure-repository", args=[owner.pk, owner.repositories.get(name="one").pk]),
        )
        self.shoot("exposure-accounts", reverse("portal:exposure-accounts"))

    def picture(self, page: Page, name: str) -> None:
        """Pictures of a page as it is now: what was sent cannot be asked for by its address."""
        from tests.browser.base import DESKTOP, PHONE, SHOTS

        for width, size in (("desktop", DESKTOP), ("phone", PHONE)):
            page.set_viewport_size(size)
            for theme in ("light", "dark"):
                page.emulate_media(color_scheme=theme, reduced_motion="reduce")
                page.screenshot(path=SHOTS / f"{name}-{width}-{theme}.png", full_page=True)
                self.assert_no_overflow(page)
        page.set_viewport_size(DESKTOP)
