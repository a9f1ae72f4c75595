"""A release issued again: the same shards as a build with the same block-list, made of the old shards alone."""

import shutil
import tempfile
from pathlib import Path

import polars as pl
from django.test import SimpleTestCase
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasets_app.pipeline import manifest, purge, state
from datasets_app.pipeline.build import BuildSpec, build
from datasets_app.pipeline.decide import Blocks
from datasets_app.pipeline.format import shard_path
from datasets_app.pipeline.reissue import ReissueSpec, next_version, reissue
from datasets_app.pipeline.release import Release
from datasets_app.pipeline.release_errors import (
    NoSuchRelease,
    NothingBlocked,
    NothingLeft,
    ReleaseDamaged,
    ReleaseError,
    ReleaseExists,
)
from datasets_app.pipeline.scan import scan
from datasets_app.pipeline.verify import verify
from tests.pipeline.handmade import Entry, entries_of_owners, text, write_corpus, write_files
from tests.pipeline.test_build import DIGESTS, SMALL, digests

ALPHA = frozenset({"github.com/alpha"})


def blocks(owners=(), repositories=(), blobs=()):
    return Blocks(frozenset(owners), frozenset(repositories), frozenset(blobs))


class Reissuing(SimpleTestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.corpus, self.releases = self.folder / "corpus", self.folder / "releases"

    def make(self, entries, recipe=SMALL, **more):
        self.entries = entries
        write_corpus(self.corpus, entries)
        return build(self.corpus, self.releases, BuildSpec("demo", "1.0", recipe, **more))

    def again(self, blocked, version="1.0+r1", original="1.0", **more):
        return reissue(self.corpus, self.releases, ReissueSpec("demo", original, version, blocked, 7), **more)

    def fresh(self, blocked, buckets):
        """What a build with the same block-list makes."""
        spec = BuildSpec(
            "demo",
            "1.0",
            SMALL,
            blocked_owners=blocked.owners,
            blocked_repositories=blocked.repositories,
            blocked_blobs=blocked.blobs,
            buckets=buckets,
        )
        with tempfile.TemporaryDirectory() as elsewhere:
            made = build(self.corpus, Path(elsewhere), spec)
            opened = Release(Path(elsewhere), made)
            decisions = state.decisions(opened.folder).read().sort(state.BY_FILE)
            return made, opened.holdings(), decisions

    def decisions(self, version):
        return state.decisions(self.releases / "demo" / version).read().sort(state.BY_FILE)

    def assert_like_a_build(self, made, blocked):
        self.assertEqual(verify(self.releases, made.name, made.version).problems, [])
        built, holdings, decisions = self.fresh(blocked, made.plan["buckets"])
        for name in (*DIGESTS, "rows", "bytes", "funnel", "languages", "licences", "plan"):
            self.assertEqual(getattr(made, name), getattr(built, name), name)
        self.assertEqual(Release(self.releases, made).holdings().to_pylist(), holdings.to_pylist())
        self.assertEqual(self.decisions(made.version).to_dicts(), decisions.to_dicts())

    def assert_clean(self):
        self.assertEqual([str(path) for path in self.releases.rglob(".tmp-*")], [])


class WhatStays(Reissuing):
    def test_it_is_the_release_without_the_blocked_owner_and_other_shards_are_the_same_files(self):
        first = self.make(entries_of_owners(8))
        gone = blocks(["github.com/owner3"])
        made = self.again(gone)
        self.assertEqual((made.parent, made.reissue_of, made.version), (("demo", "1.0"), "1.0", "1.0+r1"))
        self.assertEqual((made.blocklist_position, made.recipe_digest), (7, first.recipe_digest))
        self.assertEqual(made.rows, first.rows - 4)
        shared = {shard["digest"] for shard in first.shards} & {shard["digest"] for shard in made.shards}
        touched = {(s["language"], s["bucket"]) for s in first.shards if s["digest"] not in shared}
        self.assertEqual(len(shared), len(first.shards) - len(touched))
        self.assertGreater(len(shared), 0)
        self.assert_like_a_build(made, gone)
        self.assertTrue(verify(self.releases, "demo", "1.0").ok)
        self.assert_clean()

    def test_it_needs_no_text_of_the_corpus(self):
        self.make(entries_of_owners(6))
        expected = self.again(blocks(["github.com/owner1"]))
        shutil.rmtree(self.corpus)
        shutil.rmtree(self.releases / "demo" / "1.0+r1")
        self.assertEqual(digests(self.again(blocks(["github.com/owner1"]))), digests(expected))

    def test_shards_without_anything_blocked_are_not_read_beyond_their_keys(self):
        first = self.make(entries_of_owners(8))
        gone = blocks(["github.com/owner3"])
        expected = self.again(gone)
        shutil.rmtree(self.releases / "demo" / "1.0+r1")
        kept = next(s for s in first.shards if s["digest"] in {shard["digest"] for shard in expected.shards})
        path = shard_path(self.releases, kept["digest"])
        before = path.stat().st_ino
        self.assertEqual(digests(self.again(gone)), digests(expected))
        self.assertEqual(path.stat().st_ino, before)

    def test_a_text_that_others_hold_too_stays_under_the_next_best_origin(self):
        shared = text("shared")
        entries = [
            Entry("Alpha/one", "a.py", shared, rank=0),
            Entry("Gamma/three", "c.py", shared, rank=2),
            Entry("Beta/two", "b.py", shared, rank=1),
            Entry("Alpha/one", "own.py", text("own")),
            *entries_of_owners(3),
        ]
        self.make(entries)
        made = self.again(blocks(ALPHA))
        rows = Release(self.releases, made).files(owner_key="github.com/beta")
        self.assertEqual([(row["path"], row["copies"]) for row in rows], [("b.py", 1)])
        self.assert_like_a_build(made, blocks(ALPHA))

    def test_a_copy_that_did_not_pass_the_recipe_takes_no_place(self):
        shared = text("shared")
        self.make(
            [
                Entry("Alpha/one", "a.py", shared),
                Entry("Beta/two", "b.py", shared, licence="GPL-3.0-only", permissive=False),
                *entries_of_owners(3),
            ]
        )
        made = self.again(blocks(ALPHA))
        self.assert_like_a_build(made, blocks(ALPHA))
        self.assertIsNone(Release(self.releases, made).holding("github.com/beta/two"))

    def test_a_copy_that_the_corpus_lost_since_takes_no_place_and_its_reason_says_so(self):
        shared = text("shared")
        entries = [Entry("Alpha/one", "a.py", shared), Entry("Beta/two", "b.py", shared, rank=1), *entries_of_owners(3)]
        self.make(entries)
        write_files(self.corpus, [entry for entry in entries if entry.repository != "Beta/two"])
        made = self.again(blocks(ALPHA))
        self.assertEqual(verify(self.releases, "demo", "1.0+r1").problems, [])
        self.assertEqual(made.rows, len(entries) - 2)
        decisions = self.decisions("1.0+r1").filter(pl.col("repository_key") == "github.com/beta/two")
        self.assertEqual(decisions["reason"].to_list(), ["origin_left"])

    def test_a_copy_whose_licence_is_no_longer_permissive_takes_no_place(self):
        shared = text("shared")
        entries = [Entry("Alpha/one", "a.py", shared), Entry("Beta/two", "b.py", shared, rank=1), *entries_of_owners(3)]
        self.make(entries)
        now = [Entry("Beta/two", "b.py", shared, licence="GPL-3.0-only", permissive=False), *entries[2:]]
        write_files(self.corpus, now)
        self.assertEqual(self.again(blocks(ALPHA)).rows, len(entries) - 2)

    def test_where_only_a_copy_goes_the_counts_change_and_no_file(self):
        shared = text("shared")
        self.make(
            [Entry("Beta/two", "b.py", shared), Entry("Alpha/one", "a.py", shared, rank=1), *entries_of_owners(3)]
        )
        made = self.again(blocks(ALPHA))
        self.assertEqual(made.rows, 13)
        self.assertEqual(Release(self.releases, made).files(owner_key="github.com/beta")[0]["copies"], 0)
        self.assert_like_a_build(made, blocks(ALPHA))

    def test_a_blocked_text_goes_under_every_name(self):
        shared = text("shared")
        entries = [Entry("Alpha/one", "a.py", shared), Entry("Beta/two", "b.py", shared, rank=1), *entries_of_owners(3)]
        self.make(entries)
        gone = blocks(blobs=[entries[0].blob_id])
        made = self.again(gone)
        self.assert_like_a_build(made, gone)

    def test_nothing_of_it_is_found_once_the_original_is_withdrawn(self):
        marker = b"# only-alpha-wrote-this-line"
        self.make([Entry("Alpha/one", "a.py", text("a") + marker), *entries_of_owners(4)])
        self.again(blocks(ALPHA))
        self.assertTrue(scan(self.releases, [marker]))
        purge.withdraw_release(self.releases, "demo", "1.0")
        self.assertEqual(scan(self.releases, [marker]), [])
        self.assertEqual(verify(self.releases, "demo", "1.0+r1").problems, [])

    @settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.data())
    def test_it_equals_a_build_with_the_same_block_list_whatever_is_blocked(self, data):
        texts = [text(f"t{number}", 6) for number in range(6)]
        entries = [
            Entry(f"o{owner}/r{repository}", f"f{number}.py", texts[which], language, rank=rank, permissive=permissive)
            for number, (owner, repository, which, language, rank, permissive) in enumerate(
                data.draw(
                    st.lists(
                        st.tuples(
                            st.integers(0, 3),
                            st.integers(0, 1),
                            st.integers(0, 5),
                            st.sampled_from(["Python", "C"]),
                            st.integers(0, 2),
                            st.sampled_from([True, True, True, False]),
                        ),
                        min_size=2,
                        max_size=14,
                    )
                )
            )
        ] + [Entry("stays/here", "stays.py", text("stays", 6))]
        keys = sorted({entry.owner_key for entry in entries[:-1]})
        repositories = sorted({entry.repository_key for entry in entries[:-1]})
        gone = blocks(
            data.draw(st.sets(st.sampled_from(keys), max_size=2)),
            data.draw(st.sets(st.sampled_from(repositories), max_size=2)),
            data.draw(st.sets(st.sampled_from([entry.blob_id for entry in entries[:-1]]), max_size=1)),
        )
        for folder in (self.corpus, self.releases):
            shutil.rmtree(folder, ignore_errors=True)
        self.make(entries)
        try:
            made = self.again(gone, workers=data.draw(st.sampled_from([1, 3])))
        except NothingBlocked:
            return
        self.assert_like_a_build(made, gone)
        first = blocks(sorted(gone.owners)[:1])
        if first.owners:
            one = self.again(first, "1.0+r5")
            try:
                two = self.again(gone, "1.0+r6", "1.0+r5")
            except NothingBlocked:
                two = one
            self.assertEqual((digests(two), two.reissue_of), (digests(made), "1.0"))
            self.assertEqual(two.funnel, made.funnel)


class WhatIsRefused(Reissuing):
    def test_nothing_blocked_nothing_left_and_no_original(self):
        self.make(entries_of_owners(2))
        with self.assertRaises(NothingBlocked):
            self.again(blocks(ALPHA))
        with self.assertRaises(NothingLeft):
            self.again(blocks(["github.com/owner0", "github.com/owner1"]))
        with self.assertRaises(NoSuchRelease):
            self.again(blocks(ALPHA), original="0.9")
        with self.assertRaises(ReleaseError):
            self.again(blocks(ALPHA), "1.0")
        self.assertEqual([path.name for path in (self.releases / "demo").iterdir()], ["1.0"])

    def test_again_gives_the_same_and_other_content_under_its_version_is_refused(self):
        self.make(entries_of_owners(4))
        made = self.again(blocks(["github.com/owner0"]))
        self.assertEqual(self.again(blocks(["github.com/owner0"])), made)
        with self.assertRaises(ReleaseExists):
            self.again(blocks(["github.com/owner1"]))
        purge.withdraw_release(self.releases, "demo", "1.0+r1")
        with self.assertRaises(ReleaseExists):
            self.again(blocks(["github.com/owner0"]))

    def test_a_shard_that_is_missing_or_damaged_is_told(self):
        first = self.make(entries_of_owners(4))
        path = shard_path(self.releases, first.shards[0]["digest"])
        path.write_bytes(path.read_bytes()[:-9])
        with self.assertRaisesMessage(ReleaseDamaged, "withdraw its release"):
            self.again(blocks(["github.com/owner0"]))
        path.unlink()
        with self.assertRaises(ReleaseDamaged):
            self.again(blocks(["github.com/owner0"]))
        self.assert_clean()

    def test_versions_count_up_and_pass_over_those_taken(self):
        self.assertEqual(next_version("v1.0"), "v1.0+r1")
        self.assertEqual(next_version("v1.0+r9"), "v1.0+r10")
        self.assertEqual(next_version("v1.0", {"v1.0+r1", "v1.0+r2"}), "v1.0+r3")

    def test_manifests_written_before_re_issues_read_as_releases_of_their_own(self):
        self.make(entries_of_owners(2))
        path = self.releases / "demo" / "1.0" / "manifest.json"
        old = path.read_text().replace(',\n "reissue_of": null', "")
        self.assertNotIn("reissue_of", old)
        path.write_text(old)
        self.assertIsNone(manifest.load(self.releases, "demo", "1.0").reissue_of)
        path.write_text(old.replace('"rows"', '"lines"'))
        with self.assertRaises(ReleaseError):
            manifest.load(self.releases, "demo", "1.0")
