"""A process whose parent has ended does not begin."""

import subprocess
import sys

from django.conf import settings
from django.test import SimpleTestCase


class OrphanTests(SimpleTestCase):
    def test_a_job_process_whose_starter_has_ended_ends_before_it_touches_anything(self) -> None:
        ended = subprocess.Popen([sys.executable, "-c", ""])
        ended.wait()
        command = [sys.executable, "-m", "core.job_process", "not-a-job", "no-claim", str(ended.pid)]
        answer = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True)
        self.assertEqual(answer.returncode, 1)
        self.assertIn(f"The process {ended.pid}, which started this one, has ended.", answer.stderr)
        self.assertNotIn("Traceback", answer.stderr)
