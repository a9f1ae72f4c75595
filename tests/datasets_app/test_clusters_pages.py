"""What curators see of curation: clusters side by side, contamination with its lines, the funnel, personal data in figures."""

import re
from unittest.mock import patch

from django.test import TestCase
from django.urls import reverse

from datasets_app.models import Owner
from datasets_app.pipeline import clusters
from datasets_app.pipeline.clusters import Filter, Hidden
from datasets_app.services import masks
from datasets_app.views import curation
from tests.base import make_user
from tests.datasets_app.curated import QUESTION, curated_packages
from tests.datasets_app.floor import FloorMixin

NAME = "the-stack-demo"
PAGES = ("clusters", "contamination")


class CurationPages(FloorMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.assertEqual(self.ingest(curated_packages()).state, "succeeded")
        self.release = self.publish()
        (row,) = clusters.find(self.release.folder, Filter(), Hidden()).rows
        self.blob = row.representative.blob_id
        self.client.force_login(self.staff)

    def at(self, page: str, *arguments: str) -> str:
        return reverse(f"datasets:{page}", args=[NAME, "v1.0", *arguments])

    def read(self, where: str, **query: str) -> str:
        response = self.client.get(where, query)
        self.assertEqual(response.status_code, 200)
        return response.content.decode()

    def test_clusters_are_listed_narrowed_and_opened_side_by_side(self) -> None:
        page = self.read(self.at("clusters"))
        self.assertIn("epsilon/sub/near.py", page)
        self.assertIn(self.at("cluster", self.blob), page)
        self.assertIn(">3</td>", page)
        self.assertIn("epsilon/sub/near.py", self.read(self.at("clusters"), owner="Delta", language="Python"))
        self.assertIn("No cluster matches", self.read(self.at("clusters"), owner="zeta"))
        one = self.read(self.at("cluster", self.blob))
        for text in ("epsilon/near.py", "Apache-2.0", "sides__fold", "Only in the second: ", "END = 1"):
            self.assertIn(text, one)
        others = dict(re.findall(r"\?with=(\w{40})\"[^>]*>([^<]+)</a>", one))
        delta = next(blob for blob, path in others.items() if path == "delta/near.py")
        beside = self.read(self.at("cluster", self.blob), **{"with": delta})
        self.assertIn("Only in the first: ", beside)
        self.assertIn('<mark class="sides__mark">33333</mark>', beside)
        self.assertIn('<mark class="sides__mark">renamed_20</mark>', beside)
        self.assertNotIn("END = 1", beside)
        self.assertIn("renamed_20", self.read(self.at("cluster", delta)))

    def test_every_line_can_be_shown_and_never_personal_data(self) -> None:
        every = self.read(self.at("cluster", self.blob), lines="all")
        self.assertNotIn("sides__fold", every)
        self.assertIn("&lt;EMAIL&gt;", every)
        self.assertNotIn("navy.mil", every)

    def test_who_is_masked_or_blocked_is_neither_shown_nor_counted(self) -> None:
        masks.mask(self.staff, Owner.objects.get(login="delta"), reference="R-2")
        for page in (self.read(self.at("clusters")), self.read(self.at("cluster", self.blob))):
            self.assertNotIn("delta", page)
        self.assertIn("text left out for them</dt><dd>1</dd>", self.read(self.at("clusters")))
        self.opt_out("epsilon")
        page = self.read(self.at("clusters"))
        self.assertIn("No cluster", page)
        self.assertNotIn("epsilon", page)
        self.assertEqual(self.client.get(self.at("cluster", self.blob)).status_code, 404)
        self.opt_out("zeta")
        page = self.read(self.at("contamination"))
        self.assertNotIn("zeta", page)
        self.assertIn("No file", page)

    def test_contamination_is_told_with_item_place_and_lines(self) -> None:
        page = self.read(self.at("contamination"))
        for text in ("zeta/ask.py", "HumanEval/0", "line 5, bytes", "return math", QUESTION.split("\n")[0][:30]):
            self.assertIn(text, page)
        self.assertIn("zeta/ask.py", self.read(self.at("contamination"), benchmark="humaneval"))
        self.assertIn("No file with text of mbpp", self.read(self.at("contamination"), benchmark="mbpp"))
        for path in (self.data / "corpus" / "attributes").glob("contamination-*/*"):
            path.unlink()
        self.assertIn("are gone from the corpus", self.read(self.at("contamination")))

    def test_a_text_that_the_corpus_lost_is_said_to_be_lost(self) -> None:
        for path in (self.data / "corpus" / "blobs").iterdir():
            path.unlink()
        self.assertIn("holds one of the two texts no more", self.read(self.at("cluster", self.blob)))
        self.assertIn("The corpus holds the text no more", self.read(self.at("contamination")))

    def test_a_release_of_which_nothing_is_kept_says_so(self) -> None:
        for path in ("decisions", "duplicates"):
            for part in (self.release.folder / path).iterdir():
                part.unlink()
        (self.release.folder / "state.json").unlink()
        for page in PAGES:
            self.assertIn("Nothing is kept of it", self.read(self.at(page)))
        self.assertNotIn("Personal data", self.read(self.at("desk-release")))

    def test_the_desk_counts_personal_data_and_shows_none(self) -> None:
        page = self.read(self.at("desk-release"))
        self.assertIn("replaced in 1 of", page)
        self.assertRegex(page, r"EMAIL</span> 1 time in 1 text<")
        self.assertNotIn("navy.mil", page)
        for name in PAGES:
            self.assertIn(self.at(name), page)

    def test_the_funnel_names_what_leaves_at_each_stage_and_the_public_sees_buckets(self) -> None:
        self.opt_out("alpha")
        second = self.publish()
        address = reverse("datasets:desk-release", args=[NAME, second.version])
        desk = self.read(address)
        stages = re.findall(r"<p><strong>−&#8239;(\S+)</strong> ([^<]+)</p>", desk)
        self.assertEqual(stages[0][1], "left out: the account is on the block-list")
        self.assertIn(
            "left out: it holds text of a benchmark by which models are measured", [text for _, text in stages]
        )
        looked, taken = (sum(row["files"] for row in second.funnel), second.files)
        self.assertEqual(sum(int(count) for count, _ in stages), looked - taken)
        self.assertIn(f"<strong>{looked}</strong> files were looked at", desk)
        self.assertIn("kB</strong> that were looked at", self.read(address, measure="bytes"))
        self.client.logout()
        public = self.read(second.get_absolute_url())
        self.assertNotIn("block-list<", public)
        self.assertIn("not eligible: not source text", public)
        self.assertEqual(
            public.count("funnel__lost"), len(set(re.findall(r"<strong>−&#8239;\S+</strong> ([^<]+)<", public)))
        )

    def test_lists_take_as_many_queries_for_many_rows_as_for_few(self) -> None:
        for page in PAGES:
            with self.subTest(page=page), self.assertNumQueries(7):
                self.client.get(self.at(page))
        with patch.object(curation, "CLUSTERS", 1), patch.object(curation, "MEMBERS", 1):
            self.assertIn("page=2", self.read(self.at("cluster", self.blob)))
            with self.assertNumQueries(7):
                self.client.get(self.at("cluster", self.blob))
        self.read(self.at("clusters"), page="999")
        self.read(self.at("contamination"), page="x")

    def test_strangers_are_refused_and_others_asked_to_sign_in(self) -> None:
        every = [*(self.at(page) for page in PAGES), self.at("cluster", self.blob), reverse("datasets:benchmarks")]
        self.client.force_login(make_user())
        for where in every:
            self.assertEqual(self.client.get(where).status_code, 403, where)
        self.client.logout()
        for where in every:
            self.assertRedirects(
                self.client.get(where), f"/accounts/sign-in/?next={where}", fetch_redirect_response=False
            )
        self.client.force_login(self.staff)
        self.assertEqual(self.client.get(self.at("cluster", "0" * 40)).status_code, 404)
        self.assertEqual(self.client.get(reverse("datasets:clusters", args=[NAME, "v9.9"])).status_code, 404)
