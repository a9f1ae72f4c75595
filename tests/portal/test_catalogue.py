"""The catalogue: what is in it, how it keeps up and mends itself, and that it opens nothing that is not its own."""

import pickle
import threading
from unittest.mock import patch

from django.db import transaction
from django.test import TestCase, TransactionTestCase, override_settings
from django.urls import reverse

from core import stores
from core.jobs import execute_here
from core.models import Job
from datasets_app.models import Release
from datasets_app.services import releases
from datasets_app.signals import release_published
from modelzoo.models import LicenceTerms, Ref, Revision, ZooModel
from modelzoo.services.withdrawal import withdraw_revision
from portal import catalogue, documents, entries, recipes
from portal.catalogue import engine, shelf
from portal.catalogue.question import parse
from portal.entries import Entry
from portal.tasks import keep_catalogue
from tests.base import DataFolderMixin, make_staff
from tests.portal import people
from training_jobs.models import Run


def publish_model(name="demo-coder", message="The first one.", release=None):
    """Rows of a model; its files are the zoo's affair."""
    terms = LicenceTerms.objects.first() or LicenceTerms.objects.create(
        key="bigcode-openrail-m", version=1, title="BigCode OpenRAIL-M", text="Responsible use only.", sha256="0" * 64
    )
    model = ZooModel.objects.create(org="fairstack", name=name, licence_key=terms.key)
    revision = Revision.objects.create(
        model=model, sha="a" * 40, message=message, terms=terms, parameters={"F32": 1234567}, release=release
    )
    Ref.objects.create(model=model, name="main", kind="branch", revision=revision)
    return model, revision


def entry(number, text="", **fields):
    """An entry made by hand."""
    values = {"kind": "document", "title": f"Paper {number}", "words": "", "url": f"/docs/p{number}"} | fields
    return Entry(id=f"document:{number}", text=text, **values)


class DocsMixin(DataFolderMixin):
    """A folder of documents of the test's own."""

    def setUp(self):
        super().setUp()
        (self.data / "docs").mkdir()
        changed = override_settings(BASE_DIR=self.data)
        changed.enable()
        self.addCleanup(changed.disable)

    def titles(self, text, **chosen):
        return [hit.entry.title for hit in catalogue.find(parse(text, chosen)).hits]


class Index(DocsMixin, TestCase):
    """The file: missing, damaged, forged, written by several."""

    def path(self):
        return self.data / "indexes" / shelf.NAME

    def test_is_made_where_it_is_missing(self):
        people.publish("v1.0")
        self.assertTrue(self.titles("python"))

    def test_is_made_anew_wherever_it_is_damaged(self):
        people.publish("v1.0")
        catalogue.rebuild()
        whole = self.path().read_bytes()
        middle = len(whole) // 2
        damages = [b"", b"\0", whole[:10], whole[:-1], whole + b"x", b"\xff" * len(whole)]
        damages += [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in (0, 30, 90, middle, len(whole) - 1)]
        for number, damage in enumerate(damages):
            self.path().write_bytes(damage)
            with self.subTest(number), self.assertLogs("portal.catalogue.shelf", "WARNING"):
                self.assertTrue(self.titles("python"))
            self.assertIsNotNone(shelf.read())

    def test_opens_nothing_that_somebody_else_wrote(self):
        """Whoosh unpickles what it reads: here that would leave a file behind."""
        people.publish("v1.0")
        catalogue.rebuild()
        trap = self.data / "tmp" / "sprung"

        class Trap:
            def __reduce__(self):
                return (trap.touch, ())

        files = shelf.read()
        toc = next(name for name in files if name.endswith(".toc"))
        head = files[toc][: files[toc].rindex(b"\x80\x05")]
        forged = files | {toc: head + pickle.dumps(Trap(), 5)}
        with self.assertRaises(Exception):  # noqa: B017 - whatever becomes of it, it is sprung
            engine.Opened(dict(forged))
        self.assertTrue(trap.exists(), "without that this would prove nothing")
        trap.unlink()
        with override_settings(SECRET_KEY="somebody else's"), self.assertRaises(Exception):  # noqa: B017
            shelf.replace(forged)
        trap.unlink(missing_ok=True)
        body = (
            self.path()
            .read_bytes()[len(shelf.MAGIC) + 65 :]
            .replace(files[toc], forged[toc].ljust(len(files[toc]), b"."))
        )
        with override_settings(SECRET_KEY="somebody else's"):
            signed = shelf.MAGIC + shelf._signature(body).encode() + b"\n" + body
        self.path().write_bytes(signed)
        with self.assertLogs("portal.catalogue.shelf", "WARNING"):
            self.assertTrue(self.titles("python"))
        self.assertFalse(trap.exists())

    def test_writers_at_the_same_time_lose_nothing_and_readers_never_fail(self):
        catalogue.rebuild()
        made = [entry(number, f"unicorn{number} always") for number in range(4)]
        done = threading.Event()
        counts: list[int] = []

        def read():
            while not done.is_set():
                counts.append(catalogue.answer(shelf.current(), parse("always"), 1, set).count)

        reader = threading.Thread(target=read)
        writers = [threading.Thread(target=catalogue.change, args=([one],)) for one in made]
        for thread in (reader, *writers):
            thread.start()
        for thread in writers:
            thread.join()
        done.set()
        reader.join()
        self.assertEqual(self.titles("always") and catalogue.find(parse("always")).count, 4)
        self.assertEqual(counts, sorted(counts), "each answer is of one whole index, and never of an older one")

    def test_a_large_catalogue_is_made_by_a_job_and_nobody_waits(self):
        people.publish("v1.0")
        with patch.object(catalogue, "FEW", 0):
            page = self.client.get(reverse("portal:find"), {"q": "python"})
            self.assertContains(page, "The index is being made")
            self.assertFalse(self.client.get("/api/search", {"q": "python"}).json()["ready"])
        execute_here(Job.objects.get(kind=catalogue.KIND))
        self.assertTrue(self.titles("python"))

    def test_many_who_ask_at_once_make_it_once(self):
        waiting = threading.Barrier(4)
        made = []

        def ask():
            waiting.wait()
            self.assertIsNotNone(catalogue._opened())

        with (
            patch.object(entries, "everything", lambda: made.append(1) or iter([entry(1, "word")])),
            patch.object(catalogue, "_rows", lambda: 0),
        ):
            threads = [threading.Thread(target=ask) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertEqual(len(made), 1)

    def test_a_disk_that_is_full_is_an_answer(self):
        people.publish("v1.0")
        (self.data / "indexes").mkdir()
        self.path().mkdir()  # nothing can be put here
        with self.assertLogs("portal.catalogue", "ERROR"):
            self.assertContains(self.client.get(reverse("portal:find"), {"q": "python"}), "The index is being made")

    def test_a_purge_makes_it_anew_and_nothing_is_left_over(self):
        release = people.publish("v1.0")
        catalogue.rebuild()
        catalogue.change([], entries.ids_of_release(release))
        before = self.path().read_bytes()
        store = next(store for store in stores.all_stores() if store.name == "catalogue index")
        cleared = store.purge({"0" * 40}, lambda *figures, **more: None)
        self.assertEqual((cleared.store, cleared.files), ("catalogue index", 1))
        self.assertNotEqual(self.path().read_bytes(), before)
        self.assertEqual([path.name for path in stores.unowned_paths()], ["docs"])
        self.assertEqual(list((self.data / "tmp").iterdir()), [])

    def test_holds_no_name_of_an_account(self):
        people.hold("Zebra-Quartz", "secretrepo")
        catalogue.rebuild()
        opened = shelf.current()
        self.assertNotRegex(repr(opened.everything()).casefold(), "zebra|secretrepo")
        for word in ("zebra", "quartz", "secretrepo"):
            self.assertFalse(opened.having("body", word).size or opened.knows(word))


class Things(DocsMixin, TestCase):
    """What there is to be found, and what not."""

    def test_releases_models_recipes_licences_and_runs(self):
        release = people.publish("v1.0", recipe_digest="d" * 64)
        model, _ = publish_model(release=release)
        Run.objects.create(org="fairstack", model_name="night", preset="small", release=release)
        catalogue.rebuild()
        for text, title in (
            ("kind:release python", "the-stack-demo v1.0"),
            ("kind:model release:v1.0", "fairstack/demo-coder"),
            ("owner:fairstack language:python", "fairstack/demo-coder"),
            ("santacoder kind:recipe", "Recipe santacoder"),
            ("kind:recipe release:the-stack-demo", "Recipe starcoder"),
            ('kind:licence "responsible use"', LicenceTerms.objects.get(key=model.licence_key).title),
            ('"permission is hereby granted" kind:licence', "MIT"),
            ("kind:run night", f"Run {Run.objects.get().pk}: fairstack/night"),
        ):
            with self.subTest(text=text):
                self.assertIn(title, self.titles(text))

    def test_what_is_not_published_is_not_found(self):
        for number, state in enumerate(("building", "built", "rejected", "withdrawn", "failed")):
            people.publish(f"v2.{number}", state=state)
        catalogue.rebuild()
        self.assertEqual(self.titles("kind:release"), [])
        self.assertEqual(self.titles("release:v2"), [])

    def test_what_was_withdrawn_is_not_found_though_it_stands_in_the_index(self):
        release = people.publish("v1.0")
        model, revision = publish_model()
        catalogue.rebuild()
        Release.objects.filter(pk=release.pk).update(state="withdrawn")
        Revision.objects.filter(pk=revision.pk).update(withdrawn_at=release.built_at)
        for text in ("python", "coder kind:model", "kind:release"):
            answer = catalogue.find(parse(text))
            self.assertFalse([hit for hit in answer.hits if hit.entry.kind in ("release", "model")])
            self.assertEqual(answer.count, len(answer.hits), "nor is it counted")
            self.assertNotIn("release", [one.name for one in answer.facets["kind"]])
        self.assertIsNone(entries.of_model(model))

    def test_a_change_that_nobody_told_of_is_found_in_time(self):
        catalogue.rebuild()
        people.publish("v1.0")
        self.assertFalse(self.titles("kind:release"))
        keep_catalogue()
        self.assertEqual(self.titles("kind:release"), ["the-stack-demo v1.0"])

    def test_documents_are_pages_and_found_by_their_words(self):
        (self.data / "docs" / "house-rules.md").write_text(
            "# The house\n\nBe *kind*. <script>alert(1)</script> [More](other-page.md#end)\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
        )
        (self.data / "docs" / "Not A Slug.md").write_text("# Hidden")
        (self.data / "docs" / "architecture.md").write_text("# For developers\n\nkind")
        page = self.client.get(reverse("portal:document", args=["house-rules"]))
        for part in ("<em>kind</em>", "<table>", 'href="other-page#end"'):
            self.assertContains(page, part)
        self.assertNotContains(page, "<script>alert")
        for slug in ("nothing", "Not"):
            self.assertEqual(self.client.get(reverse("portal:document", args=[slug])).status_code, 404)
        self.assertEqual([document.title for document in documents.for_readers()], ["The house"])
        self.assertEqual([hit.entry.url for hit in catalogue.find(parse("kind:doc kind")).hits], ["/docs/house-rules"])
        self.assertNotContains(self.client.get(reverse("portal:find"), {"q": "alert"}), "<script>alert")

    def test_licences_and_recipes_have_pages(self):
        publish_model()
        people.publish("v1.0")
        self.assertContains(self.client.get(reverse("portal:licence", args=["bigcode-openrail-m"])), "OpenRAIL")
        page = self.client.get(reverse("portal:licence", args=["MIT"]))
        self.assertContains(page, "Permission is hereby granted")
        self.assertContains(page, "the-stack-demo v1.0</a>: 3 files")
        self.assertContains(self.client.get(reverse("portal:licence", args=["BSD-3-Clause"])), "It is permissive")
        self.assertEqual(self.client.get(reverse("portal:licence", args=["none"])).status_code, 404)
        for recipe in recipes.everything():
            self.assertContains(self.client.get(reverse("portal:recipe", args=[recipe.key])), recipe.digest)
        self.assertEqual(self.client.get(reverse("portal:recipe", args=["0" * 16])).status_code, 404)


class KeepingUp(DocsMixin, TransactionTestCase):
    def test_follows_what_is_published_and_withdrawn(self):
        catalogue.rebuild()
        release = people.publish("v3.0")
        release_published.send(sender=Release, release=release)
        self.assertIn("the-stack-demo v3.0", self.titles("v3.0"))
        with transaction.atomic():
            _, revision = publish_model("night-coder")
            Run.objects.create(org="fairstack", model_name="day", preset="small", release=release)
            LicenceTerms.objects.create(key="other", version=1, title="Other terms", text="Be nice.", sha256="1" * 64)
        self.assertEqual(self.titles("night-coder"), ["fairstack/night-coder"])
        self.assertEqual(len(self.titles("kind:run day")), 1)
        self.assertEqual(self.titles('"be nice"'), ["Other terms"])
        staff = make_staff()
        withdraw_revision(staff, revision, "It was wrong.")
        releases.withdraw(release, staff, "It was wrong.")
        in_the_index = shelf.current().everything()
        self.assertFalse([one for one in in_the_index if one.startswith(("model:", "release:"))])

    def test_without_an_index_a_change_costs_nothing(self):
        with transaction.atomic():
            publish_model("night-coder")
        self.assertFalse(shelf.is_there())
        self.assertEqual(self.titles("night-coder"), ["fairstack/night-coder"])
