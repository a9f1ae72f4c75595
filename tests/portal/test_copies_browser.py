"""The pages of copies in a real browser: the preview before sending, the desk that compares, the requester who reads."""

from django.urls import reverse
from playwright.sync_api import expect

from portal.models import Copy
from portal.services import drafts
from tests.base import make_user
from tests.browser.base import BrowserTestCase
from tests.datasets_app.floor import FloorMixin
from tests.portal.scoping import ask, prove
from tests.portal.test_copies import packages


class CopyPages(FloorMixin, BrowserTestCase):
    def setUp(self) -> None:
        super().setUp()
        assert self.ingest(packages()).state == "succeeded"
        self.publish()
        self.ada = make_user("ada")

    def test_a_reviewer_compares_side_by_side_and_decides_by_keyboard(self) -> None:
        request = prove(ask(self.ada, "Alpha", copies=True))
        self.sign_in("grace")
        where = reverse("portal:desk-copies", args=[request.reference])
        near = Copy.objects.get(ring="B")
        self.shoot("desk-copies", where)
        self.shoot("desk-copies-side-by-side", f"{where}?with={near.pk}")
        self.shoot("desk-request-copies", reverse("portal:desk-request", args=[request.reference]))
        page = self.open(f"{where}?with={near.pk}")
        page.get_by_role("button", name="Block this copy").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_text("1 file is blocked.")).to_be_visible()
        expect(page.get_by_text("1 is not compared yet")).to_be_visible()
        page.get_by_label("beta/clamp.py").check()
        page.get_by_role("button", name="Let the chosen ones stay").click()
        expect(page.get_by_text("All are decided.")).to_be_visible()
        self.assertEqual(set(Copy.objects.values_list("ring", "verdict")), {("A", "leave"), ("B", "block")})

    def test_the_preview_and_the_requesters_page(self) -> None:
        draft = drafts.start(self.ada)
        drafts.set_account(draft, self.ada, "Beta", "gitlab.com")
        drafts.set_scope(draft, self.ada, "account")
        drafts.set_extent(draft, self.ada, copies=True, commits=True)
        self.sign_in("ada")
        self.shoot("opt-out-preview-copies", reverse("portal:opt-out-preview"))
        drafts.discard(draft, self.ada)
        request = prove(ask(self.ada, "Alpha", copies=True))
        self.shoot("request-copies", reverse("portal:request-copies", args=[request.reference]))
