"""The processes of a site end with the one that started them, and one that ends by itself is started again, three times."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.test import SimpleTestCase

from core import processes
from core.children import Children, KeepsEnding
from core.supervisor import stop_group
from tests.operations.test_compose import free_port
from tests.operations.test_up import processes_with

SECONDS = 20.0


def within(seconds: float, come: Callable[[], object]) -> bool:
    end = time.monotonic() + seconds
    while not come():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


class WebServer(SimpleTestCase):
    def test_a_worker_that_is_still_loading_the_application_ends_with_a_master_that_is_killed(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="fairstack-slow-"))
        (folder / "slow_application.py").write_text(
            f"import pathlib, time\npathlib.Path({str(folder / 'loading')!r}).touch()\ntime.sleep(120)\n"
        )
        command = [
            word.replace("config.wsgi", "slow_application") for word in processes.web(f"127.0.0.1:{free_port()}")
        ]
        master = subprocess.Popen(
            processes.here(command),
            cwd=settings.BASE_DIR,
            env=os.environ | {"PYTHONPATH": str(folder)},
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            self.assertTrue(within(SECONDS, (folder / "loading").exists))
            self.assertGreater(len(processes_with(str(folder))), 1)
            master.kill()
            master.wait()
            self.assertTrue(within(15, lambda: not processes_with(str(folder))), processes_with(str(folder)))
        finally:
            stop_group(master.pid)


class StartedAgain(SimpleTestCase):
    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="fairstack-children-"))
        self.told: list[str] = []
        environment = os.environ | {"FAIRSTACK_CHILDREN": str(self.folder)}
        self.children = Children(self.folder, environment, self.folder, self.told.append, pauses=(0.0, 0.0, 0.1))
        self.addCleanup(self.children.stop)

    def start(self, name: str, program: str) -> None:
        self.children.start(name, [sys.executable, "-S", "-c", program])

    def look_after(self) -> bool:
        self.children.look_after()
        return False

    def test_three_times_and_then_it_says_which_one_and_where_to_look(self) -> None:
        self.start("steady", "import time; time.sleep(60)")
        self.start("broken", "print('no such database', flush=True); raise SystemExit(3)")
        with self.assertRaises(KeepsEnding) as raised:
            within(SECONDS, self.look_after)
        self.assertEqual((self.folder / "broken.log").read_text().count("no such database"), 4)
        self.assertEqual(len(self.told), 3)
        self.assertIn("ended with code 3", self.told[0])
        self.assertIn("(1 of 3 within 10 minutes)", self.told[0])
        for words in ("“broken” ended with code 3, after 3 new starts", str(self.folder / "broken.log")):
            self.assertIn(words, str(raised.exception))
        self.children.stop()
        self.assertEqual(processes_with(str(self.folder)), [])

    def test_one_that_is_killed_is_there_again_and_what_it_had_started_is_not(self) -> None:
        self.start(
            "web",
            "import os, pathlib, subprocess, sys, time\n"
            "subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(60)'])\n"
            f"pathlib.Path({str(self.folder)!r}, f'{{os.getpid()}}.pid').touch()\n"
            "time.sleep(60)\n",
        )
        here = self.folder.glob
        self.assertTrue(within(SECONDS, lambda: list(here("*.pid"))))
        os.kill(int(next(here("*.pid")).stem), signal.SIGKILL)
        self.assertTrue(within(SECONDS, lambda: self.look_after() or len(list(here("*.pid"))) == 2))
        self.assertIn("was ended by SIGKILL", self.told[0])
        self.assertEqual(len(processes_with(str(self.folder))), 2)
