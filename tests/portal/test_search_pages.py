"""The start page, “Am I in The Stack?”, transparency: what everybody sees, and what nobody does."""

import logging
import re

from django.contrib.sessions.models import Session
from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core import ledger
from core.models import AuditEntry
from portal import catalogue
from tests.base import DataFolderMixin, make_user
from tests.portal import people


class TheStartPage(DataFolderMixin, TestCase):
    def test_asks_one_question_and_shows_no_fact_that_is_not_there(self):
        page = self.client.get("/")
        self.assertContains(page, "Am I in The Stack?")
        self.assertNotContains(page, "latest release")

    def test_shows_the_latest_release(self):
        people.hold("Alpha", "one", release=people.publish("v7.3"))
        page = self.client.get("/")
        self.assertContains(page, "v7.3")
        self.assertContains(page, "latest release")


class AmIInTheStack(DataFolderMixin, TestCase):
    def ask(self, text, **more):
        return self.client.get(reverse("portal:search"), {"q": text, **more})

    def test_an_account_a_repository_or_an_address_in_any_case(self):
        people.hold("Django", "Django", "asgiref")
        for text in ("django", "DJANGO", "Django/django", "https://github.com/django/DJANGO.git", "  @django  "):
            with self.subTest(text=text):
                page = self.ask(text)
                self.assertContains(page, "is in The Stack")
                self.assertContains(page, "MIT")
                self.assertContains(page, "Opt out")

    def test_shows_what_each_release_holds(self):
        first, second = people.publish("v1.0"), people.publish("v1.1")
        people.hold("Alpha", "one", release=first)
        people.hold("Alpha", "one", "two", release=second)
        page = self.ask("alpha")
        for words in ("the-stack-demo v1.0", "the-stack-demo v1.1", "two", "600"):
            self.assertContains(page, words)

    def test_the_same_name_on_two_forges_is_shown_for_each(self):
        people.hold("Alpha", "one")
        people.hold("Alpha", "lab", forge="gitlab.com")
        page = self.ask("alpha")
        self.assertContains(page, "on github.com is in The Stack")
        self.assertContains(page, "on gitlab.com is in The Stack")

    def test_a_name_that_is_not_there_gets_a_clear_no_with_near_spellings(self):
        people.hold("django", "django")
        page = self.ask("djagno")
        self.assertContains(page, "is not held")
        self.assertContains(page, "Did you mean")
        self.assertContains(page, "/search?q=django")

    def test_removed_masked_and_never_held_look_the_same(self):
        people.hold("Alpha", "one")
        ada = make_user("ada")
        people.verified(ada, "Alpha")
        old = people.publish("v0.1", state="withdrawn")
        people.hold("Gamma", "one", release=old)
        pages = []
        for name in ("Alpha", "Gamma", "Nobody"):
            page = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", self.ask(name).content.decode())
            pages.append(page.replace(name, "NAME").replace(name.lower(), "NAME"))
        self.assertEqual(pages[0], pages[1])
        self.assertEqual(pages[0], pages[2])
        self.assertNotIn("Did you mean", self.ask("alphq").content.decode())

    def test_the_opt_out_begins_with_what_was_found(self):
        people.hold("Alpha", "one", forge="gitlab.com")
        self.assertContains(self.ask("alpha"), 'name="forge" value="gitlab.com"')

    def test_hostile_questions_get_an_answer_and_are_escaped(self):
        people.hold("Alpha", "one")
        for text in (
            "^.+$",
            "a\u202eb",
            "<script>alert(1)</script>",
            "%",
            "_",
            "alpha' OR 1=1",
            "//",
            "@",
            "https://[",
            "\u200b",
        ):
            with self.subTest(text=text):
                page = self.ask(text)
                self.assertIn(page.status_code, (200, 400))
                self.assertNotContains(page, "<script>alert", status_code=page.status_code)
                self.assertNotContains(page, "is in The Stack", status_code=page.status_code)
        self.assertEqual(self.ask("x" * 10_000).status_code, 400)
        self.assertEqual(self.ask("a\x00b").status_code, 400)
        self.assertContains(self.ask("   "), "Enter the name of an account")

    def test_nothing_of_what_was_asked_is_logged_or_kept(self):
        records = []
        handler = logging.Handler()
        handler.emit = lambda record: records.append(f"{record.getMessage()} {record.__dict__}")
        root = logging.getLogger()
        root.addHandler(handler)
        before = root.level
        root.setLevel(logging.INFO)
        lines = logging.getLogger("django_structlog")
        lines.setLevel(logging.INFO)
        catalogue.rebuild()
        audited = AuditEntry.objects.count()
        try:
            with CaptureQueriesContext(connection) as queries:
                self.ask("Zebra-Quartz")
                self.client.post("/api/search", {"q": "Zebra-Quartz"}, content_type="application/json")
                self.client.get(reverse("portal:find"), {"q": "Zebra-Quartz"})
        finally:
            root.removeHandler(handler)
            root.setLevel(before)
            lines.setLevel(logging.WARNING)
        self.assertIn("GET /search", " ".join(records), "without a line for each request this would prove nothing")
        self.assertNotRegex(" ".join(records).casefold(), "zebra")
        self.assertFalse(
            [query for query in queries if not query["sql"].startswith(("SELECT", "(SELECT", "SAVEPOINT", "RELEASE"))]
        )
        self.assertFalse(Session.objects.exists())
        self.assertEqual(AuditEntry.objects.count(), audited)

    def test_is_not_kept_by_caches(self):
        self.assertIn("no-store", self.ask("alpha")["Cache-Control"])

    def test_number_of_queries_does_not_grow_with_what_is_held(self):
        people.hold("Alpha", *(f"r{number}" for number in range(3)))
        with CaptureQueriesContext(connection) as few:
            self.ask("alpha")
        people.hold("Alpha", *(f"r{number}" for number in range(3, 30)))
        with CaptureQueriesContext(connection) as many:
            self.ask("alpha")
        self.assertEqual(len(few), len(many))
        self.assertLessEqual(len(many), 6)


class Transparency(TestCase):
    def test_shows_numbers_and_acts_but_no_name(self):
        ada = make_user("ada")
        people.scheduled(ada, "Zebra-Quartz", "secretrepo")
        ledger.append("release published", {"name": "the-stack-demo", "version": "v1.0"})
        page = self.client.get(reverse("portal:transparency"))
        self.assertContains(page, "opt-out accepted")
        self.assertContains(page, "sealed")
        self.assertContains(page, "&quot;version&quot;: &quot;v1.0&quot;")
        self.assertNotRegex(page.content.decode().casefold(), "zebra|secretrepo|>ada<")

    def test_works_with_nothing_yet(self):
        self.assertContains(self.client.get(reverse("portal:transparency")), "Nothing yet")

    def test_the_ledger_is_cut_into_pages_in_few_queries(self):
        for number in range(120):
            ledger.append("release published", {"number": number})
        with CaptureQueriesContext(connection) as queries:
            page = self.client.get(reverse("portal:transparency"), {"page": 2})
        self.assertContains(page, "51 to 100 of 120")
        self.assertLessEqual(len(queries), 8)
