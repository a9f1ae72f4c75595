"""``manage.py up``: the whole site on this machine, until Ctrl-C."""

import os
import signal
import socket
import subprocess
import sys
import time
from argparse import ArgumentParser
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from core import journal, processes, stores
from core.orphans import die_with_parent

PATIENCE = 60.0  # seconds until the web server must answer
GRACE = 6.0  # seconds between asking the processes to stop and killing them


class Command(BaseCommand):
    """Starts web server, workers and clock; stops all of them when it ends, however it ends."""

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
        schedule = str(stores.folder("broker") / "beat-schedule")
        commands = {
            "web": processes.web(f"{host}:{port}"),
            "data-worker": processes.data_worker(),
            **({"shard-worker": processes.shard_worker()} if settings.FAIRSTACK_DATA_ENGINE == "celery" else {}),
            "gpu-worker": processes.gpu_worker(),
            "beat": processes.beat(schedule),
        }
        site = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"  # noqa: S104
        environment = os.environ | {"C_FORCE_ROOT": "1", "PYTHONUNBUFFERED": "1"}
        environment.setdefault("FAIRSTACK_SITE_URL", site)
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.stopping = False
        signal.signal(
            signal.SIGINT, self._interrupt
        )  # a shell starts what it puts into the background with SIGINT ignored
        signal.signal(signal.SIGTERM, self._interrupt)
        signal.signal(signal.SIGHUP, self._interrupt)
        try:
            for name, command in commands.items():
                with (logs / f"{name}.log").open("ab") as log:
                    self.running[name] = subprocess.Popen(
                        processes.here(command),
                        cwd=settings.BASE_DIR,
                        env=environment,
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        start_new_session=True,
                        preexec_fn=die_with_parent,  # so that a SIGKILL of this process leaves nothing behind either
                    )
            self._wait_for(host, port)
            self.stdout.write(f"Serving on {site} (logs: {logs})")
            if demo:
                child = subprocess.Popen([sys.executable, "manage.py", "demo"], cwd=settings.BASE_DIR, env=environment)
                self.running["demo"] = child
            self._watch()
        except KeyboardInterrupt:
            self.stdout.write("\nStopping")
        finally:
            self._stop()

    def _refuse_a_taken_port(self, host: str, port: int) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                raise CommandError(
                    f"Port {port} of {host} cannot be used ({error.strerror}). Name another: make run PORT=8001"
                ) from None

    def _wait_for(self, host: str, port: int) -> None:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            self._complain_of_the_dead()
            try:
                with socket.create_connection((host, port), timeout=1):
                    return
            except OSError:
                time.sleep(0.2)
        raise CommandError(f"The web server did not answer within {PATIENCE:.0f} s: see {stores.folder('logs')}.")

    def _watch(self) -> None:
        while True:
            time.sleep(0.5)
            self._complain_of_the_dead()

    def _complain_of_the_dead(self) -> None:
        for name, process in list(self.running.items()):
            code = process.poll()
            if code is None:
                continue
            del self.running[name]
            if name == "demo":
                if code:
                    self.stderr.write("The demo could not be finished; the site runs on. Run it again: manage.py demo")
                continue
            raise CommandError(f"The process “{name}” ended with code {code}: see {stores.folder('logs')}/{name}.log.")

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        # Once only: make passes on the signals that it gets itself, and a second one must not break off the stopping.
        if not self.stopping:
            self.stopping = True
            raise KeyboardInterrupt

    def _stop(self) -> None:
        self.stopping = True
        for process in self.running.values():
            self._signal(process, signal.SIGTERM)
        end = time.monotonic() + GRACE
        for process in self.running.values():
            try:
                process.wait(max(0.0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._signal(process, signal.SIGKILL)
                process.wait()

    def _signal(self, process: "subprocess.Popen[bytes]", number: int) -> None:
        try:
            if os.getpgid(process.pid) == process.pid:
                os.killpg(process.pid, number)
            else:
                process.send_signal(number)
        except ProcessLookupError:
            pass
