"""The corpus: what an ingest takes, leaves out and leaves behind, whatever stops it."""

import base64
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from datasets_app.pipeline import corpus as corpora
from datasets_app.pipeline import notes
from datasets_app.pipeline.blobs import BlobIndex, blob_files, blob_id, read_blob
from datasets_app.pipeline.corpus import IngestLimits, IngestReport, files_table, ingest
from datasets_app.pipeline.errors import BlobMissing, CorpusBusy, CorpusDamaged, SourceError
from datasets_app.pipeline.format import FILES
from datasets_app.pipeline.progress import Progress, silent
from datasets_app.pipeline.purge import purge_corpus
from datasets_app.pipeline.sources.base import SKIP_REASONS, RepositoryRecord, SourceFile
from datasets_app.pipeline.sources.installed import InstalledPackages
from tests.environment import unmeasured
from tests.pipeline.fakes import FakePackage, default_packages, make_site_packages


class Cancelled(Exception):
    pass


class InMemory:
    """A source of repositories given as they are."""

    def __init__(
        self, repositories: Iterable[tuple[RepositoryRecord, Iterable[SourceFile]]], name: str = "memory"
    ) -> None:
        self.name, self.notes, self.expected_files = name, ["a note"], 0
        self._repositories = list(repositories)

    def repositories(self, progress: Progress) -> Iterator[tuple[RepositoryRecord, Iterable[SourceFile]]]:
        yield from self._repositories


def record(owner: str = "Acme", repository: str = "tool", account_id: str | None = None) -> RepositoryRecord:
    return RepositoryRecord("github.com", account_id, owner, repository, "https://example.org", "MIT", "told", True)


def files(**contents: bytes) -> list[SourceFile]:
    return [
        SourceFile(f"{name}.py", partial(lambda content, limit: content, content)) for name, content in contents.items()
    ]


class CorpusCase(SimpleTestCase):
    def setUp(self) -> None:
        folder = Path(self.enterContext(tempfile.TemporaryDirectory())).resolve()
        self.site, self.corpus = folder / "site-packages", folder / "corpus"
        self.site.mkdir()

    def packages(self, *packages: FakePackage) -> InstalledPackages:
        make_site_packages(self.site, packages or default_packages())
        return InstalledPackages(paths=(self.site,))

    def ingest_one(self, contents: dict[str, str | bytes], record: tuple[str, ...] = ()) -> IngestReport:
        return ingest(self.packages(FakePackage("pkg", "acme/pkg", "MIT", contents, record=record)), self.corpus)

    def leftovers(self) -> list[str]:
        return [path.name for path in self.corpus.rglob("*") if path.name.startswith(".tmp")]


class IngestTest(CorpusCase):
    def test_takes_files_with_their_owner_licence_and_language(self) -> None:
        report = ingest(self.packages(), self.corpus)
        self.assertEqual((report.files, report.blobs, report.new_blobs), (9, 8, 8))
        self.assertEqual(report.skipped, {})
        self.assertEqual(len(report.repositories), 4)
        table = files_table(self.corpus)
        self.assertEqual(table.columns, FILES.names)
        self.assertEqual(report.bytes, table["size"].sum())
        (row,) = table.filter(pl.col("path") == "beta/scale.c").to_dicts()
        self.assertEqual(row["repository_key"], "gitlab.com/beta/tools")
        self.assertEqual(
            (row["owner_key"], row["forge"], row["owner"], row["repository"]),
            ("gitlab.com/beta", "gitlab.com", "beta", "tools"),
        )
        self.assertEqual((row["language"], row["licence"], row["permissive"]), ("C", "BSD-3-Clause", True))
        self.assertEqual((row["vendored"], row["generated"], row["rank"]), (False, False, 0))
        self.assertFalse(table.filter(pl.col("owner") == "gamma")["permissive"].any())

    def test_the_same_content_is_stored_once(self) -> None:
        ingest(self.packages(), self.corpus)
        clamps = files_table(self.corpus).filter(pl.col("path").str.ends_with("clamp.py"))
        self.assertEqual((clamps.height, clamps["blob_id"].n_unique()), (2, 1))
        stored = [blob for path in blob_files(self.corpus) for blob in pq.read_table(path)["blob_id"].to_pylist()]
        self.assertEqual(len(stored), len(set(stored)))
        self.assertEqual(set(stored), set(files_table(self.corpus)["blob_id"]))

    def test_a_blob_is_known_by_its_git_id_and_can_be_read_back(self) -> None:
        self.assertEqual(blob_id(b""), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391")
        self.assertEqual(blob_id(b"hello\n"), "ce013625030ba8dba906f756967f9e9ca394464a")
        ingest(self.packages(), self.corpus)
        for row in files_table(self.corpus).to_dicts():
            self.assertEqual(read_blob(self.corpus, row["blob_id"]), (self.site / row["path"]).read_bytes())
        with self.assertRaisesMessage(BlobMissing, "0" * 40):
            read_blob(self.corpus, "0" * 40)

    def test_ingesting_again_changes_nothing(self) -> None:
        source = self.packages()
        ingest(source, self.corpus)
        before = {path: path.read_bytes() for path in self.corpus.rglob("*.parquet")}
        report = ingest(source, self.corpus)
        self.assertEqual((report.files, report.blobs, report.new_blobs), (9, 8, 0))
        self.assertEqual({path: path.read_bytes() for path in self.corpus.rglob("*.parquet")}, before)

    def test_a_changed_source_replaces_its_snapshot_and_adds_only_what_is_new(self) -> None:
        ingest(self.packages(), self.corpus)
        make_site_packages(
            self.site, [FakePackage("beta", "https://gitlab.com/beta/tools", "MIT", {"beta/new.py": "new = 1\n"})]
        )
        report = ingest(InstalledPackages(paths=(self.site,)), self.corpus)
        self.assertEqual((report.files, report.new_blobs), (7, 1))
        paths = files_table(self.corpus).filter(pl.col("owner") == "beta")["path"].to_list()
        self.assertEqual(paths, ["beta/new.py"])
        self.assertEqual(len(blob_files(self.corpus)), 2)

    def test_sources_stand_beside_each_other(self) -> None:
        ingest(self.packages(), self.corpus)
        ingest(InMemory([(record(), files(a=b"a = 1\n"))]), self.corpus)
        self.assertEqual(files_table(self.corpus).height, 10)
        ingest(InMemory([]), self.corpus)
        self.assertEqual(files_table(self.corpus).height, 9)

    def test_large_sources_become_several_blob_files_of_several_row_groups(self) -> None:
        contents = {f"f{n}": base64.b64encode(os.urandom(60_000)) for n in range(20)}
        ingest(InMemory([(record(), files(**contents))]), self.corpus, limits=IngestLimits(blob_file_bytes=400_000))
        self.assertEqual(len(blob_files(self.corpus)), 4)
        for content in contents.values():
            self.assertEqual(read_blob(self.corpus, blob_id(content)), content)

    def test_the_name_of_a_blob_file_follows_from_its_blobs_alone(self) -> None:
        ingest(InMemory([(record(), files(a=b"a = 1\n", b=b"b = 1\n"))]), self.corpus)
        other = self.corpus.with_name("other")
        ingest(InMemory([(record("Else"), files(x=b"b = 1\n", y=b"a = 1\n"))]), other)
        self.assertEqual([path.name for path in blob_files(self.corpus)], [path.name for path in blob_files(other)])

    def test_no_statistics_of_content_are_written(self) -> None:
        ingest(self.packages(), self.corpus)
        for path in self.corpus.rglob("*.parquet"):
            columns = pq.read_metadata(path).row_group(0)
            for at in range(columns.num_columns):
                self.assertFalse(columns.column(at).is_stats_set, (path, at))

    def test_a_numeric_account_is_the_key(self) -> None:
        ingest(InMemory([(record(account_id="77"), files(a=b"a = 1\n"))]), self.corpus)
        (row,) = files_table(self.corpus).to_dicts()
        self.assertEqual((row["owner_key"], row["repository_key"]), ("github.com:77", "github.com:77/tool"))

    def test_a_better_place_has_a_smaller_rank(self) -> None:
        shared = "x = 1\n" * 9
        source = self.packages(
            FakePackage("copyleft", "a/copyleft", "GPL-3.0-only", {"copyleft/x.py": shared}),
            FakePackage("own", "c/own", "MIT", {"own/x.py": shared, "own/_vendor/x.py": shared}),
            FakePackage("index", None, "MIT", {"index/x.py": shared}),
        )
        ingest(source, self.corpus)
        order = files_table(self.corpus).sort("rank")["path"].to_list()
        self.assertEqual(order, ["own/x.py", "index/x.py", "own/_vendor/x.py", "copyleft/x.py"])

    def test_progress_is_told_and_the_source_is_asked_for_the_total(self) -> None:
        told: list[tuple[str, int, int]] = []
        ingest(
            self.packages(),
            self.corpus,
            progress=lambda stage, done, total, message="": told.append((stage, done, total)),
        )
        self.assertEqual(told[-1], ("reading files", 9, 9))
        self.assertIn(("reading packages", 4, 4), told)

    def test_notes_of_the_source_are_reported(self) -> None:
        self.assertEqual(ingest(InMemory([]), self.corpus).notes, ["a note"])

    def test_an_empty_corpus_has_empty_tables(self) -> None:
        for make in (lambda: None, lambda: ingest(InstalledPackages(paths=(self.site,)), self.corpus)):
            make()
            self.assertEqual(files_table(self.corpus).height, 0)
            self.assertEqual(files_table(self.corpus).columns, FILES.names)
            self.assertEqual(blob_files(self.corpus), [])

    def test_this_environment_gives_many_real_files_and_owners(self) -> None:
        # Two packages of it; the whole environment is what the demo ingests.
        source = InstalledPackages()
        chosen = [
            (record, given) for record, given in source.repositories(silent) if record.owner in {"celery", "pallets"}
        ]
        report = ingest(InMemory(chosen), self.corpus)
        self.assertGreater(report.files, 100)
        self.assertEqual(set(files_table(self.corpus)["owner_key"]), {"github.com/celery", "github.com/pallets"})


class BadInputTest(CorpusCase):
    def assert_skipped(self, report: IngestReport, **expected: int) -> None:
        self.assertEqual(report.skipped, dict(sorted(expected.items())))
        for reason in report.skipped:
            self.assertTrue(SKIP_REASONS[reason].endswith("."))
        self.assertEqual(report.files, files_table(self.corpus).height)
        self.assertEqual(report.files, 1, "the good file beside the bad one is taken")

    def test_a_binary_file_by_content_or_name(self) -> None:
        report = self.ingest_one(
            {"good.py": "x = 1\n", "a.py": b"x\0y" * 50, "lib.so": b"\x7fELF text", "p.png": "text"}
        )
        self.assert_skipped(report, binary=3)

    def test_invalid_utf8_is_taken_and_left_to_the_attributes(self) -> None:
        report = self.ingest_one({"latin.py": "# naïve\n".encode("latin-1")})
        self.assertEqual((report.files, report.skipped), (1, {}))

    def test_a_file_of_100_mb_is_not_read(self) -> None:
        self.ingest_one({"good.py": "x = 1\n", "large.py": ""})
        os.truncate(self.site / "large.py", 100_000_000)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        report = ingest(InstalledPackages(paths=(self.site,)), self.corpus)
        self.assert_skipped(report, too_large=1)
        self.assertLess(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, 50_000, "KB")

    def test_an_empty_file(self) -> None:
        self.assert_skipped(self.ingest_one({"good.py": "x = 1\n", "empty.py": ""}), empty=1)

    def test_a_link_out_of_the_tree(self) -> None:
        (self.site.parent / "secret.py").write_text("SECRET = 1\n")
        (self.site / "link.py").symlink_to("../secret.py")
        self.assert_skipped(self.ingest_one({"good.py": "x = 1\n"}, ("link.py",)), symlink_outside=1)

    def test_paths_that_lead_out_of_the_tree(self) -> None:
        (self.site.parent / "secret.py").write_text("SECRET = 1\n")
        outside = ("../secret.py", "a/../../secret.py", str(self.site.parent / "secret.py"))
        self.assert_skipped(self.ingest_one({"good.py": "x = 1\n"}, outside), outside=3)

    def test_a_folder_in_place_of_a_file_and_a_file_that_vanished(self) -> None:
        (self.site / "folder.py").mkdir()
        self.assert_skipped(self.ingest_one({"good.py": "x = 1\n"}, ("folder.py", "gone.py")), missing=1, not_a_file=1)

    def test_a_path_that_no_table_can_hold(self) -> None:
        self.assert_skipped(self.ingest_one({"good.py": "x = 1\n"}, ("a//b.py", "bell\x07.py")), path_invalid=2)

    def test_a_path_listed_twice(self) -> None:
        self.assert_skipped(self.ingest_one({"good.py": "x = 1\n"}, ("good.py",)), duplicate_path=1)

    def test_a_repository_given_twice_stops_the_ingest(self) -> None:
        twice = InMemory([(record(), files(a=b"a = 1\n")), (record("ACME", "Tool"), files(b=b"b = 1\n"))])
        with self.assertRaisesMessage(SourceError, "github.com/acme/tool"):
            ingest(twice, self.corpus)
        self.assertEqual(files_table(self.corpus).height, 0)

    def test_a_source_must_have_a_name_that_can_be_a_file(self) -> None:
        for name in ("", "../x", "A", "a/b", "x" * 65, "-a"):
            with self.subTest(name), self.assertRaises(SourceError):
                ingest(InMemory([], name), self.corpus)

    def test_limits_are_checked_when_they_are_made(self) -> None:
        for value in (0, -1, True, 1.5, "10"):
            with self.subTest(value), self.assertRaisesMessage(ValueError, "max_file_bytes"):
                IngestLimits(max_file_bytes=value)  # type: ignore[arg-type]


class BlockListTest(CorpusCase):
    def test_files_of_a_blocked_owner_are_counted_and_never_read(self) -> None:
        def refuse(limit: int) -> bytes:
            raise AssertionError("a file of a blocked owner was opened")

        blocked = [
            (record("Acme"), [SourceFile("a.py", refuse)]),
            (record("Acme", "two"), [SourceFile("b.py", refuse)]),
        ]
        report = ingest(
            InMemory([*blocked, (record("Else"), files(c=b"c = 1\n"))]),
            self.corpus,
            blocked_owners=frozenset({"github.com/acme"}),
        )
        self.assertEqual((report.files, report.skipped), (1, {"opted_out": 2}))
        self.assertEqual([one.owner for one in report.repositories], ["Else"])

    def test_a_blocked_repository_leaves_the_owners_others(self) -> None:
        report = ingest(self.packages(), self.corpus, blocked_repositories=frozenset({"github.com/alpha/one"}))
        self.assertEqual(report.skipped, {"opted_out": 4})
        self.assertEqual(
            set(files_table(self.corpus).filter(pl.col("owner_key") == "github.com/alpha")["repository"]), {"two"}
        )
        marker = b"zq4w-alpha-one-only-zq4w"
        for path in blob_files(self.corpus):
            for content in pq.read_table(path)["content"].to_pylist():
                self.assertNotIn(marker, content)

    def test_blocked_content_is_not_stored_wherever_it_stands(self) -> None:
        blocked = blob_id((make_site_packages(self.site) / "beta" / "clamp.py").read_bytes())
        report = ingest(InstalledPackages(paths=(self.site,)), self.corpus, blocked_blobs=frozenset({blocked}))
        self.assertEqual((report.files, report.skipped), (7, {"opted_out": 2}))
        with self.assertRaises(BlobMissing):
            read_blob(self.corpus, blocked)


FULL = """
import resource, sys
from pathlib import Path
from datasets_app.pipeline.corpus import IngestLimits, ingest
from datasets_app.pipeline.errors import StorageError
from datasets_app.pipeline.sources.installed import InstalledPackages

site, corpus, limit = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    ingest(InstalledPackages(paths=(site,)), corpus, limits=IngestLimits(blob_file_bytes=100_000))
except StorageError as error:
    print("StorageError:", error)
"""


class InterruptedTest(CorpusCase):
    def test_a_full_disk_leaves_the_last_good_state(self) -> None:
        ingest(self.packages(), self.corpus)
        before, stored = files_table(self.corpus), blob_files(self.corpus)
        noise = {f"noise/n{n}.py": base64.b64encode(os.urandom(300_000 if n == 7 else 100_000)) for n in range(8)}
        make_site_packages(self.site, [FakePackage("noise", "n/noise", "MIT", noise)])
        # A limit on the size of a file is what a test can set on any machine; the system answers as on a full disk.
        found = subprocess.run(
            [sys.executable, "-c", FULL, self.site, self.corpus, "200000"],
            capture_output=True,
            text=True,
            check=True,
            env=unmeasured(),
        )
        self.assertIn("StorageError: The disk is full", found.stdout)
        self.assertEqual(blob_files(self.corpus), stored)
        self.assertTrue(files_table(self.corpus).equals(before))
        self.assertEqual(self.leftovers(), [])
        for blob in before["blob_id"]:
            read_blob(self.corpus, blob)
        self.assertEqual(ingest(InstalledPackages(paths=(self.site,)), self.corpus).files, 17)

    def test_cancelling_leaves_the_last_good_state(self) -> None:
        ingest(self.packages(), self.corpus)
        before = files_table(self.corpus)
        (self.site / "beta" / "main.py").write_text("changed = 1\n")

        def cancel(stage: str, done: int, total: int, message: str = "") -> None:
            if stage == "reading files":
                raise Cancelled

        with self.assertRaises(Cancelled):
            ingest(InstalledPackages(paths=(self.site,)), self.corpus, progress=cancel)
        self.assertTrue(files_table(self.corpus).equals(before))
        self.assertEqual(self.leftovers(), [])

    def test_blobs_of_an_interrupted_ingest_are_used_by_the_next(self) -> None:
        contents = {f"f{n}": f"value = {n}\n".encode() * 100 for n in range(10)}

        def fail(limit: int) -> bytes:
            raise Cancelled

        broken = InMemory([(record(), [*files(**contents), SourceFile("last.py", fail)])])
        limits = IngestLimits(blob_file_bytes=3000)
        with self.assertRaises(Cancelled):
            ingest(broken, self.corpus, limits=limits)
        self.assertEqual(files_table(self.corpus).height, 0)
        stored = len(BlobIndex(self.corpus)._held)
        self.assertGreater(stored, 0)
        report = ingest(InMemory([(record(), files(**contents))]), self.corpus, limits=limits)
        self.assertEqual((report.files, report.new_blobs), (10, 10 - stored))

    def test_two_cannot_write_to_one_corpus_at_once(self) -> None:
        source = self.packages()
        with corpora.locked(self.corpus), self.assertRaises(CorpusBusy):
            ingest(source, self.corpus)
        ingest(source, self.corpus)

    def test_an_error_of_the_system_that_is_no_full_disk_is_not_dressed_up(self) -> None:
        self.corpus.mkdir()
        (self.corpus / "files").write_text("in the way")
        with self.assertRaises(FileExistsError):
            ingest(self.packages(), self.corpus)

    def test_a_table_written_before_a_column_came_reads_as_null_there(self) -> None:
        ingest(self.packages(), self.corpus)
        path = self.corpus / "files" / "installed-packages.parquet"
        later = ["commit", "sole_author", "authors", "stars"]
        pq.write_table(pq.read_table(path).drop_columns(later), path)
        table = files_table(self.corpus)
        self.assertEqual((table.height, table.columns), (9, FILES.names))
        self.assertEqual([table[name].null_count() for name in later], [9] * 4)
        pq.write_table(pq.read_table(path).drop_columns(["licence"]), path)
        with self.assertRaisesMessage(CorpusDamaged, "installed-packages.parquet"):
            files_table(self.corpus)

    def test_what_a_source_knows_of_history_stars_and_marks_stands_in_the_table(self) -> None:
        def read(limit: int) -> bytes:
            return b"x = 1\n"

        given_files = [
            SourceFile("a.py", read, commit="ab" * 20, authors=("f0",), stars=7, generated=True),
            SourceFile("vendor/b.py", read, authors=("f0", "f1"), vendored=False),
            SourceFile("c.py", read, authors=()),
        ]
        ingest(InMemory([(record(), given_files)]), self.corpus)
        a, c, b = files_table(self.corpus).sort("path").to_dicts()
        self.assertEqual((a["commit"], a["sole_author"], a["authors"], a["stars"]), ("ab" * 20, "f0", ["f0"], 7))
        self.assertEqual((a["vendored"], a["generated"]), (False, True))
        self.assertEqual((b["commit"], b["sole_author"], b["authors"], b["stars"]), (None, None, ["f0", "f1"], None))
        self.assertFalse(b["vendored"])
        self.assertEqual((c["sole_author"], c["authors"]), (None, []))

    def test_the_notes_of_a_reading_take_the_place_of_those_before_and_a_purge_forgets_them(self) -> None:
        source = InMemory([(record(), files(a=b"a = 1\n"))])
        source.notes = [f"acme/tool: note {n}\nwith a line" for n in range(1001)]
        ingest(source, self.corpus)
        kept = notes.read(self.corpus, "memory")
        self.assertEqual((len(kept), kept[0], kept[-1]), (1001, "acme/tool: note 0 with a line", "and 1 more"))
        source.notes = ["acme/tool: another"]
        ingest(source, self.corpus)
        self.assertEqual(notes.read(self.corpus, "memory"), ["acme/tool: another"])
        self.assertEqual(purge_corpus(self.corpus, frozenset()).deleted, 1)
        self.assertEqual(notes.read(self.corpus, "memory"), [])
        ingest(source, self.corpus)
        source.notes = []
        ingest(source, self.corpus)
        self.assertEqual(list((self.corpus / "notes").iterdir()), [])

    def test_damaged_tables_are_named(self) -> None:
        ingest(self.packages(), self.corpus)
        (self.corpus / "files" / "installed-packages.parquet").write_bytes(b"nonsense")
        with self.assertRaisesMessage(CorpusDamaged, "installed-packages.parquet"):
            files_table(self.corpus)
        blob_files(self.corpus)[0].write_bytes(b"nonsense")
        with self.assertRaisesMessage(CorpusDamaged, blob_files(self.corpus)[0].name):
            ingest(self.packages(), self.corpus)
        with self.assertRaises(CorpusDamaged):
            read_blob(self.corpus, "0" * 40)


class BlobIndexTest(CorpusCase):
    @given(
        st.lists(st.binary(min_size=1, max_size=2), max_size=30),
        st.lists(st.binary(min_size=1, max_size=2), max_size=30),
    )
    def test_tells_new_from_known_as_a_set_would(self, first: list[bytes], second: list[bytes]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            corpus = Path(folder)
            if first:
                contents = {f"f{n}": content.hex().encode() for n, content in enumerate(first)}
                ingest(InMemory([(record(), files(**contents))]), corpus)
            known = {blob_id(content.hex().encode()) for content in first}
            index = BlobIndex(corpus)
            told: set[str] = set()
            for content in second:
                blob = blob_id(content.hex().encode())
                self.assertEqual(index.add(blob), blob not in known | told)
                told.add(blob)
            self.assertEqual((index.touched, index.new), (len(told), len(told - known)))
