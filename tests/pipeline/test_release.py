"""Reading a release: listings by language, owner and repository, and single files."""

import tempfile
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pyarrow.parquet as pq
from django.test import SimpleTestCase

from datasets_app.pipeline.build import BuildSpec, build
from datasets_app.pipeline.placement import bucket_of, plan_buckets, shard_name
from datasets_app.pipeline.purge import withdraw_release
from datasets_app.pipeline.recipe import Recipe
from datasets_app.pipeline.release import LISTED, Release
from datasets_app.pipeline.release_errors import NoSuchRelease
from tests.pipeline.handmade import Entry, entries_of_owners, text, write_corpus


class ReleaseTest(SimpleTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.entries = entries_of_owners(8, files=6)
        copied = Entry("Owner9/copies", "copy.py", cls.entries[0].content, rank=9)
        write_corpus(cls.folder / "corpus", [*cls.entries, copied])
        recipe = Recipe(name="small", shard_bytes=20_000, row_group_bytes=3_000)
        build(cls.folder / "corpus", cls.folder / "releases", BuildSpec("demo", "1.0", recipe))
        cls.release = Release.open(cls.folder / "releases", "demo", "1.0")

    def test_all_files_are_listed_once_whatever_the_pages(self):
        for limit in (1, 5, 7, 100):
            rows = []
            while page := self.release.files(offset=len(rows), limit=limit):
                self.assertLessEqual(len(page), limit)
                rows += page
            self.assertEqual(len(rows), 48)
            self.assertEqual(
                sorted((row["repository_key"], row["path"]) for row in rows),
                sorted((entry.repository_key, entry.path) for entry in self.entries),
            )
        self.assertEqual(list(rows[0]), LISTED)

    def test_files_are_listed_by_language_owner_and_repository(self):
        cases = (
            ({"language": "C"}, lambda entry: entry.language == "C"),
            ({"owner_key": "github.com/owner3"}, lambda entry: entry.owner_key == "github.com/owner3"),
            (
                {"repository_key": "github.com/owner3/repo1"},
                lambda entry: entry.repository_key == "github.com/owner3/repo1",
            ),
            (
                {"owner_key": "github.com/owner3", "language": "Python"},
                lambda entry: entry.owner_key == "github.com/owner3" and entry.language == "Python",
            ),
            ({"owner_key": "github.com/nobody"}, lambda _: False),
            ({"repository_key": "github.com/owner3/nothing"}, lambda _: False),
            ({"language": "Cobol"}, lambda _: False),
        )
        for where, wanted in cases:
            expected = sorted((entry.repository_key, entry.path) for entry in self.entries if wanted(entry))
            with self.subTest(where):
                rows = self.release.files(**where)
                self.assertEqual(sorted((row["repository_key"], row["path"]) for row in rows), expected)
                self.assertEqual(self.release.count(**where), len(expected))
                paged = [
                    row for at in range(len(expected) + 1) for row in self.release.files(**where, offset=at, limit=1)
                ]
                self.assertEqual(paged, rows)

    def test_listing_reads_no_content(self):
        read = []
        original = pq.ParquetFile.read_row_group

        def noting(source, group, columns=None, **options):
            read.append(columns)
            return original(source, group, columns, **options)

        with mock.patch.object(pq.ParquetFile, "read_row_group", noting):
            self.release.files(offset=20, limit=10)
            self.release.files(owner_key="github.com/owner2")
        self.assertTrue(read)
        for columns in read:
            self.assertNotIn("content", columns)

    def test_one_file_is_read_by_repository_and_path(self):
        for entry in self.entries:
            row = self.release.read_text(entry.repository_key, entry.path)
            self.assertEqual(row["content"].encode(), entry.content)
        self.assertEqual(self.release.read_text(self.entries[0].repository_key, self.entries[0].path)["copies"], 1)

    def test_a_file_that_is_not_there_or_only_a_copy_reads_as_none(self):
        self.assertIsNone(self.release.read_text("github.com/nobody/x", "a.py"))
        self.assertIsNone(self.release.read_text(self.entries[0].repository_key, "nope.py"))
        self.assertIsNone(self.release.read_text("github.com/owner9/copies", "copy.py"))

    def test_holdings_of_one_repository(self):
        self.assertEqual(self.release.holding("github.com/owner9/copies")["copies"], 1)
        self.assertIsNone(self.release.holding("github.com/nobody/x"))
        self.assertEqual(sum(self.release.holdings()["files"].to_pylist()), 48)

    def test_rows_come_in_batches_with_the_columns_asked_for(self):
        batches = list(self.release.iter_rows(["path", "content"], batch=3))
        self.assertEqual(sum(batch.num_rows for batch in batches), 48)
        self.assertLessEqual(max(batch.num_rows for batch in batches), 3)
        self.assertEqual(set(batches[0].schema.names), {"path", "content"})
        self.assertIn("copies", next(self.release.iter_rows()).schema.names)

    def test_shards_are_found_by_language_and_by_the_name_they_are_served_under(self):
        served = self.release.served_names()
        self.assertEqual(len(served), len(self.release.manifest.shards))
        self.assertTrue(all(path.is_file() for path in self.release.shard_paths()))
        of_c = [shard for name, shard in served.items() if name.startswith("data/C/part-")]
        self.assertEqual(len(self.release.shard_paths(["C"])), len(of_c))
        self.assertEqual(self.release.shard_paths(["Cobol"]), [])

    def test_releases_that_are_not_there_or_withdrawn_are_told(self):
        releases = self.folder / "second"
        build(self.folder / "corpus", releases, BuildSpec("demo", "1.0", Recipe()))
        withdraw_release(releases, "demo", "1.0")
        with self.assertRaisesMessage(NoSuchRelease, "was withdrawn on 2"):
            Release.open(releases, "demo", "1.0")
        with self.assertRaisesMessage(NoSuchRelease, "no release demo 3.0"):
            Release.open(releases, "demo", "3.0")


class PlacementTest(SimpleTestCase):
    def test_buckets_are_ranges_of_the_hash_so_that_halving_keeps_neighbours(self):
        for number in range(200):
            key = f"github.com/owner{number}"
            self.assertEqual(bucket_of(key, 1), 0)
            self.assertEqual(bucket_of(key, 8) // 2, bucket_of(key, 4))

    def test_owners_spread_over_all_buckets(self):
        self.assertEqual({bucket_of(f"github.com/owner{n}", 8) for n in range(200)}, set(range(8)))

    def test_buckets_follow_the_bytes_and_fixed_ones_stay(self):
        self.assertEqual(
            plan_buckets({"C": 0, "Go": 100, "Python": 101}, 100, {"Ada": 4}), {"Ada": 4, "C": 1, "Go": 1, "Python": 2}
        )
        self.assertEqual(plan_buckets({"C": 10**9}, 1024, {"C": 2}), {"C": 2})

    def test_names_of_shards_are_paths_and_stay_apart(self):
        self.assertEqual(shard_name("C++", 7), "data/C++/part-00007.parquet")
        self.assertEqual(shard_name("Jupyter Notebook", 0), "data/Jupyter Notebook/part-00000.parquet")
        self.assertEqual(shard_name("PL/I", 0), "data/PL%2FI/part-00000.parquet")
        self.assertNotIn("..", shard_name("../x", 1).split("/"))

    def test_a_rename_of_the_owner_moves_nothing(self):
        with tempfile.TemporaryDirectory() as folder:
            corpus, releases = Path(folder) / "corpus", Path(folder) / "releases"
            entry = Entry("Ada/engine", "a.py", text("a"))
            write_corpus(corpus, [entry])
            first = build(corpus, releases, BuildSpec("demo", "1.0", Recipe()))
            write_corpus(corpus, [replace(entry, repository="ADA/engine")])
            second = build(corpus, releases, BuildSpec("demo", "1.1", Recipe(), parent=("demo", "1.0")))
            places = [(shard["language"], shard["bucket"]) for shard in first.shards]
            self.assertEqual([(shard["language"], shard["bucket"]) for shard in second.shards], places)
            self.assertNotEqual(first.digest_bytes, second.digest_bytes)
            self.assertEqual(first.tree_root, second.tree_root)
