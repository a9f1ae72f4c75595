"""After a purge everything that is stored is read; what should be gone and is not fails the purge, and no text is told."""

import gzip
import json
from pathlib import Path

import pyarrow as pa
from django.test import TestCase
from django.urls import reverse

from core.jobs import execute_here
from core.models import AuditEntry, Job
from datasets_app import purging
from datasets_app.models import Repository
from datasets_app.pipeline.corpus import files_table
from datasets_app.pipeline.needles import Needles
from datasets_app.scanning import LookedFor
from datasets_app.services import releases, sources
from datasets_app.signals import purge_finished
from tests.datasets_app.floor import FloorMixin
from tests.pipeline.fakes import FakePackage, default_packages
from tests.trainer.releases import write_tokenizer
from training_jobs import folders
from training_jobs.trainer import tokens

ONLY = "def only_alpha_wrote_this_long_line_of_code(argument):\n    return argument * 123456789\n" * 3
HOME = "https://github.com/Alpha/one-repository-of-a-long-name-indeed"
PACKED = "".join(f"{number * 2654435761 % 2**32:08x}" for number in range(60))


class TheScan(FloorMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        packages = default_packages()
        alpha = packages[0]
        packed = f"HOME = '{HOME}'\n{PACKED}\n"
        files = {**alpha.files, "alpha_one/long.py": ONLY, "alpha_one/packed.py": packed}
        packages[0] = FakePackage(alpha.name, alpha.repository, alpha.licence, files)
        self.ingest(packages)
        self.first = self.publish()
        self.opt_out("alpha")
        self.release = self.build()
        releases.approve(self.release, self.staff)

    def purge(self) -> Job:
        job = releases.publish(self.release, self.staff)
        assert job is not None
        return execute_here(job)

    def left(self, place: str, data: bytes) -> Path:
        path = self.data / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def test_its_report_is_kept_on_the_job_and_in_the_audit_and_shown_to_staff(self) -> None:
        job = self.purge()
        self.assertEqual(job.state, "succeeded", job.error + job.crash)
        self.assertGreater(job.result["windows_looked_for"], 10)
        scanned = {row["store"]: row for row in job.result["scanned"]}
        self.assertLessEqual({"corpus", "releases", "token files", "runs", "zoo", "temporary files"}, scanned.keys())
        self.assertGreater(scanned["releases"]["files"], 3)
        self.assertEqual(sum(row["hits"] for row in scanned.values()), 0)
        facts = AuditEntry.objects.filter(action="purge").first().facts
        self.assertEqual(facts["scanned"], job.result["scanned"])
        self.assertEqual(list(purging.corpus_folder().glob("purge-*")), [])
        self.client.force_login(self.staff)
        page = self.client.get(reverse("core:job", args=[job.pk]))
        self.assertContains(page, "Scanned")
        self.assertContains(page, "token files")

    def test_text_left_anywhere_fails_the_purge_which_names_store_and_path_and_no_text(self) -> None:
        heard: list[object] = []
        purge_finished.connect(listener := lambda **more: heard.append(more), weak=False)
        self.addCleanup(purge_finished.disconnect, listener)
        text = ONLY.encode()
        places = {
            "zoo/uploads/part-3": text,
            "indexes/late/blob": b"x" * 100 + pa.compress(text, codec="zstd", asbytes=True),
            "runs/7/sample.json": json.dumps({"text": ONLY}).encode(),
            "logs/old.gz": gzip.compress(text),
            "attic/file": text,
        }
        for place, data in places.items():
            self.left(place, data)
        job = self.purge()
        self.assertEqual((job.state, job.crash), ("failed", ""))
        for place in places:
            self.assertIn(place, job.error)
        self.assertIn("no store: attic/file", job.error)
        self.assertNotIn("only_alpha", job.error)
        self.assertNotIn("only_alpha", "".join(job.log_lines.values_list("text", flat=True)))
        self.assertEqual(heard, [])
        # What was left is taken away, and the next purge looks for the same windows though the corpus forgot them.
        for place in places:
            (self.data / place).unlink()
        (again,) = purging.corpus_folder().glob("purge-*.windows")
        self.assertEqual(again.stat().st_mode & 0o077, 0)
        kept = self.left("zoo/uploads/part-4", text)
        second = execute_here(releases.withdraw(self.release, self.staff, "Wrong."))
        self.assertIn("zoo/uploads/part-4", second.error)
        kept.unlink()
        Job.objects.filter(pk=second.pk).update(state="queued", claim="")
        second.refresh_from_db()
        self.assertEqual(execute_here(second).state, "succeeded", second.error)
        self.assertEqual(list(purging.corpus_folder().glob("purge-*")), [])

    def test_text_without_spaces_that_is_left_is_found_and_a_repositorys_own_address_in_its_row_is_not(self) -> None:
        Repository.objects.filter(owner__login_folded="beta").update(url=HOME)
        rows = self.left("db/rows", json.dumps(HOME).encode())
        left = self.left("zoo/uploads/packed", PACKED.encode())
        error = self.purge().error
        self.assertIn("zoo/uploads/packed", error)
        self.assertNotIn(rows.name, error)
        left.unlink()

    def test_tokens_of_removed_text_are_found_by_blob_and_by_text(self) -> None:
        shards = folders.shards_of(self.first)
        tokenizer = folders.tokenizer_folder(self.first, 300, 1 << 20)
        write_tokenizer(shards, tokenizer)
        made = tokens.prepare(shards, tokenizer, folders.token_root())
        blob = files_table(purging.corpus_folder()).filter(path="alpha_one/long.py")["blob_id"][0]
        text = Needles([ONLY.encode()[:32], ONLY.encode()[40:72]])
        nothing = Needles([b"a text that nobody has ever seen"])
        tell = lambda *more: None  # noqa: E731
        self.assertEqual(folders.scan_tokens(LookedFor({blob}, nothing), tell), [str(made.folder)])
        self.assertEqual(folders.scan_tokens(LookedFor(set(), text), tell), [str(made.folder)])
        self.assertEqual(folders.scan_tokens(LookedFor({"0" * 40}, nothing), tell), [])
        tokens.erase(made.folder, {blob})
        self.assertEqual(folders.scan_tokens(LookedFor({blob}, text), tell), [])
        (made.folder / "meta.json").write_text("{}")
        self.assertEqual(folders.scan_tokens(LookedFor({blob}, text), tell), [str(made.folder)])

    def test_texts_that_only_an_old_release_held_are_looked_for_too(self) -> None:
        source = self.make_source([package for package in default_packages() if package.name != "alpha-one"])
        execute_here(sources.start_ingest(self.staff, source.name))
        self.assertNotIn("alpha_one/long.py", set(files_table(purging.corpus_folder())["path"]))
        self.left("zoo/left", ONLY.encode())
        job = self.purge()
        self.assertIn("zoo: zoo/left", job.error)
