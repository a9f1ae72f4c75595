"""The search of the whole site as page and API, and accounts and repositories beside the catalogue."""

import re

from django.test import TestCase, override_settings
from django.urls import reverse

from datasets_app import prefixes
from portal import catalogue
from portal.catalogue.question import parse
from tests.base import make_user
from tests.datasets_app.floor import FloorMixin
from tests.portal import people
from tests.portal.test_catalogue import DocsMixin


class Page(DocsMixin, TestCase):
    def get(self, **query):
        return self.client.get(reverse("portal:find"), query)

    def test_every_page_has_the_box_and_it_leads_here(self):
        make_user("ada")
        self.client.login(username="ada", password="correct horse battery")
        for path in ("/", "/search", "/releases/", "/models/", "/accounts/", "/find?q=zebra", "/nothing-here"):
            with self.subTest(path=path):
                page = self.client.get(path).content.decode()
                self.assertRegex(page, r'<form class="site-search[^>]+action="/find" method="get"')
                self.assertEqual(len(re.findall(r'id="site-q"', page)), 1)

    def test_hits_facets_near_spellings_and_choices(self):
        people.publish("v1.0")
        people.publish("v2.0")
        page = self.get(q="kind:release pyhton", licence="MIT")
        self.assertContains(page, "Did you mean")
        self.assertContains(page, "?licence=MIT&amp;q=kind%3Arelease+python")
        page = self.get(q="python")
        self.assertContains(page, "the-stack-demo v1.0")
        self.assertContains(page, "kind=release")
        self.assertContains(page, "<mark>Python</mark>")
        narrowed = self.get(q="python", kind="release", release="the-stack-demo v1.0")
        self.assertContains(narrowed, "1 found")
        self.assertContains(narrowed, 'type="hidden" name="kind" value="release"')
        self.assertContains(self.get(q="submarine"), "Nothing found")
        self.assertContains(self.get(q="foo:python"), "is no field")
        self.assertContains(self.get(), "How to ask")
        self.assertIn("no-store", page["Cache-Control"])

    def test_what_cannot_be_looked_for_is_said(self):
        for text in ("*", "-", '""', "kind:zebra", "x" * 10_000):
            with self.subTest(text=text[:10]):
                self.assertContains(self.get(q=text), 'role="alert"', status_code=400)
        for text in ("\ud800".encode("utf-8", "surrogatepass"), b"a\xff"):
            self.assertIn(self.get(q=text).status_code, (200, 400))
        self.assertEqual(self.get(q="python", kind="zebra").status_code, 400)
        self.assertEqual(self.get(q="python", page="9" * 5000).status_code, 200)
        self.assertContains(self.get(q="<script>alert(1)</script>"), "&lt;script&gt;")

    def test_the_api_says_the_same(self):
        people.publish("v1.0")
        people.hold("Alpha", "alphabet")
        found = self.client.get("/api/search", {"q": "kind:release pyhton foo:x"}).json()
        self.assertEqual((found["count"], found["unknown_fields"]), (0, ["foo"]))
        found = self.client.get("/api/search", {"q": "python", "kind": "release"}).json()
        self.assertEqual((found["count"], found["results"][0]["kind"], found["pages"]), (2, "release", 1))
        self.assertIn({"value": "release", "count": 2}, found["facets"]["kind"])
        found = self.client.get("/api/search", {"q": "alph"}).json()
        self.assertEqual([one["q"] for one in found["accounts"] + found["repositories"]], ["Alpha", "Alpha/alphabet"])
        for wrong in ({"q": ""}, {"q": "-"}, {"q": "x" * 500}, {"q": "x", "kind": "zebra"}, {"q": "x", "page": 0}):
            self.assertEqual(self.client.get("/api/search", wrong).status_code, 422, wrong)

    @override_settings(FAIRSTACK_LIMITS={"look-up.network": "2/minute"})
    def test_is_limited_like_look_ups(self):
        answers = [self.client.get("/api/search", {"q": "x"}).status_code for _ in range(3)]
        self.assertEqual(answers, [200, 200, 429])
        self.assertEqual(self.get(q="x").status_code, 429)


class Cards(FloorMixin, TestCase):
    """Of a release whose bytes are there."""

    def test_data_card_and_training_content_are_found_and_lead_to_their_pages(self):
        release = self.published()
        for text, kind in (("croissant", "data-card"), ('"Art. 53(1)(d)" reservations', "training-content")):
            hits = [
                hit for hit in catalogue.find(parse(f"{text} release:{release.version}")).hits if hit.entry.kind == kind
            ]
            self.assertEqual(len(hits), 1, kind)
            self.assertEqual(self.client.get(hits[0].entry.url).status_code, 200)
        self.assertEqual(catalogue.keep(), 0, "what did not change is told in the same words")


class Names(DocsMixin, TestCase):
    """Accounts and repositories beside the catalogue."""

    def shown(self, text):
        page = self.client.get(reverse("portal:find"), {"q": text}).content.decode()
        return re.findall(r"<bdi>([^<]+)</bdi><span", page)

    def test_by_the_beginning_of_their_names(self):
        release = people.publish("v1.0")
        people.hold("Alpha", "alphabet", "beta", release=release)
        people.hold("alphonse", "one", release=release)
        self.assertEqual(self.shown("ALPH"), ["Alpha", "alphonse", "Alpha/alphabet"])
        self.assertEqual(self.shown("alpha/be"), ["Alpha/beta"])
        self.assertEqual(self.shown("https://github.com/alph"), ["Alpha", "alphonse", "Alpha/alphabet"])
        self.assertEqual(self.shown("owner:alpho"), ["alphonse"])
        for text in ("a", "%", "_lpha", "alph kind:model", '"alph"', "zebra"):
            self.assertEqual(self.shown(text), [], text)

    def test_hidden_and_never_held_are_the_same_page(self):
        release = people.publish("v1.0")
        people.hold("Hidquartz", "hidquartzrepo", release=release)
        people.hold("Unheld", "unheldrepo", release=people.publish("v0.1", state="withdrawn"))
        people.verified(make_user("ada"), "Hidquartz")
        catalogue.rebuild()

        def page(name):
            text = self.client.get(reverse("portal:find"), {"q": name}).content.decode()
            return re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", text.replace(name, "NAME"))

        self.assertEqual(page("hidquartz"), page("neverheld"))
        self.assertEqual(page("hidquartz"), page("unheld"))
        self.assertEqual(page("hidquartzrepo"), page("neverheldrepo"))
        for name in ("hidquartz", "neverheld"):
            with self.subTest(name), self.assertNumQueries(4):
                prefixes.beginning(name)
