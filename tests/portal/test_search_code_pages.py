"""Search by pasted code, by an uploaded file and by a list, on the pages and by API: what everybody sees, and what nobody does."""

import csv
import io
import json
import re

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, TestCase, override_settings
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as PropertyCase

from core.errors import InvalidInput
from datasets_app import code_lookup, lookup_many
from datasets_app.models import FormerLogin, Owner, Release
from datasets_app.query import parse
from datasets_app.services import blocklist, masks
from portal.tables import harmless
from tests.base import DataFolderMixin, make_staff
from tests.datasets_app.test_code_lookup import LONG, Indexed
from tests.portal import people

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="\w+"')


def plain(response) -> str:
    """A page without what differs from one request to the next."""
    return TOKEN.sub("", response.content.decode())


class ByCode(Indexed, TestCase):
    address = "/search/code"

    def ask(self, **fields):
        return self.client.post(self.address, fields)

    def test_pasted_code_with_the_line_ends_of_a_browser(self):
        page = self.ask(code=LONG.replace("\n", "\r\n"))
        self.assertContains(page, "Yes: this file is in The Stack")
        self.assertContains(page, "alpha_two/long.py")
        self.assertContains(page, "the same, byte by byte")
        self.assertContains(page, "beta/long.py")
        self.assertContains(page, "about 9")
        self.assertEqual(page["Cache-Control"], "private, no-store")

    def test_an_uploaded_file_goes_before_the_text(self):
        page = self.ask(code="something else", file=SimpleUploadedFile("x.py", LONG.encode()))
        self.assertContains(page, "Yes: this file is in The Stack")

    def test_side_by_side(self):
        address = re.search(r'value="(\d+:\d+:beta/long.py)"', self.ask(code=LONG).content.decode())[1]
        page = self.ask(code=LONG, compare=address)
        self.assertContains(page, "Side by side")
        self.assertContains(page, '<mark class="sides__mark">pace_7</mark>', html=True)
        masks.mask(self.staff, Owner.objects.get(login_folded="beta"))
        never = address.split(":")[0] + ":999999:beta/long.py"
        refused = [
            self.ask(code=LONG, compare=one) for one in (address, never, "1:2", "x", "9" * 40 + ":1:a", "1:1:../../etc")
        ]
        self.assertEqual({page.status_code for page in refused}, {400})
        self.assertEqual(len({plain(page) for page in refused}), 1)

    def test_removed_masked_and_never_held_are_the_same_byte_by_byte(self):
        never = "".join(f"def other_{number}(thing_{number}):\n    return 1 + {number}\n\n" for number in range(60))
        pages = []
        for hide in (
            lambda: [masks.mask(self.staff, owner, reference="R") for owner in Owner.objects.all()],
            lambda: (
                masks.unmask(self.staff, "R"),
                [blocklist.add(self.staff, owner) for owner in Owner.objects.all()],
            ),
            lambda: Release.objects.update(state="withdrawn"),
        ):
            hide()
            for text in (LONG, never):
                page = self.ask(code=text)
                blob = code_lookup.blob_id(text.encode())
                pages.append(
                    (page.status_code, plain(page).replace(blob, "BLOB").replace(text.replace("'", "&#x27;"), "TEXT"))
                )
                api = self.client.post("/api/search/code", {"code": text}, content_type="application/json")
                pages[-1] += (api.content.decode().replace(blob, "BLOB"), sorted(page.headers))
        self.assertIn("No: nothing like this is held", pages[0][1])
        self.assertEqual(len({str(page) for page in pages}), 1)

    def test_what_cannot_be_looked_up_gets_a_clear_text_and_keeps_what_was_pasted(self):
        page = self.ask(file=SimpleUploadedFile("x.zip", b"PK\x03\x04"))
        self.assertContains(page, "This is a ZIP archive", status_code=400)
        self.assertContains(self.ask(code=" "), "There is no code in it", status_code=400)
        self.assertContains(self.ask(), "There is no code in it", status_code=400)
        for fields in ({"file": SimpleUploadedFile("x.py", b"a = 1\n" * 300_000)}, {"code": "a = 1\n" * 600_000}):
            self.assertContains(self.ask(**fields), "larger than 1 MB", status_code=400)
        page = self.ask(code="</textarea><script>alert(1)</script> <b>")
        self.assertNotContains(page, "<script>alert")

    def test_a_file_is_never_written_to_the_disk(self):
        with self.settings(FILE_UPLOAD_MAX_MEMORY_SIZE=10, FILE_UPLOAD_TEMP_DIR="/nowhere/at/all"):
            self.assertContains(self.ask(file=SimpleUploadedFile("x.py", LONG.encode())), "Yes: this file")

    def test_the_page_asks_for_its_csrf_token_and_reads_by_get_alone(self):
        strict = Client(enforce_csrf_checks=True)
        self.assertEqual(strict.post(self.address, {"code": LONG}).status_code, 403)
        self.assertEqual(strict.get(self.address, {"code": LONG}).status_code, 200)
        shown = strict.get(self.address, {"code": LONG}).content.decode().partition("<main")[2]
        self.assertNotIn("step_1", shown)

    def test_by_api(self):
        found = self.client.post("/api/search/code", {"code": LONG}, content_type="application/json").json()
        self.assertEqual([one["how"] for one in found["places"]], ["same", "near"])
        self.assertEqual((found["held"], found["complete"]), (True, True))
        self.assertEqual(found["places"][1]["path"], "beta/long.py")
        for code, status in (
            ("", 422),
            ("PK\x03\x04", 422),
            ("x" * 1_000_001, 422),
            ("x" * 3_000_000, 413),
            ("\ud800", 422),
        ):
            answer = self.client.post("/api/search/code", json.dumps({"code": code}), content_type="application/json")
            self.assertEqual(answer.status_code, status, code[:5])


class ByList(DataFolderMixin, TestCase):
    address = "/search/accounts"

    def setUp(self):
        super().setUp()
        old, new = people.publish("v1.0"), people.publish("v1.1")
        people.hold("Alpha", "one", "two", release=old)
        people.hold("Alpha", "one", "two", "three", release=new)
        people.hold("alpha", "lab", forge="gitlab.com", release=new)
        people.hold("Beta", "one", release=old)

    def csv(self, names: str, **more) -> list[dict[str, str]]:
        answer = self.client.post(self.address, {"names": names, "as": "csv", **more})
        self.assertIn("attachment", answer["Content-Disposition"])
        return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))

    def test_a_table_on_the_page(self):
        page = self.client.post(self.address, {"names": "alpha\r\nnobody\r\n\r\nBETA/One\r\na\u200bb"})
        for words in ("3 are in The Stack", "4 names looked up", "cannot be seen", "gitlab.com", "v1.1"):
            self.assertContains(page, words)
        self.assertEqual(page["Cache-Control"], "private, no-store")

    def test_as_csv_and_json_each_name_with_the_figures_of_its_newest_release(self):
        rows = self.csv("ALPHA\nnobody\nalpha/two\nhttps://gitlab.com/alpha")
        self.assertEqual(
            [(row["line"], row["answer"], row["forge"], row["repositories"], row["files"]) for row in rows],
            [
                ("1", "held", "github.com", "3", "9"),
                ("1", "held", "gitlab.com", "1", "3"),
                ("2", "not held", "", "0", "0"),
                ("3", "held", "github.com", "1", "3"),
                ("4", "held", "gitlab.com", "1", "3"),
            ],
        )
        self.assertEqual(rows[0]["releases"], "the-stack-demo v1.1, the-stack-demo v1.0")
        answer = self.client.post(self.address, {"names": "alpha", "as": "json"})
        self.assertEqual([one["files"] for one in json.loads(b"".join(answer.streaming_content))], [9, 3])

    def test_a_csv_table_is_read_by_its_heading_and_errors_name_their_line(self):
        table = b"\xef\xbb\xbfteam;Account\r\nred;alpha\r\nblue;\r\n\r\ngreen;" + b"x" * 401 + b"\r\n"
        rows = self.csv("", file=SimpleUploadedFile("list.csv", table))
        self.assertEqual([(row["line"], row["answer"]) for row in rows], [
            ("2", "held"), ("2", "held"), ("3", "error"), ("5", "error"),
        ])  # fmt: skip
        self.assertIn("at most 400", rows[3]["error"])

    def test_bad_lists_are_refused_in_words(self):
        many = "\n".join(f"n{number}" for number in range(lookup_many.MOST_NAMES + 1))
        cases = {
            "": "no names", many: "more than 10,000", "a\x00b": "not a text", "x" * 2_000_001: "larger than 2 MB",
            '"' + "y" * 140_000: "Line 1",
        }  # fmt: skip
        for names, words in cases.items():
            self.assertContains(self.client.post(self.address, {"names": names}), words, status_code=400)
        upload = SimpleUploadedFile("a.csv", "Jürgen".encode("latin-1"))
        self.assertContains(self.client.post(self.address, {"file": upload}), "not in UTF-8", status_code=400)

    def test_no_cell_of_the_download_becomes_a_formula(self):
        hostile = ["=1+1", "+1", "-1", "@SUM(A1)", "|calc", "%x"]
        rows = self.csv("\n".join(hostile))
        self.assertEqual([row["asked"][:2] for row in rows], [f"'{text[0]}" for text in hostile])
        self.assertEqual(harmless("\t=1"), "'\t=1")
        self.assertEqual((harmless("plain"), harmless(-3)), ("plain", -3))

    def test_removed_masked_and_never_held_are_the_same(self):
        staff = make_staff()
        masks.mask(staff, Owner.objects.get(login="Beta"))
        gone = people.publish("v0.9", state="withdrawn")
        people.hold("Gamma", "one", release=gone)
        answers = []
        for name in ("beta", "gamma", "never"):
            page = self.client.post(self.address, {"names": name})
            table = b"".join(self.client.post(self.address, {"names": name, "as": "csv"}).streaming_content).decode()
            answers.append((plain(page).replace(name, "NAME"), table.replace(name, "NAME")))
        self.assertEqual(len(set(answers)), 1)

    def test_ten_thousand_names_take_few_queries_a_batch(self):
        names = [lookup_many.Asked(number, f"name{number}") for number in range(10_000)]
        with self.assertNumQueries(2 * 20):
            self.assertEqual({one.answer for one in lookup_many.search_many(names)}, {"not held"})
        with self.assertNumQueries(5):
            list(lookup_many.search_many([lookup_many.Asked(1, "alpha"), lookup_many.Asked(2, "alpha/one")]))

    def test_by_api(self):
        def ask(names):
            return self.client.post("/api/search/accounts", {"names": names}, content_type="application/json")

        self.assertEqual(
            [one["answer"] for one in ask(["alpha", "x", "\u202e"]).json()], ["held", "held", "not held", "error"]
        )
        self.assertEqual((ask([]).status_code, ask(["x"] * 10_001).status_code), (422, 422))


class FormerNames(DataFolderMixin, TestCase):
    def setUp(self):
        super().setUp()
        self.owner = people.hold("New-Name", "one")
        FormerLogin.objects.create(owner=self.owner, login="Old-Name", login_folded="old-name")

    def test_a_former_name_is_followed_and_the_present_one_stays_unsaid(self):
        answers = [
            self.client.get("/search", {"q": "OLD-name"}).content.decode(),
            self.client.get("/search", {"q": "old-name/one"}).content.decode(),
            self.client.post("/api/search", {"q": "old-name"}, content_type="application/json").content.decode(),
            self.client.post("/search/accounts", {"names": "old-name"}).content.decode(),
        ]
        for answer in answers:
            self.assertNotIn("new-name", answer.casefold())
        self.assertIn("before is in The Stack", answers[0])
        self.assertTrue(json.loads(answers[2])["formerly"])
        self.assertIn("under the name that the account bears now", answers[3])

    def test_who_took_the_name_over_is_shown_beside_it(self):
        people.hold("old-name", "two")
        page = self.client.get("/search", {"q": "old-name"})
        self.assertContains(page, "is in The Stack", count=2)

    def test_what_is_hidden_is_not_told_by_its_former_name_either(self):
        masks.mask(make_staff(), self.owner)
        page = plain(self.client.get("/search", {"q": "old-name"}))
        never = plain(self.client.get("/search", {"q": "xxx-name"}))
        self.assertEqual(page.replace("old-name", "xxx-name"), never)


@override_settings(FAIRSTACK_LIMITS={"look-up.network": ""})
class Names(PropertyCase):
    @given(st.text(max_size=450))
    def test_any_text_gets_an_answer_or_a_clear_refusal(self, text):
        page = self.client.get("/search", {"q": text})
        self.assertIn(page.status_code, (200, 400))
        self.assertNotIn("is in The Stack</h2>", page.content.decode())

    @given(
        st.from_regex(r"\Ax[A-Za-z0-9]{0,38}\Z"),  # no word that forges use for something else
        st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9_.-]{0,60}[A-Za-z0-9]\Z"),
    )
    def test_an_account_is_understood_in_every_form_and_case(self, login, name):
        address = f"https://GitHub.com/{login.upper()}/{name}"
        for text in (f"{login}/{name}", address, f" @{login}/{name.upper()} ", f"git@github.com:{login}/{name}.git"):
            found = parse(text)
            self.assertEqual(found.login, login.casefold())
            self.assertEqual(found.repository, name.casefold().removesuffix(".git"))

    def test_unseen_characters_are_named_and_others_that_are_easily_taken_for_letters_too(self):
        for text, words in {
            "dj\u200bango": "zero width space",
            "a\u202eb": "right-to-left override",
            "a\tb": "U+0009",
        }.items():
            with self.assertRaisesMessage(InvalidInput, words.lower()):
                parse(text)
        people.hold("django", "django")
        page = self.client.get("/search", {"q": "dj\u0430ngo"})
        self.assertContains(page, "cyrillic small letter a")
        self.assertContains(page, "is not held")
        self.assertEqual(parse("\uff44jango").login, "\uff44jango")  # compatible forms are not taken for the plain ones
        self.assertEqual(parse("ju\u0308rgen").login, "jürgen")


@override_settings(FAIRSTACK_LIMITS={"look-up.network": "2/hour", "list.network": "1/hour"})
class Limits(DataFolderMixin, TestCase):
    def test_look_ups_are_counted_together_whichever_way_they_are_asked(self):
        self.assertEqual(self.client.get("/search", {"q": "a"}).status_code, 200)
        self.assertEqual(self.client.post("/search/code", {"code": "a = 1"}).status_code, 200)
        for again in (
            self.client.get("/search", {"q": "a"}),
            self.client.post("/search/code", {"code": "a = 1"}),
            self.client.post("/api/search", {"q": "a"}, content_type="application/json"),
            self.client.post("/api/search/code", {"code": "a"}, content_type="application/json"),
        ):
            self.assertEqual(again.status_code, 429)
            self.assertTrue(again["Retry-After"])
        self.assertEqual(self.client.post("/search/accounts", {"names": "a"}).status_code, 200)
        self.assertEqual(self.client.post("/search/accounts", {"names": "a"}).status_code, 429)
