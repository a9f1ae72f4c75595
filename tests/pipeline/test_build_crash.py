"""Builds that are killed, run out of disk, or run at once: with real processes."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from django.test import SimpleTestCase

from datasets_app.pipeline import manifest
from datasets_app.pipeline.build import BuildSpec, build
from datasets_app.pipeline.release import Release
from datasets_app.pipeline.release_errors import NoSuchRelease
from datasets_app.pipeline.verify import verify
from tests.environment import unmeasured
from tests.pipeline.handmade import entries_of_owners, write_corpus
from tests.pipeline.killed_builds import RECIPE, SPEC

FULL = """
import resource, sys
from pathlib import Path
from datasets_app.pipeline.__main__ import main
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
sys.exit(main(sys.argv[2:]))
"""


class KilledTest(SimpleTestCase):
    """States of the releases folder after a build was killed before each of its steps."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.corpus, releases, copies = (cls.folder / name for name in ("corpus", "releases", "copies"))
        copies.mkdir()
        write_corpus(cls.corpus, entries_of_owners(6))
        build(cls.corpus, releases, BuildSpec("demo", "1.0", RECIPE))
        killed = subprocess.run(
            [sys.executable, "-m", "tests.pipeline.killed_builds", cls.corpus, releases, copies],
            capture_output=True,
            text=True,
            check=True,
        )
        cls.states = [Path(line) for line in killed.stdout.splitlines()]
        cls.expected = build(cls.corpus, releases, SPEC)

    def copied(self, state):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return Path(shutil.copytree(state, Path(folder.name) / "releases"))

    def test_a_build_killed_before_any_step_leaves_the_old_release_whole_and_is_finished_by_the_next(self):
        # Two files of each new shard, decisions, holdings, manifest: three steps each; then the commit.
        self.assertGreater(len(self.states), 18)
        committed = 0
        for state in self.states:
            releases = self.copied(state)
            with self.subTest(step=state.name):
                try:
                    Release.open(releases, "demo", "1.1")
                    committed += 1
                except NoSuchRelease:
                    self.assertFalse((releases / "demo" / "1.1").exists())
                self.assertTrue(verify(releases, "demo", "1.0").ok)
                again = build(self.corpus, releases, SPEC)
                self.assertEqual(again.shards, self.expected.shards)
                self.assertEqual(again.tree_root, self.expected.tree_root)
                self.assertTrue(verify(releases, "demo", "1.1").ok)
                self.assertEqual([str(path) for path in releases.rglob(".tmp-*")], [])
        # Only the steps after the rename that commits (flushing its folder, removing the work folder) come with a release.
        self.assertLessEqual(committed, 3)
        self.assertGreater(committed, 0)

    def test_shards_that_a_killed_build_had_finished_are_not_written_again(self):
        # With its manifest written every shard is finished, and the texts are no longer needed.
        ready = [state for state in self.states if (state / "demo" / ".tmp-1.1" / "release" / "manifest.json").exists()]
        releases, corpus = self.copied(ready[0]), self.folder / "without-texts"
        shutil.copytree(self.corpus, corpus, ignore=shutil.ignore_patterns("blobs"))
        self.assertTrue(build(corpus, releases, SPEC).rows)
        self.assertTrue(verify(releases, "demo", "1.1").ok)

    def test_the_next_build_of_any_version_clears_away_what_a_killed_one_left(self):
        left = [state for state in self.states if (state / "demo" / ".tmp-1.1" / "rows.parquet").exists()]
        releases = self.copied(left[-1])
        build(self.corpus, releases, BuildSpec("demo", "1.2", RECIPE, parent=("demo", "1.0")))
        self.assertEqual([str(path) for path in releases.rglob(".tmp-*")], [])


class ProcessTest(SimpleTestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.corpus, self.releases = self.folder / "corpus", self.folder / "releases"
        write_corpus(self.corpus, entries_of_owners(6))
        build(self.corpus, self.releases, BuildSpec("demo", "1.0", RECIPE))

    def command(self, *more, version="2.0"):
        options = ["build", "--corpus", self.corpus, "--releases", self.releases, "demo", version, *more]
        return [sys.executable, "-m", "datasets_app.pipeline", *map(str, options)]

    def assert_clean(self, releases):
        self.assertEqual([str(path) for path in releases.rglob(".tmp-*")], [])

    def test_a_build_that_runs_out_of_disk_says_so_and_leaves_nothing(self):
        for limit in (100, 2_000, 6_000):
            with self.subTest(limit=limit):
                result = subprocess.run(
                    [sys.executable, "-c", FULL, str(limit), *self.command("--recipe", "demo")[3:]],
                    capture_output=True,
                    text=True,
                    check=False,
                    env=unmeasured(),
                )
                self.assertEqual(result.returncode, 1, result.stderr)
                self.assertIn("error: The disk is full at", result.stderr)
                self.assertNotIn("Traceback", result.stderr)
                self.assert_clean(self.releases)
                self.assertFalse((self.releases / "demo" / "2.0").exists())
        self.assertTrue(verify(self.releases, "demo", "1.0").ok)
        self.assertEqual(subprocess.run(self.command(), capture_output=True, check=False).returncode, 0)

    def test_of_processes_that_build_one_version_at_once_one_wins_and_the_others_say_why_not(self):
        blocked = [[], ["--block-owner", "github.com/owner1"], ["--block-owner", "github.com/owner2"], []]
        running = [
            subprocess.Popen(self.command(*more), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for more in blocked
        ]
        said = [process.communicate() for process in running]
        codes = [process.returncode for process in running]
        self.assertIn(0, codes)
        won = manifest.load(self.releases, "demo", "2.0")
        for code, (out, err) in zip(codes, said, strict=True):
            if code == 0:
                self.assertIn(won.digest_bytes, out)
            else:
                self.assertRegex(err, "being built by another process|there already with other content")
                self.assertNotIn("Traceback", err)
        self.assertTrue(verify(self.releases, "demo", "2.0").ok)
        self.assert_clean(self.releases)
