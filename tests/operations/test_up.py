"""``manage.py up``: everything starts, one Ctrl-C stops everything."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from django.conf import settings
from django.test import SimpleTestCase

from tests.operations.test_compose import free_port


def processes_with(text: str) -> list[str]:
    """Command lines of living processes whose environment holds ``text``."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and text.encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return [line for line in found if line]


class UpTests(SimpleTestCase):
    def setUp(self) -> None:
        self.data = tempfile.mkdtemp(prefix="fairstack-up-")
        self.environment = {
            name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL", "PORT")
        } | {"FAIRSTACK_DATA": self.data}
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
            cwd=settings.BASE_DIR,
            env=self.environment,
            check=True,
        )
        subprocess.run(
            [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"],
            cwd=settings.BASE_DIR,
            env=self.environment,
            check=True,
        )

    def up(self, port: int) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "manage.py", "up", "--port", str(port)],
            cwd=settings.BASE_DIR,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def test_it_serves_under_a_strict_policy_and_leaves_nothing_behind(self) -> None:
        port = free_port()
        process = self.up(port)
        try:
            assert process.stdout is not None
            first = process.stdout.readline()
            self.assertIn(f"Serving on http://127.0.0.1:{port}", first)
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=20) as page:
                policy = page.headers["Content-Security-Policy"]
                body = page.read().decode()
            self.assertIn("default-src 'none'", policy)
            self.assertNotIn("unsafe", policy)
            for address in re.findall(r'<(?:link|script)[^>]+(?:href|src)="(/static/[^"]+)"', body):
                with urllib.request.urlopen(f"http://127.0.0.1:{port}{address}", timeout=20) as asset:
                    self.assertEqual(asset.status, 200)
            self.assertGreaterEqual(len(processes_with(self.data)), 5)
        finally:
            process.send_signal(signal.SIGINT)
            process.send_signal(signal.SIGTERM)  # as when make passes it on
            output, _ = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 0, output)
        self.assert_nothing_is_left()

    def test_a_kill_leaves_nothing_behind_either_shard_workers_included(self) -> None:
        self.environment["FAIRSTACK_DATA_ENGINE"] = "celery"
        process = self.up(free_port())
        assert process.stdout is not None
        self.assertIn("Serving on", process.stdout.readline())
        self.assertTrue([line for line in processes_with(self.data) if "--queues shards" in line])
        process.kill()
        process.communicate(timeout=30)
        self.assert_nothing_is_left()

    def assert_nothing_is_left(self) -> None:
        end = time.monotonic() + 15
        while processes_with(self.data) and time.monotonic() < end:
            time.sleep(0.1)
        self.assertEqual(processes_with(self.data), [])

    def test_a_taken_port_is_named_with_the_way_out(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = int(taken.getsockname()[1])
            output, _ = self.up(port).communicate(timeout=60)
        self.assertIn(f"Port {port} of 127.0.0.1 cannot be used", output)
        self.assertIn("make run PORT=", output)
