"""The zoo in a real browser: from the list to a downloaded file, on both widths and in both themes."""

from core.permissions import SYSTEM
from datasets_app.models import BlockEntry
from modelzoo.services import tag_revision
from tests.base import make_user
from tests.browser.base import BrowserTestCase
from tests.modelzoo.base import ZooMixin, checkpoint, make_release


class ZooBrowserTests(ZooMixin, BrowserTestCase):
    def setUp(self) -> None:
        super().setUp()
        make_user()
        tag_revision(SYSTEM, self.revision, "v1")
        BlockEntry.objects.create(kind="owner", keyed="1" * 64)
        self.publish(name="demo-python", base=self.revision, release=make_release("v1.1", blocklist_position=1))

    def test_pages_fit_on_every_width_in_both_themes(self):
        for name, path in (
            ("zoo-list", "/models/"),
            ("zoo-card", "/models/fairstack/demo"),
            ("zoo-files", "/models/fairstack/demo/files"),
            ("zoo-data", "/models/fairstack/demo-python/data"),
            ("zoo-use", "/models/fairstack/demo/use"),
            ("zoo-licence", "/models/fairstack/demo/licence"),
        ):
            self.shoot(name, path)

    def test_somebody_accepts_the_licence_and_downloads_the_weights(self):
        page = self.open("/models/")
        page.get_by_role("link", name="fairstack/demo", exact=True).click()
        page.get_by_role("link", name="Accept the licence").click()
        page.get_by_role("main").get_by_role("link", name="Sign in").click()
        page.get_by_label("Name").fill("ada")
        page.get_by_label("Password").fill("correct horse battery")
        page.locator("main").get_by_role("button", name="Sign in").click()
        page.get_by_label("I accept the licence agreement").check()
        page.get_by_role("button", name="Accept the licence").click()
        page.get_by_role("link", name="Files", exact=True).click()
        with page.expect_download() as waiting:
            page.get_by_role("link", name="Download model.safetensors").click()
        self.assertEqual(waiting.value.path().read_bytes(), (checkpoint() / "model.safetensors").read_bytes())
        page.goto("/models/fairstack/demo/licence")
        page.get_by_role("button", name="Withdraw my acceptance").click()
        page.get_by_text("The files of fairstack/demo are closed to you").wait_for()
