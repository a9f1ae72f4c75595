"""The pages of curation in a browser: side by side, the funnel, contamination, benchmarks; at both widths, in both themes."""

from pathlib import Path

from django.urls import reverse

from datasets_app.pipeline import clusters
from datasets_app.pipeline.clusters import Filter, Hidden
from tests.browser.base import PHONE, BrowserTestCase
from tests.datasets_app.curated import curated_packages
from tests.datasets_app.floor import FloorMixin

NAME = "the-stack-demo"


class CurationTests(FloorMixin, BrowserTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.ingest(curated_packages())
        self.release = self.publish()
        self.sign_in("grace")

    def at(self, page: str, *arguments: str) -> str:
        return reverse(f"datasets:{page}", args=[NAME, "v1.0", *arguments])

    def test_from_the_release_to_two_texts_side_by_side_and_every_page_fits(self) -> None:
        self.open(self.at("desk-release"))
        self.page.get_by_role("link", name="Near-duplicates").click()
        self.page.get_by_role("link", name="epsilon/sub/near.py").click()
        cells = self.page.locator(".sides__row--changed").first.locator("td.sides__text")
        left, right = (cells.nth(at).bounding_box() for at in range(2))
        assert left and right
        self.assertEqual(left["y"], right["y"])
        self.assertGreater(right["x"], left["x"] + left["width"] - 1)
        self.page.get_by_role("link", name="delta/near.py").click()
        self.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        row = self.page.locator(".sides__row--changed", has=self.page.locator(".sides__text--right .sides__mark")).first
        left, right = (row.locator("td.sides__text").nth(at).bounding_box() for at in range(2))
        assert left and right
        self.assertGreaterEqual(right["y"], left["y"] + left["height"] - 1)
        self.assert_no_overflow()
        blob = clusters.find(self.release.folder, Filter(), Hidden()).rows[0].representative.blob_id
        delta = next(
            one.blob_id
            for one in clusters.cluster(self.release.folder, blob, Hidden()).members  # type: ignore[union-attr]
            if one.owner == "delta"
        )
        self.shoot("curation-clusters", self.at("clusters"))
        self.shoot("curation-cluster", f"{self.at('cluster', blob)}?with={delta}")
        self.shoot("curation-contamination", self.at("contamination"))
        self.shoot("curation-release", self.release.get_absolute_url())
        self.shoot("curation-desk", f"{self.at('desk-release')}?measure=bytes")

    def test_a_benchmark_is_added_without_scripts_after_its_error_is_told(self) -> None:
        context = self.make_context(scripts=False)
        page = context.new_page()
        self.watch(page)
        self.sign_in("grace", page=page)
        page.goto(reverse("datasets:benchmarks"))
        file = Path(self.data) / "tmp" / "mine.jsonl"
        file.parent.mkdir(exist_ok=True)
        file.write_text('{"name": "mine"}\n{"id": 1}\n')
        page.get_by_label("File", exact=True).set_input_files(file)
        page.get_by_role("button", name="Add it").click()
        self.assertIn("Line 2 of the file", page.get_by_role("alert").inner_text())
        file.write_text('{"name": "mine"}\n{"id": "1", "text": "a text that is long enough"}\n')
        page.get_by_label("File", exact=True).set_input_files(file)
        page.get_by_role("button", name="Add it").click()
        page.get_by_text("The benchmark mine is added").wait_for()
        page.goto(reverse("datasets:build"))
        page.get_by_label("Of those ticked below").check()
        page.get_by_label("mine", exact=True).check()
        page.get_by_role("button", name="Build it").click()
        page.wait_for_url("**/v1.1/")
        context.close()
        self.shoot("curation-benchmarks", reverse("datasets:benchmarks"))
        self.shoot("curation-build", reverse("datasets:build"))
