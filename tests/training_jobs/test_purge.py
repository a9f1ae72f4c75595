"""Purging where there is nothing sound to purge from; real token files are purged in test_training."""

from django.test import TestCase
from django.utils import timezone

from datasets_app.pipeline.progress import silent
from tests.base import DataFolderMixin
from tests.training_jobs.rows import make_release, make_revision, make_run
from training_jobs import folders
from training_jobs.models import Run


class PurgeTests(DataFolderMixin, TestCase):
    def test_a_damaged_token_folder_is_deleted_and_does_not_stop_a_purge(self) -> None:
        damaged = folders.token_root() / "damaged"
        damaged.mkdir()
        (damaged / "meta.json").write_text("{}")
        (damaged / "tokens.0.bin").write_bytes(b"whatever")
        cleared = folders.purge_tokens({"ab" * 20}, silent)
        self.assertEqual((cleared.items, cleared.files), (0, 1))
        self.assertFalse(damaged.exists())

    def test_the_samples_of_a_fine_tune_go_with_the_release_that_its_base_read(self) -> None:
        old, new = make_release("v1.0"), make_release("v1.1")
        base = make_revision(old)
        tuned = make_run(new, base=base, name="tuned", state="succeeded")
        other = make_run(new, name="other", state="succeeded")
        for run in (tuned, other):
            folder = folders.run_folder(run)
            folder.mkdir()
            (folder / folders.RECORD).write_text(
                '{"steps": 20, "samples": [{"step": 20, "prompt": "def ", "text": "f"}]}'
            )
            (folder / "checkpoints").mkdir()
        type(old).objects.filter(pk=old.pk).update(state="withdrawn", withdrawn_at=timezone.now())
        self.assertEqual(folders.purge_runs(set(), silent).items, 1)
        tuned, other = Run.objects.get(pk=tuned.pk), Run.objects.get(pk=other.pk)
        self.assertEqual((folders.samples(tuned), len(folders.samples(other))), ([], 1))
        self.assertFalse((folders.run_folder(tuned) / "checkpoints").exists())
        self.assertTrue((folders.run_folder(other) / "checkpoints").exists())
