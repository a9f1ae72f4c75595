"""Benchmarks that staff add: by page and API, never half, never replaced; and releases decontaminated from them."""

import json

from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import TestCase
from django.urls import reverse

from core import tokens
from core.errors import Conflict, InvalidInput
from core.jobs import execute_here
from core.models import AuditEntry
from datasets_app.models import Release
from datasets_app.services import benchmarks, releases
from tests.base import make_user
from tests.datasets_app.floor import MARKER, FloorMixin

PAGE = "/releases/desk/benchmarks/"


def lines(*rows: object) -> bytes:
    return "\n".join(json.dumps(row) for row in rows).encode()


MINE = lines(
    {"name": "mine"}, {"id": "1", "text": MARKER.decode()}, {"id": "2", "text": ["one text of it", "another of it"]}
)


class BenchmarkCase(FloorMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.client.force_login(self.staff)

    def upload(self, data: bytes, **extra: object) -> object:
        return self.client.post(PAGE, {"file": SimpleUploadedFile("mine.jsonl", data)}, **extra)  # type: ignore[arg-type]

    def kept(self) -> list[str]:
        return sorted(path.name for path in (self.data / "corpus").glob("benchmarks/*"))


class Adding(BenchmarkCase):
    def test_a_file_becomes_a_benchmark_once(self) -> None:
        answer = self.upload(MINE, follow=True)
        self.assertContains(answer, "The benchmark mine is added")
        self.assertContains(answer, benchmarks.listed()[1].digest)
        self.assertEqual((self.data / "corpus" / "benchmarks" / "mine.jsonl").read_bytes(), MINE)
        self.assertContains(self.upload(MINE + b"\n\n", follow=True), "is there already, with the same texts")
        self.assertEqual((self.data / "corpus" / "benchmarks" / "mine.jsonl").read_bytes(), MINE)
        self.assertEqual([(one.name, one.items, one.texts) for one in benchmarks.listed()[1:]], [("mine", 2, 3)])
        entry = AuditEntry.objects.get(action="add benchmark")
        self.assertEqual((entry.object_type, entry.object_id), ("datasets_app.benchmark", "mine"))

    def test_another_one_of_its_name_is_refused(self) -> None:
        self.upload(MINE)
        other = lines({"name": "mine"}, {"id": "1", "text": "something else altogether"})
        self.assertContains(self.upload(other), "with other texts")
        with self.assertRaises(Conflict):
            benchmarks.add(self.staff, lines({"name": "humaneval"}, {"id": "1", "text": "something else altogether"}))
        self.assertEqual((self.kept(), AuditEntry.objects.filter(action="add benchmark").count()), (["mine.jsonl"], 1))
        self.assertEqual((self.data / "corpus" / "benchmarks" / "mine.jsonl").read_bytes(), MINE)

    def test_what_is_wrong_is_named_with_its_line_and_nothing_is_kept(self) -> None:
        good = {"id": "1", "text": "a text that is long enough"}
        for data, told in (
            (lines({"id": "1"}), "Line 1 of the file is not an object with &quot;name&quot;"),
            (lines({"name": "mine"}, good) + b"\n{nonsense", "Line 3 of the file is not an object with"),
            (lines({"name": "mine"}, good, {"id": "2", "text": 7}), "Line 3 of the file is not an object with"),
            (lines({"name": "mine"}, good, {"id": "2", "text": [" too short "]}), "Line 3 of the file cannot be used"),
            (lines({"name": "mine"}), "has none"),
            (lines({"name": "../mine"}, good), "is not of lower-case letters"),
            (b"\xff\xfe", "It has to be a file in UTF-8"),
            (b"", "empty"),
        ):
            with self.subTest(told=told):
                answer = self.upload(data)
                self.assertContains(answer, told)
                self.assertContains(answer, "There is a problem")
                self.assertEqual(self.kept(), [])
        self.assertContains(self.client.post(PAGE, {}), "This field is required")
        self.assertFalse(AuditEntry.objects.filter(action="add benchmark").exists())

    def test_a_file_that_is_too_large_is_refused_before_it_is_read(self) -> None:
        with self.assertRaisesMessage(InvalidInput, "a benchmark may have 50,000,000"):
            benchmarks.add(self.staff, b" " * (benchmarks.MOST_BYTES + 1))

    def test_a_damaged_file_hides_no_other(self) -> None:
        self.upload(MINE)
        (self.data / "corpus" / "benchmarks" / "broken.jsonl").write_bytes(b"{")
        page = self.client.get(PAGE)
        self.assertContains(page, "Cannot be used")
        self.assertContains(page, "humaneval")
        self.assertContains(page, ">mine")
        with self.assertRaisesMessage(InvalidInput, "Line 1 of the benchmark"):
            releases.start_build(self.staff, benchmarks=["broken"])

    def test_only_who_may_build_may_add(self) -> None:
        approver = make_user("approver")
        approver.user_permissions.add(Permission.objects.get(codename="approve_release"))
        self.client.force_login(approver)
        self.assertNotContains(self.client.get(PAGE), "Add it")
        self.assertEqual(self.upload(MINE).status_code, 403)
        self.client.force_login(make_user())
        self.assertEqual(self.upload(MINE).status_code, 403)
        self.assertEqual(self.kept(), [])

    def test_the_api_lists_and_adds(self) -> None:
        self.client.logout()

        def bearer(user: object) -> dict[str, str]:
            return {"Authorization": f"Bearer {tokens.issue(user, 'mine', ['read', 'jobs'])[1]}"}  # type: ignore[arg-type]

        def send(data: bytes, user: object = self.staff) -> object:
            return self.client.post(
                "/api/benchmarks", {"file": SimpleUploadedFile("x.jsonl", data)}, headers=bearer(user)
            )

        made = send(MINE)
        self.assertEqual((made.status_code, made.json()["name"], made.json()["texts"]), (201, "mine", 3))
        self.assertEqual(send(MINE).status_code, 200)
        self.assertEqual(
            send(lines({"name": "mine"}, {"id": "1", "text": "something else altogether"})).status_code, 409
        )
        wrong = send(b"{")
        self.assertEqual((wrong.status_code, wrong.json()["field"]), (422, "file"))
        rows = self.client.get("/api/benchmarks", headers=bearer(self.staff)).json()
        self.assertEqual([(row["name"], row["shipped"]) for row in rows], [("humaneval", True), ("mine", False)])
        stranger = make_user()
        self.assertEqual(send(MINE, stranger).status_code, 403)
        self.assertEqual(self.client.get("/api/benchmarks", headers=bearer(stranger)).status_code, 403)
        self.assertEqual(self.client.get("/api/benchmarks").status_code, 401)


class Building(BenchmarkCase):
    def build_by_form(self, **told: object) -> object:
        return self.client.post("/releases/desk/build/", {"version": "v1.0", "recipe": "demo"} | told)

    def test_a_release_is_decontaminated_from_what_was_chosen(self) -> None:
        self.ingest()
        self.upload(MINE)
        self.assertContains(self.client.get("/releases/desk/build/"), "As the recipe says")
        self.build_by_form(decontaminate="chosen", benchmarks=["mine"])
        release = Release.objects.get()
        self.assertEqual(release.recipe["benchmarks"], ["mine"])
        assert release.job
        self.assertEqual(execute_here(release.job).state, "succeeded")
        page = self.client.get(reverse("datasets:contamination", args=[release.name, release.version]))
        self.assertContains(page, "alpha_one/only.py")
        self.assertContains(page, f'<mark class="code__found">{MARKER.decode()}</mark>')

    def test_the_recipe_decides_where_nothing_is_chosen(self) -> None:
        self.build_by_form()
        self.assertEqual(Release.objects.get().recipe["benchmarks"], ["humaneval"])

    def test_none_can_be_chosen(self) -> None:
        self.build_by_form(decontaminate="none")
        self.assertEqual(Release.objects.get().recipe["benchmarks"], [])

    def test_a_choice_that_says_two_things_is_asked_again(self) -> None:
        for told, words in (
            ({"decontaminate": "chosen"}, "Tick at least one"),
            ({"benchmarks": ["humaneval"]}, "Benchmarks are ticked below"),
            ({"decontaminate": "none", "benchmarks": ["humaneval"]}, "Benchmarks are ticked below"),
            ({"decontaminate": "chosen", "benchmarks": ["none-such"]}, "Select a valid choice"),
        ):
            self.assertContains(self.build_by_form(**told), words)
        with self.assertRaisesMessage(InvalidInput, "There is no benchmark “none-such”"):
            releases.start_build(self.staff, benchmarks=["none-such"])
        self.assertFalse(Release.objects.exists())
