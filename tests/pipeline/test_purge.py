"""Erasing: nothing of what must go is left anywhere, nothing of what may stay is lost, and a cut-off purge is finished."""

import tempfile
from dataclasses import replace
from pathlib import Path
from unittest import mock

import polars as pl
import pyarrow.parquet as pq
from django.test import SimpleTestCase

from datasets_app.pipeline import corpus as corpora
from datasets_app.pipeline import decide, manifest, purge
from datasets_app.pipeline.build import BuildSpec, build
from datasets_app.pipeline.corpus import files_table, locked
from datasets_app.pipeline.errors import BlobMissing, CorpusBusy
from datasets_app.pipeline.preview import preview
from datasets_app.pipeline.recipe import Recipe
from datasets_app.pipeline.release import Release
from datasets_app.pipeline.release_errors import NoSuchRelease, ReleaseExists
from datasets_app.pipeline.verify import verify
from tests.pipeline.handmade import Entry, entries_of_owners, text, write_corpus, write_files

MARKER = b"zq9-only-in-the-removed-files-zq9"
SMALL = Recipe(name="small", shard_bytes=20_000, row_group_bytes=3_000)
GONE = frozenset({"github.com/mallory"})


class Purging(SimpleTestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.corpus, self.releases = self.folder / "corpus", self.folder / "releases"
        self.shared = Entry("Mallory/secret", "shared.py", text("shared"), rank=0)
        self.entries = [
            *entries_of_owners(5),
            Entry("Mallory/secret", "own.py", text("own") + b"# " + MARKER + b"\n"),
            Entry("Mallory/other", "more.c", text("more") + b"// " + MARKER + b"\n", "C"),
            self.shared,
            replace(self.shared, repository="Owner2/repo0", rank=1),
        ]
        write_corpus(self.corpus, self.entries, blob_files=3)

    def blobs_of(self, *repositories):
        return {entry.blob_id for entry in self.entries if entry.repository in repositories}

    def found(self, root, *markers):
        return purge.scan(root, list(markers) or [MARKER])


class BlobsToRemoveTest(Purging):
    def going(self, owners=frozenset(), repositories=frozenset(), blobs=frozenset()):
        return purge.blobs_to_remove(files_table(self.corpus), owners, repositories, blobs)

    def test_blobs_of_an_owner_go_unless_another_owner_holds_them(self):
        self.assertEqual(self.going(GONE), self.blobs_of("Mallory/secret", "Mallory/other") - {self.shared.blob_id})

    def test_blobs_of_a_repository_go_and_the_owners_others_stay(self):
        self.assertEqual(self.going(repositories={"github.com/mallory/other"}), self.blobs_of("Mallory/other"))

    def test_a_blocked_blob_goes_whoever_holds_it(self):
        self.assertEqual(self.going(blobs={self.shared.blob_id}), {self.shared.blob_id})

    def test_a_blob_that_only_blocked_owners_hold_goes(self):
        self.assertIn(self.shared.blob_id, self.going(GONE | {"github.com/owner2"}))

    def test_without_blocks_nothing_goes(self):
        self.assertEqual(self.going(), set())


class PurgeCorpusTest(Purging):
    def purge(self):
        blobs = purge.blobs_to_remove(files_table(self.corpus), GONE, frozenset(), frozenset())
        return purge.purge_corpus(self.corpus, blobs, GONE)

    def test_no_byte_and_no_name_of_what_went_is_left_and_all_else_stays(self):
        self.assertTrue(self.found(self.corpus))
        report = self.purge()
        self.assertEqual((report.blobs, report.rows), (2, 3))
        self.assertEqual(self.found(self.corpus, MARKER, b"allory"), [])
        left = decide.load(self.corpus)
        self.assertEqual(len(left), 21)
        for entry in self.entries:
            if entry.repository.startswith("Mallory") and entry is not self.shared:
                with self.assertRaises(BlobMissing):
                    corpora.read_blob(self.corpus, entry.blob_id)
            else:
                self.assertEqual(corpora.read_blob(self.corpus, entry.blob_id), entry.content)

    def test_only_the_blob_files_concerned_are_written_anew(self):
        before = {path: path.read_bytes() for path in corpora.blob_files(self.corpus)}
        untouched = [
            path
            for path in before
            if not set(pq.read_table(path)["blob_id"].to_pylist()) & self.blobs_of("Mallory/other")
        ]
        report = purge.purge_corpus(self.corpus, self.blobs_of("Mallory/other"))
        self.assertEqual(len(untouched), 2)
        self.assertEqual([path.read_bytes() for path in untouched], [before[path] for path in untouched])
        self.assertEqual((report.blobs, report.rows), (1, 1))

    def test_a_second_purge_finds_nothing_to_do(self):
        self.purge()
        self.assertEqual(self.purge(), purge.PurgeReport())

    def test_what_an_earlier_snapshot_of_the_owner_held_goes_too(self):
        write_files(self.corpus, [entry for entry in self.entries if entry.path != "own.py"])
        self.purge()
        self.assertEqual(self.found(self.corpus), [])

    def test_leftovers_of_killed_writers_go(self):
        for folder in ("blobs", "files", "attributes"):
            (self.corpus / folder / ".tmp-abc-x.parquet").write_bytes(MARKER)
        (self.corpus / "attributes" / ("0" * 64 + ".parquet")).write_bytes(b"PAR1")
        self.assertEqual(self.purge().deleted, 4)
        self.assertEqual(self.found(self.corpus), [])

    def test_a_blob_file_of_which_nothing_may_stay_is_deleted(self):
        own = [Entry("Mallory/x", f"{n}.py", MARKER + text(f"x{n}")) for n in range(3)]
        write_corpus(self.corpus / "other", own, blob_files=1)
        blobs = {entry.blob_id for entry in own}
        purge.purge_corpus(self.corpus / "other", blobs, GONE)
        self.assertEqual(corpora.blob_files(self.corpus / "other"), [])
        self.assertEqual(list((self.corpus / "other" / "attributes").rglob("*.parquet")), [])

    def test_a_purge_that_is_cut_off_anywhere_keeps_what_stays_and_is_finished_by_the_next(self):
        class CutOff(Exception):
            pass

        for at in range(1, 40):
            corpus = self.folder / f"corpus{at}"
            write_corpus(corpus, self.entries, blob_files=3)
            calls = iter(range(1, 100))

            def step(original, calls=calls, at=at):
                def call(*args, **options):
                    if next(calls) == at:
                        raise CutOff
                    return original(*args, **options)

                return call

            blobs = self.blobs_of("Mallory/secret", "Mallory/other") - {self.shared.blob_id}
            try:
                with (
                    mock.patch.object(Path, "replace", step(Path.replace)),
                    mock.patch.object(Path, "unlink", step(Path.unlink)),
                ):
                    purge.purge_corpus(corpus, blobs, GONE)
            except CutOff:
                # Whatever happened, the corpus can be built from: what stays is there with its attributes.
                self.assertEqual(len(decide.load(corpus).filter(pl.col("owner_key") != "github.com/mallory")), 21)
                purge.purge_corpus(corpus, blobs, GONE)
            else:
                break
            finally:
                self.assertEqual(self.found(corpus, MARKER, b"allory"), [])
        self.assertGreater(at, 5)

    def test_it_waits_for_nobody_who_is_writing(self):
        with locked(self.corpus), self.assertRaises(CorpusBusy):
            self.purge()

    def test_a_release_built_after_the_purge_equals_one_built_under_the_block(self):
        before = build(self.corpus, self.releases, BuildSpec("demo", "1.0", SMALL))
        blocked = build(
            self.corpus, self.releases, BuildSpec("demo", "1.1", SMALL, blocked_owners=GONE, parent=("demo", "1.0"))
        )
        self.purge()
        after = build(
            self.corpus, self.folder / "after", BuildSpec("demo", "1.1", SMALL, buckets=before.plan["buckets"])
        )
        self.assertEqual(after.shards, blocked.shards)
        self.assertEqual(after.tree_root, blocked.tree_root)


class WithdrawTest(Purging):
    def setUp(self):
        super().setUp()
        self.first = build(self.corpus, self.releases, BuildSpec("demo", "1.0", SMALL))
        self.second = build(
            self.corpus, self.releases, BuildSpec("demo", "1.1", SMALL, blocked_owners=GONE, parent=("demo", "1.0"))
        )

    def test_the_whole_way_of_an_opt_out_leaves_nothing_under_the_folder(self):
        self.assertTrue(self.found(self.releases))
        report = purge.withdraw_release(self.releases, "demo", "1.0")
        self.assertGreater(report.deleted, 2)
        self.assertGreater(report.freed, 0)
        purge.purge_corpus(
            self.corpus, purge.blobs_to_remove(files_table(self.corpus), GONE, frozenset(), frozenset()), GONE
        )
        # Three files in the decisions, and two repositories in the list of those that were decided on.
        self.assertEqual(purge.forget_decisions(self.releases, GONE, frozenset()).rows, 5)
        self.assertEqual(self.found(self.folder, MARKER, b"allory"), [])
        self.assertTrue(verify(self.releases, "demo", "1.1").ok)
        heir = Release.open(self.releases, "demo", "1.1").read_text("github.com/owner2/repo0", "shared.py")
        self.assertEqual((heir["content"].encode(), heir["copies"]), (self.shared.content, 0))

    def test_a_withdrawn_release_keeps_figures_and_digests_only(self):
        purge.withdraw_release(self.releases, "demo", "1.0")
        left = manifest.load(self.releases, "demo", "1.0")
        self.assertTrue(left.withdrawn)
        self.assertEqual(left.shards, [])
        self.assertEqual(replace(left, shards=self.first.shards, withdrawn_at=None), self.first)
        self.assertEqual([path.name for path in (self.releases / "demo" / "1.0").iterdir()], ["manifest.json"])

    def test_shards_that_another_release_lists_stay(self):
        purge.withdraw_release(self.releases, "demo", "1.0")
        self.assertEqual(
            {path.stem for path in (self.releases / "shards").glob("*/*")},
            {shard["digest"] for shard in self.second.shards},
        )

    def test_withdrawing_again_finishes_what_was_cut_off(self):
        with mock.patch.object(Path, "unlink", side_effect=OSError("cut off")), self.assertRaises(OSError):
            purge.withdraw_release(self.releases, "demo", "1.0")
        with self.assertRaises(NoSuchRelease):
            Release.open(self.releases, "demo", "1.0")
        purge.withdraw_release(self.releases, "demo", "1.0")
        self.assertEqual(self.found(self.releases), [])

    def test_work_folders_of_killed_builds_and_shards_that_nobody_lists_go(self):
        stale = self.releases / "demo" / ".tmp-1.2"
        stale.mkdir()
        (stale / "x.parquet").write_bytes(MARKER)
        orphan = self.releases / "shards" / "ab"
        orphan.mkdir(exist_ok=True)
        (orphan / f"ab{'0' * 62}.parquet").write_bytes(MARKER)
        purge.withdraw_release(self.releases, "demo", "1.0")
        self.assertEqual(self.found(self.releases), [])
        self.assertFalse(stale.exists())

    def test_the_number_of_a_withdrawn_release_is_not_used_again(self):
        purge.withdraw_release(self.releases, "demo", "1.0")
        with self.assertRaisesMessage(ReleaseExists, "was withdrawn"):
            build(self.corpus, self.releases, BuildSpec("demo", "1.0", SMALL))

    def test_a_release_that_is_not_there_is_told(self):
        with self.assertRaises(NoSuchRelease):
            purge.withdraw_release(self.releases, "demo", "9.9")


class PreviewTest(Purging):
    def setUp(self):
        super().setUp()
        self.first = build(self.corpus, self.releases, BuildSpec("demo", "1.0", SMALL))

    def effects(self, **blocks):
        return preview(self.corpus, self.releases, "demo", "1.0", **blocks)

    def test_it_says_exactly_what_the_next_build_then_does(self):
        for number, blocks in enumerate(
            (
                {"blocked_owners": GONE},
                {"blocked_repositories": frozenset({"github.com/mallory/other"})},
                {"blocked_blobs": frozenset({self.shared.blob_id})},
                {"blocked_owners": frozenset({"github.com/owner2"})},
                {"blocked_owners": frozenset({"github.com/nobody"})},
            )
        ):
            with self.subTest(blocks):
                told = self.effects(**blocks)
                child = build(
                    self.corpus,
                    self.releases,
                    BuildSpec("demo", f"1.{number + 1}", SMALL, parent=("demo", "1.0"), **blocks),
                )
                kept = {shard["digest"] for shard in child.shards}
                changed = [shard for shard in self.first.shards if shard["digest"] not in kept]
                self.assertEqual(told.gone, self.first.rows - child.rows)
                self.assertEqual(told.shards, len(changed))
                self.assertEqual(told.shard_bytes, sum(shard["bytes"] for shard in changed))
                self.assertEqual(told.files, told.gone + told.promoted)

    def test_it_counts_what_is_promoted(self):
        told = self.effects(blocked_owners=GONE)
        self.assertEqual((told.files, told.promoted, told.gone), (3, 1, 2))
        sizes = [len(entry.content) for entry in self.entries if entry.owner_key == "github.com/mallory"]
        self.assertEqual(told.bytes, sum(sizes))

    def test_files_ingested_since_then_are_no_effect_of_the_block(self):
        write_corpus(self.corpus, [*self.entries, Entry("New/new", "new.py", text("new"))], blob_files=1)
        self.assertEqual(self.effects(blocked_owners=GONE).gone, 2)

    def test_blocks_that_the_release_was_built_with_stay(self):
        build(self.corpus, self.releases, BuildSpec("demo", "1.1", SMALL, blocked_owners=GONE, parent=("demo", "1.0")))
        told = preview(self.corpus, self.releases, "demo", "1.1", blocked_owners=frozenset({"github.com/owner2"}))
        self.assertEqual((told.files, told.promoted), (5, 0))

    def test_a_withdrawn_release_has_no_preview(self):
        purge.withdraw_release(self.releases, "demo", "1.0")
        with self.assertRaises(NoSuchRelease):
            self.effects()
