"""Copies under other owners: what is blocked by the rules, what a person has to compare, what stays."""

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import polars as pl
from django.test import SimpleTestCase

from datasets_app.pipeline import copies
from datasets_app.pipeline.build import BuildSpec, build
from datasets_app.pipeline.clusters import Hidden
from datasets_app.pipeline.decide import Blocks
from tests.pipeline.handmade import Entry, text, write_corpus
from tests.pipeline.test_delta import RECIPE, variant

ANN = Blocks(owners=frozenset({"github.com/ann"}))


class CopiesTest(SimpleTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def make(self, *entries: Entry) -> None:
        shutil.rmtree(self.folder / "corpus", ignore_errors=True)
        shutil.rmtree(self.folder / "releases", ignore_errors=True)
        write_corpus(self.folder / "corpus", entries)
        self.release = self.folder / "releases" / "data" / "1.0"
        build(self.folder / "corpus", self.folder / "releases", BuildSpec("data", "1.0", RECIPE), workers=1)

    def find(self, covered: Blocks = ANN) -> copies.Copies:
        return copies.of_corpus(self.folder / "corpus", self.release, covered)

    def why(self, *entries: Entry) -> tuple[str, str]:
        self.make(*entries)
        found = self.find().own.filter(blob_id=entries[0].blob_id)
        return found["why"][0], found["verdict"][0]

    def test_what_no_other_holds_is_blocked_by_blob_so_that_it_comes_back_under_no_name(self) -> None:
        self.assertEqual(self.why(Entry("ann/one", "a.py", text("a"))), ("alone", "block"))

    def test_content_under_two_owners_is_for_a_person_to_compare(self) -> None:
        mine = Entry("ann/one", "a.py", text("a"))
        self.assertEqual(self.why(mine, replace(mine, repository="bob/other")), ("unknown_origin", "open"))
        self.assertEqual(self.find().exact["repository_key"].to_list(), ["github.com/bob/other"])

    def test_evidence_of_origin_blocks(self) -> None:
        mine = Entry("ann/one", "a.py", text("a"), sole_author="a" * 64)
        self.assertEqual(self.why(mine, replace(mine, repository="bob/x")), ("same_author", "block"))
        self.assertEqual(
            self.why(mine, replace(mine, repository="bob/x", sole_author=None, vendored=True)), ("carried", "block")
        )
        other = replace(mine, repository="bob/x", sole_author="b" * 64)
        self.assertEqual(self.why(mine, other), ("unknown_origin", "open"))

    def test_the_accounts_own_copy_of_others_work_is_no_evidence(self) -> None:
        mine = Entry("ann/one", "vendor/a.py", text("a"), vendored=True)
        self.assertEqual(self.why(mine, Entry("bob/x", "a.py", text("a"))), ("own_vendored", "open"))

    def test_what_anybody_could_have_stays(self) -> None:
        short = Entry("ann/one", "a.py", b"import os\n")
        self.assertEqual(
            self.why(short, replace(short, repository="bob/x"), Entry("c/c", "c.py", text("c"))), ("short", "leave")
        )
        licence = Entry("ann/one", "LICENSE", text("licence"))
        self.assertEqual(self.why(licence, replace(licence, repository="bob/x", path="COPYING")), ("licence", "leave"))
        mine = Entry("ann/one", "a.py", text("a"))
        many = [replace(mine, repository=f"o{number}/x") for number in range(copies.MANY_OWNERS + 1)]
        self.assertEqual(self.why(mine, *many), ("many_owners", "leave"))
        self.assertEqual(self.why(mine, *many[1:]), ("unknown_origin", "open"))

    def test_a_fork_is_certain_by_name_share_and_stars(self) -> None:
        files = pl.DataFrame(
            [
                {
                    "blob_id": f"{n:040d}",
                    "repository_key": f"g/{who}/lib",
                    "repository": name,
                    "size": 500,
                    "stars": stars,
                }
                for who, name, stars in (("ann", "Lib", 9), ("bob", "lib", 1), ("cyd", "lib", 20), ("dan", "other", 0))
                for n in range(4)
            ]
        )
        own = files.filter(pl.col("repository_key") == "g/ann/lib")
        others = files.filter(pl.col("repository_key") != "g/ann/lib")
        self.assertEqual(copies._forks(own, others)["repository_key"].to_list(), ["g/bob/lib"])
        few = others.filter(pl.col("blob_id") < f"{2:040d}")
        self.assertEqual(copies._forks(own, few).height, 0)

    def test_near_copies_are_found_beside_what_they_are_near_to_and_never_blocked_by_rule(self) -> None:
        mine, theirs = Entry("ann/one", "a.py", variant("p", 0)), Entry("bob/one", "b.py", variant("p", 1), rank=1)
        self.make(mine, theirs, Entry("cyd/one", "c.py", text("c")))
        near = self.find().near.to_dicts()
        self.assertEqual([(row["path"], row["mine"], row["verdict"]) for row in near], [("b.py", mine.blob_id, "open")])
        self.assertGreater(near[0]["similarity"], 0.7)

    def test_what_a_person_wrote_alone_is_theirs_in_every_repository(self) -> None:
        mine = Entry("bob/lib", "a.py", text("a"), sole_author="a" * 64)
        self.make(mine, Entry("cyd/copy", "a.py", text("a")), Entry("bob/lib", "b.py", text("b")))
        found = self.find(Blocks(authors=frozenset({"a" * 64})))
        self.assertEqual(found.own["blob_id"].to_list(), [mine.blob_id])
        self.assertEqual(found.exact["repository_key"].to_list(), ["github.com/cyd/copy"])

    def test_the_public_sees_what_is_published_and_nothing_of_what_is_hidden(self) -> None:
        mine, theirs = Entry("ann/one", "a.py", variant("p", 0)), Entry("bob/one", "b.py", variant("p", 1), rank=1)
        copy = replace(mine, repository="dan/copy", rank=2)
        self.make(mine, theirs, copy, Entry("cyd/one", "c.py", text("c")))
        found = copies.of_release(self.release, ANN, Hidden(), frozenset())
        self.assertEqual(found.exact["repository_key"].to_list(), ["github.com/dan/copy"])
        self.assertEqual(found.near.height, 0)  # it was left out of the release, so nobody outside knows of it
        hidden = copies.of_release(self.release, ANN, Hidden({"github.com/dan"}), frozenset())
        self.assertEqual(hidden.exact.height, 0)
        masked = copies.of_release(self.release, ANN, Hidden(), frozenset({mine.blob_id}))
        self.assertEqual((masked.own.height, masked.exact.height), (0, 0))

    def test_two_published_texts_that_are_nearly_alike_can_be_compared_by_anybody(self) -> None:
        entries = [Entry("ann/one", "a.py", variant("p", 0)), Entry("bob/one", "b.py", variant("p", 3), rank=1)]
        write_corpus(self.folder / "corpus", entries)
        recipe = replace(RECIPE, near_threshold=0.95)
        build(self.folder / "corpus", self.folder / "releases", BuildSpec("data", "1.0", recipe), workers=1)
        found = copies.of_release(self.folder / "releases" / "data" / "1.0", ANN, Hidden(), frozenset())
        self.assertEqual(found.near["path"].to_list(), ["b.py"])
