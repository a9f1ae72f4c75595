"""The same release from threads and from a Ray cluster on this machine (``requirements/ray.txt``; here it must be there)."""

import os
import signal
import tempfile
import threading
from pathlib import Path

import psutil
from django.test import SimpleTestCase, override_settings, tag

from datasets_app import data_engine
from datasets_app.pipeline.build import BuildSpec, build
from datasets_app.pipeline.executors import ThreadExecutor
from datasets_app.pipeline.ray_executor import ExecutorUnavailable, RayExecutor
from datasets_app.pipeline.recipe import Recipe
from datasets_app.pipeline.release_errors import CorpusChanged
from datasets_app.pipeline.verify import verify
from tests.datasets_app.test_shard_workers import entries
from tests.pipeline.handmade import write_corpus

SPEC = BuildSpec("demo", "1.0", Recipe(name="small", shard_bytes=60_000, row_group_bytes=60_000, zstd_level=22))


class Stopped(Exception):
    pass


def ray_workers() -> list[psutil.Process]:
    """The processes that Ray lets tasks run in, those of this test's cluster alone."""
    return [process for process in psutil.Process().children(recursive=True) if "ray::attempt" in _title(process)]


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


@tag("full")
class RayTests(SimpleTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        import ray

        cls.addClassCleanup(ray.shutdown)

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.executor = RayExecutor(processors=2)

    def test_the_digests_are_those_of_threads_though_workers_are_killed(self) -> None:
        corpus = self.folder / "corpus"
        write_corpus(corpus, entries(60))
        expected = build(corpus, self.folder / "threads", SPEC, executor=ThreadExecutor(2))
        stop = threading.Event()
        struck: list[int] = []

        def strike() -> None:
            # Now and then: it takes Ray seconds to start another, and the same task may die but so often.
            while not stop.wait(4) and len(struck) < 3:
                for process in ray_workers()[:1]:
                    os.kill(process.pid, signal.SIGKILL)
                    struck.append(process.pid)

        striker = threading.Thread(target=strike)
        striker.start()
        try:
            made = build(corpus, self.folder / "ray", SPEC, executor=self.executor)
        finally:
            stop.set()
            striker.join()
        self.assertEqual(made.shards, expected.shards)
        self.assertEqual(made.tree_root, expected.tree_root)
        self.assertTrue(verify(self.folder / "ray", "demo", "1.0").ok)
        self.assertGreater(len(struck), 0)

    def test_an_expected_error_comes_back_as_what_it_was(self) -> None:
        with self.assertRaisesRegex(CorpusChanged, "planned for the writer"):
            list(self.executor.run("run_shard", ("corpus", "out"), [{"writer": {}}], lambda: None))

    def test_stopping_drops_what_has_not_begun(self) -> None:
        corpus = self.folder / "corpus"
        write_corpus(corpus, entries(20))

        def progress(stage: str, done: int, total: int, message: str = "") -> None:
            if stage == "writing shards" and done > 2:
                raise Stopped

        with self.assertRaises(Stopped):
            build(corpus, self.folder / "ray", SPEC, executor=self.executor, progress=progress)
        self.assertEqual([str(path) for path in (self.folder / "ray").rglob("*.parquet")], [])
        self.assertEqual(ray_workers(), [])

    @override_settings(FAIRSTACK_DATA_ENGINE="ray")
    def test_the_setting_names_it(self) -> None:
        self.assertIsInstance(data_engine.executor(), RayExecutor)


@tag("full")
class NoClusterTests(SimpleTestCase):
    def test_a_cluster_that_is_not_there_is_named(self) -> None:
        import ray

        ray.shutdown()
        with self.assertRaisesRegex(ExecutorUnavailable, r"127\.0\.0\.1:1 cannot be reached"):
            list(RayExecutor("127.0.0.1:1").run("run_shard", ("", ""), [{}], lambda: None))
