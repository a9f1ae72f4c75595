"""A re-issue that is killed before any of its steps: the old release stands whole, and the next attempt finishes."""

import subprocess
import sys
import tempfile
from pathlib import Path

from django.test import SimpleTestCase

from datasets_app.pipeline.build import BuildSpec, build
from datasets_app.pipeline.reissue import reissue
from datasets_app.pipeline.release import Release
from datasets_app.pipeline.release_errors import NoSuchRelease
from datasets_app.pipeline.verify import verify
from tests.pipeline.handmade import entries_of_owners, write_corpus
from tests.pipeline.killed_builds import RECIPE
from tests.pipeline.killed_reissues import SPEC


class KilledTest(SimpleTestCase):
    def test_killed_before_any_step_it_leaves_the_old_release_whole_and_is_finished_by_the_next(self):
        with tempfile.TemporaryDirectory() as folder:
            corpus, releases, copies = (Path(folder) / name for name in ("corpus", "releases", "copies"))
            copies.mkdir()
            write_corpus(corpus, entries_of_owners(4))
            build(corpus, releases, BuildSpec("demo", "1.0", RECIPE))
            killed = subprocess.run(
                [sys.executable, "-m", "tests.pipeline.killed_reissues", corpus, releases, copies],
                capture_output=True,
                text=True,
                check=True,
            )
            states = [Path(line) for line in killed.stdout.splitlines()]
            expected = reissue(corpus, releases, SPEC)
            self.assertGreater(len(states), 15)
            committed = 0
            for state in states:
                with self.subTest(step=state.name):
                    try:
                        Release.open(state, "demo", "1.0+r1")
                        committed += 1
                    except NoSuchRelease:
                        self.assertFalse((state / "demo" / "1.0+r1").exists())
                    self.assertTrue(verify(state, "demo", "1.0").ok)
                    again = reissue(corpus, state, SPEC)
                    self.assertEqual((again.shards, again.tree_root), (expected.shards, expected.tree_root))
                    self.assertTrue(verify(state, "demo", "1.0+r1").ok)
                    self.assertEqual([str(path) for path in state.rglob(".tmp-*")], [])
            # Only the steps after the rename that commits come with the release.
            self.assertIn(committed, (1, 2, 3))
