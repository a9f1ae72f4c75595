"""Work laid out in a folder: real processes take part, die, come twice and too late; the release is the same."""

import fcntl
import itertools
import json
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from django.test import SimpleTestCase

from datasets_app.pipeline import atomic, pool, shards
from datasets_app.pipeline.build import BuildSpec, build
from datasets_app.pipeline.executors import TASKS, ThreadExecutor, task_of
from datasets_app.pipeline.outcomes import TaskCrashed, attempt, result_of
from datasets_app.pipeline.pool_executor import PoolExecutor
from datasets_app.pipeline.recipe import Recipe
from datasets_app.pipeline.release_errors import CorpusChanged, NothingKept
from tests.pipeline.handmade import entries_of_owners, write_corpus

RECIPE = Recipe(name="small", shard_bytes=4_000, row_group_bytes=3_000)
SPEC = BuildSpec("demo", "1.0", RECIPE)

HOLD = """
import fcntl, sys, time
file = open(sys.argv[1], "a")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""

HELP = """
import os, sys
from datasets_app import shard_process
from datasets_app.pipeline.executors import TASKS
TASKS["double"] = "tests.pipeline.test_pool:double"
shard_process.main(sys.argv[1], str(os.getppid()))
"""


def double(prefix, spec):
    """A task for tests."""
    time.sleep(spec.get("seconds", 0))
    if spec.get("fails"):
        raise OSError(28, "No space left on device")
    return [prefix, 2 * spec["value"]]


class Stopped(Exception):
    pass


class PoolCase(SimpleTestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.children = []
        known = patch.dict(TASKS, {"double": f"{__name__}:double"})
        known.start()
        self.addCleanup(known.stop)

    @contextmanager
    def make_folder(self):
        path = Path(tempfile.mkdtemp(prefix="pool-", dir=self.folder))
        try:
            yield path
        finally:
            shutil.rmtree(path)

    def call_processes(self, folder, workers):
        for _ in range(workers):
            child = subprocess.Popen([sys.executable, "-c", HELP, folder])
            self.children.append(child)
            self.addCleanup(lambda child=child: (child.kill(), child.wait()))

    def executor(self, workers=0, call=None):
        return PoolExecutor(self.make_folder, call or self.call_processes, workers)

    def hold(self, path):
        child = subprocess.Popen([sys.executable, "-c", HOLD, path], stdout=subprocess.PIPE, text=True)
        self.addCleanup(lambda: (child.kill(), child.wait(), child.stdout.close()))
        child.stdout.readline()
        return child


class SameReleaseTests(PoolCase):
    def test_threads_a_pool_alone_and_a_pool_with_other_processes_give_the_same_release(self):
        corpus = self.folder / "corpus"
        write_corpus(corpus, entries_of_owners(10))
        made = {}
        for name, executor in {
            "threads": ThreadExecutor(3),
            "alone": self.executor(),
            "processes": self.executor(2),
        }.items():
            made[name] = build(corpus, self.folder / name, SPEC, executor=executor)
        self.assertGreater(len(made["threads"].shards), 8)
        for name in ("alone", "processes"):
            self.assertEqual(made[name].shards, made["threads"].shards)
            self.assertEqual(made[name].tree_root, made["threads"].tree_root)
        self.assertEqual(list(self.folder.glob("pool-*")), [])

    def test_other_processes_really_take_part(self):
        corpus, work = self.folder / "corpus", self.folder / "work"
        write_corpus(corpus, entries_of_owners(2))
        seen = []

        class Recording:
            def run(self, task, common, specs, tick):
                shutil.copytree(common[1], work)
                seen.append((task, [common[0], str(work)], [dict(spec) for spec in specs]))
                yield from ThreadExecutor(1).run(task, common, specs, tick)

        expected = build(corpus, self.folder / "releases", SPEC, executor=Recording())
        task, common, specs = seen[0]
        (self.folder / "pool-own").mkdir()
        with pool.Pool.owned(self.folder / "pool-own", task, common, specs) as opened:
            self.call_processes(opened.folder, 1)
            self.assertEqual(self.children[0].wait(60), 0)
            entries = [result_of(outcome) for _, outcome in sorted(opened.results(set()))]
        self.assertEqual(entries, expected.shards)


class TroubleTests(PoolCase):
    def specs(self, count, **more):
        return [{"value": value, **more} for value in range(count)]

    def run_all(self, executor, specs, tick=lambda: None):
        return dict(executor.run("double", ("x",), specs, tick))

    def test_what_a_killed_process_was_working_on_is_done_by_another(self):
        holder = []

        def call(folder, workers):
            holder.append(self.hold(folder / "claims" / "2"))

        def tick():
            if time.monotonic() > end:
                holder[0].kill()

        end = time.monotonic() + 1
        found = self.run_all(self.executor(1, call), self.specs(4, seconds=0.2), tick)
        self.assertGreater(time.monotonic(), end)
        self.assertEqual(found, {value: ["x", 2 * value] for value in range(4)})

    def test_a_spec_that_ended_several_processes_is_left_to_the_owner(self):
        with self.make_folder() as folder, pool.Pool.owned(folder, "double", ["x"], self.specs(4)) as opened:
            (folder / "claims" / "2").write_bytes(b"." * pool.MOST_ATTEMPTS)
            helper, passes = pool.Pool.read(folder), iter(range(30))
            self.assertEqual(helper.work(lambda: next(passes) < 20), 3)
            self.assertFalse((folder / "results" / "2.json").exists())
            self.assertEqual(opened.work(lambda: True), 1)
            self.assertEqual(len(list(opened.results(set()))), 4)

    def test_two_calls_for_one_pool_do_nothing_twice(self):
        with self.make_folder() as folder, pool.Pool.owned(folder, "double", ["x"], self.specs(30)) as opened:
            with pool._try_lock(folder / "workers" / "other"):
                self.assertEqual(opened.workers(), 1)
                self.assertEqual(pool.help_with(folder), 30)
            self.assertEqual(pool.help_with(folder), 0)
            self.assertEqual({path.stat().st_size for path in (folder / "claims").iterdir()}, {1})
            self.assertEqual(opened.workers(), 0)

    def test_a_call_that_comes_too_late_finds_nothing(self):
        with self.make_folder() as folder:
            with pool.Pool.owned(folder, "double", ["x"], self.specs(1)):
                self.assertTrue(pool.is_open(folder))
            self.assertFalse(pool.is_open(folder))
            self.assertEqual(pool.help_with(folder), 0)
        self.assertFalse(pool.is_open(folder))
        self.assertEqual(pool.help_with(folder), 0)
        self.assertFalse(folder.exists())

    def test_a_pool_whose_owner_was_killed_is_closed(self):
        with self.make_folder() as folder:
            with pool.Pool.owned(folder, "double", ["x"], self.specs(1)):
                work = (folder / "work.json").read_bytes()
            (folder / "work.json").write_bytes(work)
            owner = self.hold(folder / "owner")
            self.assertTrue(pool.is_open(folder))
            owner.kill()
            owner.wait()
            self.assertFalse(pool.is_open(folder))
            self.assertEqual(pool.help_with(folder), 0)

    def test_stopping_ends_the_work_of_others_before_it_returns(self):
        folders = []

        def call(folder, workers):
            folders.append(folder)
            self.call_processes(folder, workers)

        def tick():
            if folders and any((folders[0] / "workers").iterdir()):
                raise Stopped

        with self.assertRaises(Stopped):
            self.run_all(self.executor(2, call), self.specs(400, seconds=0.05), tick)
        for child in self.children:
            self.assertEqual(child.wait(5), 0)
        self.assertFalse(folders[0].exists())

    def test_calls_are_repeated_while_nobody_comes_ever_more_seldom(self):
        calls = []

        def call(folder, workers):
            calls.append((time.monotonic(), workers))

        with patch("datasets_app.pipeline.pool_executor.CALL_AGAIN", 0.2):
            self.run_all(self.executor(5, call), self.specs(40, seconds=0.08))
        pauses = [later - earlier for (earlier, _), (later, _) in itertools.pairwise(calls)]
        self.assertEqual(calls[0][1], 5)
        self.assertIn(len(calls), (3, 4, 5))
        self.assertGreater(pauses[-1], 1.5 * pauses[0])

    def test_no_more_workers_are_called_than_there_is_work(self):
        calls = []
        self.run_all(self.executor(5, lambda folder, workers: calls.append(workers)), self.specs(3))
        self.assertEqual(calls, [2])
        self.run_all(self.executor(5, lambda folder, workers: calls.append(workers)), self.specs(0))
        self.assertEqual(calls, [2])

    def test_a_disk_that_is_full_where_a_result_should_stand_stops_the_work(self):
        with (
            patch("datasets_app.pipeline.pool.atomic.write_bytes", side_effect=[None, OSError(28, "full")]),
            self.assertRaisesRegex(OSError, "full"),
        ):
            self.run_all(self.executor(), self.specs(2))


class OutcomeTests(PoolCase):
    def through_json(self, outcome):
        return result_of(json.loads(json.dumps(outcome)))

    def test_results_and_errors_outlive_the_way_through_a_file(self):
        self.assertEqual(self.through_json(attempt("double", ["x"], {"value": 4})), ["x", 8])
        with self.assertRaises(OSError) as full:
            self.through_json(attempt("double", ["x"], {"value": 1, "fails": True}))
        self.assertTrue(atomic.is_full(full.exception))
        with self.assertRaisesRegex(TaskCrashed, "KeyError: 'value'"):
            self.through_json(attempt("double", ["x"], {}))
        with self.assertRaisesRegex(CorpusChanged, "planned for the writer"):
            self.through_json(attempt("run_shard", ["c", "o"], {"writer": {}}))

    def test_an_error_with_a_constructor_of_its_own_keeps_its_class_and_text(self):
        kind = f"{NothingKept.__module__}:NothingKept"
        with self.assertRaisesRegex(NothingKept, "^None was kept$"):
            result_of({"error": "expected", "kind": kind, "text": "None was kept"})

    def test_no_class_but_the_engines_errors_is_made_of_an_outcome(self):
        for kind in ("os:_exit", "datasets_app.pipeline.shards:run_shard", "datasets_app.pipeline.errors:nothing"):
            with self.assertRaisesRegex(Exception, "^text$") as raised:
                result_of({"error": "expected", "kind": kind, "text": "text"})
            self.assertEqual(type(raised.exception).__name__, "PipelineError")

    def test_only_tasks_of_the_engine_have_a_name(self):
        self.assertIs(task_of("run_shard"), shards.run_shard)
        with self.assertRaisesRegex(ValueError, "'os.remove' is no task"):
            task_of("os.remove")

    def test_a_folder_that_was_cleared_away_does_not_come_back(self):
        gone = self.folder / "gone" / "file"
        with self.assertRaises(FileNotFoundError):
            atomic.write_bytes(gone, b"late", make_folder=False)
        self.assertFalse(gone.parent.exists())
        corpus, out = self.folder / "corpus", self.folder / "out"
        write_corpus(corpus, entries_of_owners(1))
        kept = []

        class Keeping:
            def run(self, task, common, specs, tick):
                shutil.copytree(common[1], out)
                kept.append(dict(specs[0]))
                yield from ThreadExecutor(1).run(task, common, specs, tick)

        build(corpus, self.folder / "releases", SPEC, executor=Keeping())
        fetch = shards.fetch

        def clear_away(*arguments):
            shutil.rmtree(out)
            return fetch(*arguments)

        with patch("datasets_app.pipeline.shards.fetch", clear_away), self.assertRaises(FileNotFoundError):
            shards.run_shard(str(corpus), str(out), kept[0])
        self.assertFalse(out.exists())

    def test_the_lock_of_a_claim_is_one_of_the_kernel(self):
        with self.make_folder() as folder, pool._try_lock(folder / "claim") as claim:
            self.assertIsNotNone(claim)
            with (folder / "claim").open("a") as other, self.assertRaises(BlockingIOError):
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
