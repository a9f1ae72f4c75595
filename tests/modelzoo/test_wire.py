"""The Hub protocol, header by header. test_clients.py asks the same with the real clients."""

import hashlib
import json

from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext

from core import tokens
from core.models import ApiToken
from core.permissions import SYSTEM
from modelzoo.models import DownloadCount, LicenceTerms, RevisionFile
from modelzoo.services import tag_revision, withdraw_acceptance, withdraw_revision
from modelzoo.storage import object_path, put_bytes
from tests.base import make_user
from tests.modelzoo.base import ZooMixin, checkpoint

WEIGHTS = "/fairstack/demo/resolve/main/model.safetensors"
CONFIG = "/fairstack/demo/resolve/main/config.json"


class WireCase(ZooMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.user = make_user()
        self.accept(self.user)
        self.auth = self.bearer(self.user)

    def get(self, address: str, **headers: str):
        return self.client.get(address, **self.auth | headers)

    def body(self, response) -> bytes:
        return response.getvalue()

    def assert_refused(self, response, status: int, code: str, words: str = "") -> None:
        self.assertEqual((response.status_code, response.get("X-Error-Code", "")), (status, code))
        self.assertIn(words, response["X-Error-Message"])
        if response.content:
            self.assertIn(words, response.json()["error"])


class InfoTests(WireCase):
    def test_facts_of_a_model(self):
        said = self.client.get("/api/models/fairstack/demo").json()
        self.assertEqual(said["id"], "fairstack/demo")
        self.assertEqual(said["sha"], self.revision.sha)
        self.assertEqual((said["private"], said["gated"], said["disabled"]), (False, "auto", False))
        self.assertEqual(said["pipeline_tag"], "text-generation")
        self.assertEqual(said["config"], {"architectures": ["GPTBigCodeForCausalLM"], "model_type": "gpt_bigcode"})
        self.assertEqual(said["safetensors"], {"parameters": {"F32": 11184}, "total": 11184})
        self.assertEqual(said["cardData"]["license"], "bigcode-openrail-m")
        self.assertLessEqual({"license:bigcode-openrail-m", "dataset:fairstack/the-stack-demo"}, set(said["tags"]))
        self.assertIn({"rfilename": "model.safetensors"}, said["siblings"])
        self.assertRegex(said["createdAt"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertNotIn("xet", json.dumps(said).lower())

    def test_blobs_and_expand(self):
        said = self.client.get("/api/models/fairstack/demo/revision/main?blobs=true").json()
        siblings = {each["rfilename"]: each for each in said["siblings"]}
        weights = self.revision.files.get(path="model.safetensors")
        self.assertEqual(
            siblings["model.safetensors"]["lfs"],
            {"sha256": weights.sha256, "size": weights.size, "pointerSize": 134},
        )
        self.assertEqual(siblings["config.json"]["blobId"], self.revision.files.get(path="config.json").sha1)
        said = self.client.get("/api/models/fairstack/demo?expand=sha&expand=downloads").json()
        self.assertEqual(set(said), {"_id", "id", "sha", "downloads"})

    def test_a_revision_by_branch_tag_and_sha(self):
        second = self.publish(seed=1)
        tag_revision(SYSTEM, self.revision, "v1/rc")
        for rev, sha in (
            ("main", second.sha),
            ("refs%2Fheads%2Fmain", second.sha),
            (self.revision.sha, self.revision.sha),
            ("v1%2Frc", self.revision.sha),
            ("refs%2Ftags%2Fv1%2Frc", self.revision.sha),
        ):
            with self.subTest(rev):
                self.assertEqual(self.client.get(f"/api/models/fairstack/demo/revision/{rev}").json()["sha"], sha)

    def test_what_is_not_there_is_said_by_code(self):
        for address, code in (
            ("/api/models/fairstack/none", "RepoNotFound"),
            ("/api/models/gpt2", "RepoNotFound"),
            ("/api/models/gpt2/revision/main", "RepoNotFound"),
            ("/gpt2/resolve/main/config.json", "RepoNotFound"),
            ("/fairstack/none/resolve/main/config.json", "RepoNotFound"),
            ("/api/models/fairstack/none/refs", "RepoNotFound"),
            ("/api/models/fairstack/demo/revision/none", "RevisionNotFound"),
            ("/api/models/fairstack/demo/revision/" + "0" * 40, "RevisionNotFound"),
            ("/api/models/fairstack/demo/revision/main%2Fx", "RevisionNotFound"),
            ("/api/models/fairstack/demo/tree/none", "RevisionNotFound"),
            ("/api/models/fairstack/demo/tree/main/additional_chat_templates", "EntryNotFound"),
        ):
            with self.subTest(address):
                self.assert_refused(self.client.get(address), 404, code)

    def test_refs(self):
        tag_revision(SYSTEM, self.revision, "v1")
        said = self.client.get("/api/models/fairstack/demo/refs").json()
        self.assertEqual(
            said,
            {
                "branches": [{"name": "main", "ref": "refs/heads/main", "targetCommit": self.revision.sha}],
                "tags": [{"name": "v1", "ref": "refs/tags/v1", "targetCommit": self.revision.sha}],
                "converts": [],
            },
        )
        self.assertEqual(self.client.get("/api/models/fairstack/demo/refs?include_prs=1").json()["pullRequests"], [])

    def test_the_list_is_searched_filtered_and_paged(self):
        self.publish(name="other", seed=1)
        self.publish(name="third", seed=2)
        address = "/api/models"
        self.assertEqual([each["id"] for each in self.client.get(f"{address}?search=oth").json()], ["fairstack/other"])
        self.assertEqual(len(self.client.get(f"{address}?author=fairstack").json()), 3)
        self.assertEqual(self.client.get(f"{address}?author=nobody").json(), [])
        self.assertEqual(len(self.client.get(f"{address}?filter=gpt_bigcode&pipeline_tag=text-generation").json()), 3)
        self.assertEqual(self.client.get(f"{address}?filter=license:mit").json(), [])
        self.assertEqual(self.client.get(f"{address}?gated=false").json(), [])
        newest = self.client.get(f"{address}?sort=createdAt&limit=1")
        self.assertEqual(newest.json()[0]["id"], "fairstack/third")
        following = newest["Link"].removeprefix("<").split(">")[0].removeprefix("http://testserver")
        self.assertEqual(self.client.get(following).json()[0]["id"], "fairstack/other")
        self.assert_refused(self.client.get(f"{address}?limit=many"), 400, "")
        withdraw_revision(SYSTEM, self.revision, "Leaked.")
        self.assertEqual(len(self.client.get(address).json()), 2)

    def test_no_control_character_reaches_a_header(self):
        response = self.get("/fairstack/demo/resolve/main/a%00%1f%09X-Evil:1")
        self.assertEqual(response["X-Error-Message"], "Entry not found: a X-Evil:1")

    def test_methods_that_are_not_served(self):
        response = self.client.post(CONFIG)
        self.assertEqual((response.status_code, response["Allow"]), (405, "GET, HEAD"))

    def test_small_questions(self):
        self.assertEqual(self.client.get("/api/agent-harnesses").json(), {"standardEnvVars": [], "harnesses": {}})
        self.assertEqual(self.client.head("/api/telemetry/hf_hub/download").status_code, 204)

    def test_whoami(self):
        self.assert_refused(self.client.get("/api/whoami-v2"), 401, "")
        said = self.get("/api/whoami-v2").json()
        self.assertEqual((said["type"], said["name"], said["orgs"]), ("user", "ada", []))
        self.assertEqual(said["auth"]["accessToken"], {"displayName": "test", "role": "read"})
        said = self.client.get("/api/whoami-v2", **self.bearer(self.user, ("read", "write"))).json()
        self.assertEqual(said["auth"]["accessToken"]["role"], "write")


class TreeTests(WireCase):
    def test_every_file_with_the_digests_by_which_it_is_served(self):
        entries = {each["path"]: each for each in self.client.get("/api/models/fairstack/demo/tree/main").json()}
        for file in self.revision.files.all():
            entry = entries[file.path]
            self.assertEqual((entry["type"], entry["size"], entry["oid"]), ("file", file.size, file.sha1))
            etag = self.client.head(f"/fairstack/demo/resolve/main/{file.path}", **self.auth)["ETag"].strip('"')
            self.assertEqual(etag, entry["lfs"]["oid"] if file.lfs else entry["oid"])

    def test_folders_and_pages(self):
        for path in ("sub/a.json", "sub/b.json", "sub/deeper/c.json", "sub2/d.json"):
            stored = put_bytes(b"{}", path)
            RevisionFile.objects.create(
                revision=self.revision, path=path, size=2, sha1=stored.sha1, sha256=stored.sha256, lfs=False
            )
        base = "/api/models/fairstack/demo/tree/main"
        top = {each["path"]: each["type"] for each in self.client.get(base).json()}
        self.assertEqual((top["sub"], top["sub2"]), ("directory", "directory"))
        self.assertNotIn("sub/a.json", top)
        for address in (f"{base}/sub/deeper", f"{base}/sub%2Fdeeper"):
            self.assertEqual([each["path"] for each in self.client.get(address).json()], ["sub/deeper/c.json"])
        below = [each["path"] for each in self.client.get(f"{base}/sub?recursive=True&expand=false").json()]
        self.assertEqual(below, ["sub/a.json", "sub/b.json", "sub/deeper", "sub/deeper/c.json"])
        first = self.client.get(f"{base}/sub?recursive=true&limit=3")
        following = first["Link"].removeprefix("<").split(">")[0].removeprefix("http://testserver")
        self.assertEqual(
            [each["path"] for each in first.json() + self.client.get(following).json()],
            below,
        )
        self.assertNotIn("Link", self.client.get(following))

    def test_paths_info_by_form_and_by_json(self):
        address = "/api/models/fairstack/demo/paths-info/main"
        said = self.client.post(address, {"paths": ["config.json", "none"], "expand": "false"}).json()
        self.assertEqual([each["path"] for each in said], ["config.json"])
        said = self.client.post(address, {"paths": ["model.safetensors"]}, content_type="application/json").json()
        self.assertEqual(said[0]["lfs"]["pointerSize"], 134)
        self.assert_refused(self.client.post(address, "[]", content_type="application/json"), 400, "")


class ResolveTests(WireCase):
    def test_head_has_every_header_and_no_body(self):
        for path, lfs in (("model.safetensors", True), ("config.json", False)):
            content = (checkpoint() / path).read_bytes()
            response = self.client.head(f"/fairstack/demo/resolve/main/{path}", **self.auth)
            self.assertEqual(response.status_code, 200)
            self.assertEqual(response["X-Repo-Commit"], self.revision.sha)
            digest = hashlib.sha256(content) if lfs else hashlib.sha1(b"blob %d\0" % len(content) + content)
            self.assertEqual(response["ETag"], f'"{digest.hexdigest()}"')
            self.assertEqual(response["Content-Length"], str(len(content)))
            self.assertEqual(response["Accept-Ranges"], "bytes")
            for absent in ("Content-Encoding", "X-Xet-Hash", "Link"):
                self.assertNotIn(absent, response)

    def test_get_gives_the_bytes_uncompressed(self):
        response = self.get(WEIGHTS, HTTP_ACCEPT_ENCODING="gzip, deflate")
        self.assertEqual(self.body(response), (checkpoint() / "model.safetensors").read_bytes())
        self.assertNotIn("Content-Encoding", response)
        self.assertEqual(response["X-Content-Type-Options"], "nosniff")

    def test_ranges(self):
        content = (checkpoint() / "model.safetensors").read_bytes()
        size = len(content)
        for header, start, end in (
            ("bytes=0-0", 0, 1),
            ("bytes=5-", 5, size),
            ("bytes=-7", size - 7, size),
            (f"bytes=10-{size * 2}", 10, size),
            (f"bytes=-{size * 2}", 0, size),
        ):
            with self.subTest(header):
                response = self.get(WEIGHTS, HTTP_RANGE=header)
                self.assertEqual(response.status_code, 206)
                self.assertEqual(response["Content-Range"], f"bytes {start}-{end - 1}/{size}")
                self.assertEqual(response["Content-Length"], str(end - start))
                self.assertEqual(self.body(response), content[start:end])

    def test_a_range_beyond_the_end_is_416(self):
        size = (checkpoint() / "model.safetensors").stat().st_size
        for header in (f"bytes={size}-", "bytes=-0"):
            response = self.get(WEIGHTS, HTTP_RANGE=header)
            self.assertEqual((response.status_code, response["Content-Range"]), (416, f"bytes */{size}"))

    def test_ranges_that_are_no_ranges_or_several_give_the_whole_file(self):
        size = (checkpoint() / "model.safetensors").stat().st_size
        for header in ("bytes=0-1,4-5", "bytes=9-3", "bytes=-", "lines=1-2", "bytes=a-b", "bytes=" + "9" * 40 + "-"):
            with self.subTest(header):
                response = self.get(WEIGHTS, HTTP_RANGE=header)
                self.assertEqual((response.status_code, len(self.body(response))), (200, size))

    def test_if_range_and_if_none_match(self):
        etag = self.client.head(WEIGHTS, **self.auth)["ETag"]
        self.assertEqual(self.get(WEIGHTS, HTTP_RANGE="bytes=0-3", HTTP_IF_RANGE=etag).status_code, 206)
        for other in ('"x"', f"W/{etag}", "Sat, 01 Jan 2000 00:00:00 GMT"):
            self.assertEqual(self.get(WEIGHTS, HTTP_RANGE="bytes=0-3", HTTP_IF_RANGE=other).status_code, 200)
        response = self.get(WEIGHTS, HTTP_IF_NONE_MATCH=f'"a", W/{etag}')
        self.assertEqual((response.status_code, response["X-Repo-Commit"]), (304, self.revision.sha))
        self.assertEqual(self.get(WEIGHTS, HTTP_IF_NONE_MATCH='"a"').status_code, 200)

    def test_absent_files_come_with_the_commit(self):
        for path in (
            "none.json",
            "sub/none.json",
            "..%2F..%2Fconfig.json",
            "../../etc/passwd",
            "config.json/",
            "a%00b",
            "",
        ):
            with self.subTest(path):
                response = self.get(f"/fairstack/demo/resolve/main/{path}")
                self.assert_refused(response, 404, "EntryNotFound")
                self.assertEqual(response["X-Repo-Commit"], self.revision.sha)
        self.assert_refused(self.get("/fairstack/demo/resolve/..%2Fmain/config.json"), 404, "RevisionNotFound")
        self.assert_refused(self.get(f"/fairstack/demo/resolve/{'0' * 40}/config.json"), 404, "RevisionNotFound")

    def test_names_with_a_slash_are_told_from_folders(self):
        second = self.publish(seed=1)
        tag_revision(SYSTEM, self.revision, "dev")
        tag_revision(SYSTEM, second, "dev/exp")
        for rest, sha in (("dev%2Fexp/config.json", second.sha), ("dev/config.json", self.revision.sha)):
            self.assertEqual(self.get(f"/fairstack/demo/resolve/{rest}")["X-Repo-Commit"], sha)
        stored = put_bytes(b"{}", "exp/only.json")
        RevisionFile.objects.create(
            revision=self.revision, path="exp/only.json", size=2, sha1=stored.sha1, sha256=stored.sha256, lfs=False
        )
        response = self.get("/fairstack/demo/resolve/dev/exp/only.json")
        self.assertEqual(response["X-Repo-Commit"], self.revision.sha)

    def test_an_empty_file(self):
        stored = put_bytes(b"", "empty.txt")
        RevisionFile.objects.create(
            revision=self.revision, path="empty.txt", size=0, sha1=stored.sha1, sha256=stored.sha256, lfs=False
        )
        address = "/fairstack/demo/resolve/main/empty.txt"
        self.assertEqual(self.body(self.get(address)), b"")
        self.assertEqual(self.get(address)["ETag"], '"e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"')
        self.assertEqual(self.get(address, HTTP_RANGE="bytes=0-").status_code, 416)

    def test_lost_bytes_are_an_error_with_words(self):
        object_path(self.revision.files.get(path="config.json").sha256).unlink()
        with self.assertLogs("modelzoo.hub.resolve"):
            self.assert_refused(self.get(CONFIG), 500, "", "must restore them")

    def test_loads_are_counted_by_day_and_by_nothing_else(self):
        for _ in range(2):
            self.get(CONFIG)
        self.get(WEIGHTS)
        self.client.head(CONFIG, **self.auth)
        self.get(CONFIG, HTTP_RANGE="bytes=5-")
        self.assertEqual(DownloadCount.objects.get().count, 2)
        self.assertEqual(self.client.get("/api/models/fairstack/demo").json()["downloads"], 2)

    def test_a_file_costs_few_queries_however_many_there_are(self):
        with CaptureQueriesContext(
            connection,
        ) as first:
            self.client.head(CONFIG, **self.auth)
        self.assertLessEqual(len(first), 9)


class GateTests(WireCase):
    def test_facts_and_lists_are_open_to_all_and_bytes_are_not(self):
        for address in ("", "/revision/main", "/tree/main", "/refs"):
            self.assertEqual(self.client.get(f"/api/models/fairstack/demo{address}").status_code, 200)
        for method in (self.client.get, self.client.head):
            self.assert_refused(method(CONFIG), 401, "GatedRepo")
        self.assert_refused(self.client.get("/fairstack/demo/resolve/main/README.md"), 401, "GatedRepo")
        self.assert_refused(self.client.get("/api/models/fairstack/demo/auth-check"), 401, "GatedRepo")

    def test_the_gate_comes_before_revision_and_file(self):
        self.assert_refused(self.client.get("/fairstack/demo/resolve/none/x"), 401, "GatedRepo")
        self.assert_refused(self.client.get("/fairstack/none/resolve/none/x"), 404, "RepoNotFound")

    def test_somebody_who_has_not_accepted_is_sent_to_this_sites_own_page(self):
        other = self.bearer(make_user("bob"))
        response = self.client.head(CONFIG, **other)
        self.assert_refused(response, 403, "GatedRepo", "http://127.0.0.1:8000/models/fairstack/demo/licence")
        self.assertEqual(self.client.get("/api/models/fairstack/demo/auth-check", **self.auth).status_code, 200)

    def test_an_acceptance_ends_when_it_is_withdrawn(self):
        self.assertEqual(self.get(CONFIG).status_code, 200)
        withdraw_acceptance(self.user, self.model)
        self.assert_refused(self.get(CONFIG), 403, "GatedRepo")
        self.accept(self.user)
        self.assertEqual(self.get(CONFIG).status_code, 200)

    def test_new_terms_ask_again(self):
        LicenceTerms.objects.create(
            key="bigcode-openrail-m", version=2, title="v2", text="More.", sha256="0" * 64, notice=""
        )
        self.assert_refused(self.get(CONFIG), 403, "GatedRepo")
        self.accept(self.user)
        self.assertEqual(self.get(CONFIG).status_code, 200)

    def test_an_acceptance_is_for_one_model(self):
        self.publish(name="other", seed=1)
        self.assert_refused(self.get("/fairstack/other/resolve/main/config.json"), 403, "GatedRepo")

    def test_a_model_that_is_not_gated_is_open(self):
        type(self.model).objects.update(gated=False)
        self.assertEqual(self.client.get(CONFIG).status_code, 200)
        self.assertIs(self.client.get("/api/models/fairstack/demo").json()["gated"], False)

    def test_revoked_and_invented_tokens_are_refused_with_the_clients_own_words(self):
        token = ApiToken.objects.get()
        tokens.revoke(token, self.user)
        for auth in (self.auth, {"HTTP_AUTHORIZATION": "Bearer hf_" + "x" * 34}):
            response = self.client.get(CONFIG, **auth)
            self.assertEqual(response.status_code, 401)
            self.assertEqual(response["X-Error-Message"], "Invalid credentials in Authorization header")
            self.assertNotIn("X-Error-Code", response)

    def test_a_token_needs_the_scope_to_read(self):
        response = self.client.get(CONFIG, **self.bearer(self.user, ("jobs",)))
        self.assert_refused(response, 403, "", "read")

    def test_a_token_in_the_address_counts_for_nothing(self):
        plain = self.token(self.user)
        self.assert_refused(self.client.get(f"{CONFIG}?token={plain}"), 401, "GatedRepo")

    def test_the_browsers_session_opens_the_files_too(self):
        self.client.force_login(self.user)
        self.assertEqual(self.client.get(CONFIG).status_code, 200)

    def test_a_browser_without_acceptance_is_led_to_the_licence(self):
        response = self.client.get(CONFIG, HTTP_ACCEPT="text/html,*/*")
        self.assertRedirects(
            response, f"/models/fairstack/demo/licence?next={CONFIG.replace('/', '%2F')}", fetch_redirect_response=False
        )


class WithdrawnTests(WireCase):
    def test_a_withdrawn_revision_is_gone_with_its_reason(self):
        first, second = self.revision, self.publish(seed=1)
        withdraw_revision(SYSTEM, first, "It repeats secrets.")
        self.assertEqual(self.get(CONFIG)["X-Repo-Commit"], second.sha)
        address = f"/fairstack/demo/resolve/{first.sha}/config.json"
        self.assert_refused(self.get(address), 410, "RevisionNotFound", "It repeats secrets.")
        self.assert_refused(self.client.head(address, **self.auth), 410, "RevisionNotFound", "It repeats secrets.")
        for path in (f"revision/{first.sha}", f"tree/{first.sha}"):
            self.assert_refused(self.client.get(f"/api/models/fairstack/demo/{path}"), 410, "RevisionNotFound")
        withdraw_revision(SYSTEM, second, "Nor this.")
        self.assert_refused(self.get(CONFIG), 410, "RevisionNotFound", "Nor this.")

    def test_other_revisions_that_share_its_bytes_go_on(self):
        second = self.publish(seed=1)
        withdraw_revision(SYSTEM, second, "Weights are wrong.")
        address = f"/fairstack/demo/resolve/{self.revision.sha}/tokenizer.json"
        self.assertEqual(self.body(self.get(address)), (checkpoint() / "tokenizer.json").read_bytes())
