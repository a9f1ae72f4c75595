"""Clusters of near-duplicates as staff look at them, and the texts of a few blobs out of many."""

import tempfile
from dataclasses import replace
from pathlib import Path

from django.test import SimpleTestCase

from datasets_app.pipeline import clusters, contents
from datasets_app.pipeline.build import BuildSpec, build
from datasets_app.pipeline.clusters import Filter, Hidden
from datasets_app.pipeline.format import manifest_path
from datasets_app.pipeline.recipe import Recipe
from tests.pipeline.handmade import Entry, text, write_corpus

RECIPE = Recipe(name="small", benchmarks=(), shard_bytes=4096, row_group_bytes=2048)
BASE = text("near", 40)


def changed(number: int) -> bytes:
    """BASE with its last lines changed."""
    lines = BASE.split(b"\n")
    lines[-2 * number :] = [b"def other_%d_%d(): pass" % (number, at) for at in range(2 * number)]
    return b"\n".join(lines)


ENTRIES = [
    Entry("ann/best", "a.py", BASE, rank=0),
    Entry("bob/copy", "b.py", changed(1), rank=1, licence="Apache-2.0"),
    Entry("bob/copy", "deep/b.py", changed(1), rank=2),
    Entry("cyd/copy", "c.py", changed(2), rank=3),
    Entry("ann/lone", "alone.py", text("alone", 40), rank=4),
    Entry("dan/c", "x.c", text("c", 40), language="C", rank=5),
    Entry("eve/c", "x.c", text("c", 40) + b"int x;\n", language="C", rank=6),
]
IDS = [entry.blob_id for entry in ENTRIES]


class ClusterTests(SimpleTestCase):
    folder: Path

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        write_corpus(folder / "corpus", ENTRIES)
        build(folder / "corpus", folder / "releases", BuildSpec("data", "v1.0", RECIPE), workers=1)
        cls.folder = manifest_path(folder / "releases", "data", "v1.0").parent

    def test_the_largest_cluster_comes_first_with_what_it_stands_for(self) -> None:
        page = clusters.find(self.folder, Filter(), Hidden())
        self.assertEqual([row.representative.path for row in page.rows], ["a.py", "x.c"])
        self.assertEqual((page.total, page.away, page.languages), (2, 3, ["C", "Python"]))
        first = page.rows[0]
        self.assertEqual((first.texts, first.files, first.component), (3, 4, 3))
        self.assertTrue(0.7 <= first.lowest < 1)
        self.assertEqual(clusters.find(self.folder, Filter(), Hidden(), offset=1, limit=1).rows, page.rows[1:])

    def test_language_and_owner_narrow_the_list(self) -> None:
        for wanted, paths in (
            (Filter(language="C"), ["x.c"]),
            (Filter(owner="BOB"), ["a.py"]),
            (Filter(owner="@eve"), ["x.c"]),
            (Filter(owner="github.com/dan"), ["x.c"]),
            (Filter(owner="nobody"), []),
            (Filter(language="Cobol"), []),
        ):
            rows = clusters.find(self.folder, wanted, Hidden()).rows
            self.assertEqual([row.representative.path for row in rows], paths, wanted)

    def test_a_cluster_is_found_by_any_of_its_texts_the_most_similar_first(self) -> None:
        for blob in (IDS[0], IDS[1], IDS[3]):
            found = clusters.cluster(self.folder, blob, Hidden())
            assert found is not None
            self.assertEqual(found.representative.blob_id, IDS[0])
            self.assertEqual([one.path for one in found.members], ["b.py", "c.py"])
            self.assertEqual([one.files for one in found.members], [2, 1])
            self.assertGreater(found.members[0].similarity, found.members[1].similarity)
            self.assertEqual(found.members[0].licence, "Apache-2.0")
        for blob in (IDS[4], "0" * 40):
            self.assertIsNone(clusters.cluster(self.folder, blob, Hidden()))

    def test_who_is_hidden_is_neither_shown_nor_counted(self) -> None:
        bob = Hidden(owners={"github.com/bob"})
        first = clusters.find(self.folder, Filter(), bob).rows[0]
        self.assertEqual((first.texts, first.files, first.component), (2, 2, 2))
        self.assertEqual(clusters.find(self.folder, Filter(owner="bob"), bob).total, 0)
        found = clusters.cluster(self.folder, IDS[0], bob)
        assert found is not None
        self.assertEqual([one.path for one in found.members], ["c.py"])
        self.assertIsNone(clusters.cluster(self.folder, IDS[1], bob))
        eve = Hidden(repositories={"github.com/eve/c"})
        self.assertEqual(clusters.find(self.folder, Filter(), eve).languages, ["Python"])
        self.assertIsNone(clusters.cluster(self.folder, IDS[5], eve))

    def test_a_cluster_whose_own_text_is_hidden_is_not_shown(self) -> None:
        ann = Hidden(owners={"github.com/ann"})
        self.assertEqual([row.representative.path for row in clusters.find(self.folder, Filter(), ann).rows], ["x.c"])
        self.assertIsNone(clusters.cluster(self.folder, IDS[1], ann))

    def test_a_release_that_keeps_nothing_has_no_cluster(self) -> None:
        empty = self.folder.parent / "v0.9"
        self.assertEqual(clusters.find(empty, Filter(), Hidden()), clusters.Page([], 0, 0, []))
        self.assertIsNone(clusters.cluster(empty, IDS[0], Hidden()))


class ContentTests(SimpleTestCase):
    def setUp(self) -> None:
        self.corpus = Path(self.enterContext(tempfile.TemporaryDirectory())) / "corpus"

    def test_blobs_are_read_from_whichever_file_holds_them(self) -> None:
        write_corpus(self.corpus, ENTRIES)
        found = contents.read_blobs(self.corpus, [IDS[0], IDS[5], "0" * 40])
        self.assertEqual(found, {IDS[0]: ENTRIES[0].content, IDS[5]: ENTRIES[5].content})
        self.assertEqual(contents.read_blobs(self.corpus, []), {})
        self.assertEqual(contents.read_blobs(self.corpus.parent / "none", [IDS[0]]), {})

    def test_texts_are_shown_as_the_recipe_publishes_them(self) -> None:
        entry = Entry("ann/mail", "m.py", b"# write to grace.hopper@navy.mil\nx = 1\n")
        write_corpus(self.corpus, [entry])
        shown = contents.shown_texts(self.corpus, RECIPE, [entry.blob_id])
        self.assertEqual(shown, {entry.blob_id: "# write to <EMAIL>\nx = 1\n"})
        plain = contents.shown_texts(self.corpus, replace(RECIPE, redact=()), [entry.blob_id])
        self.assertIn("grace.hopper@navy.mil", plain[entry.blob_id])
