"""docker-compose.yml says what is true: its commands and health checks run as processes here, and it holds no secret."""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings
from django.test import SimpleTestCase, TransactionTestCase

from core import jobs, processes
from core.models import Job
from core.permissions import SYSTEM
from core.supervisor import child_environment
from tests.jobkinds import kinds  # noqa: F401

COMPOSE = yaml.safe_load((settings.BASE_DIR / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("web", "data-worker", "shard-worker", "gpu-worker", "beat")
READ = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', (settings.BASE_DIR / "config" / "settings.py").read_text()))
OF_TESTS = {"FAIRSTACK_DATABASE_NAME", "FAIRSTACK_TEST_NAME"}
NEVER_DEPLOYED = {"FAIRSTACK_DEBUG"}
S3 = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}  # the mirror's client reads these by itself


def command_of(service: str) -> list[str]:
    """What the service runs, as Compose would hand it on (``$$`` is a dollar sign)."""
    words = shlex.split(SERVICES[service]["command"].replace("$$", "$"))
    if words[:2] == ["sh", "-c"]:
        words = shlex.split(words[2].rpartition("exec ")[2])
    return words


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class FileTests(SimpleTestCase):
    def test_every_process_of_the_house_is_there_and_nothing_else(self) -> None:
        self.assertEqual(set(SERVICES), {*OURS, "postgres", "redis"})

    def test_the_commands_are_those_of_the_code(self) -> None:
        self.assertEqual(command_of("web"), processes.web("0.0.0.0:8000"))
        self.assertEqual(command_of("data-worker"), processes.data_worker())
        self.assertEqual(command_of("shard-worker"), processes.shard_worker())
        self.assertEqual(command_of("gpu-worker"), processes.gpu_worker())
        self.assertEqual(command_of("beat"), processes.beat("/tmp/beat-schedule"))

    def test_every_service_has_a_health_check_and_keeps_its_data(self) -> None:
        for name, service in SERVICES.items():
            self.assertIn("test", service["healthcheck"], name)
        for name in OURS:
            self.assertEqual(
                SERVICES[name]["volumes"], ["data:/data", "keys:/keys", "${FAIRSTACK_SOURCES:-sources}:/sources:ro"]
            )
        self.assertEqual(set(COMPOSE["volumes"]), {"data", "keys", "postgres", "sources"})

    def test_secrets_come_from_outside_and_are_demanded(self) -> None:
        environment = SERVICES["web"]["environment"]
        for name in ("SECRET_KEY", "FAIRSTACK_KEY", "FAIRSTACK_SIGNING_KEY"):
            self.assertRegex(environment[name], rf"^\$\{{{name}:\?.+\}}$")
        self.assertRegex(SERVICES["postgres"]["environment"]["POSTGRES_PASSWORD"], r"^\$\{POSTGRES_PASSWORD:\?.+\}$")

    def test_every_variable_is_one_that_the_settings_read(self) -> None:
        for name in OURS:
            self.assertLessEqual(set(SERVICES[name]["environment"]) - S3, READ)

    def test_every_variable_is_described_and_reaches_the_deployed_site(self) -> None:
        table = set(re.findall(r"`([A-Z_]+)`", (settings.BASE_DIR / "docs" / "operations.md").read_text()))
        self.assertEqual(READ - OF_TESTS - table, set(), "give these a line in docs/operations.md")
        for name in OURS:
            handed = set(SERVICES[name]["environment"])
            self.assertEqual((READ | S3) - OF_TESTS - NEVER_DEPLOYED - handed, set(), name)

    def test_the_image_installs_by_the_script_that_make_uses(self) -> None:
        lines = (settings.BASE_DIR / "Dockerfile").read_text()
        self.assertIn("scripts/make_env.sh", lines)
        self.assertNotRegex(lines, r"(?m)^ENV .*SECRET_KEY")

    def test_the_environment_of_a_deployment_passes_the_deployment_checks(self) -> None:
        answer = subprocess.run(
            [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "ERROR"],
            cwd=settings.BASE_DIR,
            # (the browser tests set this variable for the whole run)
            env={name: value for name, value in os.environ.items() if name != "DJANGO_ALLOW_ASYNC_UNSAFE"}
            | {
                "FAIRSTACK_DEPLOYED": "1",
                "SECRET_KEY": "k" * 64,
                "FAIRSTACK_KEY": "f" * 64,
                "FAIRSTACK_SIGNING_KEY": "5" * 64,
                "ALLOWED_HOSTS": "stack.example.org",
                "REDIS_URL": "redis://127.0.0.1:6379/0",
                "FAIRSTACK_DATA": tempfile.mkdtemp(),
            },
            capture_output=True,
            text=True,
        )
        self.assertEqual(answer.returncode, 0, answer.stderr)
        for check in ("fairstack.W001", "fairstack.W002", "fairstack.W003"):
            self.assertNotIn(check, answer.stderr)


class ProcessTests(TransactionTestCase):
    """The commands of the file, started as processes on the database and broker of this test run."""

    def setUp(self) -> None:
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.job_settings"
        self.addCleanup(os.environ.__setitem__, "DJANGO_SETTINGS_MODULE", "config.settings")
        self.environment = child_environment() | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOSTNAME": socket.gethostname(),
            "C_FORCE_ROOT": "1",
        }

    def start(self, command: list[str]) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            command,
            cwd=settings.BASE_DIR,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

        def stop() -> None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

        self.addCleanup(stop)
        return process

    def healthy(self, service: str, seconds: float = 60, **changes: str) -> bool:
        kind, *words = SERVICES[service]["healthcheck"]["test"]
        text = " ".join(words) if kind == "CMD-SHELL" else shlex.join(words)
        for old, new in changes.items():
            text = text.replace(old, new)
        for old, new in {"$$": "$", ":8000/": f":{changes.get('port', '8000')}/"}.items():
            text = text.replace(old, new)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if (
                subprocess.run(
                    ["sh", "-c", text], cwd=settings.BASE_DIR, env=self.environment, capture_output=True
                ).returncode
                == 0
            ):
                return True
            time.sleep(0.5)
        return False

    def test_web_serves_and_its_health_check_tells_up_from_down(self) -> None:
        port = str(free_port())
        self.assertFalse(self.healthy("web", 1, port=port))
        self.start([word.replace("0.0.0.0:8000", f"127.0.0.1:{port}") for word in command_of("web")])
        self.assertTrue(self.healthy("web", port=port))

    def test_a_worker_does_the_jobs_of_its_queues_and_answers_its_health_check(self) -> None:
        self.start(command_of("data-worker"))
        job = jobs.enqueue("tests.count", {"to": 1}, actor=SYSTEM)
        end = time.monotonic() + 60
        while Job.objects.get(pk=job.pk).state != "succeeded" and time.monotonic() < end:
            time.sleep(0.2)
        self.assertEqual(Job.objects.get(pk=job.pk).state, "succeeded")
        self.assertTrue(self.healthy("data-worker"))
        self.assertFalse(self.healthy("gpu-worker", 1))

    def test_the_clock_sends_the_sweep_that_finds_a_lost_wake_up(self) -> None:
        schedule = tempfile.mkdtemp() + "/beat-schedule"
        job = Job.objects.create(kind="tests.count", title="t", params={"to": 1}, created_at="2020-01-01T00:00Z")
        self.start(command_of("data-worker"))
        self.start([word.replace("/tmp/beat-schedule", schedule) for word in command_of("beat")])
        end = time.monotonic() + 60
        while Job.objects.get(pk=job.pk).state != "succeeded" and time.monotonic() < end:
            time.sleep(0.2)
        self.assertEqual(Job.objects.get(pk=job.pk).state, "succeeded")
        self.assertTrue(self.healthy("beat", **{"/tmp": str(Path(schedule).parent)}))
