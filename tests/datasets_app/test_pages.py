"""Pages below /releases/: what the public sees, what vanishes, and what curators do, also when a form is sent twice."""

import re
from unittest.mock import patch

from django.contrib.auth.models import Permission
from django.test import TestCase, override_settings
from django.urls import reverse

from core import jobs
from core.jobs import execute_here
from core.models import Job, User
from datasets_app import browsing
from datasets_app.models import Holding, Release, Repository
from datasets_app.services import blocklist, masks, releases
from tests.base import make_user
from tests.datasets_app.floor import FloorMixin


class PublicPages(FloorMixin, TestCase):
    def setUp(self):
        super().setUp()
        self.release = self.published()
        self.base = "/releases/the-stack-demo/v1.0/"

    def files(self, query: str = "") -> str:
        response = self.client.get(f"{self.base}files/{query}")
        self.assertEqual(response.status_code, 200)
        return response.content.decode()

    def file_address(self, name: str = "one", path: str = "alpha_one/only.py") -> str:
        repository = Repository.objects.get(name=name)
        return reverse("datasets:file", args=["the-stack-demo", "v1.0", repository.pk, path])

    def test_the_list_shows_published_and_withdrawn_releases_only(self):
        self.build()
        page = self.client.get("/releases/").content.decode()
        self.assertIn("the-stack-demo v1.0", page)
        self.assertNotIn("v1.1", page)

    def test_the_list_is_empty_before_the_first_release(self):
        Release.objects.all().delete()
        self.assertContains(self.client.get("/releases/"), "No releases yet")

    def test_the_release_page_shows_bars_funnel_digests_and_how_to_read_it(self):
        response = self.client.get(self.base)
        for text in (
            "Python",
            "JavaScript",
            "MIT",
            self.release.digest_bytes,
            self.release.tree_root,
            "position 0",
            "read_parquet",
        ):
            self.assertContains(response, text)
        self.assertContains(response, "Under a licence that is not permissive")
        self.assertContains(response, "<svg")

    def test_the_public_funnel_has_no_reason_of_an_opt_out_and_the_desk_has(self):
        self.opt_out("alpha", "two")
        second = self.publish()
        public = self.client.get(second.get_absolute_url()).content.decode()
        self.assertNotIn("block-list<", public)
        self.assertNotIn("repository is on the block-list", public)
        self.assertIn("Not eligible", public)
        self.client.force_login(self.staff)
        desk = self.client.get(reverse("datasets:desk-release", args=["the-stack-demo", "v1.1"])).content.decode()
        self.assertIn("the repository is on the block-list", desk)
        self.assertIn("Beside v1.0", desk)

    def test_the_address_narrows_the_files(self):
        everything = self.files()
        self.assertIn("alpha_one/only.py", everything)
        self.assertIn("beta/scale.c", everything)
        self.assertNotIn("gamma/core.py", everything)
        only_c = self.files("?language=C")
        self.assertIn("beta/scale.c", only_c)
        self.assertNotIn("alpha_one/only.py", only_c)
        self.assertNotIn("beta/", self.files("?owner=ALPHA"))
        self.assertNotIn("alpha_one", self.files("?owner=alpha&repository=two"))
        self.assertIn("alpha_two", self.files("?repository=Two"))
        self.assertIn("No file matches", self.files("?owner=nobody"))
        self.assertIn("No file matches", self.files("?language=Cobol"))

    def test_files_come_in_pages(self):
        total = self.release.files
        with patch.object(browsing, "PAGE", 2):
            first, second = self.files(), self.files("?page=2")
        self.assertIn("page=2", first)
        self.assertNotEqual(first, second)
        seen = [
            row["path"]
            for offset in range(0, total, 2)
            for row in browsing.list_files(self.release, browsing.FileFilter(), offset, 2).rows
        ]
        self.assertEqual((len(seen), len(set(seen))), (total, total))
        self.assertEqual(self.client.get(f"{self.base}files/?page=999999999").status_code, 200)
        self.assertEqual(self.client.get(f"{self.base}files/?page=x").status_code, 200)

    def test_a_file_is_shown_with_colours_licence_and_copies(self):
        response = self.client.get(self.file_address())
        self.assertContains(response, "zq4w-alpha-one-only-zq4w")
        self.assertContains(response, 'class="k"')
        self.assertContains(response, "MIT")
        shared = browsing.list_files(self.release, browsing.FileFilter(), 0).rows
        copied = next(row for row in shared if row["copies"])
        page = self.client.get(
            reverse("datasets:file", args=["the-stack-demo", "v1.0", copied["repository_id"], copied["path"]])
        )
        self.assertContains(page, "1 other file")

    def test_a_file_that_is_not_there_is_missing(self):
        for address in (self.file_address(path="alpha_one/none.py"), self.file_address("gamma", "gamma/core.py")):
            self.assertEqual(self.client.get(address).status_code, 404)

    def test_a_mask_takes_files_from_lists_views_and_figures_of_owners_at_once(self):
        before = browsing.list_files(self.release, browsing.FileFilter(), 0)
        owner = Repository.objects.get(name="one").owner
        hidden = sum(Holding.objects.filter(owner=owner).values_list("files", flat=True))
        masks.mask(self.staff, owner, reference="R")
        self.assertEqual(self.client.get(self.file_address()).status_code, 404)
        self.assertNotIn("alpha", self.files().lower())
        self.assertNotIn("alpha", self.client.get(self.base).content.decode().lower())
        after = browsing.list_files(self.release, browsing.FileFilter(), 0)
        self.assertEqual((after.total, len(after.rows)), (before.total - hidden, before.total - hidden))
        python = browsing.list_files(self.release, browsing.FileFilter("Python"), 0)
        self.assertEqual(python.total, len(python.rows))
        # The same page as for an account that was never there, the name in the field apart.
        masked, never = self.files("?owner=alpha"), self.files("?owner=nobody")
        token = re.compile(r'name="csrfmiddlewaretoken" value="\w+"')
        self.assertEqual(token.sub("", masked.replace("alpha", "nobody")), token.sub("", never))
        masks.unmask(self.staff, "R")
        self.assertEqual(self.client.get(self.file_address()).status_code, 200)

    def test_the_bytes_can_be_downloaded_by_the_names_of_the_manifest(self):
        import io

        import pyarrow.parquet as pq

        response = self.client.get(f"{self.base}data/Python/part-00000.parquet")
        rows = pq.read_table(io.BytesIO(b"".join(response.streaming_content)))
        self.assertIn("alpha_one/only.py", rows["path"].to_pylist())
        self.assertEqual(self.client.get(f"{self.base}manifest.json").status_code, 200)
        self.assertEqual(self.client.get(f"{self.base}data/Python/part-99999.parquet").status_code, 404)
        self.assertEqual(self.client.get(f"{self.base}../../x").status_code, 404)

    def test_a_withdrawn_release_answers_410_with_the_reason_everywhere(self):
        address = self.file_address()
        execute_here(releases.withdraw(self.release, self.staff, "A licence was wrong."))
        for where in (
            self.base,
            f"{self.base}files/",
            address,
            f"{self.base}manifest.json",
            f"{self.base}data/Python/part-00000.parquet",
        ):
            response = self.client.get(where)
            self.assertContains(response, "A licence was wrong.", status_code=410)
        self.assertContains(self.client.get("/releases/"), "Withdrawn")

    def test_what_is_not_published_is_missing_to_the_public_and_shown_to_curators(self):
        built = self.build()
        for where in (built.get_absolute_url(), f"{built.get_absolute_url()}files/"):
            self.assertEqual(self.client.get(where).status_code, 404)
        self.client.force_login(self.staff)
        self.assertContains(self.client.get(built.get_absolute_url()), "Only curators see this page")

    def test_lists_take_as_many_queries_for_many_rows_as_for_few(self):
        with self.assertNumQueries(2):
            self.client.get("/releases/")
        with self.assertNumQueries(4):
            self.client.get(f"{self.base}files/")
        for number in range(30):
            Release.objects.create(
                name="other", version=f"v1.{number}", state="published", published_at="2026-01-01T00:00Z"
            )
        with self.assertNumQueries(2):
            self.client.get("/releases/")


class Desk(FloorMixin, TestCase):
    def setUp(self):
        super().setUp()
        self.client.force_login(self.staff)

    def at(self, name: str, version: str = "v1.0") -> str:
        return reverse(f"datasets:{name}", args=["the-stack-demo", version])

    def test_strangers_are_asked_to_sign_in_and_others_are_refused(self):
        self.client.logout()
        self.assertRedirects(
            self.client.get("/releases/desk/"), "/accounts/sign-in/?next=/releases/desk/", fetch_redirect_response=False
        )
        self.client.force_login(make_user())
        for where in ("/releases/desk/", "/releases/desk/build/", self.at("publish"), self.at("desk-release")):
            self.assertEqual(self.client.get(where).status_code, 403)
        self.assertEqual(self.client.post(self.at("approve")).status_code, 403)

    def test_one_permission_opens_the_desk_but_no_other_act(self):
        ingester = make_user("ida")
        ingester.user_permissions.add(Permission.objects.get(codename="ingest_source"))
        self.client.force_login(User.objects.get(pk=ingester.pk))
        self.assertEqual(self.client.get("/releases/desk/").status_code, 200)
        self.assertEqual(
            self.client.post("/releases/desk/build/", {"version": "v1.0", "recipe": "demo"}).status_code, 403
        )
        self.assertEqual(Release.objects.count(), 0)

    def test_ingesting_leads_to_its_job(self):
        self.make_source()
        response = self.client.post("/releases/desk/ingest/", {"source": "fakes"})
        job = Job.objects.get(kind="datasets.ingest")
        self.assertRedirects(response, reverse("core:job", args=[job.pk]), fetch_redirect_response=False)
        self.client.post("/releases/desk/ingest/", {"source": "fakes"})
        self.assertEqual(Job.objects.filter(kind="datasets.ingest").count(), 1)
        self.assertRedirects(self.client.post("/releases/desk/ingest/", {"source": "none"}), "/releases/desk/")

    def test_a_release_goes_from_the_form_to_publication(self):
        self.ingest()
        self.assertContains(self.client.get("/releases/desk/build/"), 'value="v1.0"')
        self.client.post("/releases/desk/build/", {"version": "v1.0", "recipe": "demo"})
        release = Release.objects.get()
        page = self.client.get(self.at("desk-release"))
        self.assertContains(page, 'hx-trigger="every 1s"')
        live = self.client.get(self.at("desk-live"))
        self.assertNotIn("HX-Refresh", live)
        execute_here(release.job)
        self.assertEqual(self.client.get(self.at("desk-live"))["HX-Refresh"], "true")
        self.assertContains(self.client.get(self.at("desk-release")), "approval of 1 person")
        self.client.post(self.at("approve"))
        self.client.post(self.at("approve"))
        self.assertEqual(release.approvals.count(), 1)
        self.assertContains(self.client.get(self.at("publish")), "No other release is touched")
        self.client.post(self.at("publish"))
        self.client.post(self.at("publish"))
        release.refresh_from_db()
        self.assertEqual(release.state, "published")

    def test_a_build_form_sent_twice_builds_once(self):
        self.ingest()
        for _ in range(2):
            response = self.client.post("/releases/desk/build/", {"version": "v1.0", "recipe": "demo"}, follow=True)
        self.assertContains(response, "being built already")
        self.assertEqual((Release.objects.count(), Job.objects.filter(kind="datasets.build").count()), (1, 1))

    def test_a_bad_version_is_told_beside_its_field(self):
        response = self.client.post("/releases/desk/build/", {"version": "1", "recipe": "demo"})
        self.assertContains(response, "Use a “v” and two numbers")
        self.assertEqual(Release.objects.count(), 0)

    def test_publishing_says_what_goes_before_the_button(self):
        self.published()
        self.opt_out("alpha")
        self.assertContains(self.client.get("/releases/desk/"), "The block-list has grown")
        self.assertContains(self.client.get("/releases/desk/build/"), "1 of them new since v1.0")
        second = self.build()
        self.client.post(self.at("approve", "v1.1"))
        page = self.client.get(self.at("publish", "v1.1"))
        self.assertContains(page, "the-stack-demo v1.0")
        self.assertContains(page, "This cannot be undone")
        self.assertContains(page, "is issued again without them")
        self.assertContains(page, "needs no further approval")
        with override_settings(FAIRSTACK_OLD_RELEASES="withdraw"):
            page = self.client.get(self.at("publish", "v1.1"))
            self.assertContains(page, "is withdrawn at once")
            self.assertNotContains(page, "issued again")
            self.client.post(self.at("publish", "v1.1"))
        second.refresh_from_db()
        self.assertEqual((second.state, Release.objects.get(version="v1.0").state), ("published", "withdrawn"))
        self.assertContains(self.client.get(self.at("desk-release", "v1.1")), "Purge after publication")

    def test_a_publication_that_cannot_be_says_why(self):
        self.ingest()
        self.build()
        self.assertContains(self.client.post(self.at("publish"), follow=True), "needs the approval of one more person")
        self.assertContains(self.client.get(self.at("publish")), "1 more person")
        self.client.post(self.at("approve"))
        self.opt_out("alpha")
        self.assertContains(self.client.get(self.at("publish")), "blocked after it was built")
        self.assertContains(self.client.get(self.at("desk-release")), "The block-list overtook it")

    def test_rejecting_and_withdrawing_need_a_reason(self):
        self.ingest()
        self.build()
        self.assertContains(self.client.get(self.at("reject")), "is not used again")
        self.assertContains(self.client.post(self.at("reject"), {"reason": ""}), "This field is required")
        self.client.post(self.at("reject"), {"reason": "Too small."})
        self.assertContains(self.client.get(self.at("desk-release")), "Too small.")
        release = self.publish()
        self.assertContains(self.client.get(self.at("withdraw", "v1.1")), "410")
        for _ in range(2):
            self.client.post(self.at("withdraw", "v1.1"), {"reason": "A licence was wrong."})
        release.refresh_from_db()
        self.assertEqual(release.state, "withdrawn")

    def test_a_failed_build_shows_its_reason_and_can_be_begun_again(self):
        self.build()
        page = self.client.get(self.at("desk-release"))
        self.assertContains(page, "Ingest a source first")
        self.assertContains(page, "Build again")

    def test_a_cancelled_build_reads_as_failed(self):
        self.ingest()
        release = releases.start_build(self.staff)
        jobs.cancel(release.job, self.staff)
        self.assertContains(self.client.get("/releases/desk/"), "Failed")
        self.assertEqual(self.client.get(self.at("desk-live"))["HX-Refresh"], "true")

    def test_the_desk_takes_as_many_queries_for_many_releases_as_for_few(self):
        self.published()
        self.client.get("/releases/desk/")
        with self.assertNumQueries(14):
            self.client.get("/releases/desk/")
        for number in range(15):
            Release.objects.create(name="other", version=f"v1.{number}")
        with self.assertNumQueries(14):
            self.client.get("/releases/desk/")
        self.assertEqual(blocklist.position(), 0)

    def test_the_admin_lists_every_kind_of_row(self):
        self.opt_out_of_published()
        for model in (
            "source",
            "owner",
            "formerlogin",
            "repository",
            "release",
            "releaseapproval",
            "holding",
            "blockentry",
            "mask",
        ):
            with self.subTest(model):
                self.assertEqual(
                    self.client.get(
                        f"/admin/datasets_app/{model}/?q=alpha"
                        if model in ("owner", "repository")
                        else f"/admin/datasets_app/{model}/"
                    ).status_code,
                    200,
                )

    def opt_out_of_published(self):
        self.published()
        self.opt_out("alpha")
