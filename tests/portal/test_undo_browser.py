"""The pages of an undo in a real browser: by keyboard, without scripts, at both widths and in both themes."""

from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import expect

from core import journal
from core.models import Job, JournalLine
from datasets_app.models import UndoBundle
from datasets_app.pipeline.sealing import Sealer
from datasets_app.undoing import _make_key, key_path, path_of
from portal.models import OptOutRequest
from tests.base import DataFolderMixin, make_user
from tests.browser.base import BrowserTestCase
from tests.portal import people


class UndoPages(DataFolderMixin, BrowserTestCase):
    def removed(self, account, *repositories):
        request = people.scheduled(self.ada, account, *repositories)
        OptOutRequest.objects.filter(pk=request.pk).update(
            state="receipted", removed_at=timezone.now() - timedelta(days=3)
        )
        bundle = UndoBundle.objects.create(
            reference=request.reference,
            sealed_at=timezone.now() - timedelta(days=3),
            files=2894,
            repositories=3,
            blobs=2890,
            bytes=18_400_000,
        )
        with Sealer(path_of(bundle), _make_key(bundle.key)) as sealer:
            sealer.write(b"what was erased")
        return request, bundle

    def test_look_undo_and_destroy_without_scripts(self):
        self.ada = make_user("ada")
        people.hold("Django", "django", "asgiref", "channels")
        request, bundle = self.removed("Django", "django", "asgiref", "channels")
        other, _ = self.removed("Beta")
        plain = self.make_context(scripts=False)
        page = plain.new_page()
        self.sign_in("ada", page=page)
        self.sign_in("ada")
        address = f"/requests/{request.reference}/undo"
        self.shoot("undo", address)
        page.goto(f"/requests/{request.reference}/")
        page.get_by_role("link", name="Undo the removal").click()
        page.get_by_role("link", name="Destroy it now").click()
        self.shoot("undo-destroy", f"{address}/destroy")
        page.get_by_role("link", name="Keep it until then").click()
        button = page.get_by_role("button", name="Undo the removal")
        button.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="The removal is being undone")).to_be_visible()
        self.shoot("undo-under-way", address)
        Job.objects.update(
            state="failed", error="The bundle of 2026-11-22 10:04 UTC is not in the data folder. Nothing was changed."
        )
        page.get_by_role("link", name="Look again").click()
        expect(page.get_by_role("heading", name="It could not be undone")).to_be_visible()
        self.shoot("undo-failed", address)
        page.get_by_role("link", name="Destroy it now").click()
        page.get_by_role("button", name="Destroy it now").click()
        expect(page.get_by_role("heading", name="This cannot be undone")).to_be_visible()
        self.assertFalse(path_of(bundle).exists() or key_path(bundle.key).exists())
        self.shoot("undo-impossible", address)
        OptOutRequest.objects.filter(pk=other.pk).update(state="restored")
        self.shoot("undo-done", f"/requests/{other.reference}/undo")
        plain.close()

    def test_a_site_that_is_behind(self):
        JournalLine.objects.create(kind="block")
        journal.flush()
        JournalLine.objects.all().delete()
        journal.forget_answers()
        with self.expect_refusals():
            self.shoot("behind", "/")
