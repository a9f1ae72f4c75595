"""What staff see of contamination and of personal data: places and lines, and figures alone."""

import json
import tempfile
from dataclasses import replace
from pathlib import Path

from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from datasets_app.pipeline import attributes, contaminated, redactions
from datasets_app.pipeline.build import BuildSpec, build
from datasets_app.pipeline.clusters import Hidden
from datasets_app.pipeline.contamination import Match
from datasets_app.pipeline.format import manifest_path
from datasets_app.pipeline.needs import benchmark_file, needed
from datasets_app.pipeline.recipe import Recipe
from datasets_app.pipeline.release_errors import AttributesMissing
from tests.pipeline.handmade import Entry, text, write_corpus

RECIPE = Recipe(name="small", benchmarks=("mine", "other"), shard_bytes=4096, row_group_bytes=2048)
QUESTION = "Write a function that sorts a matrix."
ENTRIES = [
    Entry("ann/one", "a.py", b"# by ada@navy.mil\n" + text("a", 3) + f"\n# {QUESTION}\n".encode() + text("b", 3)),
    Entry("bob/two", "b.py", f'"""{QUESTION}"""\n'.encode() + text("c", 3) + b"return reverse_it(words)\n"),
    Entry("cyd/ok", "c.py", text("d", 4) + b"# mail to grace@navy.mil or to linus@kernel.org\n# host 81.12.4.9\n"),
]


class ContaminatedTests(SimpleTestCase):
    def setUp(self) -> None:
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.corpus, releases = folder / "corpus", folder / "releases"
        benchmark_file(self.corpus, "mine").parent.mkdir(parents=True)
        for name, item in (("mine", QUESTION), ("other", "return reverse_it(words)")):
            rows = [{"name": name}, {"id": f"{name}/1", "text": item}]
            benchmark_file(self.corpus, name).write_text("\n".join(map(json.dumps, rows)))
        write_corpus(self.corpus, ENTRIES)
        attributes.compute(self.corpus, needed(self.corpus, RECIPE), workers=1)
        build(self.corpus, releases, BuildSpec("data", "v1.0", RECIPE), workers=1)
        self.folder = manifest_path(releases, "data", "v1.0").parent

    def find(self, hidden: Hidden | None = None, **values: object) -> contaminated.Page:
        return contaminated.find(self.corpus, self.folder, RECIPE, hidden or Hidden(), **values)  # type: ignore[arg-type]

    def test_every_match_is_told_with_its_place_and_the_lines_around_it(self) -> None:
        page = self.find()
        self.assertEqual(page.benchmarks, [("mine", 2, 1), ("other", 1, 1)])
        self.assertEqual([file.path for file in page.rows], ["a.py", "b.py"])
        (found,) = page.rows[0].excerpts
        self.assertEqual((found.match.benchmark, found.match.item, found.text), ("mine", "mine/1", QUESTION))
        self.assertEqual(ENTRIES[0].content[found.match.start : found.match.end].decode(), QUESTION)
        self.assertEqual((found.line, found.first), (9, 7))
        self.assertTrue(found.before.endswith("\n\n# "))
        self.assertTrue(found.after.startswith("\ndef b_0(value):"))
        self.assertEqual([match.benchmark for match in page.rows[1].matches], ["mine", "other"])
        self.assertEqual([file.path for file in self.find(benchmark="other").rows], ["b.py"])
        self.assertEqual([file.path for file in self.find(offset=1, limit=5).rows], ["b.py"])

    def test_who_is_hidden_is_not_shown(self) -> None:
        page = self.find(Hidden(owners={"github.com/bob"}))
        self.assertEqual((page.total, page.benchmarks), (1, [("mine", 1, 1)]))
        self.assertEqual(self.find(Hidden(owners={"github.com/bob"}, repositories={"github.com/ann/one"})).total, 0)

    def test_lost_tables_are_named_and_a_blob_that_is_gone_leaves_its_match(self) -> None:
        for path in (self.corpus / "blobs").iterdir():
            path.unlink()
        page = self.find()
        self.assertEqual((len(page.rows[0].matches), page.rows[0].excerpts), (1, []))
        for path in self.corpus.glob("attributes/contamination-*/*"):
            path.unlink()
        with self.assertRaises(AttributesMissing):
            self.find()

    def test_personal_data_of_the_texts_that_stayed_is_counted_by_kind(self) -> None:
        found = redactions.count(self.corpus, self.folder, RECIPE)
        assert found is not None
        self.assertEqual((found.texts, found.total), (1, 1))
        self.assertEqual(
            [(row.kind, row.places, row.texts) for row in found.kinds], [("EMAIL", 2, 1), ("IP_ADDRESS", 1, 1)]
        )
        self.assertIsNone(redactions.count(self.corpus, self.folder, replace(RECIPE, redact=())))
        self.assertIsNone(redactions.count(self.corpus, self.folder.parent / "v0.9", RECIPE))


class ExcerptTests(SimpleTestCase):
    @given(
        st.text(alphabet="ab\n", max_size=60),
        st.text(alphabet="XY\n", min_size=1, max_size=60),
        st.text(alphabet="cd\n", max_size=60),
    )
    def test_what_is_shown_are_whole_lines_around_the_match(self, before: str, match: str, after: str) -> None:
        content = (before + match + after).encode()
        found = contaminated.excerpt(content, Match("m", "1", len(before), len(before + match)), [])
        lines = content.decode().split("\n")
        shown = found.before + found.text + found.after
        self.assertIn(shown, content.decode())
        self.assertTrue(match.startswith(found.text))
        self.assertEqual(found.line, before.count("\n") + 1)
        self.assertEqual(found.first, max(1, found.line - contaminated.AROUND))
        if not found.cut:
            last = min(len(lines), (before + match).count("\n") + 1 + contaminated.AROUND)
            self.assertEqual(shown.split("\n"), lines[found.first - 1 : last])

    def test_a_long_match_is_cut_and_personal_data_never_shows(self) -> None:
        long = "\n".join(f"line {number}" for number in range(60))
        content = f"a\nb\nc {long}\nd\n".encode()
        found = contaminated.excerpt(content, Match("m", "1", 6, 6 + len(long)), [])
        self.assertTrue(found.cut)
        self.assertEqual((found.text.count("\n"), found.after), (contaminated.MOST_LINES - 1, ""))
        secret = b"ada@navy.mil asks: what is asked here"
        found = contaminated.excerpt(secret, Match("m", "1", 4, 20), [(0, 12, "EMAIL")])
        self.assertEqual(found.before + found.text + found.after, "<EMAIL><EMAIL> asks: what is asked here")
