"""Real Celery workers help a build: killed all the time, called in vain, left behind. The release is that of threads."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import patch

import psutil
from django.conf import settings
from django.test import SimpleTestCase, TransactionTestCase, override_settings, tag
from kombu.exceptions import OperationalError

from core import processes, stores
from core.supervisor import child_environment
from datasets_app import data_engine, shard_workers
from datasets_app.pipeline import pool
from datasets_app.pipeline.build import BuildSpec, build
from datasets_app.pipeline.executors import ThreadExecutor
from datasets_app.pipeline.pool_executor import PoolExecutor
from datasets_app.pipeline.recipe import Recipe
from datasets_app.pipeline.verify import verify
from datasets_app.purging import releases_folder
from tests.datasets_app.floor import FloorMixin
from tests.pipeline.handmade import Entry, text, write_corpus

# Shards that take a moment each: large for what they hold, and packed as tightly as can be.
RECIPE = Recipe(name="small", shard_bytes=60_000, row_group_bytes=60_000, zstd_level=22)
SPEC = BuildSpec("demo", "1.0", RECIPE)


def entries(owners: int) -> list[Entry]:
    """Eight files of some 20 kB for each owner."""
    return [
        Entry(
            f"Owner{owner}/repo", f"src/file{number}.txt", text(f"o{owner}n{number}", 300), ("Python", "C")[number % 2]
        )
        for owner in range(owners)
        for number in range(8)
    ]


class WorkerCase(SimpleTestCase):
    owners = 60

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.corpus, cls.plain = Path(folder.name) / "corpus", Path(folder.name) / "plain"
        write_corpus(cls.corpus, entries(cls.owners))
        cls.expected = build(cls.corpus, cls.plain, SPEC, executor=ThreadExecutor(2))

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.releases = Path(folder.name) / "releases"
        self.pools: set[Path] = set()
        self.workers: list[subprocess.Popen[bytes]] = []

    def start_worker(self, slots: int = 1) -> "subprocess.Popen[bytes]":
        command = processes.here(processes.shard_worker(slots))
        command[command.index("shards@%h")] = f"shards-{random.randrange(1 << 32)}@%h"
        worker = subprocess.Popen(
            command,
            cwd=settings.BASE_DIR,
            env=child_environment() | {"C_FORCE_ROOT": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.workers.append(worker)
        self.addCleanup(self.kill, worker)
        return worker

    def wait_for_workers(self) -> None:
        """Until one of them came to a pool of nothing that can be done."""
        with (
            stores.temporary_folder("pool") as folder,
            pool.Pool.owned(folder, "run_shard", ("", ""), [{"writer": "nobody"}]),
        ):
            end = time.monotonic() + 60
            while not list((folder / "results").iterdir()) and time.monotonic() < end:
                shard_workers.call(folder, 1)
                time.sleep(0.5)
            self.assertTrue(list((folder / "results").iterdir()))

    def own_pools(self) -> set[Path]:
        """The pools of this test so far: other tests may run beside it in the same data folder."""
        for path in stores.folder("tmp").glob("pool-*/work.json"):
            with contextlib.suppress(FileNotFoundError):
                if str(self.corpus) in path.read_text():
                    self.pools.add(path.parent)
        return self.pools

    def shard_processes(self) -> list[psutil.Process]:
        """The living processes that work on them."""
        pools = {str(path) for path in self.own_pools()}
        return [
            process
            for process in psutil.process_iter(["cmdline"])
            if "datasets_app.shard_process" in (process.info["cmdline"] or []) and pools & set(process.info["cmdline"])
        ]

    def kill(self, worker: "subprocess.Popen[bytes]") -> None:
        if worker.poll() is None:
            os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()

    def assert_gone_soon(self) -> None:
        end = time.monotonic() + 5
        while self.shard_processes() and time.monotonic() < end:
            time.sleep(0.05)
        self.assertEqual(self.shard_processes(), [])

    def assert_same(self, made: object) -> None:
        self.assertEqual(made.shards, self.expected.shards)
        self.assertEqual(made.tree_root, self.expected.tree_root)
        self.assertTrue(verify(self.releases, "demo", "1.0").ok)
        self.assertEqual([str(path) for path in self.releases.rglob(".tmp-*")], [])
        self.assertEqual([path for path in self.pools if path.exists()], [])


class HelpTests(WorkerCase):
    def test_worker_processes_that_are_killed_all_the_time_change_nothing(self) -> None:
        """Four processes of one worker; one of them dies every 0.4 seconds, and the worker starts another."""
        worker = self.start_worker(4)
        self.wait_for_workers()
        killed = self.kill_children_of(worker)
        self.assert_same(build(self.corpus, self.releases, SPEC, executor=shard_workers.executor()))
        self.assertGreater(killed(), 2)
        self.assert_gone_soon()

    def kill_children_of(self, worker: "subprocess.Popen[bytes]"):
        stop = threading.Event()
        struck: list[int] = []

        def strike() -> None:
            while not stop.wait(0.4):
                victims = self.shard_processes()
                if victims:
                    # The Celery process that started it: the kernel ends the shard's process with it.
                    with contextlib.suppress(psutil.NoSuchProcess):
                        parent = random.choice(victims).parent()
                        if parent is not None and worker.pid in (ancestor.pid for ancestor in parent.parents()):
                            parent.kill()
                            struck.append(parent.pid)

        striker = threading.Thread(target=strike)
        striker.start()

        def end() -> int:
            stop.set()
            striker.join()
            return len(struck)

        self.addCleanup(end)
        return end

    def test_a_builder_that_is_killed_takes_its_workers_along_and_the_next_goes_on_from_its_shards(self) -> None:
        self.start_worker(2)
        self.wait_for_workers()
        builder = subprocess.Popen(
            [sys.executable, "-m", "tests.datasets_app.building", self.corpus, self.releases],
            cwd=settings.BASE_DIR,
            env=child_environment(),
        )
        self.addCleanup(self.kill, builder)
        work = self.releases / "demo" / ".tmp-1.0"
        end = time.monotonic() + 60
        while not (len(list(work.glob("*.json"))) >= 5 and self.shard_processes()) and time.monotonic() < end:
            time.sleep(0.02)
        builder.kill()
        builder.wait()
        self.assert_gone_soon()
        self.assertEqual(list(self.releases.glob("demo/[!.]*")), [])
        finished = {path.stat().st_mtime_ns for path in work.glob("*.parquet") if path.with_suffix(".json").exists()}
        self.assertGreaterEqual(len(finished), 5)
        self.assertLess(len(finished), len(self.expected.shards))
        self.assertTrue(self.pools)
        for path in self.pools:
            self.assertFalse(pool.is_open(path))
        for path in self.pools:
            shutil.rmtree(path)
        self.assert_same(build(self.corpus, self.releases, SPEC, executor=shard_workers.executor()))
        shelf = {path.stat().st_mtime_ns for path in (self.releases / "shards").rglob("*.parquet")}
        self.assertLessEqual(finished, shelf)


class CallTests(WorkerCase):
    owners = 6

    def test_a_build_to_which_nobody_comes_does_its_work_alone(self) -> None:
        self.assert_same(build(self.corpus, self.releases, SPEC, executor=shard_workers.executor()))

    def test_a_broker_that_is_away_is_no_reason_to_fail(self) -> None:
        with (
            patch.object(shard_workers.work_on, "apply_async", side_effect=OperationalError("away")) as asked,
            self.assertLogs("datasets_app.shard_workers", "WARNING") as logged,
        ):
            self.assert_same(build(self.corpus, self.releases, SPEC, executor=shard_workers.executor()))
        self.assertTrue(asked.called)
        self.assertIn("away", logged.output[0])

    def test_a_message_about_anything_but_a_pool_is_let_lie(self) -> None:
        for name in ("", "..", "../releases", "pool-1/../../x", "pool-gone"):
            self.assertIsNone(shard_workers.work_on(name))

    def test_a_call_that_is_heard_does_all_there_is_to_do_and_ends(self) -> None:
        specs = [{"writer": "nobody"}] * 5
        with stores.temporary_folder("pool") as folder, pool.Pool.owned(folder, "run_shard", ("", ""), specs) as opened:
            shard_workers.work_on(folder.name)
            outcomes = list(opened.results(set()))
        self.assertEqual({outcome["kind"].rpartition(":")[2] for _, outcome in outcomes}, {"CorpusChanged"})
        self.assertEqual(len(outcomes), 5)

    def test_a_pool_that_closes_ends_the_process_that_works_on_it_within_seconds(self) -> None:
        with stores.temporary_folder("pool") as folder:
            with pool.Pool.owned(folder, "run_shard", ("", ""), [{"writer": "nobody"}] * 2), ExitStack() as held:
                for place in range(2):  # both are being done elsewhere, so that the process waits
                    held.enter_context(pool._try_lock(folder / "claims" / str(place)))
                slot = threading.Thread(target=shard_workers.work_on, args=(folder.name,))
                slot.start()
                end = time.monotonic() + 30
                while not list((folder / "workers").iterdir()) and time.monotonic() < end:
                    time.sleep(0.05)
                self.assertTrue(slot.is_alive())
                closed = time.monotonic()
            slot.join(10)
        self.assertFalse(slot.is_alive())
        self.assertLess(time.monotonic() - closed, 5)

    def test_the_setting_names_the_engine(self) -> None:
        self.assertIsInstance(data_engine.executor(), ThreadExecutor)
        with override_settings(FAIRSTACK_DATA_ENGINE="celery"):
            self.assertIsInstance(data_engine.executor(), PoolExecutor)


class JobTests(FloorMixin, TransactionTestCase):
    @override_settings(FAIRSTACK_DATA_ENGINE="celery")
    def test_a_build_job_runs_by_the_engine_that_is_set_and_ends_though_nobody_comes(self) -> None:
        with patch.object(shard_workers.work_on, "apply_async") as called:
            release = self.build() if self.ingest().state == "succeeded" else None
        self.assertEqual(release.state, "built", release.job.error + release.job.crash)
        self.assertTrue(called.called)
        self.assertTrue(verify(releases_folder(), release.name, release.version).ok)
        self.assertEqual(list(stores.folder("tmp").iterdir()), [])


@tag("full")
class ManyKills(WorkerCase):
    """Four Celery workers with everything that belongs to them; one is killed every two seconds, and another started."""

    owners = 110

    def test_workers_that_are_killed_and_replaced_change_nothing(self) -> None:
        for _ in range(4):
            self.start_worker()
        self.wait_for_workers()
        stop = threading.Event()
        struck: list[int] = []

        def strike() -> None:
            while not stop.wait(2):
                living = [worker for worker in self.workers if worker.poll() is None]
                victim = random.choice(living)
                self.kill(victim)
                struck.append(victim.pid)
                self.start_worker()

        striker = threading.Thread(target=strike)
        striker.start()
        try:
            made = build(self.corpus, self.releases, SPEC, executor=shard_workers.executor())
        finally:
            stop.set()
            striker.join()
        self.assert_same(made)
        self.assertGreater(len(struck), 3)
        self.assert_gone_soon()
