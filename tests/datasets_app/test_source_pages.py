"""The desk's pages of sources and their part of the API: adding, changing, and what was left out, in words."""

import shutil

from django.contrib.auth.models import Permission
from django.test import TestCase, override_settings
from django.urls import reverse

from core import tokens
from core.jobs import execute_here
from core.models import AuditEntry, Job
from datasets_app.models import Source
from datasets_app.services import sources
from tests.base import make_user
from tests.datasets_app.floor import FloorMixin
from tests.pipeline.git_repos import LFS, Repository

KINDS = "/releases/desk/sources/"
ADD = "/releases/desk/sources/add/{}/"


class PageCase(FloorMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.given = self.data.parent / f"{self.data.name}-given"
        self.given.mkdir()
        self.addCleanup(shutil.rmtree, self.given, ignore_errors=True)
        allowed = override_settings(FAIRSTACK_SOURCE_ROOTS=[str(self.given)])
        allowed.enable()
        self.addCleanup(allowed.disable)
        self.client.force_login(self.staff)


class Pages(PageCase):
    def test_from_the_desk_to_a_source_that_was_read(self) -> None:
        repository = Repository(self.given / "ada" / "tools")
        (repository.folder / "link.py").symlink_to("a.py")
        repository.commit({"a.py": "a = 1\n", "data.csv": LFS})
        self.assertContains(self.client.get("/releases/desk/"), KINDS)
        self.assertContains(self.client.get(KINDS), "A folder of git repositories")
        self.assertContains(self.client.get(ADD.format("git-folder")), str(self.given))
        told = {"name": "mirror", "folder": str(self.given), "commit": "main", "forge": "", "accounts": ""}
        answer = self.client.post(ADD.format("git-folder"), told, follow=True)
        self.assertContains(answer, "The source mirror is added. Nothing was read yet.")
        self.assertContains(answer, "Not read yet")
        self.assertEqual(Source.objects.get().params, {"folder": str(self.given), "commit": "main"})
        self.assertTrue(AuditEntry.objects.filter(action="add source").exists())
        self.client.post(reverse("datasets:ingest"), {"source": "mirror"})
        self.assertEqual(execute_here(Job.objects.get()).state, "succeeded")
        page = self.client.get(reverse("datasets:source", args=["mirror"]))
        self.assertContains(page, "It is a pointer of Git LFS: its content lies elsewhere.")
        self.assertContains(page, "It is a link: what it leads to is taken where it stands.")
        self.assertContains(self.client.get("/releases/desk/"), reverse("datasets:source", args=["mirror"]))

    def test_notes_of_the_last_reading_stand_on_the_page_and_nowhere_else(self) -> None:
        Repository(self.given / "ada" / "tools").commit({"a.py": "a = 1\n"})
        Repository(self.given / "bob" / "empty")
        sources.add_source(self.staff, "mirror", "git-folder", {"folder": str(self.given)})
        job = execute_here(sources.start_ingest(self.staff, "mirror"))
        page = self.client.get(reverse("datasets:source", args=["mirror"]))
        self.assertContains(page, "bob/empty: It has no commit yet.")
        told = f"{job.result} {job.error} {list(job.log_lines.values_list('text', flat=True))} {Source.objects.get().figures}"
        self.assertNotIn("bob", told)
        self.assertContains(self.client.get(reverse("core:job", args=[job.pk])), job.result["url"])

    def test_every_kind_has_a_form_and_others_are_missing(self) -> None:
        for kind in ("installed-packages", "git-folder", "git-addresses", "parquet", "archives"):
            self.assertEqual(self.client.get(ADD.format(kind)).status_code, 200)
        self.assertEqual(self.client.get(ADD.format("pigeon")).status_code, 404)

    def test_wrong_input_is_named_and_what_was_typed_stays(self) -> None:
        told = {"name": "My Mirror", "folder": "/etc/typed-by-hand", "commit": "a..typed", "forge": "", "accounts": ""}
        answer = self.client.post(ADD.format("git-folder"), told)
        self.assertContains(answer, "Use lower-case letters, digits and hyphens, such as")
        for typed in ("My Mirror", "/etc/typed-by-hand", "a..typed"):
            self.assertContains(answer, f'value="{typed}"')
        answer = self.client.post(ADD.format("git-folder"), told | {"name": "mirror"})
        self.assertContains(answer, "does not lie below a folder that is allowed here")
        self.assertContains(answer, "There is a problem")
        self.assertContains(answer, 'value="/etc/typed-by-hand"')
        answer = self.client.post(ADD.format("git-folder"), told | {"name": "mirror", "folder": str(self.given)})
        self.assertContains(answer, "is no branch, tag or commit")
        typed = "https://github.com/a/b\nhttps://token@github.com/a/c"
        answer = self.client.post(ADD.format("git-addresses"), {"name": "clones", "addresses": typed})
        self.assertContains(answer, "no name and no password")
        self.assertContains(answer, "https://token@github.com/a/c")
        self.assertFalse(Source.objects.exists())

    def test_a_form_sent_twice_makes_one_source(self) -> None:
        told = {"name": "clones", "addresses": "https://github.com/a/b\n\n https://github.com/c/d \n", "history": "on"}
        self.assertEqual(self.client.post(ADD.format("git-addresses"), told).status_code, 302)
        self.assertContains(self.client.post(ADD.format("git-addresses"), told), "There is a source “clones” already")
        source = Source.objects.get()
        self.assertEqual(
            source.params, {"addresses": ["https://github.com/a/b", "https://github.com/c/d"], "history": True}
        )

    def test_a_source_can_be_changed_but_not_its_name(self) -> None:
        addresses = ["https://github.com/a/b", "https://github.com/c/d"]
        sources.add_source(self.staff, "clones", "git-addresses", {"addresses": addresses, "history": True})
        change = reverse("datasets:source-change", args=["clones"])
        self.assertContains(self.client.get(change), "https://github.com/c/d")
        told = {"name": "other", "addresses": "https://github.com/a/b", "commit": "v1"}
        self.assertContains(self.client.post(change, told, follow=True), "The source clones is changed")
        source = Source.objects.get()
        self.assertEqual(
            (source.name, source.params),
            ("clones", {"addresses": ["https://github.com/a/b"], "commit": "v1", "history": False}),
        )
        self.assertEqual(self.client.get(reverse("datasets:source-change", args=["none"])).status_code, 404)

    def test_strangers_are_refused_and_approvers_may_only_look(self) -> None:
        sources.add_source(self.staff, "clones", "git-addresses", {"addresses": ["https://github.com/a/b"]})
        page, change = (reverse(f"datasets:{name}", args=["clones"]) for name in ("source", "source-change"))
        told = {"name": "mine", "addresses": "https://github.com/a/b"}
        stranger, approver = make_user("stranger"), make_user("approver")
        approver.user_permissions.add(Permission.objects.get(codename="approve_release"))
        self.client.force_login(stranger)
        for where in (KINDS, ADD.format("git-addresses"), page, change):
            self.assertEqual(self.client.get(where).status_code, 403, where)
        self.client.force_login(approver)
        self.assertNotContains(self.client.get(page), "Read it now")
        for who in (stranger, approver):
            self.client.force_login(who)
            self.assertEqual(self.client.post(ADD.format("git-addresses"), told).status_code, 403)
            self.assertEqual(self.client.post(change, told).status_code, 403)
        self.client.logout()
        self.assertEqual(self.client.get(page).status_code, 302)
        self.assertEqual(Source.objects.count(), 1)

    @override_settings(FAIRSTACK_SOURCE_ROOTS=[])
    def test_a_site_that_allows_no_folder_says_so(self) -> None:
        self.assertContains(
            self.client.get(ADD.format("archives")), "This site names no folder that may be read by page"
        )


class Api(PageCase):
    def bearer(self, user: object, scopes: tuple[str, ...] = ("read", "jobs")) -> dict[str, str]:
        _, plain = tokens.issue(user, "mine", list(scopes))  # type: ignore[arg-type]
        return {"Authorization": f"Bearer {plain}"}

    def test_sources_are_named_changed_listed_and_read(self) -> None:
        self.client.logout()
        headers = self.bearer(self.staff)
        Repository(self.given / "ada" / "tools").commit({"a.py": "a = 1\n", "empty.py": ""})

        def send(method: str, where: str, body: object) -> object:
            return getattr(self.client, method)(where, body, content_type="application/json", headers=headers)

        body = {"name": "mirror", "kind": "git-folder", "params": {"folder": str(self.given)}}
        made = send("post", "/api/sources", body)
        self.assertEqual((made.status_code, made.json()["files"], made.json()["skipped"]), (201, 0, []))
        self.assertEqual(send("post", "/api/sources", body).status_code, 409)
        changed = send(
            "put", "/api/sources/mirror", {"kind": "git-folder", "params": body["params"] | {"commit": "main"}}
        )
        self.assertEqual((changed.status_code, changed.json()["params"]["commit"]), (200, "main"))
        wrong = send("post", "/api/sources", body | {"name": "x", "params": {"folder": "/etc"}})
        self.assertEqual((wrong.status_code, wrong.json()["field"]), (422, "folder"))
        self.assertEqual(
            send("put", "/api/sources/none", {"kind": "git-folder", "params": body["params"]}).status_code, 409
        )
        execute_here(Job.objects.get(pk=send("post", "/api/sources/ingest", {"source": "mirror"}).json()["id"]))
        one = self.client.get("/api/sources/mirror", headers=headers).json()
        self.assertEqual(
            (one["files"], one["skipped"]), (1, [{"reason": "empty", "text": "It has no content.", "files": 1}])
        )
        self.assertEqual(self.client.get("/api/sources", headers=headers).json(), [one])
        self.assertEqual(self.client.get("/api/sources/none", headers=headers).status_code, 404)

    def test_others_are_refused(self) -> None:
        self.client.logout()
        body = {"name": "mirror", "kind": "git-folder", "params": {"folder": str(self.given)}}
        for headers, status in ((self.bearer(make_user()), 403), ({}, 401)):
            for where in ("/api/sources", "/api/sources/mirror"):
                self.assertEqual(self.client.get(where, headers=headers).status_code, status)
            answer = self.client.post("/api/sources", body, content_type="application/json", headers=headers)
            self.assertEqual(answer.status_code, status)
        self.assertFalse(Source.objects.exists())
