"""The API of the data floor: what everybody may read, and what curators do through it."""

from django.test import TestCase

from core import tokens
from core.jobs import execute_here
from core.models import Job
from datasets_app.models import Release
from datasets_app.services import releases
from tests.base import make_user
from tests.datasets_app.floor import FloorMixin

RELEASE = "/api/releases/the-stack-demo/v1.0"


class Reading(FloorMixin, TestCase):
    def setUp(self):
        super().setUp()
        self.release = self.published()

    def test_releases_are_listed_and_shown(self):
        listed = self.client.get("/api/releases").json()
        self.assertEqual(
            [(row["version"], row["state"], row["files"]) for row in listed],
            [("v1.0", "published", self.release.files)],
        )
        one = self.client.get(RELEASE).json()
        self.assertEqual((one["tree_root"], one["parent"], one["recipe"]["name"]), (self.release.tree_root, "", "demo"))
        self.assertEqual(one["languages"][0]["language"], "Python")

    def test_the_funnel_is_the_public_one(self):
        self.opt_out("alpha")
        second = self.publish()
        reasons = [row["reason"] for row in self.client.get(f"/api{second.get_absolute_url()}funnel").json()]
        self.assertIn("not_eligible", reasons)
        self.assertFalse([reason for reason in reasons if reason.startswith("blocked")])

    def test_files_are_listed_by_filter(self):
        found = self.client.get(f"{RELEASE}/files?owner=alpha&language=Python&limit=1").json()
        self.assertEqual(len(found["files"]), 1)
        self.assertGreater(found["total"], 1)
        self.assertEqual(self.client.get(f"{RELEASE}/files?owner=nobody").json(), {"total": 0, "files": []})

    def test_a_look_up_needs_no_account(self):
        found = self.client.get("/api/lookup?q=ALPHA").json()
        self.assertEqual((found["held"], found["releases"][0]["owner"]), (True, "Alpha"))
        self.assertEqual(sorted(found["releases"][0]["repositories"]), ["one", "two"])
        near = self.client.get("/api/lookup?q=alpah").json()
        self.assertEqual((near["held"], near["suggestions"][0]["text"]), (False, "Alpha"))
        self.assertEqual(self.client.get("/api/lookup?q=").status_code, 422)

    def test_a_withdrawn_release_is_gone_with_its_reason(self):
        execute_here(releases.withdraw(self.release, self.staff, "A licence was wrong."))
        for where in (RELEASE, f"{RELEASE}/funnel", f"{RELEASE}/files"):
            response = self.client.get(where)
            self.assertEqual((response.status_code, response.json()["reason"]), (410, "A licence was wrong."))

    def test_what_is_not_published_is_listed_to_curators_alone(self):
        self.build()
        _, plain = tokens.issue(self.staff, "mine", ["read"])
        curator = {"Authorization": f"Bearer {plain}"}
        self.assertEqual(len(self.client.get("/api/releases").json()), 1)
        self.assertEqual(len(self.client.get("/api/releases", headers=curator).json()), 2)
        self.assertEqual(len(self.client.get("/api/releases?state=built", headers=curator).json()), 1)
        self.assertEqual(self.client.get("/api/releases/the-stack-demo/v1.1").status_code, 404)
        self.assertEqual(self.client.get("/api/releases/the-stack-demo/v1.1", headers=curator).status_code, 200)
        self.assertEqual(self.client.get("/api/releases/the-stack-demo/v9.9").status_code, 404)


class Acting(FloorMixin, TestCase):
    def setUp(self):
        super().setUp()
        self.headers = self.bearer(self.staff)

    def bearer(self, user, scopes=("read", "jobs")):
        _, plain = tokens.issue(user, "mine", list(scopes))
        return {"Authorization": f"Bearer {plain}"}

    def post(self, where, body=None, headers=None):
        return self.client.post(
            where, body or {}, content_type="application/json", headers=self.headers if headers is None else headers
        )

    def test_from_a_source_to_a_withdrawn_release(self):
        self.make_source()
        job = self.post("/api/sources/ingest", {"source": "fakes"})
        self.assertEqual(job.status_code, 202)
        execute_here(Job.objects.get(pk=job.json()["id"]))
        built = self.post("/api/releases", {"recipe": "demo"})
        self.assertEqual((built.status_code, built.json()["state"], built.json()["version"]), (202, "building", "v1.0"))
        execute_here(Job.objects.get(pk=built.json()["job_id"]))
        self.assertEqual(self.post(f"{RELEASE}/publish").status_code, 409)
        approved = self.post(f"{RELEASE}/approve").json()
        self.assertEqual((approved["approvals_missing"], approved["job"]), (0, None))
        self.assertEqual(self.post(f"{RELEASE}/publish").json()["release"]["state"], "published")
        gone = self.post(f"{RELEASE}/withdraw", {"reason": "Wrong licence."}).json()
        self.assertEqual((gone["release"]["state"], gone["job"]["kind"]), ("withdrawn", "datasets.purge"))

    def test_a_built_release_can_be_rejected(self):
        self.ingest()
        self.build()
        self.assertEqual(
            self.post(f"{RELEASE}/reject", {"reason": "Too small."}).json()["release"]["state"], "rejected"
        )

    def test_mistakes_have_their_status(self):
        self.assertEqual(self.post("/api/releases", {"version": "1"}).status_code, 422)
        self.assertEqual(self.post("/api/sources/ingest", {"source": "none"}).status_code, 422)
        self.assertEqual(self.post(f"{RELEASE}/approve").status_code, 404)
        self.post("/api/releases", {"version": "v1.0"})
        self.assertEqual(self.post("/api/releases", {"version": "v1.0"}).status_code, 409)
        self.assertEqual(Release.objects.count(), 1)

    def test_a_nul_in_a_text_is_an_answer_and_no_crash(self):
        self.assertEqual(self.post("/api/sources/ingest", {"source": "a\0"}).status_code, 422)
        source = {"name": "a\0", "kind": "installed-packages"}
        self.assertEqual(self.post("/api/sources", source).status_code, 422)
        params = {"name": "a", "kind": "git-folder", "params": {"path": "/a\0b"}}
        self.assertEqual(self.post("/api/sources", params).status_code, 422)
        self.ingest()
        self.publish(self.build())
        self.assertEqual(self.post(f"{RELEASE}/withdraw", {"reason": "\0"}).status_code, 422)
        said = self.post(f"{RELEASE}/withdraw", {"reason": "Not\0 ours."}).json()
        self.assertEqual(said["release"]["withdrawn_reason"], "Not ours.")

    def test_nobody_acts_without_permission_scope_or_account(self):
        user = make_user()
        for headers, status in (
            (self.bearer(user), 403),
            (self.bearer(self.staff, ["read"]), 403),
            ({}, 401),
        ):
            self.assertEqual(self.post("/api/releases", {}, headers).status_code, status)
            self.assertEqual(self.post("/api/sources/ingest", {"source": "x"}, headers).status_code, status)
        self.ingest()
        release = self.build()
        plain = self.bearer(user)
        self.assertEqual(self.post(f"{RELEASE}/approve", headers=plain).status_code, 404)
        self.publish(release)
        self.assertEqual(self.post(f"{RELEASE}/withdraw", {"reason": "x"}, plain).status_code, 403)
