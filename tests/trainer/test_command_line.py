import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from django.test import SimpleTestCase

from tests.trainer.releases import write_release
from training_jobs.trainer.__main__ import ProgressLine, main

REPOSITORY = Path(__file__).resolve().parents[2]


class CommandLineTests(SimpleTestCase):
    def setUp(self):
        self.root = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.shards = write_release(self.root / "shards")[0].parent

    def call(self, *arguments):
        out, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
            try:
                code = main([str(argument) for argument in arguments])
            except SystemExit as leave:
                code = leave.code
        return code, out.getvalue(), errors.getvalue()

    def test_the_commands_follow_one_another(self):
        tokenizer, kept, workdir = self.root / "tokenizer", self.root / "tokens", self.root / "run"
        code, out, _ = self.call(
            "tokenizer", "--shards", self.shards, "--out", tokenizer, "--vocab-size", 400, "--sample-bytes", 60_000
        )
        self.assertEqual((code, out.strip()), (0, str(tokenizer)))
        code, out, errors = self.call(
            "prepare", "--shards", self.shards, "--tokenizer", tokenizer, "--out", kept, "--max-bytes", 80_000
        )
        self.assertEqual(code, 0, errors)
        prepared = json.loads(out)
        self.assertEqual(prepared["vocab_size"], 400)
        code, out, errors = self.call(
            "train", "--preset", "tiny", "--shards", self.shards, "--workdir", workdir, "--tokenizer", tokenizer,
            "--tokens", kept, "--metrics", "--set", "steps=4", "--set", "threads=1", "--set", "max_bytes=80000",
            "--set", "name=trial",
        )  # fmt: skip
        self.assertEqual(code, 0, errors)
        lines = [json.loads(line) for line in out.splitlines()]
        self.assertEqual([line["step"] for line in lines[:-1]], [2, 4])
        self.assertEqual(lines[-1]["steps"], 4)
        self.assertEqual([path.name for path in kept.glob("*/")], [Path(prepared["folder"]).name])
        self.assertEqual(json.loads((workdir / "run.json").read_text())["config"]["name"], "trial")
        code, out, errors = self.call("sample", "--model", workdir / "final", "--prompt", "import ", "--tokens", 8)
        self.assertEqual(code, 0, errors)
        self.assertTrue(out.startswith("import "))

    def test_an_expected_failure_is_one_line_and_exit_code_one(self):
        code, _, errors = self.call(
            "train", "--preset", "tiny", "--shards", self.root / "no.parquet", "--workdir", self.root
        )
        self.assertEqual(code, 1)
        self.assertRegex(errors.strip(), r"^error: .*no\.parquet: there is no such shard")

    def test_wrong_settings_are_exit_code_two(self):
        for setting, reason in (("lr=-1", "lr: must"), ("speed=1", "speed: no such field"), ("steps", "NAME=VALUE")):
            with self.subTest(setting):
                code, _, errors = self.call(
                    "train", "--preset", "tiny", "--shards", self.shards, "--workdir", self.root / "r", "--set", setting
                )
                self.assertEqual(code, 2)
                self.assertIn(reason, errors)

    def test_a_base_is_read_from_its_folder(self):
        code, _, errors = self.call(
            "train", "--preset", "tiny", "--shards", self.shards, "--workdir", self.root / "r", "--base", self.root
        )
        self.assertEqual(code, 1)
        self.assertIn("is not a model folder", errors)

    def test_progress_without_a_terminal_is_a_line_a_stage(self):
        errors = io.StringIO()
        with contextlib.redirect_stderr(errors):
            line = ProgressLine()
            for done in range(100):
                line("reading", done, 100)
            line("training", 1, 0, "step 1: a message")
        self.assertEqual(errors.getvalue().splitlines(), ["  0% reading", "     training step 1: a message"])

    def test_help_needs_no_torch(self):
        code = "import sys, training_jobs.trainer.__main__ as m\ntry: m.main(['--help'])\nfinally: assert 'torch' not in sys.modules"
        done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, env=dict(os.environ), capture_output=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"tokenizer", done.stdout)
