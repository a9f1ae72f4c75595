"""Building: the same release from any number of workers and by any way, and what goes wrong told plainly."""

import json
import shutil
import tempfile
import threading
from dataclasses import replace
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
from django.test import SimpleTestCase
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasets_app.pipeline import manifest, planning, shards, state
from datasets_app.pipeline.build import BuildSpec, build
from datasets_app.pipeline.decide import Blocks, decide, load
from datasets_app.pipeline.errors import CorpusDamaged
from datasets_app.pipeline.format import BLOBS, SHARD, shard_path
from datasets_app.pipeline.placement import place
from datasets_app.pipeline.recipe import Recipe
from datasets_app.pipeline.release_errors import (
    BuildInProgress,
    CorpusChanged,
    EmptyCorpus,
    NoSuchRelease,
    NothingKept,
    ReleaseError,
    ReleaseExists,
    ShardsGone,
)
from datasets_app.pipeline.verify import verify
from datasets_app.pipeline.workspace import work_folder
from tests.pipeline.handmade import Entry, entries_of_owners, text, write_corpus

SMALL = Recipe(name="small", shard_bytes=10_000, row_group_bytes=3_000)
FIRST = BuildSpec("demo", "1.0", SMALL)
DIGESTS = ("digest_bytes", "digest_logical", "tree_root")


def digests(release):
    return tuple(getattr(release, name) for name in DIGESTS)


class Building(SimpleTestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.corpus, self.releases = self.folder / "corpus", self.folder / "releases"

    def assert_clean(self, releases=None):
        left = [str(path) for path in (releases or self.releases).rglob(".tmp-*")]
        self.assertEqual(left, [])


class SameReleaseTest(Building):
    def setUp(self):
        super().setUp()
        shared = [Entry(f"Owner{n}/copies", "same.py", text("same"), rank=n) for n in range(4)]
        write_corpus(self.corpus, entries_of_owners(10) + shared, blob_files=3)

    def test_any_number_of_workers_gives_the_same_bytes(self):
        made = [build(self.corpus, self.folder / f"r{n}", FIRST, workers=n) for n in (1, 2, 8)]
        self.assertEqual(len({digests(release) for release in made}), 1)
        self.assertEqual(len({json.dumps(release.shards) for release in made}), 1)

    def test_every_kept_file_is_in_its_shard_with_its_text(self):
        made = build(self.corpus, self.releases, FIRST)
        rows = [
            row
            for shard in made.shards
            for row in pq.read_table(shard_path(self.releases, shard["digest"])).to_pylist()
        ]
        self.assertEqual(len(rows), made.rows)
        self.assertEqual(len(rows), 41)
        contents = {entry.blob_id: entry for entry in entries_of_owners(10)}
        for row in rows:
            if row["path"] != "same.py":
                self.assertEqual(row["content"].encode(), contents[row["blob_id"]].content)
        (same,) = [row for row in rows if row["path"] == "same.py"]
        self.assertEqual((same["owner"], same["copies"]), ("Owner0", 3))

    def test_rows_are_sorted_and_an_owner_has_one_shard_a_language(self):
        made = build(self.corpus, self.releases, FIRST)
        places = {}
        for shard in made.shards:
            rows = pq.read_table(shard_path(self.releases, shard["digest"])).to_pylist()
            keys = [(row["owner_key"], row["repository_key"], row["path"]) for row in rows]
            self.assertEqual(keys, sorted(keys))
            self.assertEqual({row["language"] for row in rows}, {shard["language"]})
            for row in rows:
                places.setdefault((row["owner_key"], row["language"]), set()).add(shard["bucket"])
        self.assertEqual({len(buckets) for buckets in places.values()}, {1})

    def test_an_opt_out_rewrites_only_the_shards_it_touches_and_equals_a_build_from_scratch(self):
        parent = build(self.corpus, self.releases, FIRST)
        blocked = frozenset({"github.com/owner0"})
        child = build(
            self.corpus,
            self.releases,
            BuildSpec("demo", "1.1", SMALL, blocked_owners=blocked, parent=("demo", "1.0")),
        )
        scratch = build(
            self.corpus,
            self.folder / "scratch",
            BuildSpec("demo", "1.1", SMALL, blocked_owners=blocked, buckets=parent.plan["buckets"]),
        )
        self.assertEqual(digests(child), digests(scratch))
        self.assertEqual(child.shards, scratch.shards)
        before = {shard["digest"]: shard for shard in parent.shards}
        rewritten = [shard for shard in child.shards if shard["digest"] not in before]
        # Owner 0 has C and Python; the copy that is promoted (same.py) lies with owner 1.
        self.assertLessEqual(len(rewritten), 3)
        self.assertGreater(len(parent.shards), 6)
        self.assertEqual(child.rows, parent.rows - 4)
        self.assertTrue(verify(self.releases, "demo", "1.1").ok)

    def test_shards_that_stay_are_taken_over_without_reading_texts(self):
        build(self.corpus, self.releases, FIRST)
        shutil.rmtree(self.corpus / "blobs")
        told = []
        child = build(
            self.corpus,
            self.releases,
            BuildSpec("demo", "1.1", SMALL, parent=("demo", "1.0")),
            progress=lambda *report: told.append(report),
        )
        self.assertEqual(child.rows, 41)
        self.assertIn(
            f"{len(child.shards)} shards taken over as they are", [report[3] for report in told if len(report) > 3]
        )

    def test_a_shard_that_lost_bytes_is_written_again(self):
        first = build(self.corpus, self.releases, FIRST)
        path = shard_path(self.releases, first.shards[0]["digest"])
        path.write_bytes(path.read_bytes()[:-10])
        build(self.corpus, self.releases, BuildSpec("demo", "1.1", SMALL, parent=("demo", "1.0")))
        self.assertTrue(verify(self.releases, "demo", "1.0").ok)

    def test_building_the_same_again_gives_the_release_that_is_there(self):
        first = build(self.corpus, self.releases, FIRST)
        self.assertEqual(build(self.corpus, self.releases, FIRST), first)

    @settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        owners=st.sets(st.integers(0, 9), max_size=4),
        repositories=st.sets(st.tuples(st.integers(0, 9), st.integers(0, 1)), max_size=4),
        blobs=st.booleans(),
    )
    def test_any_block_list_gives_the_same_incrementally_and_from_scratch(self, owners, repositories, blobs):
        parent = build(self.corpus, self.releases, FIRST)
        blocked = {
            "blocked_owners": frozenset(f"github.com/owner{n}" for n in owners),
            "blocked_repositories": frozenset(f"github.com/owner{n}/repo{m}" for n, m in repositories),
            "blocked_blobs": frozenset({Entry("a/b", "same.py", text("same")).blob_id} if blobs else ()),
        }
        shutil.rmtree(self.releases / "demo" / "1.1", ignore_errors=True)
        child = build(self.corpus, self.releases, BuildSpec("demo", "1.1", SMALL, parent=("demo", "1.0"), **blocked))
        with tempfile.TemporaryDirectory() as scratch:
            afresh = build(
                self.corpus, Path(scratch), BuildSpec("demo", "1.1", SMALL, buckets=parent.plan["buckets"], **blocked)
            )
        self.assertEqual(digests(child), digests(afresh))
        decisions = state.decisions(self.releases / "demo" / "1.1").read()
        kept = decisions.filter(pl.col("reason") == "kept")
        self.assertFalse(set(kept["owner_key"]) & blocked["blocked_owners"])
        self.assertFalse(set(kept["repository_key"]) & blocked["blocked_repositories"])
        self.assertFalse(set(kept["blob_id"]) & blocked["blocked_blobs"])

    def test_a_child_keeps_the_buckets_and_a_new_major_version_plans_anew(self):
        parent = build(self.corpus, self.releases, FIRST)
        other = replace(SMALL, shard_bytes=1 << 30)
        child = build(self.corpus, self.releases, BuildSpec("demo", "1.1", other, parent=("demo", "1.0")))
        self.assertEqual(child.plan, parent.plan)
        major = build(self.corpus, self.releases, BuildSpec("demo", "2.0", other, parent=("demo", "1.0")))
        self.assertEqual(major.plan["buckets"], {"C": 1, "Python": 1})

    def test_a_language_that_is_new_gets_buckets_and_one_that_is_gone_keeps_its_own(self):
        parent = build(self.corpus, self.releases, FIRST)
        write_corpus(self.corpus, [Entry("New/go", "a.go", text("go"), "Go")], source="handmade")
        child = build(self.corpus, self.releases, BuildSpec("demo", "1.1", SMALL, parent=("demo", "1.0")))
        self.assertEqual(child.plan["buckets"], {**parent.plan["buckets"], "Go": 1})

    def test_the_manifest_names_no_owner_and_adds_up(self):
        made = build(
            self.corpus,
            self.releases,
            BuildSpec("demo", "1.0", SMALL, frozenset({"github.com/owner3"}), blocklist_position=7),
        )
        said = (self.releases / "demo" / "1.0" / "manifest.json").read_text()
        self.assertNotIn("owner", said.lower())
        self.assertEqual(manifest.load(self.releases, "demo", "1.0"), made)
        self.assertEqual(sum(row["files"] for row in made.languages), made.rows)
        self.assertEqual(sum(row["bytes"] for row in made.licences), made.bytes)
        self.assertEqual(
            {row["reason"]: row["files"] for row in made.funnel}, {"not_eligible": 5, "exact_copy": 2, "kept": 37}
        )
        self.assertEqual(made.blocklist_position, 7)

    def test_footers_keep_no_statistics_of_contents(self):
        made = build(self.corpus, self.releases, FIRST)
        for shard in made.shards:
            source = pq.ParquetFile(shard_path(self.releases, shard["digest"]))
            self.assertEqual(source.schema_arrow.names, SHARD.names)
            for group in range(source.num_row_groups):
                for column in range(len(SHARD)):
                    chunk = source.metadata.row_group(group).column(column)
                    secret = chunk.path_in_schema in ("content", "blob_id", "sha256", "published_sha256")
                    self.assertEqual(chunk.is_stats_set, not secret, chunk.path_in_schema)
                    self.assertEqual(chunk.has_column_index, not secret, chunk.path_in_schema)
        self.assertGreater(max(shard["rows"] for shard in made.shards), 1)


class TroubleTest(Building):
    def test_an_empty_corpus_is_told(self):
        with self.assertRaises(EmptyCorpus) as caught:
            build(self.corpus, self.releases, FIRST)
        self.assertEqual(caught.exception.funnel, [])
        self.assert_clean()

    def test_a_corpus_of_which_nothing_passes_is_told_with_the_funnel(self):
        write_corpus(
            self.corpus,
            [Entry("A/a", "a.py", text("a"), permissive=False), Entry("B/b", "b.py", text("b"))],
        )
        with self.assertRaisesMessage(NothingKept, "None of the 2 files") as caught:
            build(
                self.corpus, self.releases, BuildSpec("demo", "1.0", SMALL, blocked_owners=frozenset({"github.com/b"}))
            )
        self.assertEqual(
            {row["reason"]: row["files"] for row in caught.exception.funnel}, {"blocked_owner": 1, "not_permissive": 1}
        )
        self.assertFalse((self.releases / "demo" / "1.0").exists())
        self.assert_clean()

    def test_a_version_that_is_taken_by_another_release_is_refused(self):
        write_corpus(self.corpus, entries_of_owners(3))
        build(self.corpus, self.releases, FIRST)
        for other in (
            BuildSpec("demo", "1.0", SMALL, blocked_owners=frozenset({"github.com/owner1"})),
            BuildSpec("demo", "1.0", replace(SMALL, longest_line=999)),
        ):
            with self.assertRaisesMessage(ReleaseExists, "there already with other content"):
                build(self.corpus, self.releases, other)
        self.assertTrue(verify(self.releases, "demo", "1.0").ok)

    def test_a_second_builder_is_turned_away_while_the_first_works(self):
        write_corpus(self.corpus, entries_of_owners(3))
        with work_folder(self.releases, "demo", "1.0"), self.assertRaisesMessage(BuildInProgress, "demo 1.0"):
            build(self.corpus, self.releases, FIRST)
        self.assertEqual(build(self.corpus, self.releases, FIRST).rows, 12)

    def test_a_cancelled_build_leaves_nothing(self):
        write_corpus(self.corpus, entries_of_owners(3))

        class Cancelled(Exception):
            pass

        stages = []
        build(self.corpus, self.folder / "whole", FIRST, progress=lambda stage, *_: stages.append(stage))
        for at in range(len(stages) - 1):
            calls = iter(range(len(stages)))

            def cancel(*_, calls=calls, at=at):
                if next(calls) == at:
                    raise Cancelled

            with self.subTest(stages[at], at=at):
                with self.assertRaises(Cancelled):
                    build(self.corpus, self.releases, FIRST, progress=cancel, workers=1)
                self.assertFalse((self.releases / "demo" / "1.0").exists())
                self.assert_clean()

    def test_a_parent_that_is_not_there_is_told(self):
        write_corpus(self.corpus, entries_of_owners(2))
        with self.assertRaisesMessage(NoSuchRelease, "demo 0.9"):
            build(self.corpus, self.releases, BuildSpec("demo", "1.0", SMALL, parent=("demo", "0.9")))
        self.assert_clean()

    def test_a_blob_file_that_is_gone_or_rotten_is_told(self):
        write_corpus(self.corpus, entries_of_owners(2), blob_files=1)
        (path,) = (self.corpus / "blobs").glob("*.parquet")
        whole = pq.read_table(path)
        texts = whole["content"].to_pylist()
        changed = whole.set_column(1, "content", [[b"# tampered\n", *texts[1:]]]).cast(BLOBS)
        not_text = whole.set_column(1, "content", [[b"\xff\xfe", *texts[1:]]]).cast(BLOBS)
        for table, error, said in (
            (changed, CorpusDamaged, "are not those that its attributes were computed on"),
            (not_text, CorpusDamaged, "is not UTF-8"),
            (whole.slice(1), CorpusChanged, "1 blobs are no longer in"),
        ):
            pq.write_table(table, path)
            with self.subTest(said), self.assertRaisesMessage(error, said):
                build(self.corpus, self.releases, FIRST)
        path.write_bytes(b"PAR1 nothing PAR1")
        with self.assertRaisesMessage(CorpusDamaged, "cannot be read"):
            build(self.corpus, self.releases, FIRST)
        path.unlink()
        with self.assertRaisesMessage(CorpusChanged, "is gone"):
            build(self.corpus, self.releases, FIRST)
        self.assert_clean()

    def test_a_shard_that_is_withdrawn_while_it_is_taken_over_is_told(self):
        write_corpus(self.corpus, entries_of_owners(3))
        build(self.corpus, self.releases, FIRST)

        for moment in ("writing shards", "committing"):

            def withdraw(stage, *_, moment=moment):
                if stage == moment:
                    shutil.rmtree(self.releases / "shards", ignore_errors=True)

            spec = BuildSpec("demo", "1.1", SMALL, parent=("demo", "1.0"))
            with self.subTest(moment), self.assertRaisesMessage(ShardsGone, "Build again"):
                build(self.corpus, self.releases, spec, progress=withdraw)
            self.assertFalse((self.releases / "demo" / "1.1").exists())
            self.assert_clean()
            shutil.rmtree(self.releases)
            build(self.corpus, self.releases, FIRST)

    def test_names_that_cannot_be_folders_are_refused(self):
        for name, version in (
            ("../x", "1.0"),
            ("Demo", "1.0"),
            ("shards", "1.0"),
            ("demo", ".."),
            ("demo", "1/0"),
            ("", "1"),
        ):
            with self.subTest(f"{name} {version}"), self.assertRaises(ReleaseError):
                BuildSpec(name, version, SMALL)
        with self.assertRaisesMessage(ValueError, "blocklist_position"):
            BuildSpec("demo", "1.0", SMALL, blocklist_position=-1)
        with self.assertRaisesMessage(ValueError, "buckets: 0 for C"):
            BuildSpec("demo", "1.0", SMALL, buckets={"C": 0})

    def test_a_damaged_manifest_is_told(self):
        path = self.releases / "demo" / "1.0" / "manifest.json"
        path.parent.mkdir(parents=True)
        for bad in ("{", "[]", '{"name": "demo"}'):
            path.write_text(bad)
            with self.assertRaisesMessage(ReleaseError, str(path)):
                manifest.load(self.releases, "demo", "1.0")


class RunShardTest(Building):
    """The pure function by itself, as another machine would call it."""

    def setUp(self):
        super().setUp()
        write_corpus(self.corpus, entries_of_owners(2))
        kept = place(decide(load(self.corpus), SMALL, Blocks()).files, {"C": 1, "Python": 1})
        self.planned = planning.plan_shards(kept, SMALL)[0]
        self.out = self.folder / "out"
        self.out.mkdir()
        pq.write_table(self.planned.rows, self.out / planning.ROWS_NAME)
        self.spec = json.loads(json.dumps({**self.planned.spec, "row_group": 0}))

    def test_a_spec_that_went_through_json_gives_the_shard_and_its_entry(self):
        entry = shards.run_shard(str(self.corpus), str(self.out), self.spec)
        self.assertEqual((entry["language"], entry["rows"]), ("C", 4))
        self.assertEqual(shards.finished(self.out, entry["input_digest"]), entry)
        again = shards.run_shard(str(self.corpus), str(self.out), self.spec)
        self.assertEqual(again, entry)

    def test_a_spec_for_other_rows_or_another_writer_is_refused(self):
        with self.assertRaisesMessage(CorpusChanged, "not those that the shard was planned for"):
            shards.run_shard(str(self.corpus), str(self.out), {**self.spec, "input_digest": "0" * 64})
        with self.assertRaisesMessage(CorpusChanged, "planned for the writer"):
            shards.run_shard(str(self.corpus), str(self.out), {**self.spec, "writer": {"pyarrow": "1.0"}})

    def test_a_finished_shard_whose_bytes_changed_is_not_trusted(self):
        entry = shards.run_shard(str(self.corpus), str(self.out), self.spec)
        path = shards.pending_path(self.out, entry["input_digest"])
        path.write_bytes(path.read_bytes() + b"x")
        self.assertIsNone(shards.finished(self.out, entry["input_digest"]))
        self.assertIsNone(shards.finished(self.out, "0" * 64))

    def test_everything_that_decides_the_bytes_changes_the_input_digest(self):
        rows, write = self.planned.rows, self.planned.spec["write"]
        base = shards.input_digest(rows, "C", 0, write, shards.WRITER)
        others = {
            shards.input_digest(rows.slice(1), "C", 0, write, shards.WRITER),
            shards.input_digest(rows, "C", 1, write, shards.WRITER),
            shards.input_digest(rows, "Ada", 0, write, shards.WRITER),
            shards.input_digest(rows, "C", 0, {**write, "zstd_level": 4}, shards.WRITER),
            shards.input_digest(rows, "C", 0, write, {"format": 1, "pyarrow": "99"}),
            shards.input_digest(rows.set_column(1, "path", [["x"] * len(rows)]), "C", 0, write, shards.WRITER),
        }
        self.assertEqual(len(others - {base}), 6)

    def test_row_groups_end_at_the_row_that_fills_them(self):
        self.assertEqual(shards.row_group_bounds([5, 5, 1, 20, 3], 10), [(0, 2), (2, 4), (4, 5)])
        self.assertEqual(shards.row_group_bounds([], 10), [])


class ThreadsTest(Building):
    def test_builders_of_different_versions_work_beside_each_other(self):
        write_corpus(self.corpus, entries_of_owners(6))
        made = {}

        def one(version):
            made[version] = build(self.corpus, self.releases, BuildSpec("demo", version, SMALL))

        threads = [threading.Thread(target=one, args=(f"1.{n}",)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len({digests(release) for release in made.values()}), 1)
        self.assertEqual(len(made), 4)
        for version in made:
            self.assertTrue(verify(self.releases, "demo", version).ok)
        self.assert_clean()
