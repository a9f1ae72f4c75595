"""The desk's new pages in a real browser: at both widths, in both themes, without sideways scrolling or console errors."""

from core.jobs import execute_here
from datasets_app.pipeline.recipe import preset
from datasets_app.services import reissues
from tests.browser.base import BrowserTestCase
from tests.datasets_app.floor import FloorMixin


class DeskPages(FloorMixin, BrowserTestCase):
    def test_honouring_comparing_and_reasons_fit_every_screen(self):
        self.published()
        self.opt_out("alpha")
        recipe = preset("demo").to_dict() | {"languages_without": ["C"], "name": "without C"}
        self.build(recipe=recipe)
        self.sign_in("grace")
        desk = "/releases/desk/"
        self.shoot("honour", f"{desk}honour/")
        self.shoot("publish", f"{desk}the-stack-demo/v1.1/publish/")
        compare = f"{desk}compare/?a=v1.0&b=v1.1&before=kept&now=blocked_owner"
        self.shoot("compare", compare)
        self.shoot("decisions", f"{desk}the-stack-demo/v1.1/decisions/?taken=on")
        job = reissues.honour_now(self.staff)
        self.shoot("reissue-pending", f"{desk}the-stack-demo/v1.0/")
        self.assertEqual(execute_here(job).state, "succeeded")
        self.shoot("purge-report", f"/jobs/{job.pk}/")
        self.shoot("reissue", f"{desk}the-stack-demo/v1.0%2Br1/")
        self.shoot("reissue-public", "/releases/the-stack-demo/v1.0+r1/")
        with self.expect_refusals():
            self.shoot("reissue-withdrawn", "/releases/the-stack-demo/v1.0/")
