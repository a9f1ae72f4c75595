"""Two releases compared: every file once, counts that add up, and nothing for the public by which an opt-out shows."""

import tempfile
from pathlib import Path

from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from datasets_app.pipeline.build import BuildSpec, build
from datasets_app.pipeline.diff import (
    ABSENT,
    FileFilter,
    changed_files,
    changes,
    decided_files,
    public_changes,
    recipe_differences,
    shown,
)
from datasets_app.pipeline.purge import withdraw_release
from datasets_app.pipeline.reasons import PUBLIC_TEXTS, REASONS, FunnelRow, public_funnel
from datasets_app.pipeline.recipe import Recipe
from datasets_app.pipeline.release_errors import NoSuchRelease
from tests.pipeline.handmade import Entry, entries_of_owners, text, write_corpus
from tests.pipeline.test_build import SMALL

BEFORE, NOW = ("demo", "1.0"), ("demo", "1.1")


class DiffTest(SimpleTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.corpus, cls.releases = Path(folder.name) / "corpus", Path(folder.name) / "releases"
        shared = text("shared")
        entries = [
            *entries_of_owners(3),
            Entry("Alpha/one", "src/a.py", shared),
            Entry("Beta/two", "b.py", shared, rank=1),
            Entry("Gpl/code", "c.py", text("c"), licence="GPL-3.0-only", permissive=False),
            Entry("Alpha/one", "gone.py", text("gone")),
        ]
        write_corpus(cls.corpus, entries)
        cls.before = build(cls.corpus, cls.releases, BuildSpec("demo", "1.0", SMALL))
        write_corpus(cls.corpus, [*entries[:-1], Entry("New/one", "n.py", text("new"))])
        recipe = Recipe(name="small", shard_bytes=10_000, row_group_bytes=3_000, languages_without=("C",))
        blocked = frozenset({"github.com/alpha"})
        cls.now = build(
            cls.corpus, cls.releases, BuildSpec("demo", "1.1", recipe, blocked_owners=blocked, parent=BEFORE)
        )

    def test_counts_by_reason_before_and_now_what_moved_first(self):
        found = changes(self.releases, BEFORE, NOW)
        pairs = {(one.before, one.now): one.files for one in found}
        self.assertEqual(
            pairs,
            {
                ("kept", "kept"): 6,
                ("kept", "language_not_wanted"): 6,
                ("kept", "blocked_owner"): 1,
                ("exact_copy", "kept"): 1,
                (ABSENT, "kept"): 1,
                ("kept", ABSENT): 1,
                ("not_permissive", "not_permissive"): 1,
            },
        )
        kinds = [one.kind for one in found]
        self.assertEqual(kinds[-2:], ["same", "same"])
        self.assertEqual(sum(one.files for one in found if one.kind == "in"), 2)
        kept = sum(one.files for one in found if one.now == "kept")
        self.assertEqual((kept, sum(one.bytes for one in found if one.now == "kept")), (self.now.rows, self.now.bytes))
        self.assertEqual(sum(one.files for one in found if one.before == "kept"), self.before.rows)

    def test_the_files_of_a_change_are_listed_in_pages(self):
        page = changed_files(self.releases, BEFORE, NOW, ("kept", "language_not_wanted"), 0, 4)
        rest = changed_files(self.releases, BEFORE, NOW, ("kept", "language_not_wanted"), 4, 4)
        self.assertEqual((page.total, len(page.rows), len(rest.rows)), (6, 4, 2))
        paths = [(row["repository_key"], row["path"]) for row in page.rows + rest.rows]
        self.assertEqual(paths, sorted(paths))
        (new,) = changed_files(self.releases, BEFORE, NOW, (ABSENT, "kept")).rows
        self.assertEqual(
            (new["path"], new["owner_key"], new["before"], new["now"]), ("n.py", "github.com/new", "", "kept")
        )

    def test_files_not_taken_are_found_by_reason_owner_repository_and_path(self):
        def paths(**wanted):
            return [row["path"] for row in decided_files(self.releases, BEFORE, FileFilter(**wanted)).rows]

        self.assertEqual(paths(), ["b.py", "c.py"])
        self.assertEqual(paths(reason="exact_copy"), ["b.py"])
        self.assertEqual(paths(owner_key="github.com/gpl"), ["c.py"])
        self.assertEqual(paths(repository_key="github.com/beta/two", path="b"), ["b.py"])
        self.assertEqual(paths(language="C", taken=True, path="src"), ["src/file1.txt", "src/file3.txt"] * 3)
        self.assertEqual(paths(path="src/a"), [])
        self.assertEqual(paths(path="src/a", taken=True), ["src/a.py"])
        self.assertEqual(paths(reason="kept", owner_key="github.com/alpha"), ["gone.py", "src/a.py"])

    def test_a_release_whose_decisions_are_gone_says_so(self):
        build(self.corpus, self.releases, BuildSpec("demo", "1.2", SMALL))
        withdraw_release(self.releases, "demo", "1.2")
        for version in ("1.2", "9.9"):
            with self.assertRaisesMessage(NoSuchRelease, "is not kept"):
                changes(self.releases, BEFORE, ("demo", version))

    def test_recipes_stand_side_by_side(self):
        rows = recipe_differences(self.before.recipe, self.now.recipe)
        self.assertEqual([row.field for row in rows if not row.same], ["languages_without"])
        self.assertEqual({row.field for row in rows}, self.now.recipe.keys())
        (old,) = [row for row in recipe_differences({"a": 1}, {"b": [1, 2]}) if row.field == "a"]
        self.assertEqual(
            (old.before, old.now, shown(old.now), shown([]), shown(True)), (1, None, "not set", "none", "true")
        )
        self.assertEqual((shown("x"), shown(["C", "D"]), shown(0.5)), ("x", "C, D", "0.5"))

    @given(st.lists(st.tuples(st.sampled_from(sorted(REASONS)), st.integers(1, 99)), unique_by=lambda row: row[0]))
    def test_the_public_sees_buckets_alone_and_the_same_for_reasons_and_buckets(self, counts):
        funnel = [FunnelRow(reason=reason, files=files, bytes=files) for reason, files in counts]
        rows = public_changes(funnel, public_funnel(funnel))
        for row in rows:
            self.assertIn(row["reason"], PUBLIC_TEXTS)
            self.assertEqual(row["before"], row["now"])
        self.assertEqual(sum(row["now"] for row in rows), sum(files for _, files in counts))
