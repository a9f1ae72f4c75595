"""A build that goes on from its parent gives what a build from scratch gives, part for part."""

import hashlib
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

import polars as pl
from django.test import SimpleTestCase
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasets_app.pipeline import manifest, purge, state
from datasets_app.pipeline.build import BuildSpec, build
from datasets_app.pipeline.format import shard_path
from datasets_app.pipeline.recipe import Recipe
from datasets_app.pipeline.release_errors import EmptyCorpus, NothingKept
from datasets_app.pipeline.verify import verify
from tests.pipeline.handmade import Entry, text, write_corpus, write_files

RECIPE = Recipe(name="small", shard_bytes=4096, row_group_bytes=2048)
OWNERS = ("ann", "bob", "cyd", "dan", "eve")
AUTHORS = ("a" * 64, "b" * 64)
STAGE = "from data 1.0"


def variant(seed: str, changed: int) -> bytes:
    """The text of this seed with some lines of its own: those with few changes are near-duplicates."""
    lines = text(seed, 40).split(b"\n")
    for number in range(changed):
        lines[number * 2] = b"def only_%s_%d(): pass" % (
            hashlib.md5(b"%d%d" % (changed, number)).hexdigest().encode(),
            number,
        )
    return b"\n".join(lines)


contents = st.builds(variant, st.sampled_from(["p", "q", "r"]), st.integers(0, 6)) | st.sampled_from(
    [text("alone"), text("apart"), b"x = 1\n"]
)
entries = st.lists(
    st.builds(
        Entry,
        repository=st.builds("{}/{}".format, st.sampled_from(OWNERS), st.sampled_from(["one", "two"])),
        path=st.builds("f{}.py".format, st.integers(0, 5)),
        content=contents,
        language=st.sampled_from(["Python", "C"]),
        rank=st.integers(0, 2),
        vendored=st.booleans(),
        sole_author=st.sampled_from([None, *AUTHORS]),
    ),
    min_size=4,
    max_size=24,
    unique_by=lambda entry: (entry.repository_key, entry.path),
)


class DeltaTest(SimpleTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.corpus, self.releases = self.folder / "corpus", self.folder / "releases"
        self.said: list[str] = []

    def tell(self, stage: str, done: int, total: int, message: str = "") -> None:
        self.said.append(message)

    def build(self, version: str, releases: Path, recipe: Recipe = RECIPE, **values: object) -> manifest.Manifest:
        spec = BuildSpec("data", version, recipe, **values)  # type: ignore[arg-type]
        return build(self.corpus, releases, spec, progress=self.tell, workers=1)

    def was_incremental(self) -> bool:
        return any(STAGE in message for message in self.said)

    def assert_same_release(self, one: Path, other: Path, version: str) -> None:
        manifests = [asdict(manifest.load(releases, "data", version)) for releases in (one, other)]
        for values in manifests:
            del values["created_at"], values["parent"]
        self.assertEqual(*manifests)
        folders = [releases / "data" / version for releases in (one, other)]
        for table, by in ((state.decisions, state.BY_FILE), (state.duplicates, state.BY_COMPONENT)):
            first, second = [table(folder).read().sort(by) for folder in folders]
            self.assertTrue(first.equals(second), f"{table.__name__}: {first} {second}")
        for name in ("holdings", "leaves"):
            first, second = [pl.read_parquet(folder / f"{name}.parquet") for folder in folders]
            self.assertTrue(first.equals(second), f"{name}: {first} {second}")
        first, second = [state.read_repositories(folder) for folder in folders]
        self.assertTrue(first.sort("repository_key").equals(second.sort("repository_key")))
        self.assertEqual(*[state.read_facts(folder) for folder in folders])
        self.assertEqual(verify(one, "data", version).problems, [])

    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        held=entries,
        first=st.sets(st.sampled_from(OWNERS), max_size=2),
        second=st.sets(st.sampled_from(OWNERS), max_size=2),
        repository=st.sampled_from([None, *OWNERS]),
        ones=st.tuples(st.sets(st.sampled_from(AUTHORS)), st.sets(st.integers(0, 23), max_size=3), st.booleans()),
        others=st.tuples(st.sets(st.sampled_from(AUTHORS)), st.sets(st.integers(0, 23), max_size=3)),
    )
    def test_blocking_more_of_any_kind_equals_a_build_from_scratch(self, held, first, second, repository, ones, others):
        def blobs(numbers):
            return frozenset(held[number].blob_id for number in numbers if number < len(held))

        with tempfile.TemporaryDirectory() as folder:
            self.corpus, self.said = Path(folder, "corpus"), []
            releases, afresh = Path(folder, "releases"), Path(folder, "afresh")
            recipe = replace(RECIPE, with_vendored=False)
            write_corpus(self.corpus, held)
            repositories = frozenset({f"github.com/{repository}/one"} if repository else ())
            before = {
                "blocked_owners": frozenset(f"github.com/{owner}" for owner in first),
                "blocked_repositories": repositories if ones[2] else frozenset(),
                "blocked_authors": frozenset(ones[0]),
                "blocked_blobs": blobs(ones[1]),
            }
            after = {
                "blocked_owners": frozenset(f"github.com/{owner}" for owner in first | second),
                "blocked_repositories": repositories,
                "blocked_authors": frozenset(ones[0] | others[0]),
                "blocked_blobs": blobs(ones[1] | others[1]),
            }
            try:
                parent = self.build("1.0", releases, recipe, **before)
            except NothingKept:
                return
            plan = {"buckets": parent.plan["buckets"]}
            try:
                self.build("1.1", releases, recipe, parent=("data", "1.0"), **after)
            except NothingKept:
                with self.assertRaises(NothingKept):
                    self.build("1.1", afresh, recipe, **plan, **after)
                return
            self.assertTrue(self.was_incremental())
            self.build("1.1", afresh, recipe, **plan, **after)
            self.assert_same_release(releases, afresh, "1.1")

    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(held=entries, added=entries, gone=st.sampled_from([None, *OWNERS]), blocked=st.sampled_from([None, *OWNERS]))
    def test_files_that_come_and_go_merge_and_part_components_as_from_scratch(self, held, added, gone, blocked):
        with tempfile.TemporaryDirectory() as folder:
            self.corpus = Path(folder, "corpus")
            releases, afresh = Path(folder, "releases"), Path(folder, "afresh")
            write_corpus(self.corpus, [*held, *added])
            write_files(self.corpus, held)
            try:
                self.build("1.0", releases)
            except NothingKept:
                return
            now = {
                (entry.repository_key, entry.path): entry
                for entry in [*held, *added]
                if entry.repository.split("/")[0] != gone
            }
            write_files(self.corpus, now.values())
            blocks = {"blocked_owners": frozenset({f"github.com/{blocked}"} if blocked else ())}
            try:
                made = self.build("1.1", releases, parent=("data", "1.0"), **blocks)
            except (NothingKept, EmptyCorpus):
                return
            self.build("1.1", afresh, buckets=made.plan["buckets"], **blocks)
            self.assert_same_release(releases, afresh, "1.1")

    def setUpRelease(self, **values: object) -> manifest.Manifest:
        held = [
            Entry("ann/one", "a.py", variant("p", 0), rank=0),
            Entry("bob/one", "b.py", variant("p", 1), rank=1),
            Entry("cyd/one", "c.py", text("c")),
            Entry("dan/one", "d.py", text("d")),
            Entry("dan/one", "same.py", text("c"), rank=1),
        ]
        write_corpus(self.corpus, held)
        return self.build("1.0", self.releases, **values)

    def reasons(self, version: str) -> dict[str, str]:
        rows = state.decisions(self.releases / "data" / version).read(columns=["path", "reason"])
        return dict(rows.iter_rows())

    def test_a_near_duplicate_takes_the_place_of_the_copy_that_went(self) -> None:
        self.setUpRelease()
        self.assertEqual(self.reasons("1.0")["b.py"], "near_duplicate")
        made = self.build("1.1", self.releases, parent=("data", "1.0"), blocked_owners=frozenset({"github.com/ann"}))
        self.assertTrue(self.was_incremental())
        found = self.reasons("1.1")
        self.assertEqual((found["a.py"], found["b.py"]), ("blocked_owner", "kept"))
        self.assertEqual(made.rows, 3)

    def test_an_exact_copy_takes_the_place_of_its_origin(self) -> None:
        self.setUpRelease()
        self.build("1.1", self.releases, parent=("data", "1.0"), blocked_owners=frozenset({"github.com/cyd"}))
        self.assertEqual(self.reasons("1.1")["same.py"], "kept")

    def test_a_copy_in_a_language_that_had_no_file_yet_takes_its_place_there(self) -> None:
        held = [
            Entry("ann/one", "a.py", text("a")),
            Entry("bob/one", "a.c", text("a"), "C", rank=1),
            Entry("cyd/one", "c.py", text("c")),
        ]
        write_corpus(self.corpus, held)
        self.assertEqual(list(self.build("1.0", self.releases).plan["buckets"]), ["Python"])
        blocked = {"blocked_owners": frozenset({"github.com/ann"})}
        made = self.build("1.1", self.releases, parent=("data", "1.0"), **blocked)
        self.assertTrue(self.was_incremental())
        afresh = self.folder / "afresh"
        self.build("1.1", afresh, buckets=made.plan["buckets"], **blocked)
        self.assert_same_release(self.releases, afresh, "1.1")

    def test_after_a_purge_the_next_opt_out_still_goes_on_from_its_parent(self) -> None:
        self.setUpRelease()
        blocked = frozenset({"github.com/cyd"})
        self.build("1.1", self.releases, parent=("data", "1.0"), blocked_owners=blocked)
        purge.withdraw_release(self.releases, "data", "1.0")
        purge.forget_decisions(self.releases, blocked, frozenset())
        purge.purge_corpus(self.corpus, set(), blocked)
        self.said.clear()
        both = blocked | {"github.com/dan"}
        made = self.build("1.2", self.releases, parent=("data", "1.1"), blocked_owners=both)
        self.assertTrue(any("from data 1.1" in message for message in self.said))
        self.assertEqual(made.rows, 1)
        self.assertEqual(verify(self.releases, "data", "1.2").problems, [])

    def test_shards_of_others_are_not_even_read(self) -> None:
        parent = self.setUpRelease(recipe=replace(RECIPE, shard_bytes=1024))
        by_owner = {entry["bucket"]: entry for entry in parent.shards}
        self.assertGreater(len(by_owner), 2)
        made = self.build(
            "1.1",
            self.releases,
            replace(RECIPE, shard_bytes=1024),
            parent=("data", "1.0"),
            blocked_owners=frozenset({"github.com/ann"}),
        )
        standing = {entry["digest"] for entry in parent.shards} & {entry["digest"] for entry in made.shards}
        self.assertTrue(standing)
        linked = [path for path in (self.releases / "data" / "1.1" / "decisions").iterdir() if path.stat().st_nlink > 1]
        self.assertTrue(linked or state.decisions(self.releases / "data" / "1.0").parts == 1)

    def test_other_ground_is_decided_from_scratch(self) -> None:
        self.setUpRelease(
            blocked_owners=frozenset({"github.com/cyd"}),
            blocked_blobs=frozenset({"0" * 40}),
            blocked_authors=frozenset({"f" * 64}),
        )
        parent = {"parent": ("data", "1.0")}
        blocked = {"blocked_owners": frozenset({"github.com/cyd", "github.com/dan"})}
        cases = {
            "a block was lifted": lambda: self.build("1.1", self.releases, **parent),
            "another recipe": lambda: self.build(
                "1.2", self.releases, replace(RECIPE, zstd_level=1), **parent, **blocked
            ),
            "a blob is blocked no more": lambda: self.build("1.3", self.releases, **parent, **blocked),
            "an author is blocked no more": lambda: self.build(
                "1.6", self.releases, **parent, **blocked, blocked_blobs=frozenset({"0" * 40})
            ),
            "a shard of the parent is gone": self._lose_a_shard,
            "new files": self._add_files,
        }
        still = {"blocked_blobs": frozenset({"0" * 40}), "blocked_authors": frozenset({"f" * 64})}
        self.build("1.7", self.releases, **parent, **blocked, **still)
        self.assertTrue(self.was_incremental())
        for what, make in cases.items():
            with self.subTest(what):
                self.said.clear()
                make()
                self.assertFalse(self.was_incremental())

    def _add_files(self) -> None:
        write_files(self.corpus, [Entry("dan/one", "new.py", text("d"))], "more")
        self._again("1.5")

    def _lose_a_shard(self) -> None:
        entry = manifest.load(self.releases, "data", "1.0").shards[0]
        path = shard_path(self.releases, entry["digest"])
        kept = path.read_bytes()
        path.unlink()
        self._again("1.4")
        path.write_bytes(kept)

    def _again(self, version: str) -> None:
        self.build(
            version,
            self.releases,
            parent=("data", "1.0"),
            blocked_owners=frozenset({"github.com/cyd"}),
            blocked_blobs=frozenset({"0" * 40}),
            blocked_authors=frozenset({"f" * 64}),
        )
