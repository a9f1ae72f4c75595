"""Content and lone authors on the block-list, and masks of content: hidden at once, out of the next release, never back."""

import shutil
import time
from typing import Any

import pyarrow.parquet as pq
from django.db import connection
from django.http import Http404
from django.test import TestCase, override_settings
from django.test.utils import CaptureQueriesContext

from core.jobs import execute_here
from core.keyed import keyed_hash
from datasets_app import browsing, hidden_files, lookup, lookup_many, purging
from datasets_app.browsing import FileFilter
from datasets_app.models import BlockEntry, ContentMask, Holding, Release, Repository
from datasets_app.pipeline import state
from datasets_app.pipeline.corpus import files_table
from datasets_app.services import blocklist, masks, reissues, releases, sources
from tests.base import make_staff
from tests.datasets_app.floor import FloorMixin
from tests.pipeline.git_repos import MIT
from tests.pipeline.git_repos import Repository as GitRepository

AUTHOR = "author"


def listed(release: Release, **wanted: str) -> list[str]:
    found = browsing.list_files(release, FileFilter(**wanted), 0)
    assert found.total == len(found.rows)
    return sorted(f"{row['repository']}/{row['path']}" for row in found.rows)


class Contents(FloorMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.release = self.published()
        corpus = files_table(purging.corpus_folder())
        self.clamp = corpus.filter(path="alpha_one/clamp.py")["blob_id"][0]
        self.only = corpus.filter(path="alpha_one/only.py")["blob_id"][0]

    def read(self, release: Release, path: str) -> Any:
        return browsing.read_file(release, Repository.objects.get(name_folded="one").pk, path)

    def test_a_mask_hides_a_blob_from_lists_counts_and_pages_until_it_is_lifted(self) -> None:
        before = listed(self.release)
        masks.mask_contents(self.staff, "R-1", [self.only])
        self.assertEqual(masks.hidden_blobs([self.only, self.clamp]), {self.only})
        self.assertEqual(set(before) - set(listed(self.release)), {"one/alpha_one/only.py"})
        self.assertNotIn("one/alpha_one/only.py", listed(self.release, owner="alpha", repository="one"))
        with self.assertRaises(Http404):
            self.read(self.release, "alpha_one/only.py")
        self.assertEqual(masks.unmask(self.staff, "R-1"), 1)
        self.assertEqual(listed(self.release), before)
        self.read(self.release, "alpha_one/only.py")

    def test_a_mask_of_one_file_leaves_the_same_content_elsewhere(self) -> None:
        one = Repository.objects.get(name_folded="one")
        masks.mask_contents(self.staff, "R-1", files=[(one.key, "alpha_one/clamp.py", self.clamp)])
        self.assertNotIn("one/alpha_one/clamp.py", listed(self.release))
        self.assertEqual(masks.hidden_blobs([self.clamp]), set())

    def test_a_hidden_file_of_a_hidden_repository_is_taken_off_the_total_once(self) -> None:
        masks.mask_contents(self.staff, "R-1", [self.only])
        masks.mask(self.staff, Repository.objects.get(name_folded="one").owner, reference="R-1")
        self.assertEqual([name for name in listed(self.release) if name.startswith("one/")], [])

    def test_a_blocked_blob_is_hidden_leaves_every_release_and_does_not_come_back(self) -> None:
        blocklist.add_contents(self.staff, BlockEntry.BLOB, [self.clamp], "R-1")
        self.assertEqual([name for name in listed(self.release) if name.endswith("clamp.py")], [])
        self.assertEqual(reissues.concerned(), [self.release])
        made = self.publish()
        self.assertEqual([name for name in listed(made) if name.endswith("clamp.py")], [])
        self.release.refresh_from_db()
        self.assertEqual(self.release.state, "withdrawn")
        for other in Release.objects.filter(state="published"):
            self.assertFalse(blocklist.holds_contents(other))
        self.assertNotIn(self.clamp, set(files_table(purging.corpus_folder())["blob_id"]))
        job = execute_here(sources.start_ingest(self.staff, "fakes"))
        self.assertEqual(job.result["skipped"]["opted_out"], 2)  # alpha's and beta's
        self.assertNotIn(self.clamp, set(files_table(purging.corpus_folder())["blob_id"]))

    def test_a_release_that_waits_cannot_be_published_over_a_blocked_blob(self) -> None:
        waiting = self.build()
        blocklist.add_contents(self.staff, BlockEntry.BLOB, [self.only], "R-1")
        releases.approve(waiting, self.staff)
        with self.assertRaisesMessage(Exception, "put on the block-list since"):
            releases.publish(waiting, self.staff)

    def test_what_is_hidden_is_found_out_once_for_each_state_of_the_masks(self) -> None:
        opened = browsing.open_release(self.release)
        self.assertIs(hidden_files.of_release(self.release, opened), hidden_files.NONE)
        masks.mask_contents(self.staff, "R-1", [self.only])
        first = hidden_files.of_release(self.release, opened)
        self.assertIs(hidden_files.of_release(self.release, opened), first)
        masks.mask_contents(self.staff, "R-2", [self.clamp])
        self.assertEqual(len(hidden_files.of_release(self.release, opened).files), 2)
        masks.unmask(self.staff, "R-1")
        self.assertEqual(len(hidden_files.of_release(self.release, opened).files), 1)

    def figures(self, login: str) -> tuple[int, int, int] | None:
        """Files, copies and bytes of an account as the search tells them; the list tells the same."""
        found = lookup.search(login).match
        told = (found.newest.files, found.newest.copies, found.newest.bytes) if found else None
        (answer,) = lookup_many.search_many([lookup_many.Asked(1, login)])
        self.assertEqual(told or (0, 0, 0), (answer.files, answer.copies, answer.bytes))
        return told

    def test_figures_of_an_account_leave_out_what_is_hidden_file_by_file(self) -> None:
        alpha = files_table(purging.corpus_folder()).filter(owner_key="github.com/alpha")
        before = self.figures("alpha")
        assert before is not None
        size = alpha.filter(path="alpha_one/only.py")["size"][0]
        masks.mask_contents(self.staff, "R-1", [self.only])
        self.assertEqual(self.figures("alpha"), (before[0] - 1, before[1], before[2] - size))
        with self.assertNumQueries(3):
            lookup.search("alpha")
        masks.unmask(self.staff, "R-1")
        self.assertEqual(self.figures("alpha"), before)

    def test_a_copy_that_is_hidden_is_not_counted_either(self) -> None:
        copy = Holding.objects.filter(release=self.release, copies__gt=0).select_related("repository__owner").first()
        assert copy is not None
        login = copy.repository.owner.login
        before = lookup.search(login).match
        assert before is not None
        masks.mask_contents(self.staff, "R-1", [self.clamp])
        after = lookup.search(login).match
        assert after is not None
        self.assertEqual(after.newest.copies, before.newest.copies - 1)

    def test_an_account_all_of_whose_files_are_hidden_one_by_one_answers_like_one_never_held(self) -> None:
        alpha = files_table(purging.corpus_folder()).filter(owner_key="github.com/alpha")
        places = alpha.select("repository_key", "path", "blob_id").iter_rows()
        self.assertEqual([one.text for one in lookup.search("alphaa").suggestions], ["Alpha"])
        masks.mask_contents(self.staff, "R-1", files=places)
        found, never = lookup.search("alpha"), lookup.search("alphx")
        self.assertEqual((found.held, found.matches), (never.held, never.matches))
        self.assertEqual(lookup.search("alphaa").suggestions, [])
        (answer,) = lookup_many.search_many([lookup_many.Asked(1, "alpha")])
        self.assertEqual(answer, lookup_many.Answer(1, "alpha", lookup_many.NO))


class LoneAuthors(FloorMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.given = self.data.parent / f"{self.data.name}-mirror"
        self.addCleanup(shutil.rmtree, self.given, ignore_errors=True)
        self.clone = GitRepository(self.given / "ann" / "lib.git" / "", "https://github.com/ann/lib")
        code = "def {0}(value):\n    return value * 2 + len('{0}')\n" * 6
        self.clone.commit({"LICENSE": MIT, "theirs.py": code.format("theirs")}, author="ann@example.org")
        self.clone.commit({"mine.py": code.format("mine"), "ours.py": code.format("ours")}, author="zoe@example.org")
        self.clone.commit({"ours.py": code.format("ours") + "# more\n"}, author="ann@example.org")
        sources.add_source(self.staff, "mirror", "git-folder", {"folder": str(self.given)})
        self.zoe = keyed_hash(AUTHOR, "zoe@example.org")

    def ingest_again(self) -> Any:
        job = execute_here(sources.start_ingest(self.staff, "mirror"))
        assert job.state == "succeeded", job.error + job.crash
        return job

    def test_what_a_person_wrote_alone_goes_and_does_not_come_back_under_any_name(self) -> None:
        self.ingest_again()
        release = self.publish()
        self.assertIn("lib/mine.py", listed(release))
        blocklist.add_contents(self.staff, BlockEntry.AUTHOR, [self.zoe], "R-1")
        self.assertEqual(listed(release), ["lib/ours.py", "lib/theirs.py"])
        self.assertEqual(reissues.concerned(), [release])
        made = self.publish()
        self.assertEqual(listed(made), ["lib/ours.py", "lib/theirs.py"])
        self.assertNotIn("mine.py", set(files_table(purging.corpus_folder())["path"]))
        # Now and in future: under another path, with other content.
        self.clone.commit({"mine.py": None, "moved.py": "def moved():\n    return 1\n" * 5}, author="zoe@example.org")
        self.assertEqual(self.ingest_again().result["skipped"], {"opted_out": 1})
        self.assertNotIn("moved.py", set(files_table(purging.corpus_folder())["path"]))

    def test_a_release_decided_before_authors_were_kept_is_withdrawn_and_not_issued_again(self) -> None:
        self.ingest_again()
        release = self.publish()
        decisions = state.decisions(release.folder)
        for path in decisions.paths():
            pq.write_table(pq.read_table(path).drop_columns("sole_author"), path)
        (release.folder / "blocked.parquet").unlink()
        corpus = files_table(purging.corpus_folder()).filter(sole_author=self.zoe)
        masks.mask_contents(self.staff, "R-1", files=corpus.select("repository_key", "path", "blob_id").iter_rows())
        blocklist.add_contents(self.staff, BlockEntry.AUTHOR, [keyed_hash(AUTHOR, "nobody@example.org")], "R-2")
        self.assertEqual(reissues.concerned(), [])
        blocklist.add_contents(self.staff, BlockEntry.AUTHOR, [self.zoe], "R-1")
        self.assertEqual(reissues.concerned(), [release])
        self.ingest_again()  # it leaves the file out, so that the corpus knows of it no more
        self.assertEqual(reissues.concerned(), [release])
        with override_settings(FAIRSTACK_OLD_RELEASES="reissue"):
            made = self.publish()
        release.refresh_from_db()
        self.assertEqual((release.state, Release.objects.filter(reissue_of=release).count()), ("withdrawn", 0))
        self.assertEqual(listed(made), ["lib/ours.py", "lib/theirs.py"])


class ManyAtOnce(TestCase):
    def test_a_hundred_thousand_blobs_are_blocked_masked_and_lifted_in_few_queries(self) -> None:
        staff = make_staff()
        blobs = [f"{number:040x}" for number in range(100_000)]
        begun = time.monotonic()
        with CaptureQueriesContext(connection) as asked:
            self.assertEqual(blocklist.add_contents(staff, BlockEntry.BLOB, blobs, "R-1"), 100_000)
        # SQLite takes a thousand values in a statement, ten columns a row.
        self.assertLess(len(asked), 1500 if connection.vendor == "sqlite" else 100_000 // blocklist.BATCH + 8)
        self.assertEqual(masks.mask_contents(staff, "R-1", blobs), 100_000)
        self.assertEqual(blocklist.add_contents(staff, BlockEntry.BLOB, blobs[:10], "R-1"), 0)
        self.assertEqual(len(blocklist.blocked_contents().blobs), 100_000)
        self.assertEqual(blocklist.position_of("R-1"), blocklist.position())
        with CaptureQueriesContext(connection) as asked:
            self.assertEqual(blocklist.lift(staff, "R-1"), 100_000)
        self.assertLess(len(asked), 8)
        self.assertEqual(masks.unmask(staff, "R-1"), 100_000)
        self.assertEqual(ContentMask.objects.filter(lifted_at=None).count(), 0)
        self.assertLess(time.monotonic() - begun, 120)
