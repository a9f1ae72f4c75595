"""The zoo's pages, its API, its command, its admin."""

import json
import tempfile
from io import StringIO
from pathlib import Path

from django.core.management import CommandError, call_command
from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext

from core.permissions import SYSTEM
from datasets_app.models import BlockEntry
from modelzoo.models import DownloadCount, LicenceAcceptance, LicenceTerms, Revision
from modelzoo.rendering import render_card
from modelzoo.services import tag_revision, withdraw_revision
from modelzoo.storage import object_path
from tests.base import make_staff, make_user
from tests.modelzoo.base import ZooMixin, make_release

MODEL = "/models/fairstack/demo"


class PageTests(ZooMixin, TestCase):
    def test_a_search_without_a_find_says_so(self):
        self.assertContains(self.client.get("/models/?q=nothing-like-this"), "No model of that name")

    def test_the_list_is_searched_and_sorted(self):
        self.publish(name="other", seed=1)
        response = self.client.get("/models/")
        self.assertContains(response, "2 models")
        self.assertContains(response, "Trained on the-stack-demo v1.0")
        self.assertLess(response.content.index(b"fairstack/other"), response.content.index(b"fairstack/demo"))
        response = self.client.get("/models/?sort=name")
        self.assertLess(response.content.index(b"fairstack/demo"), response.content.index(b"fairstack/other"))
        self.assertNotContains(self.client.get("/models/?q=oth"), "fairstack/demo")
        self.assertEqual(self.client.get("/models/?q=%01&page=x&sort=y").status_code, 200)

    def test_sizes_and_downloads_in_the_list_are_the_models_own(self):
        DownloadCount.objects.create(model=self.model, day="2026-01-01", count=3)
        DownloadCount.objects.create(model=self.model, day="2026-01-02", count=4)
        response = self.client.get("/models/?sort=downloads")
        row = response.context["page"].object_list[0]
        self.assertEqual((row.downloads, row.size), (7, self.revision.size))

    def test_the_list_asks_the_database_as_often_for_many_models_as_for_one(self):
        with CaptureQueriesContext(connection) as one:
            self.client.get("/models/")
        for at in range(3):
            self.publish(name=f"more-{at}")
        with self.assertNumQueries(len(one)):
            self.client.get("/models/")

    def test_the_card_stands_on_the_models_page(self):
        response = self.client.get(MODEL)
        self.assertContains(response, "<h2>Intended use</h2>")
        self.assertContains(response, '<th scope="col" class="number">Files</th>')
        self.assertContains(response, f"/fairstack/demo/resolve/{self.revision.sha}/LICENSE")
        self.assertNotContains(response, "style=")
        self.assertContains(response, "Accept the licence")

    def test_every_tab_of_every_state(self):
        BlockEntry.objects.create(kind="owner", keyed="1" * 64)
        second = self.publish(seed=1, release=make_release("v1.1"), base=self.revision)
        tag_revision(SYSTEM, second, "v2")
        withdraw_revision(SYSTEM, self.revision, "It repeats secrets.")
        for tab in ("", "/files", "/data", "/use", "/licence"):
            for rev, words in (
                ("", "Opt-outs since this training"),
                (f"?revision={self.revision.sha}", "It repeats secrets."),
            ):
                with self.subTest(tab + rev):
                    response = self.client.get(f"{MODEL}{tab}{rev}")
                    self.assertEqual(response.status_code, 200)
                    if tab != "/licence":
                        self.assertContains(response, words)
        self.assertContains(self.client.get(f"{MODEL}?revision=v2"), second.sha[:10])

    def test_what_is_not_there_is_404(self):
        for address in (
            "/models/fairstack/none",
            f"{MODEL}?revision=none",
            f"{MODEL}?revision=%01",
            "/models/a/b/licence",
        ):
            with self.subTest(address):
                self.assertEqual(self.client.get(address).status_code, 404)

    def test_files_can_be_downloaded_after_acceptance_and_withdrawn_ones_cannot(self):
        user = make_user()
        self.client.force_login(user)
        address = f"/fairstack/demo/resolve/{self.revision.sha}/model.safetensors"
        self.assertNotContains(self.client.get(f"{MODEL}/files"), address)
        self.accept(user)
        self.assertContains(self.client.get(f"{MODEL}/files"), address)
        withdraw_revision(SYSTEM, self.revision, "Leaked.")
        self.assertNotContains(self.client.get(f"{MODEL}/files"), address)

    def test_the_data_it_saw(self):
        response = self.client.get(f"{MODEL}/data")
        for words in ("12,345", "b" * 64, "Python", "3,456,789", "none had been asked for", "e" * 64):
            self.assertContains(response, words)

    def test_the_release_withdrawn_since_is_said(self):
        type(self.release).objects.update(state="withdrawn", withdrawn_reason="Built again without an owner.")
        self.assertContains(self.client.get(f"{MODEL}/data"), "Built again without an owner.")

    def test_the_commands_name_this_site_and_the_revision_looked_at(self):
        second = self.publish(seed=1)
        response = self.client.get(f"{MODEL}/use")
        self.assertContains(response, "HF_ENDPOINT=http://testserver hf download fairstack/demo<")
        self.assertContains(response, f"/fairstack/demo/resolve/{second.sha}/model.safetensors")
        response = self.client.get(f"{MODEL}/use?revision={self.revision.sha}")
        self.assertContains(response, f"hf download fairstack/demo --revision {self.revision.sha}")

    def test_a_card_whose_bytes_are_lost_does_not_take_the_page_along(self):
        object_path(self.revision.files.get(path="README.md").sha256).unlink()
        self.assertContains(self.client.get(MODEL), "The card cannot be read")


class LicencePageTests(ZooMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.user = make_user()
        self.terms = LicenceTerms.objects.get(version=1)

    def test_the_terms_are_shown_whole_beside_our_summary_to_anybody(self):
        response = self.client.get(f"{MODEL}/licence")
        text = response.content.decode()
        for words in (
            "Attachment A - USE RESTRICTIONS",
            "automated decision making",
            "13. This License Agreement",
            "CC-BY-4.0",
        ):
            self.assertIn(words, text)
        self.assertIn("Give whoever receives it a copy of the licence.", text)
        self.assertIn("/accounts/sign-in/?next=/models/fairstack/demo/licence", text)
        self.assertNotIn("Accept the licence</button>", text)

    def test_accepting_needs_an_account_and_the_box(self):
        response = self.post()
        self.assertRedirects(response, f"/accounts/sign-in/?next={MODEL}/licence", fetch_redirect_response=False)
        self.client.force_login(self.user)
        response = self.post(accept="")
        self.assertContains(response, "Tick the box", status_code=422)
        self.assertEqual(LicenceAcceptance.objects.count(), 0)

    def test_accepting_opens_the_files_and_leads_on(self):
        self.client.force_login(self.user)
        self.assertRedirects(self.post(), MODEL)
        acceptance = LicenceAcceptance.objects.get()
        self.assertEqual((acceptance.user, acceptance.model, acceptance.terms), (self.user, self.model, self.terms))
        self.assertContains(self.client.get(f"{MODEL}/licence"), "You accepted this licence")

    def test_a_form_sent_twice_is_one_acceptance(self):
        self.client.force_login(self.user)
        self.post()
        self.post()
        self.assertEqual(LicenceAcceptance.objects.count(), 1)

    def test_it_leads_on_to_this_site_alone(self):
        self.client.force_login(self.user)
        self.assertRedirects(self.post(next=f"{MODEL}/files"), f"{MODEL}/files")
        self.assertRedirects(self.post(next="https://elsewhere.example/"), MODEL)

    def test_terms_that_are_not_the_newest_are_not_accepted(self):
        self.client.force_login(self.user)
        LicenceTerms.objects.create(
            key=self.terms.key, version=2, title="Second", text="More.", sha256="0" * 64, notice="Ours."
        )
        self.assertRedirects(self.post(), f"{MODEL}/licence")
        self.assertEqual(LicenceAcceptance.objects.count(), 0)
        self.assertContains(self.post(terms="999"), "load the page again", status_code=422)

    def test_new_terms_are_announced_to_those_who_accepted_the_old(self):
        self.client.force_login(self.user)
        self.post()
        LicenceTerms.objects.create(
            key=self.terms.key, version=2, title="Second", text="More.", sha256="0" * 64, notice="Ours."
        )
        self.assertContains(self.client.get(f"{MODEL}/licence"), "The licence has new terms")

    def test_an_acceptance_can_be_withdrawn(self):
        address = f"{MODEL}/licence/withdraw"
        self.assertRedirects(
            self.client.post(address), f"/accounts/sign-in/?next={MODEL}", fetch_redirect_response=False
        )
        self.client.force_login(self.user)
        self.post()
        self.assertContains(self.client.post(address, follow=True), "Your acceptance was withdrawn")
        self.assertContains(self.client.post(address, follow=True), "no acceptance to withdraw")
        self.assertIsNotNone(LicenceAcceptance.objects.get().withdrawn_at)
        self.assertEqual(self.client.get(address).status_code, 405)

    def post(self, **fields: object):
        return self.client.post(f"{MODEL}/licence", {"accept": "on", "terms": self.terms.pk, "next": ""} | fields)


class WithdrawPageTests(ZooMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.address = f"{MODEL}/revisions/{self.revision.sha}/withdraw"

    def test_it_is_for_people_who_may_publish(self):
        self.assertEqual(self.client.get(self.address).status_code, 302)
        self.client.force_login(make_user())
        self.assertEqual(self.client.get(self.address).status_code, 403)
        self.assertNotContains(self.client.get(f"{MODEL}/files"), self.address)

    def test_it_says_what_it_does_and_does_it_once(self):
        self.publish(name="derived", base=self.revision)
        self.client.force_login(make_staff())
        self.assertContains(self.client.get(f"{MODEL}/files"), self.address)
        page = self.client.get(self.address)
        self.assertContains(page, "410 Gone")
        self.assertContains(page, "fairstack/derived@")
        self.assertContains(self.client.post(self.address, {"reason": " "}), "Say why", status_code=422)
        self.assertContains(self.client.post(self.address, {"reason": "Leaked."}, follow=True), "was withdrawn")
        self.assertContains(self.client.post(self.address, {"reason": "Again."}, follow=True), "withdrawn before")
        self.assertEqual(Revision.objects.get(pk=self.revision.pk).withdrawn_reason, "Leaked.")


class EmptyZooTests(TestCase):
    def test_it_says_when_a_model_appears(self):
        self.assertContains(self.client.get("/models/"), "A model appears here when a run")


class RenderingTests(TestCase):
    def test_nothing_in_a_card_becomes_markup_or_script(self):
        html = render_card(
            "---\na: b\n---\n# T\n\n<script>x</script> <b>y</b>\n\n[a](javascript:x) ![i](http://e/x.png) [o](https://e/)\n",
            "/files/",
        )
        self.assertNotIn("<script", html)
        self.assertNotIn("<b>", html)
        self.assertNotIn("<img", html)
        self.assertNotIn('href="javascript', html)
        self.assertIn('rel="nofollow"', html)
        self.assertNotIn("<h1", html)

    def test_code_is_coloured_and_relative_links_are_files(self):
        html = render_card("## U\n\n```python\ndef f(): pass\n```\n\n[L](LICENSE) [top](#u)", "/files/")
        self.assertIn('class="code"', html)
        self.assertIn('<span class="k">def</span>', html)
        self.assertIn('href="/files/LICENSE"', html)
        self.assertIn('href="#u"', html)


class ApiTests(ZooMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.auth = self.bearer(make_user(), ("read", "write"))

    def test_list_and_lineage(self):
        said = self.client.get("/api/zoo/models", **self.auth).json()
        self.assertEqual(said[0]["model"], "fairstack/demo")
        self.assertEqual(said[0]["release"], "the-stack-demo v1.0")
        said = self.client.get("/api/zoo/models/fairstack/demo", **self.auth).json()
        self.assertEqual((said["parameters"], said["opt_outs_since"], said["base"]), (11184, 0, None))
        self.assertIn("model.safetensors", [file["path"] for file in said["files"]])

    def test_what_is_not_there(self):
        for path in ("fairstack/none", "fairstack/demo?revision=none", "fairstack/demo?revision=%01"):
            self.assertEqual(self.client.get(f"/api/zoo/models/{path}", **self.auth).status_code, 404)

    def test_withdrawing(self):
        address = f"/api/zoo/models/fairstack/demo/revisions/{self.revision.sha}/withdraw"
        body = json.dumps({"reason": "Leaked."})
        post = {"data": body, "content_type": "application/json"}
        self.assertEqual(self.client.post(address, **post, **self.auth).status_code, 403)
        staff = self.bearer(make_staff(), ("read", "write"))
        self.assertEqual(self.client.post(address, **post, **staff).json()["withdrawn_reason"], "Leaked.")
        self.assertEqual(self.client.post(address, **post, **staff).status_code, 409)


class CommandTests(TestCase):
    def test_load_licences_takes_a_folder_of_ones_own(self):
        folder = Path(tempfile.mkdtemp())
        with self.assertRaisesMessage(CommandError, "holds no"):
            call_command("load_licences", folder)
        (folder / "ours").mkdir()
        (folder / "ours" / "text").write_text("Be kind.")
        described = {
            "key": "kind-1",
            "title": "The kind licence",
            "versions": [
                {"version": 1, "file": "text", "notice": "Ours.", "address": "", "restrictions": [], "duties": []}
            ],
        }
        (folder / "ours" / "licence.json").write_text(json.dumps(described))
        said = StringIO()
        call_command("load_licences", folder, stdout=said)
        call_command("load_licences", folder, stdout=said)
        self.assertEqual(said.getvalue(), "kind-1 version 1: The kind licence\n1 new.\n0 new.\n")
        self.assertEqual(LicenceTerms.objects.get(key="kind-1").text, "Be kind.")
        (folder / "ours" / "text").write_text("Be very kind.")
        with self.assertRaisesMessage(CommandError, "new version"):
            call_command("load_licences", folder)


class AdminTests(ZooMixin, TestCase):
    def test_rows_are_shown_and_not_changed(self):
        staff = make_staff()
        self.accept(staff)
        self.client.force_login(staff)
        for name in ("zoomodel", "revision", "ref", "licenceterms", "licenceacceptance"):
            with self.subTest(name):
                self.assertEqual(self.client.get(f"/admin/modelzoo/{name}/").status_code, 200)
                self.assertEqual(self.client.get(f"/admin/modelzoo/{name}/add/").status_code, 403)
