"""``manage.py up``: the whole site on this machine, until Ctrl-C."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from argparse import ArgumentParser
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from core import journal, processes, stores
from core.children import Children, KeepsEnding
from core.orphans import die_with_parent

PATIENCE = 120.0  # seconds until the web server must answer


class Command(BaseCommand):
    """Starts web server, workers and clock, and again what ends by itself; stops all of them when it ends, however it ends."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))
        parser.add_argument("--host", default=os.environ.get("HOST", "127.0.0.1"))
        parser.add_argument("--demo", action="store_true", help="Set up the demo first, if it is not there yet.")

    def handle(self, *args: Any, host: str, port: int, demo: bool, **options: Any) -> None:
        self._refuse_a_taken_port(host, port)
        stores.sweep_temporary_files()
        if journal.behind():  # a backup was put in place by hand
            call_command("replay_purges", stdout=self.stdout)
        logs = stores.folder("logs")
        here = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"  # noqa: S104
        environment = os.environ | {"C_FORCE_ROOT": "1", "PYTHONUNBUFFERED": "1"}
        environment.setdefault("FAIRSTACK_SITE_URL", here)
        children = Children(settings.BASE_DIR, environment, logs, self.stderr.write)
        self.demo: subprocess.Popen[bytes] | None = None
        self.stopping = False
        # A shell starts what it puts into the background with SIGINT ignored.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._interrupt)
        try:
            for name, command in self._commands(host, port).items():
                children.start(name, processes.here(command))
            self._wait_for(f"{here}/healthz", children)
            self.stdout.write(f"Serving on {here} (logs: {logs})")
            if demo:
                command = [sys.executable, "manage.py", "demo"]
                self.demo = subprocess.Popen(
                    command, cwd=settings.BASE_DIR, env=environment, preexec_fn=die_with_parent
                )
            while True:
                time.sleep(0.5)
                children.look_after()
                self._hear_of_the_demo()
        except KeyboardInterrupt:
            self.stdout.write("\nStopping")
        except KeepsEnding as error:
            raise CommandError(str(error)) from None
        finally:
            self.stopping = True
            if self.demo is not None:
                self.demo.kill()  # what it has made is found again, and what it began is a job
                self.demo.wait()
            children.stop()

    def _commands(self, host: str, port: int) -> dict[str, list[str]]:
        schedule = str(stores.folder("broker") / "beat-schedule")
        return {
            "web": processes.web(f"{host}:{port}"),
            "data-worker": processes.data_worker(),
            **({"shard-worker": processes.shard_worker()} if settings.FAIRSTACK_DATA_ENGINE == "celery" else {}),
            "gpu-worker": processes.gpu_worker(),
            "beat": processes.beat(schedule),
        }

    def _refuse_a_taken_port(self, host: str, port: int) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                raise CommandError(
                    f"Port {port} of {host} cannot be used ({error.strerror}). Name another: make run PORT=8001"
                ) from None

    def _wait_for(self, address: str, children: Children) -> None:
        """Wait for the first answer, whatever it says. That the port is open tells little: the application may still be loading."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            children.look_after()
            try:
                urllib.request.urlopen(address, timeout=1).close()  # noqa: S310
                return
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.2)
        raise CommandError(f"The web server did not answer within {PATIENCE:.0f} s: see {stores.folder('logs')}.")

    def _hear_of_the_demo(self) -> None:
        if self.demo is None or (code := self.demo.poll()) is None:
            return
        self.demo = None
        if code:
            self.stderr.write("The demo could not be finished; the site runs on. Run it again: manage.py demo")

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        # Once only: make passes on the signals that it gets itself, and a second one must not break off the stopping.
        if not self.stopping:
            self.stopping = True
            raise KeyboardInterrupt
