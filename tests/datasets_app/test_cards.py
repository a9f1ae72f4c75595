"""Summary of training content and data card of a release: true figures, no owners, gone with the release, readable by mlcroissant."""

import hashlib
import json
import logging
import re
import shutil
import tempfile
from unittest.mock import patch

from django.test import LiveServerTestCase, TestCase, override_settings
from django.urls import reverse

from core.jobs import execute_here
from datasets_app.cards import croissant, facts, summary
from datasets_app.cards.facts import Place
from datasets_app.models import Holding, Owner, Release
from datasets_app.pipeline.sources.base import owner_key
from datasets_app.services import reissues, releases
from tests.datasets_app.floor import FloorMixin

NAME = "the-stack-demo"


def at(page: str, version: str = "v1.0") -> str:
    return reverse(f"datasets:{page}", args=[NAME, version])


ALL = ("croissant", "training-content", "training-content-md", "training-content-json")


class CardTests(FloorMixin, TestCase):
    def test_the_summary_has_the_parts_of_the_template_and_the_figures_of_the_manifest(self) -> None:
        release = self.published()
        page = self.client.get(at("training-content"))
        for title in summary.PARTS.values():
            self.assertContains(page, title)
        data = self.client.get(at("training-content-json")).json()
        self.assertEqual(data["figures"]["files"], release.files)
        self.assertEqual(data["figures"]["bytes"], release.bytes)
        self.assertEqual(sum(row["files"] for row in data["figures"]["languages"]), release.files)
        self.assertEqual(sum(place["files"] for place in data["figures"]["places"]), release.files)
        self.assertEqual([section["number"] for section in data["sections"]], [
            "1.1", "1.2", "1.3", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6", "3.1", "3.2", "3.3",
        ])  # fmt: skip
        text = self.client.get(at("training-content-md")).content.decode()
        self.assertIn("## 2. List of data sources", text)
        self.assertIn(f"{release.files:,} files", text)
        self.assertEqual(self.client.get(f"/api/releases/{NAME}/v1.0/training-content").json(), data)
        card = self.client.get(at("croissant"))
        self.assertEqual(card["Content-Type"], "application/ld+json")
        self.assertEqual(self.client.get(f"/api/releases/{NAME}/v1.0/croissant").json(), card.json())
        linked = self.client.get(release.get_absolute_url())
        self.assertContains(linked, at("croissant"))
        self.assertContains(linked, at("training-content"))

    def test_no_owner_and_no_repository_is_named(self) -> None:
        release = self.published()
        names = set(Owner.objects.filter(holdings__release=release).values_list("login", flat=True))
        held = Holding.objects.filter(release=release).values_list("owner__login", "repository__name")
        names |= {f"{owner}/{repository}" for owner, repository in held}
        self.assertTrue(names)
        for page in ALL:
            text = self.client.get(at(page)).content.decode()
            for name in names:
                self.assertNotRegex(text, rf"(?i)\b{re.escape(name)}\b(?!\w)", page)

    def test_places_of_few_accounts_are_not_named(self) -> None:
        release = self.published()
        holding = Holding.objects.filter(release=release, files__gt=0).first()
        assert holding
        key = owner_key("git.ada-lovelace.example", None, "ada")
        host = Owner.objects.create(key=key, forge="git.ada-lovelace.example", login="ada", login_folded="ada")
        Holding.objects.filter(pk=holding.pk).update(owner=host)
        Release.objects.filter(pk=release.pk).update(digest_bytes="0" * 64)
        release.refresh_from_db()
        places = facts.of(release).places
        self.assertNotIn("git.ada-lovelace.example", [place.name for place in places])
        self.assertEqual(sum(place.files for place in places), release.files)
        folded = facts._folded([Place("a", 9, 9, 9), Place("b", 1, 2, 3), Place("c", 2, 2, 2)])
        self.assertEqual(folded, [Place("a", 9, 9, 9), Place("other places", 3, 4, 5)])

    def test_a_release_issued_again_names_its_predecessor_which_is_gone(self) -> None:
        self.published()
        self.opt_out("alpha")
        job = reissues.honour_now(self.staff)
        assert job is not None
        self.assertEqual(execute_here(job).state, "succeeded")
        for page in ALL:
            gone = self.client.get(at(page))
            self.assertContains(gone, "v1.0+r1", status_code=410)
        api = self.client.get(f"/api/releases/{NAME}/v1.0/croissant")
        self.assertEqual((api.status_code, api.json()["reissued_as"]), (410, "v1.0+r1"))
        again = self.client.get(at("training-content-json", "v1.0+r1")).json()
        self.assertEqual(again["predecessor"], f"{NAME} v1.0")
        made = Release.objects.get(version="v1.0+r1")
        self.assertEqual(again["figures"]["files"], made.files)
        self.assertContains(self.client.get(at("training-content", "v1.0+r1")), "without what its owners took out")
        card = self.client.get(at("croissant", "v1.0+r1")).json()
        self.assertIn("in the place of v1.0", card["description"])
        self.assertEqual(card["version"], "1.0.0+r1")

    def test_a_release_that_is_not_published_is_for_curators_alone(self) -> None:
        self.ingest()
        self.build()
        for page in ALL:
            self.assertEqual(self.client.get(at(page)).status_code, 404)
        self.client.force_login(self.staff)
        for page in ALL:
            self.assertEqual(self.client.get(at(page)).status_code, 200)

    def test_a_withdrawn_release_says_why(self) -> None:
        release = self.published()
        releases.withdraw(release, self.staff, "It held what it should not.")
        for page in ALL:
            self.assertContains(self.client.get(at(page)), "It held what it should not.", status_code=410)

    def test_while_it_is_issued_again_the_card_offers_no_bytes(self) -> None:
        self.published()
        with patch.object(Release, "reissue_pending", Release(version="v1.0+r1")):
            card = self.client.get(at("croissant")).json()
        self.assertEqual(card["distribution"], [])
        self.assertIn("being issued again", card["description"])

    @override_settings(FAIRSTACK_SITE_NAME="A | B <script>", FAIRSTACK_CONTACT="*x* [y](javascript:z)")
    def test_no_value_becomes_markup(self) -> None:
        self.published()
        text = self.client.get(at("training-content-md")).content.decode()
        self.assertIn(r"A \| B \<script\>", text)
        self.assertIn(r"\*x\* \[y\]", text)
        self.assertNotContains(self.client.get(at("training-content")), "<script>")


class VersionTests(TestCase):
    def test_versions_are_made_to_what_croissant_wants(self) -> None:
        for ours, theirs in (
            ("v1.0", "1.0.0"),
            ("v1.2.3", "1.2.3"),
            ("v2", "2.0.0"),
            ("v1.0+r2", "1.0.0+r2"),
            ("x", "x"),
        ):
            self.assertEqual(croissant._version(ours), theirs)


class ReadingTests(FloorMixin, LiveServerTestCase):
    """The card in the hands of the reference library, from a site that runs."""

    def test_mlcroissant_finds_no_fault_and_reads_every_record(self) -> None:
        import mlcroissant
        from etils import epath

        cache = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, cache, True)
        logging.disable(logging.INFO)
        self.addCleanup(logging.disable, logging.NOTSET)
        with override_settings(FAIRSTACK_SITE_URL=self.live_server_url):
            release = self.published()
            card = self.client.get(at("croissant")).json()
            kept = {"DOWNLOAD_PATH": epath.Path(cache) / "download", "EXTRACT_PATH": epath.Path(cache) / "extract"}
            with patch.multiple("mlcroissant._src.core.constants", **kept):
                data = mlcroissant.Dataset(jsonld=json.loads(json.dumps(card)))
                issues = data.metadata.ctx.issues
                self.assertFalse(issues.errors, issues.report())
                self.assertEqual(data.metadata.data_use_cases, ["Training and studying models of code."])
                records = [
                    {key.partition("/")[2]: value for key, value in record.items()}
                    for one in card["recordSet"]
                    for record in data.records(one["@id"])
                ]
        self.assertEqual(len(records), release.files)
        self.assertEqual(set(records[0]), {name for name, _, _ in croissant.FIELDS})
        by_git = {hashlib.sha1(b"blob %d\0" % record["size"] + record["content"]).hexdigest() for record in records}
        self.assertTrue(by_git & {record["blob_id"].decode() for record in records})
