"""Receipts and the removal feed in a browser."""

from django.urls import reverse

from portal.models import OptOutRequest
from tests.browser.base import BrowserTestCase
from tests.portal.removing import RemovalMixin


class ReceiptPages(RemovalMixin, BrowserTestCase):
    def test_the_owner_reads_and_downloads_and_everybody_learns_how_to_check(self):
        self.published()
        request = self.receipted()
        self.shoot("receipts-how", reverse("portal:receipts"))
        self.shoot("removal-feed", reverse("portal:removals"))
        self.sign_in("ada")
        self.open(request.get_absolute_url())
        self.page.get_by_role("link", name="See the receipt").click()
        self.page.get_by_role("heading", name="Keep this file").wait_for()
        self.shoot("receipt", reverse("portal:receipt", args=[request.reference]))
        with self.page.expect_download() as download:
            self.page.get_by_role("link", name="Download the receipt").click()
        path = self.work_folder() / "receipt.json"
        download.value.save_as(path)
        self.assertIn(request.reference, path.read_text())
        self.assertEqual(OptOutRequest.objects.get(pk=request.pk).state, "receipted")
