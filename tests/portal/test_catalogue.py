"""Search over the catalogue: finds words, keeps up, mends itself, and takes words as words."""

import threading
from unittest import mock

from django.db import transaction
from django.test import TestCase, TransactionTestCase, override_settings
from django.urls import reverse

from core import stores
from datasets_app.models import Release
from datasets_app.signals import release_published
from modelzoo.models import LicenceTerms, Ref, Revision, ZooModel
from portal import catalogue, documents, entries
from portal.catalogue import _current
from tests.base import DataFolderMixin
from tests.portal import people


def publish_model(name="demo-coder", message="The first one."):
    """Rows of a model; its files are the zoo's affair."""
    terms = LicenceTerms.objects.first() or LicenceTerms.objects.create(
        key="bigcode-openrail-m", version=1, title="BigCode OpenRAIL-M", text="Responsible use only.", sha256="0" * 64
    )
    model = ZooModel.objects.create(org="fairstack", name=name, licence_key=terms.key)
    revision = Revision.objects.create(
        model=model, sha="a" * 40, message=message, terms=terms, parameters={"F32": 1234567}
    )
    Ref.objects.create(model=model, name="main", kind="branch", revision=revision)
    return model, revision


class DocsMixin(DataFolderMixin):
    """A folder of documents of the test's own."""

    def setUp(self):
        super().setUp()
        (self.data / "docs").mkdir()
        changed = override_settings(BASE_DIR=self.data)
        changed.enable()
        self.addCleanup(changed.disable)


class Finding(DocsMixin, TestCase):
    def titles(self, text):
        return [hit.title for hit in catalogue.find(text).hits]

    def test_finds_releases_models_and_licences_by_their_words(self):
        people.publish("v1.0")
        publish_model()
        catalogue.rebuild()
        self.assertIn("the-stack-demo v1.0", self.titles("python"))
        self.assertIn("fairstack/demo-coder", self.titles("demo-coder"))
        self.assertIn(LicenceTerms.objects.get().title, self.titles("restrictions"))

    def test_all_words_count(self):
        people.publish("v1.0")
        catalogue.rebuild()
        self.assertTrue(self.titles("python licences"))
        self.assertFalse(self.titles("python submarine"))

    def test_marks_what_was_found_and_escapes_the_rest(self):
        publish_model(message="Better <script>alert(1)</script> loops.")
        catalogue.rebuild()
        excerpt = catalogue.find("loops").hits[0].excerpt
        self.assertIn('<b class="match', excerpt)
        self.assertNotIn("<script", excerpt)
        self.assertNotIn("<script", catalogue.find("coder").hits[0].excerpt)

    def test_offers_a_near_spelling(self):
        people.publish("v1.0")
        catalogue.rebuild()
        self.assertEqual(catalogue.find("pyhton").meant, "python")
        self.assertEqual(catalogue.find("python").meant, "")
        self.assertEqual(catalogue.find("qqqqqqqqqq").meant, "")

    def test_takes_wildcards_and_operators_as_words(self):
        people.publish("v1.0")
        catalogue.rebuild()
        for text in (
            "*",
            "py*",
            "python OR submarine",
            "title:python~2",
            "[a TO z]",
            '"',
            "^.+$",
            "\u202e",
            "x" * 10_000,
            "a " * 5000,
        ):
            with self.subTest(text=text[:20]):
                self.assertEqual(self.titles(text), [])

    def test_what_was_withdrawn_is_not_found_though_it_stands_in_the_index(self):
        release = people.publish("v1.0")
        model, revision = publish_model()
        catalogue.rebuild()
        Release.objects.filter(pk=release.pk).update(state="withdrawn")
        Revision.objects.filter(pk=revision.pk).update(withdrawn_at=release.built_at)
        self.assertFalse(self.titles("python"))
        self.assertFalse(self.titles("coder"))
        self.assertIsNone(entries.of_model(model))

    def test_a_missing_index_is_made(self):
        people.publish("v1.0")
        self.assertTrue(self.titles("python"))

    def test_a_damaged_index_is_made_anew(self):
        people.publish("v1.0")
        catalogue.rebuild()
        for damage in (b"", b"\x00garbage" * 50):
            for path in _current(self.data / "indexes").iterdir():
                path.write_bytes(damage)
            with self.assertLogs("portal.catalogue", "WARNING"):
                self.assertTrue(self.titles("python"))
        (self.data / "indexes" / "current").write_text("../../etc")
        self.assertTrue(self.titles("python"))

    def test_a_question_that_cannot_be_answered_does_not_cause_rebuilding(self):
        catalogue.rebuild()
        before = _current(self.data / "indexes")
        with (
            mock.patch.object(catalogue, "_query", side_effect=ValueError),
            self.assertLogs("portal.catalogue", "ERROR"),
        ):
            self.assertEqual(catalogue.find("python").hits, [])
        self.assertEqual(_current(self.data / "indexes"), before)

    def test_a_damaged_index_is_made_anew_by_an_addition_too(self):
        catalogue.rebuild()
        for path in _current(self.data / "indexes").iterdir():
            path.write_bytes(b"no index")
        release = people.publish("v1.0")
        with self.assertLogs("portal.catalogue", "WARNING"):
            catalogue.put([entries.of_release(release)])
        self.assertTrue(self.titles("python"))

    def test_holds_no_name_of_an_owner(self):
        people.hold("Zebra-Quartz", "secretrepo")
        catalogue.rebuild()
        for path in (self.data / "indexes").rglob("*"):
            if path.is_file():
                self.assertNotIn(b"zebra", path.read_bytes().lower(), path)

    def test_a_purge_makes_it_anew(self):
        people.publish("v1.0")
        catalogue.rebuild()
        before = _current(self.data / "indexes")
        store = next(store for store in stores.all_stores() if store.name == "catalogue index")
        cleared = store.purge({"0" * 40}, lambda *figures, **more: None)
        self.assertEqual(cleared.store, "catalogue index")
        self.assertNotEqual(_current(self.data / "indexes"), before)
        self.assertFalse(before.exists())
        self.assertEqual([path.name for path in stores.unowned_paths()], ["docs"])

    def test_additions_at_the_same_time_are_all_kept(self):
        catalogue.rebuild()
        made = [
            entries.Entry(f"document:d{number}", "document", f"Paper {number}", "", f"unicorn{number}", "/docs/x")
            for number in range(6)
        ]
        threads = [threading.Thread(target=catalogue.put, args=([entry],)) for entry in made]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([len(catalogue.find(f"unicorn{number}").hits) for number in range(6)], [1] * 6)

    def test_the_page_shows_hits_and_leads_to_the_search_for_accounts(self):
        people.publish("v1.0")
        page = self.client.get(reverse("portal:find"), {"q": "pyhton"})
        self.assertContains(page, "Did you mean")
        page = self.client.get(reverse("portal:find"), {"q": "python"})
        self.assertContains(page, "the-stack-demo v1.0")
        self.assertContains(self.client.get(reverse("portal:find"), {"q": "submarine"}), "Nothing found")
        self.assertContains(self.client.get(reverse("portal:find")), "search The Stack")
        self.assertEqual(self.client.get(reverse("portal:find"), {"q": "x" * 10_000}).status_code, 200)


class KeepingUp(DocsMixin, TransactionTestCase):
    def test_a_release_is_found_when_its_publication_commits(self):
        catalogue.rebuild()
        release = people.publish("v3.0")
        self.assertFalse(catalogue.find("v3.0").hits)
        release_published.send(sender=Release, release=release)
        self.assertEqual(catalogue.find("v3.0").hits[0].title, "the-stack-demo v3.0")

    def test_a_model_is_found_when_its_publication_commits(self):
        catalogue.rebuild()
        with transaction.atomic():
            publish_model("night-coder")
        self.assertEqual(catalogue.find("night-coder").hits[0].title, "fairstack/night-coder")


class Documents(DocsMixin, TestCase):
    def setUp(self):
        super().setUp()
        (self.data / "docs" / "house-rules.md").write_text(
            "# The house\n\nBe *kind*. <script>alert(1)</script> [More](other-page.md#end)\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
        )
        (self.data / "docs" / "Not A Slug.md").write_text("# Hidden")

    def test_are_pages_of_the_site(self):
        page = self.client.get(reverse("portal:document", args=["house-rules"]))
        self.assertContains(page, "<em>kind</em>")
        self.assertContains(page, "<table>")
        self.assertContains(page, 'href="other-page#end"')
        self.assertNotContains(page, "<script>alert")

    def test_that_are_not_there_are_not_found(self):
        for slug in ("nothing", "Not"):
            self.assertEqual(self.client.get(reverse("portal:document", args=[slug])).status_code, 404)

    def test_are_found_by_their_words(self):
        self.assertEqual([document.title for document in documents.everything()], ["The house"])
        self.assertEqual(catalogue.find("kind").hits[0].url, "/docs/house-rules")


class Licences(TestCase):
    def test_have_a_page(self):
        publish_model()
        self.assertContains(self.client.get(reverse("portal:licence", args=["bigcode-openrail-m"])), "OpenRAIL")
        self.assertEqual(self.client.get(reverse("portal:licence", args=["none"])).status_code, 404)
