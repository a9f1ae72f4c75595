"""Is this code in it? Found under every owner, hidden without a trace, and the index follows what is published."""

import shutil
import signal
import subprocess
import sys
from unittest.mock import patch

from django.conf import settings
from django.test import TestCase, TransactionTestCase

from core import jobs, stores, supervisor
from core.errors import InvalidInput
from core.jobs import execute_here
from core.models import Job
from datasets_app import code_lookup, shard_indexes
from datasets_app.code_indexes import CODE
from datasets_app.models import BlockEntry, Owner, Release, Repository
from datasets_app.pipeline.code_index import CodeIndex
from datasets_app.services import blocklist, masks
from tests.datasets_app.floor import FloorMixin
from tests.pipeline.fakes import FakePackage, default_packages

LONG = "".join(f"def step_{number}(value_{number}):\n    return value_{number} * {number}\n\n" for number in range(60))


def packages() -> list[FakePackage]:
    """The default ones; a long file in Alpha's second repository, and a changed copy in beta's."""
    found = default_packages()
    changed = LONG.replace("step_7(", "pace_7(").replace("step_31(", "pace_31(")
    found[1].files["alpha_two/long.py"] = LONG
    found[2].files["beta/long.py"] = changed
    return found


class Indexed(FloorMixin):
    def setUp(self) -> None:
        super().setUp()
        assert self.ingest(packages()).state == "succeeded"
        self.release = self.publish(self.build(recipe={"name": "demo", "near_duplicates": "off"}))
        self.index()

    def index(self) -> Job:
        CODE.ask()
        job = Job.objects.filter(kind=CODE.job).latest("created_at")
        if job.state == "queued":
            execute_here(job)
        job.refresh_from_db()
        self.assertEqual(job.state, "succeeded", job.error + job.crash)
        return job

    def places(self, text: str) -> list[tuple[str, str, str]]:
        return [(one.how, one.owner, one.path) for one in code_lookup.search(text.encode()).places]


class Finding(Indexed, TestCase):
    clamp = default_packages()[0].files["alpha_one/clamp.py"]

    def test_an_exact_copy_is_found_under_every_owner(self):
        found = code_lookup.search(self.clamp.encode())
        self.assertEqual({(one.how, one.owner, one.path) for one in found.places}, {
            ("same", "Alpha", "alpha_one/clamp.py"), ("same", "beta", "beta/clamp.py"),
        })  # fmt: skip
        self.assertEqual(sorted(one.origin for one in found.places), [False, True])
        self.assertEqual((found.unready, found.more), (0, 0))
        self.assertEqual([one.releases for one in found.places], [[self.release]] * 2)

    def test_line_ends_and_the_last_one_do_not_matter(self):
        for text in (self.clamp.replace("\n", "\r\n"), self.clamp[:-1], "\ufeff" + self.clamp, self.clamp + "\n"):
            self.assertEqual({how for how, *_ in self.places(text)}, {"line_ends"}, text[-5:])

    def test_near_copies_are_found_with_their_likeness_the_most_alike_first(self):
        found = code_lookup.search(LONG.encode())
        self.assertEqual([(one.how, one.owner) for one in found.places], [("same", "Alpha"), ("near", "beta")])
        self.assertTrue(0.7 < found.near[0].alike < 1, found.near[0].alike)
        self.assertEqual([how for how, *_ in self.places(LONG.replace("step_3(", "x("))], ["near", "near"])

    def test_what_is_masked_or_blocked_is_not_found_and_the_other_owner_still_is(self):
        masks.mask(self.staff, Owner.objects.get(login_folded="alpha"))
        self.assertEqual(self.places(self.clamp), [("same", "beta", "beta/clamp.py")])
        self.assertEqual(self.places(LONG), [("near", "beta", "beta/long.py")])
        masks.mask(self.staff, Owner.objects.get(login_folded="beta"))
        self.assertEqual(self.places(LONG), [])
        never = code_lookup.search(LONG.replace("step", "never").replace("value", "other").encode())
        self.assertEqual((never.places, never.more, never.unready), ([], 0, 0))

    def test_contents_that_are_masked_wherever_they_lie_or_at_one_place_are_not_found(self):
        blob = code_lookup.search(self.clamp.encode()).blob_id
        place = next(one for one in code_lookup.search(self.clamp.encode()).places if one.owner == "beta")
        key = Repository.objects.get(pk=place.repository_id).key
        masks.mask_contents(self.staff, "R-1", files=[(key, place.path, blob)])
        self.assertEqual(self.places(self.clamp), [("same", "Alpha", "alpha_one/clamp.py")])
        masks.mask_contents(self.staff, "R-2", blobs=[blob])
        self.assertEqual(self.places(self.clamp), [])
        masks.unmask(self.staff, "R-2")
        blocklist.add_contents(self.staff, BlockEntry.BLOB, [blob], "R-3")
        self.assertEqual(self.places(self.clamp), [])

    def test_hidden_and_never_held_ask_the_database_the_same(self):
        masks.mask(self.staff, Owner.objects.get(login_folded="alpha"))
        masks.mask(self.staff, Owner.objects.get(login_folded="beta"))
        for text in (LONG, "nothing that anybody ever wrote down in here"):
            with self.assertNumQueries(5):
                self.assertEqual(code_lookup.search(text.encode()).places, [])

    def test_what_cannot_be_looked_up_is_refused_in_words(self):
        cases = {
            b"": "no code", b" \n\t": "no code", b"x" * 1_000_001: "larger than 1 MB", b"PK\x03\x04abc": "ZIP archive",
            b"\x1f\x8b\x08": "gzip", b"a\x00b": "NUL", b"\xff\xfea\x00": "UTF-16", b"caf\xe9 = 1": "UTF-8",
            b"x" * 257 + b"ustar\x0000": "tar archive",
        }  # fmt: skip
        for content, words in cases.items():
            with self.subTest(words), self.assertRaisesMessage(InvalidInput, words):
                code_lookup.search(content)

    def test_a_text_of_few_words_is_found_by_its_bytes_alone(self):
        found = code_lookup.search(b"x = 1\n")
        self.assertTrue(found.short)
        self.assertFalse(found.held)

    def test_nothing_of_the_text_is_stored(self):
        before = {path: path.stat().st_mtime_ns for path in self.data.rglob("*") if path.is_file()}
        code_lookup.search(b"SECRET_WORD one two three four five six seven")
        after = {path: path.stat().st_mtime_ns for path in self.data.rglob("*") if path.is_file()}
        self.assertEqual(before, after)


class Following(Indexed, TransactionTestCase):
    def files(self) -> set[str]:
        return {path.name for path in CODE.folder.rglob("*.index")}

    def test_publishing_asks_for_the_indexes_of_what_is_new_alone(self):
        self.assertEqual(Job.objects.filter(kind=CODE.job).count(), 1)
        written = {path: path.stat().st_mtime_ns for path in CODE.folder.rglob("*.index")}
        second = self.publish(self.build())
        job = self.index()
        self.assertEqual(job.result["releases"], 1)
        kept = set(shard_indexes.shards_of(self.release)) & set(shard_indexes.shards_of(second))
        for path, at in written.items():
            if path.stem in kept:
                self.assertEqual(path.stat().st_mtime_ns, at)
        self.assertEqual(shard_indexes.missing(CODE), ([], []))

    def test_a_removal_takes_the_indexes_of_its_shards_along(self):
        before = self.files()
        self.opt_out("alpha")
        second = self.publish(self.build())
        self.assertEqual(Release.objects.get(pk=self.release.pk).state, "withdrawn")
        blobs = [bytes.fromhex(code_lookup.search(LONG.encode()).blob_id)]
        for path in CODE.folder.rglob("*.index"):
            index = CodeIndex.open(path)
            self.assertFalse(index.holds(blobs))
            self.assertNotIn("Alpha", index.table()["owner"].to_pylist())
        self.index()
        self.assertNotEqual(self.files(), before)
        self.assertEqual(shard_indexes.missing(CODE), ([], []))
        self.assertEqual({one.owner for one in code_lookup.search(LONG.encode()).places}, {"beta"})
        self.assertTrue(second.published)

    def test_the_scan_finds_an_index_that_a_purge_left_behind(self):
        path = next(CODE.folder.glob("??/*.index"))
        blob = bytes(CodeIndex.open(path).arrays["blob_ids"][0]).hex()

        class Wanted:
            blob_ids = frozenset({blob, "0" * 40})

        store = next(store for store in stores.all_stores() if store.name == "indexes")
        self.assertIn(str(path), store.scan(Wanted(), lambda *a, **k: None))
        store.purge({blob}, lambda *a, **k: None)
        self.assertEqual(store.scan(Wanted(), lambda *a, **k: None), [])
        self.assertFalse(path.exists())
        self.assertEqual(shard_indexes.missing(CODE)[0], [path.stem])

    def test_an_index_that_is_gone_or_damaged_is_made_anew_and_the_answer_says_so_meanwhile(self):
        shutil.rmtree(CODE.folder)
        found = code_lookup.search(LONG.encode())
        self.assertEqual((found.held, found.unready), (False, found.shards))
        self.index()
        self.assertEqual(len(code_lookup.search(LONG.encode()).places), 2)
        for path in CODE.folder.rglob("*.index"):
            path.write_bytes(path.read_bytes()[:100])
        self.assertGreater(code_lookup.search(LONG.encode()).unready, 0)
        self.index()
        self.assertEqual(len(code_lookup.search(LONG.encode()).places), 2)

    def test_a_job_killed_while_it_indexes_is_finished_by_the_next_attempt(self):
        for at in ("0", "1"):
            shutil.rmtree(CODE.folder)
            CODE.ask()
            job = Job.objects.filter(kind=CODE.job, state="queued").get()
            claim = jobs.claim(job)
            process = subprocess.run(
                [sys.executable, "-m", "tests.datasets_app.killed_job", str(job.pk), str(claim), "indexing code", at],
                cwd=settings.BASE_DIR, env=supervisor.child_environment() | {"OMP_NUM_THREADS": "1"}, timeout=60,
            )  # fmt: skip
            self.assertEqual(process.returncode, -signal.SIGKILL)
            with patch("core.jobs.wake"):
                self.assertEqual(jobs.give_back(Job.objects.get(pk=job.pk), "killed"), "requeued")
            stores.sweep_temporary_files()
            self.index()
            self.assertEqual(shard_indexes.missing(CODE), ([], []))
            self.assertEqual(len(code_lookup.search(LONG.encode()).places), 2)
            self.assertEqual(list((self.data / "tmp").iterdir()), [])

    def test_a_shard_that_is_withdrawn_while_it_is_indexed_leaves_no_index(self):
        shutil.rmtree(CODE.folder)
        original = shard_indexes._put

        def withdraw_first(source, target):
            Release.objects.update(state="withdrawn")
            original(source, target)

        with patch.object(shard_indexes, "_put", withdraw_first):
            self.index()
        self.assertEqual(self.files(), set())

    def test_an_index_may_be_a_folder_that_is_swapped_and_deleted_whole(self):
        for text in ("first", "second"):
            made = self.data / "tmp" / "made"
            made.mkdir(parents=True)
            (made / "part").write_text(text)
            target = CODE.folder / "ab" / "made"
            shard_indexes._put(made, target)
            self.assertEqual([path.read_text() for path in (CODE.folder / "ab").glob("*/*")], [text])
        self.assertEqual(shard_indexes.sweep(CODE), 1)
        self.assertEqual(list(CODE.folder.glob("ab/*")), [])
