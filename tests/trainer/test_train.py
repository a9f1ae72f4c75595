import json
import math
import resource
import shutil
import tempfile
from pathlib import Path
from unittest.mock import patch

import torch
from django.test import SimpleTestCase

from tests.trainer.releases import blob_id, source_texts, tiny, write_release, write_shard, write_tokenizer
from training_jobs.trainer import checkpoint, tokens
from training_jobs.trainer.durable import try_lock
from training_jobs.trainer.errors import (
    BadBase,
    BadCheckpoint,
    BadTokenizer,
    CannotWrite,
    CheckpointFailed,
    NonFiniteLoss,
    NoText,
    Stopped,
    WrongWorkFolder,
    WrongWorld,
)
from training_jobs.trainer.model import weights_digest
from training_jobs.trainer.train import train


class TrainTests(SimpleTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.root = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.shards = write_release(cls.root / "shards")
        cls.tokenizer = write_tokenizer(cls.shards, cls.root / "tokenizer")
        cls.tokens = cls.root / "tokens"

    def setUp(self):
        self.workdir = Path(self.enterContext(tempfile.TemporaryDirectory())) / "run"

    def train(self, config=None, **options):
        options = {"workdir": self.workdir, "tokenizer_dir": self.tokenizer, "tokens_dir": self.tokens} | options
        return train(config or tiny(), release_shards=options.pop("release_shards", self.shards), **options)

    def checkpoints(self):
        return list(checkpoint.steps(self.workdir / "checkpoints"))

    def test_a_run_from_shards_alone_gives_a_model_that_transformers_loads(self):
        from transformers import AutoModelForCausalLM, AutoTokenizer

        result = self.train(tiny(sample_every=10), tokenizer_dir=None, tokens_dir=None)
        self.assertEqual(result.checkpoint, self.workdir / "final")
        self.assertEqual(
            sorted(path.name for path in result.checkpoint.iterdir()),
            [
                "config.json",
                "generation_config.json",
                "model.safetensors",
                "special_tokens_map.json",
                "tokenizer.json",
                "tokenizer_config.json",
            ],
        )
        tokenizer = AutoTokenizer.from_pretrained(result.checkpoint)
        model = AutoModelForCausalLM.from_pretrained(result.checkpoint)
        given = tokenizer("def f", return_tensors="pt")
        written = model.generate(**given, max_new_tokens=4, do_sample=False)
        self.assertEqual(written.shape[1], given["input_ids"].shape[1] + 4)
        self.assertEqual((result.steps, result.tokens, result.resumed_from), (20, 20 * 4 * 64, None))
        record = json.loads(result.record.read_text())
        self.assertEqual(record["result"]["validation_loss"], result.validation_loss)
        self.assertEqual(record["config"]["sample_every"], 10)
        self.assertEqual(record["token_file"]["source"]["shards"], sorted(shard.stem for shard in self.shards))
        self.assertEqual([entry["step"] for entry in record["samples"]], [10, 20])
        self.assertEqual(record["versions"]["torch"], torch.__version__)
        self.assertEqual(record["parameters"], sum(weight.numel() for weight in model.parameters()))

    def test_the_loss_falls_below_the_unigram_entropy(self):
        texts = [f"def name_{n}(self, value):\n    return self.values[value] + {n}\n" * 9 for n in range(90)]
        shard = write_shard(self.workdir.parent, texts)
        told = []
        result = self.train(
            tiny(steps=80, lr=1e-2, min_lr=1e-3, checkpoint_every=0),
            release_shards=[shard],
            on_metrics=lambda step, values: told.append(values["loss"]),
        )
        self.assertLess(result.loss, 0.6 * told[0])
        self.assertLess(result.validation_loss, 0.8 * result.unigram_entropy)
        record = json.loads(result.record.read_text())
        self.assertEqual(record["held_out_tokens"], 512)

    def test_metrics_are_told_and_kept(self):
        told = []
        self.train(on_metrics=lambda step, values: told.append((step, values)))
        self.assertEqual([step for step, _ in told], list(range(2, 21, 2)))
        self.assertEqual(set(told[0][1]), {"loss", "lr", "grad_norm", "tokens_per_second"})
        self.assertEqual([step for step, values in told if "validation_loss" in values], [10, 20])
        self.assertTrue(all(math.isfinite(value) for _, values in told for value in values.values()))
        self.assertLess(told[0][1]["lr"], told[1][1]["lr"])
        self.assertLess(told[-1][1]["lr"], told[3][1]["lr"])
        kept = [json.loads(line) for line in (self.workdir / "metrics.jsonl").read_text().splitlines()]
        self.assertEqual([line["step"] for line in kept], [step for step, _ in told])
        self.assertEqual(kept[-1]["validation_loss"], told[-1][1]["validation_loss"])

    def test_progress_reaches_its_end_and_logs_what_happens(self):
        told = []
        self.train(progress=lambda *report: told.append(report))
        training = [report for report in told if report[0] == "training" and report[2]]
        self.assertEqual(training[-1][1:3], (20, 20))
        self.assertTrue(set(range(1, 21)) <= {report[1] for report in training})
        messages = " ".join(report[3] for report in training)
        self.assertRegex(messages, r"step 10: validation loss \d\.\d+ nats a token \(unigram entropy")
        self.assertIn("step 15: writing a checkpoint", messages)

    def test_only_the_last_checkpoints_are_kept(self):
        self.train(tiny(keep_last=2))
        self.assertEqual(self.checkpoints(), [10, 15])
        self.assertFalse(list(self.workdir.rglob(".tmp-*")))
        for path in self.workdir.rglob("*"):
            self.assertNotIn(path.suffix, {".bin", ".pt", ".pkl", ".pickle"})

    def test_a_finished_run_gives_its_result_again(self):
        first = self.train()
        self.assertEqual(self.train(progress=self.fail), first)

    def test_accumulation_learns_from_as_many_tokens(self):
        self.assertEqual(self.train(tiny(steps=3, accumulation=3)).tokens, 3 * 3 * 4 * 64)

    def test_a_time_budget_ends_the_run(self):
        told = []
        config = tiny(steps=None, seconds=1.0, checkpoint_every=0, validation_every=0)
        result = self.train(config, progress=lambda *report: told.append(report))
        self.assertGreater(result.steps, 3)
        self.assertTrue(1.0 <= result.wall_seconds < 6.0, result.wall_seconds)
        self.assertEqual([report[1:3] for report in told if report[0] == "training"][-1], (1, 1))

    def test_time_before_a_stop_counts_after_it(self):
        config = tiny(steps=None, seconds=3.0, checkpoint_every=0, validation_every=0)
        reports = []

        def late():
            reports.append(1)
            return len(reports) > 3

        with self.assertRaises(Stopped):
            self.train(config, should_stop=late)
        newest = checkpoint.steps(self.workdir / "checkpoints")[self.checkpoints()[-1]]
        state = json.loads((newest / "trainer_state.json").read_text())
        state["facts"]["seconds"] = 2.9
        (newest / "trainer_state.json").write_text(json.dumps(state))
        result = self.train(config)
        self.assertLess(result.steps, 150)
        self.assertGreaterEqual(result.wall_seconds, 3.0)
        self.assertEqual(result.resumed_from, 4)

    def test_a_cancelled_run_leaves_its_last_checkpoint_and_goes_on(self):
        def cancel(stage, done, total, message=""):
            if stage == "training" and done == 12:
                raise KeyError("cancelled")

        with self.assertRaisesRegex(KeyError, "cancelled"):
            self.train(progress=cancel)
        self.assertEqual(self.checkpoints(), [5, 10])
        self.assertFalse((self.workdir / "final").exists())
        self.assertEqual(self.train().resumed_from, 10)

    def test_a_stopped_run_goes_on_from_where_it_stopped_with_the_same_weights(self):
        asked = []

        def at_seven():
            asked.append(1)
            return len(asked) == 7

        config = tiny(dropout=0.1)
        with self.assertRaisesRegex(Stopped, "step 7"):
            self.train(config, should_stop=at_seven)
        told = []
        resumed = self.train(config, on_metrics=lambda step, values: told.append(step))
        self.assertEqual((resumed.resumed_from, resumed.steps, resumed.tokens), (7, 20, 20 * 4 * 64))
        self.assertEqual(told[0], 8)
        lines = [json.loads(line)["step"] for line in (self.workdir / "metrics.jsonl").read_text().splitlines()]
        self.assertEqual(lines, list(range(2, 21, 2)))
        whole = self.train(config, workdir=self.workdir.with_name("whole"))
        self.assertEqual(weights_digest(resumed.checkpoint), weights_digest(whole.checkpoint))
        self.assertEqual((resumed.loss, resumed.validation_loss), (whole.loss, whole.validation_loss))

    def test_fine_tuning_begins_from_the_base_with_its_tokenizer(self):
        base = self.train().checkpoint
        other = write_shard(
            self.workdir.parent / "v1.1", [text.replace("self", "this") for text in source_texts("json")]
        )
        told = []
        result = self.train(
            tiny(base=base, steps=6, hidden=64, lr=1e-3),
            release_shards=[other],
            workdir=self.workdir.with_name("tuned"),
            tokenizer_dir=None,
            on_metrics=lambda step, values: told.append(values["loss"]),
        )
        self.assertEqual((result.checkpoint / "tokenizer.json").read_bytes(), (base / "tokenizer.json").read_bytes())
        self.assertLess(told[0], math.log(512) - 0.2)  # a model with new weights begins at log 512
        self.assertNotEqual(weights_digest(result.checkpoint), weights_digest(base))
        facts = json.loads((result.checkpoint / "config.json").read_text())
        self.assertEqual(facts["n_embd"], 32)
        run = json.loads((self.workdir.with_name("tuned") / "run.json").read_text())
        self.assertEqual(run["base"], weights_digest(base))

    def test_a_base_with_another_tokenizer_or_without_safetensors_is_refused(self):
        base = self.workdir.with_name("base")
        shutil.copytree(self.train(tiny(steps=1)).checkpoint, base)
        other = write_tokenizer(self.shards[:1], self.workdir.with_name("other"))
        with self.assertRaisesRegex(BadTokenizer, "is not the tokenizer of the base"):
            self.train(tiny(base=base), workdir=self.workdir.with_name("a"), tokenizer_dir=other)
        (base / "model.safetensors").rename(base / "pytorch_model.bin")
        with self.assertRaisesRegex(BadBase, "a pickle"):
            self.train(tiny(base=base), workdir=self.workdir.with_name("b"), tokenizer_dir=None)

    def test_the_folder_of_another_run_is_refused_and_says_what_differs(self):
        self.train(tiny(steps=1))
        with self.assertRaisesRegex(WrongWorkFolder, r"different: lr, steps"):
            self.train(tiny(steps=2, lr=1e-3, min_lr=3e-4))
        with self.assertRaisesRegex(WrongWorkFolder, "different: shards"):
            self.train(tiny(steps=1), release_shards=self.shards[:1])

    def test_a_folder_in_use_is_refused(self):
        with try_lock(self.workdir / ".lock") as held:
            self.assertTrue(held)
            with self.assertRaisesRegex(WrongWorkFolder, "another process"):
                self.train()

    def test_a_checkpoint_of_erased_documents_does_not_go_on(self):
        def cancel(stage, done, total, message=""):
            if stage == "training" and done == 7:
                raise KeyError

        own = self.workdir.with_name("tokens")
        with self.assertRaises(KeyError):
            self.train(progress=cancel, tokens_dir=own)
        held = [blob_id(text) for text in source_texts("json")]
        self.assertGreater(tokens.erase(tokens.folders(own)[0], held), 0)
        with self.assertRaisesRegex(WrongWorkFolder, "documents were erased"):
            self.train(tokens_dir=own)

    def test_a_damaged_checkpoint_is_named_with_the_way_out(self):
        def cancel(stage, done, total, message=""):
            if stage == "training" and done == 12:
                raise KeyError

        with self.assertRaises(KeyError):
            self.train(progress=cancel)
        newest = self.workdir / "checkpoints" / "step-00000010"
        with (newest / "trainer_state.safetensors").open("r+b") as file:
            file.truncate(50)
        with self.assertRaisesRegex(BadCheckpoint, "step-00000010: .*delete the folder"):
            self.train()
        (newest / "trainer_state.json").write_text("{")
        with self.assertRaisesRegex(BadCheckpoint, "step-00000010: .*delete the folder"):
            self.train()
        shutil.rmtree(newest)
        self.assertEqual(self.train().resumed_from, 5)

    def test_a_loss_that_is_not_finite_stops_before_the_weights_change(self):
        base = self.workdir.with_name("base")
        shutil.copytree(self.train(tiny(steps=1)).checkpoint, base)
        from safetensors.torch import load_file, save_file

        weights = load_file(base / "model.safetensors")
        weights["transformer.ln_f.weight"][0] = float("nan")
        save_file(weights, base / "model.safetensors", metadata={"format": "pt"})
        with (
            patch.object(torch.optim.AdamW, "step", side_effect=AssertionError("the optimizer made a step")),
            self.assertRaisesRegex(NonFiniteLoss, "step 1: the loss is nan.*newest checkpoint is of step 0"),
        ):
            self.train(tiny(base=base), workdir=self.workdir.with_name("tuned"), tokenizer_dir=None)

    def test_a_disk_that_refuses_a_checkpoint_loses_only_the_newest(self):
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)

        def fill_up(step, values):
            if step == 8:  # from here on, no file may grow past 20 kB: the operating system refuses the write itself
                resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))

        try:
            with self.assertRaisesRegex(CheckpointFailed, "step-00000010: .*File too large.*goes on from step 5"):
                self.train(on_metrics=fill_up)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        self.assertEqual(self.checkpoints(), [5])
        self.assertFalse(list(self.workdir.rglob(".tmp-*")))
        self.assertEqual(self.train().resumed_from, 5)

    def test_a_disk_that_refuses_the_token_file_leaves_none(self):
        own = self.workdir.with_name("tokens")
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
        try:
            with self.assertRaisesRegex(CannotWrite, "token file could not be written"):
                self.train(tokens_dir=own)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        self.assertEqual([path for path in own.iterdir() if path.is_dir()], [])

    def test_several_processes_are_refused(self):
        with patch.dict("os.environ", WORLD_SIZE="2"), self.assertRaisesRegex(WrongWorld, "WORLD_SIZE is 2"):
            self.train()

    def test_nothing_to_train_on_is_refused(self):
        with self.assertRaisesRegex(NoText, "no shards"):
            self.train(release_shards=[])
        with self.assertRaisesRegex(NoText, "no text"):
            self.train(release_shards=[write_shard(self.workdir.parent, [""])], workdir=self.workdir.with_name("other"))

    def test_one_document_trains_without_validation(self):
        shard = write_shard(self.workdir.parent, [source_texts("json")[1]])
        result = self.train(tiny(steps=3), release_shards=[shard])
        self.assertIsNone(result.validation_loss)
        self.assertIsNone(result.unigram_entropy)
