"""A real web server (gunicorn with threads, as the site runs) on the test's database and data folder."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.test import TransactionTestCase

from tests.modelzoo.base import ZooMixin

ROOT = Path(__file__).resolve().parents[2]


class ServerCase(ZooMixin, TransactionTestCase):
    """``self.endpoint`` answers while a test runs; ``self.client_environment`` makes Hub clients ask it, and nobody else."""

    endpoint: str

    def setUp(self) -> None:
        super().setUp()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{port}"
        self.server_log = self.data / "tmp" / "server.log"
        self.server_log.parent.mkdir(exist_ok=True)
        environment = os.environ | {
            "FAIRSTACK_DATA": str(self.data),
            "FAIRSTACK_DATABASE_NAME": str(connection.settings_dict["NAME"]),
            "DATABASE_URL": settings.DATABASE_URL,
            "FAIRSTACK_SITE_URL": self.endpoint,
        }
        command = [sys.executable, "-m", "gunicorn", "config.wsgi:application", "--bind", f"127.0.0.1:{port}"]
        command += ["--worker-class", "gthread", "--workers", "1", "--threads", "8"]
        with self.server_log.open("wb") as log:
            server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        self.addCleanup(server.wait, 20)
        self.addCleanup(server.terminate)
        self._wait_until_it_answers(server)

    def _wait_until_it_answers(self, server: subprocess.Popen) -> None:
        until = time.monotonic() + 30
        while time.monotonic() < until and server.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.endpoint}/api/agent-harnesses", timeout=5):
                    return
            except OSError:
                time.sleep(0.1)
        self.fail(f"The server did not start: {self.server_log.read_text()[-2000:]}")

    def client_environment(self, token: str = "") -> dict[str, str]:
        """For a client's process: a home of its own, this server, no calls to anywhere else."""
        home = tempfile.mkdtemp(dir=self.data / "tmp")
        environment = {
            key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGING", "DJANGO_"))
        }
        return environment | {
            "HF_HOME": home,
            "HF_ENDPOINT": self.endpoint,
            "HF_HUB_DISABLE_UPDATE_CHECK": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "DISABLE_SAFETENSORS_CONVERSION": "1",
            "OMP_NUM_THREADS": "1",
            "no_proxy": "127.0.0.1",
            **({"HF_TOKEN": token} if token else {}),
        }

    def run_client(self, command: list[str], token: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        """Run a client to its end."""
        return subprocess.run(
            command,
            env=self.client_environment(token) | more,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
