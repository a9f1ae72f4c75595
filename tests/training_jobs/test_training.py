"""A run in this process, on a small real release, with the real trainer and the real zoo."""

import json
import threading

from django.db import connection
from django.test import TransactionTestCase

from core import stores
from core.jobs import execute_here
from core.models import AuditEntry, Job, JobMetric, LedgerEntry
from core.permissions import SYSTEM
from datasets_app.models import Owner
from datasets_app.pipeline.progress import silent
from datasets_app.services import releases
from modelzoo.models import ZooModel
from modelzoo.storage import local_checkpoint, object_path
from tests.core.test_supervisor import until
from tests.datasets_app.floor import MARKER, FloorMixin, files_below
from training_jobs import folders, services
from training_jobs.models import Run
from training_jobs.trainer import tokens


class TrainingTests(FloorMixin, TransactionTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.release = self.published()

    def train(self, name: str = "coder", **fields: object) -> Run:
        run = services.launch(self.staff, release=self.release, preset="tiny", model_name=name, **fields)
        assert run.job is not None
        job = execute_here(run.job)
        self.assertEqual(job.state, "succeeded", job.error + job.crash)
        return Run.objects.select_related("revision", "job").get(pk=run.pk)

    def test_a_run_ends_in_the_zoo_with_its_lineage_and_a_fine_tune_starts_from_it(self) -> None:
        run = self.train()
        revision = run.revision
        self.assertEqual(revision.model.repo_id, "fairstack/coder")
        self.assertEqual(revision, revision.model.at("main"))
        self.assertEqual(revision.release, self.release)
        said = revision.lineage
        self.assertEqual(said["release"], f"the-stack-demo:{self.release.version}")
        self.assertEqual(said["release_digest_logical"], self.release.digest_logical)
        self.assertEqual(said["recipe_digest"], self.release.recipe_digest)
        self.assertEqual(said["blocklist_position"], self.release.blocklist_position)
        self.assertRegex(said["tokenizer_digest"], "^[0-9a-f]{64}$")
        self.assertEqual(said["run"], run.pk)
        self.assertEqual(revision.training["steps"], 20)
        self.assertEqual(revision.training["seed"], 0)
        self.assertIn("torch", revision.training["versions"])
        self.assertEqual(revision.training["config"]["hidden"], 32)
        self.assertEqual(run.summary["tokens"], 20 * 4 * 64)
        self.assertLess(run.summary["loss"], 7)
        entry = LedgerEntry.objects.get(kind="model published")
        self.assertEqual(entry.body["revision"], revision.sha)

        with self.subTest("what is no longer needed is gone, the record and the sample stay"):
            kept = {path.name for path in folders.run_folder(run).iterdir()}
            self.assertEqual(kept, {"training.json", "metrics.jsonl"})
            self.assertEqual(len(folders.samples(run)), 1)

        with self.subTest("metrics, stages and log are told, and the log names no owner"):
            self.assertTrue(run.job.metrics.filter(name="loss", step=20).exists())
            self.assertTrue(run.job.metrics.filter(name="validation_loss").exists())
            self.assertIn("training", [stage["stage"] for stage in run.job.stages])
            told = " ".join(run.job.log_lines.values_list("text", flat=True)).lower()
            self.assertIn("published as", told)
            for owner in Owner.objects.all():
                self.assertNotIn(owner.login_folded, told)

        with self.subTest("the same job again publishes nothing twice"):
            again = services._enqueue(run, SYSTEM)
            self.assertEqual(execute_here(again).state, "succeeded")
            self.assertEqual(revision.model.revisions.count(), 1)

        with self.subTest("an attempt killed between publishing and saying so publishes nothing twice"):
            other = self.train("other")
            first = other.revision
            local_checkpoint(first, folders.run_folder(other) / "final")
            Run.objects.filter(pk=other.pk).update(revision=None, summary={})
            job = execute_here(services._enqueue(other, SYSTEM))
            other.refresh_from_db()
            self.assertEqual((job.state, other.revision), ("succeeded", first), job.error + job.crash)

        with self.subTest("a second run uses the tokenizer and the tokens that are there"):
            made = {path: path.stat().st_mtime_ns for path in folders.token_root().rglob("tokenizer.json")}
            self.train("second")
            self.assertEqual(
                made, {path: path.stat().st_mtime_ns for path in folders.token_root().rglob("tokenizer.json")}
            )

        with self.subTest("a fine-tune keeps the base's tokenizer, names its base, and becomes a new revision"):
            tuned = self.train(base=revision, overrides={"lr": 1e-4})
            self.assertEqual(tuned.revision.base, revision)
            self.assertEqual(tuned.revision.parent, revision)
            self.assertEqual(tuned.revision.lineage["base"], f"fairstack/coder@{revision.sha}")
            self.assertEqual(tuned.revision.lineage["tokenizer_digest"], said["tokenizer_digest"])
            self.assertEqual(tuned.config["min_lr"], 1e-5)
            self.assertTrue(object_path(revision.files.get(path="model.safetensors").sha256).is_file())
            self.assertFalse((folders.run_folder(tuned) / "base").exists())

        with self.subTest("a purge erases a blob from the token file of a release that stands, and leaves the rest"):
            folder = tokens.folders(folders.token_root())[0]
            before = tokens.TokenFile.open(folder)
            blob = before.blob_ids[0].tobytes().hex()
            documents = len(before)
            cleared = folders.purge_tokens({blob}, silent)
            self.assertGreaterEqual(cleared.items, 1)
            self.assertEqual(len(tokens.TokenFile.open(folder)), documents - 1)
            self.assertEqual(tokens.documents_holding(folder, {blob}), [])
            self.assertEqual(folders.purge_runs({blob}, silent).items, 0)
            self.assertEqual(len(folders.samples(run)), 1)

        with self.subTest("after an opt-out no token file is left, and what read the old release is cleared"):
            waiting = services.launch(self.staff, release=self.release, preset="tiny", model_name="late")
            self.opt_out("alpha")
            self.publish()
            self.release.refresh_from_db()
            self.assertEqual(self.release.state, "withdrawn")
            self.assertEqual(tokens.folders(folders.token_root()), [])
            self.assertFalse(list((folders.token_root() / "tokenizers").rglob("tokenizer.json")))
            self.assertEqual(folders.samples(run), [])
            self.assertIn("torch", json.loads((folders.run_folder(run) / "training.json").read_text())["versions"])
            waiting.job.refresh_from_db()
            self.assertEqual(waiting.job.state, "cancelled")
            self.assertEqual(stores.unowned_paths(), [])
            for path in [*files_below(folders.token_root()), *files_below(self.data / "runs")]:
                self.assertNotIn(MARKER, path.read_bytes(), path)

    def test_a_release_withdrawn_before_the_job_starts_is_refused_by_the_job(self) -> None:
        run = services.launch(self.staff, release=self.release, preset="tiny", model_name="coder")
        releases.withdraw(self.release, self.staff, "it was wrong")
        job = execute_here(Job.objects.get(pk=run.job_id))
        self.assertEqual(job.state, "failed")
        self.assertIn("was withdrawn", job.error)
        self.assertEqual(job.crash, "")
        self.assertFalse(ZooModel.objects.exists())

    def test_a_release_withdrawn_during_the_run_stops_it(self) -> None:
        run = services.launch(self.staff, release=self.release, preset="tiny", model_name="coder", steps=100_000)

        def withdraw_when_it_trains() -> None:
            try:
                until(lambda: JobMetric.objects.filter(job=run.job_id).exists())
                releases.withdraw(self.release, self.staff, "it was wrong")
            finally:
                connection.close()

        other = threading.Thread(target=withdraw_when_it_trains)
        other.start()
        self.addCleanup(other.join)
        job = execute_here(Job.objects.get(pk=run.job_id))
        self.assertEqual(job.state, "failed")
        self.assertIn("while the run trained on it", job.error)
        self.assertTrue(AuditEntry.objects.filter(action="launch run").exists())
