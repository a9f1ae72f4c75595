"""Real kills: a process that trains is killed by SIGKILL, at random moments and during saves, and started again."""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from django.test import SimpleTestCase

from tests.trainer.releases import write_release, write_tokenizer
from training_jobs.trainer import checkpoint
from training_jobs.trainer.config import TrainConfig
from training_jobs.trainer.model import weights_digest
from training_jobs.trainer.train import train

REPOSITORY = Path(__file__).resolve().parents[2]
CHANGES = {"steps": 60, "batch": 8, "checkpoint_every": 3, "dropout": 0.1, "threads": 1, "max_bytes": 100_000}


class KillTests(SimpleTestCase):
    def setUp(self):
        self.root = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.shards = write_release(self.root / "shards")
        self.tokenizer = write_tokenizer(self.shards, self.root / "tokenizer")
        self.workdir = self.root / "killed"
        self.saves = self.workdir / "checkpoints"

    def start(self, **more):
        settings = [f"--set={name}={json.dumps(value)}" for name, value in (CHANGES | more).items()]
        return subprocess.Popen(
            [sys.executable, "-m", "training_jobs.trainer", "train", "--preset", "tiny", *settings, "--workdir",
             str(self.workdir), "--tokenizer", str(self.tokenizer), "--tokens", str(self.root / "tokens"), "--shards",
             *map(str, self.shards)],
            cwd=REPOSITORY,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip

    def newest(self):
        return max(checkpoint.steps(self.saves), default=0)

    def kill_when(self, process, moment):
        while not moment():
            self.assertIsNone(process.poll(), "the run ended before it could be killed")
            time.sleep(0.0005)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        self.assertEqual(process.returncode, -signal.SIGKILL)

    def test_a_run_that_was_killed_ends_with_the_same_weights_bit_for_bit(self):
        whole = train(
            TrainConfig.preset("tiny", **CHANGES),
            release_shards=self.shards,
            workdir=self.root / "whole",
            tokenizer_dir=self.tokenizer,
            tokens_dir=self.root / "tokens",
        )
        # At a random moment after its first checkpoint.
        process = self.start()
        wait = random.random() * 0.15
        self.kill_when(process, lambda: self.newest() > 0 and time.sleep(wait) is None)
        first = self.newest()
        self.assertLess(first, 60)
        # During a save: as soon as the half-made folder is there.
        half_made = False
        for _ in range(4):
            before = self.newest()
            process = self.start()
            self.kill_when(
                process, lambda before=before: self.newest() >= before and any(self.saves.glob(".tmp-step-*/*"))
            )
            half_made = any(self.saves.glob(".tmp-step-*"))
            if half_made:
                break
        self.assertTrue(half_made, "no kill fell into a save")
        last = self.newest()
        process = self.start()
        out, errors = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 0, errors)
        told = json.loads(out.splitlines()[-1])
        self.assertEqual((told["resumed_from"], told["steps"]), (last, 60))
        self.assertEqual(weights_digest(Path(told["checkpoint"])), weights_digest(whole.checkpoint))
        self.assertEqual(told["loss"], whole.loss)
        self.assertEqual(told["validation_loss"], whole.validation_loss)
        self.assertFalse(list(self.workdir.rglob(".tmp-*")))
        steps = [json.loads(line)["step"] for line in (self.workdir / "metrics.jsonl").read_text().splitlines()]
        self.assertEqual(steps, list(range(2, 61, 2)))

    def test_a_termination_signal_writes_a_checkpoint_and_says_so(self):
        process = self.start(precision="bf16")
        while not self.newest():
            self.assertIsNone(process.poll())
            time.sleep(0.001)
        process.terminate()
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 3, errors)
        self.assertRegex(errors, rf"stopped at step {self.newest()}; start the run again")
