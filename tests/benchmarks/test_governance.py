"""The frame of the governance figures: one JSON line with all keys, and a part that fails is told."""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from django.conf import settings
from django.test import SimpleTestCase

FRAME = settings.BASE_DIR / "benchmarks" / "governance.py"


class FrameTests(SimpleTestCase):
    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="fairstack-frame-")) / "benchmarks"
        self.folder.mkdir()
        self.addCleanup(shutil.rmtree, self.folder.parent)
        shutil.copy(FRAME, self.folder)
        self.part("lookup", 'print("a table"); print(\'{"lookup_p99_ms": 2.5, "owners": 10}\')')
        self.part("receipts", "import sys; print('{\"verify_ms\": 1}'); sys.exit(3)")
        self.part("removal", 'print("no figures")')

    def part(self, name: str, code: str) -> None:
        (self.folder / f"governance_{name}.py").write_text(code)

    def run_frame(self, *arguments: str) -> tuple[int, str]:
        command = [sys.executable, str(self.folder / "governance.py"), *arguments]
        answer = subprocess.run(command, capture_output=True, text=True)
        return answer.returncode, answer.stdout

    def test_the_last_line_has_all_figures_and_names_what_failed(self) -> None:
        code, said = self.run_frame("--quick")
        figures = json.loads(said.splitlines()[-1])
        self.assertEqual(code, 1)
        self.assertEqual((figures["lookup_p99_ms"], figures["owners"], figures["removal_s"]), (2.5, 10, None))
        self.assertEqual(figures["failed"], ["ledger", "receipts", "removal"])
        self.assertIn("a table", said)
        for key in ("ledger_appends_s", "ledger_sequenced_s", "proof_hashes", "proof_hashes_bound", "verify_ms"):
            self.assertIn(key, figures)

    def test_chosen_parts_alone_are_run(self) -> None:
        code, said = self.run_frame("--only", "lookup")
        self.assertEqual((code, json.loads(said.splitlines()[-1])["failed"]), (0, []))
        self.assertEqual(self.run_frame("--only", "weather")[0], 2)
