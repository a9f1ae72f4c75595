"""Pages for the curators: two releases side by side, and why files were not taken; and what the public sees of it."""

from django.test import TestCase
from django.urls import reverse

from core.jobs import execute_here
from datasets_app.models import Release
from datasets_app.pipeline.recipe import preset
from datasets_app.services import reissues
from tests.base import make_user
from tests.datasets_app.floor import FloorMixin

NAME = "the-stack-demo"


class Comparing(FloorMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.published()
        self.opt_out("alpha")
        recipe = preset("demo").to_dict() | {"languages_without": ["C"], "name": "without C"}
        self.second = self.build(recipe=recipe)
        self.client.force_login(self.staff)

    def page(self, **query: str) -> str:
        response = self.client.get(reverse("datasets:compare"), query)
        self.assertEqual(response.status_code, 200)
        return response.content.decode()

    def decisions(self, version: str = "v1.1", **query: str) -> str:
        response = self.client.get(reverse("datasets:decisions", args=[NAME, version]), query)
        self.assertEqual(response.status_code, 200)
        return response.content.decode()

    def test_counts_by_reason_recipes_that_differ_and_the_files_of_a_change(self) -> None:
        page = self.page(a="v1.0", b=f"{NAME}:v1.1")
        for text in (
            "came in",
            "went out",
            "Left out: the account is on the block-list",
            "languages_without",
            "without C",
        ):
            self.assertIn(text, page)
        self.assertNotIn("zstd_level", page)
        self.assertNotIn("alpha_one/only.py", page)
        page = self.page(a="v1.0", b="v1.1", before="kept", now="blocked_owner")
        self.assertIn("alpha_one/only.py", page)
        self.assertNotIn("beta/scale.c", page)
        self.assertIn("beta/scale.c", self.page(a="v1.0", b="v1.1", before="kept", now="language_not_wanted"))
        self.assertIn("None.", self.page(a="v1.0", b="v1.1", before="absent", now="kept"))
        self.assertIn("made by the same recipe", self.page(a="v1.0", b="v1.0"))

    def test_the_desk_leads_there_and_the_page_without_releases_asks_which(self) -> None:
        page = self.client.get(reverse("datasets:desk-release", args=[NAME, "v1.1"])).content.decode()
        self.assertIn(f"?a={NAME}%3Av1.0&amp;b={NAME}%3Av1.1", page)
        self.assertIn(reverse("datasets:decisions", args=[NAME, "v1.1"]), page)
        self.assertIn(f'value="{NAME}:v1.0"', self.page())
        self.assertEqual(self.client.get(reverse("datasets:compare"), {"a": "v1.0", "b": "v9.9"}).status_code, 404)

    def test_a_re_issue_can_be_compared_and_a_withdrawn_release_says_what_is_missing(self) -> None:
        job = reissues.honour_now(self.staff)
        assert job is not None
        self.assertEqual(execute_here(job).state, "succeeded")
        self.assertIn("v1.0+r1", self.page(a="v1.0+r1", b="v1.0+r1"))
        unquoted = self.client.get(f"{reverse('datasets:compare')}?a=v1.0+r1&b=v1.0%2Br1")
        self.assertContains(unquoted, "In v1.0+r1")
        self.assertIn("was withdrawn and its files are deleted", self.page(a="v1.0", b="v1.0+r1"))
        self.assertIn("Nothing is kept of it", self.decisions("v1.0"))
        self.assertIn("beta/clamp.py", self.decisions("v1.0+r1", taken="on"))

    def test_files_not_taken_are_found_by_reason_owner_and_path(self) -> None:
        page = self.decisions()
        self.assertIn("left out: the account is on the block-list", page)
        self.assertIn("under a licence that is not permissive", page)
        self.assertIn("gamma/core.py", page)
        self.assertNotIn("beta/main.py", page)
        self.assertIn("beta/main.py", self.decisions(taken="on"))
        narrowed = self.decisions(reason="not_permissive", owner_key="github.com/gamma", path="gamma/")
        self.assertIn("1 file", narrowed)
        self.assertNotIn("alpha_one", narrowed)
        self.assertIn("No file of the release fits", self.decisions(path="nowhere/"))
        self.assertIn("Select a valid choice", self.decisions(reason="because"))
        self.assertIn("gamma/core.py", self.decisions(page="999"))

    def test_strangers_are_sent_away(self) -> None:
        addresses = [reverse("datasets:compare"), reverse("datasets:decisions", args=[NAME, "v1.1"])]
        self.client.force_login(make_user())
        for address in addresses:
            self.assertEqual(self.client.get(address).status_code, 403)
        self.client.logout()
        for address in addresses:
            self.assertEqual(self.client.get(address).status_code, 302)

    def test_queries_do_not_grow_with_releases(self) -> None:
        addresses = (
            (f"{reverse('datasets:compare')}?a=v1.0&b=v1.1&before=kept&now=kept", 6),
            (reverse("datasets:decisions", args=[NAME, "v1.1"]), 4),
        )
        for number in range(12):
            Release.objects.create(name="other", version=f"v1.{number}", state="published")
        for address, queries in addresses:
            self.client.get(address)
            with self.assertNumQueries(queries):
                self.client.get(address)


class WhatThePublicSees(FloorMixin, TestCase):
    def test_totals_by_bucket_beside_the_parent_and_nothing_for_a_re_issue(self) -> None:
        first = self.published()
        self.assertNotContains(self.client.get(first.get_absolute_url()), "Beside ")
        self.opt_out("alpha")
        second = self.publish()
        page = self.client.get(second.get_absolute_url())
        self.assertContains(page, "Beside v1.0")
        self.assertContains(page, "Not eligible: not source text")
        self.assertNotContains(page, "block-list</th>")
        again = Release.objects.get(version="v1.0+r1")
        self.assertNotContains(self.client.get(again.get_absolute_url()), "Beside ")
