"""The pages of sources in a real browser, at both widths: from the choice of a kind to what was left out."""

import shutil
import tempfile
from pathlib import Path

from django.test import override_settings
from playwright.sync_api import expect

from core.jobs import execute_here
from core.models import Job
from tests.base import DataFolderMixin, make_staff
from tests.browser.base import BrowserTestCase
from tests.pipeline.git_repos import LFS, Repository


class SourcePages(DataFolderMixin, BrowserTestCase):
    def test_a_source_is_added_read_and_looked_at(self):
        given = Path(tempfile.mkdtemp(prefix="fairstack-given-"))
        self.addCleanup(shutil.rmtree, given, ignore_errors=True)
        repository = Repository(given / "ada" / "tools")
        repository.commit({"a.py": "a = 1\n", "data.csv": LFS, "empty.py": ""})
        make_staff()
        self.sign_in("grace")
        with override_settings(FAIRSTACK_SOURCE_ROOTS=[str(given)]), self.expect_refusals():
            page = self.open("/releases/desk/")
            page.get_by_role("link", name="Add a source").click()
            self.shoot("source-kinds", page.url)
            page.get_by_role("link", name="A folder of git repositories").click()
            page.get_by_label("Name", exact=True).fill("mirror")
            page.get_by_label("Folder", exact=True).fill("/etc")
            page.get_by_role("button", name="Add it").click()
            expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
            expect(page.get_by_label("Folder", exact=True)).to_have_value("/etc")
            page.get_by_label("Folder", exact=True).fill(str(given))
            self.shoot("source-form", page.url)
            page.get_by_role("button", name="Add it").click()
            expect(page.get_by_role("heading", name="Not read yet")).to_be_visible()
            page.get_by_role("button", name="Read it now").click()
            page.wait_for_url("**/jobs/**")
            self.assertEqual(execute_here(Job.objects.get()).state, "succeeded")
            page = self.open("/releases/desk/sources/of/mirror/")
            expect(page.get_by_text("It is a pointer of Git LFS")).to_be_visible()
            self.shoot("source", page.url)
