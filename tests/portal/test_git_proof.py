"""Reading the challenge file by real git, from repositories on this disk."""

import os
import shutil
import stat
import tempfile
import time
from pathlib import Path
from unittest import mock

from django.test import SimpleTestCase

from portal.proofs import git
from portal.proofs.challenge import FILE_NAME, belongs, judge, make
from tests.portal.forge import LocalForge


class ReadingTheFile(SimpleTestCase):
    def setUp(self):
        self.root = Path(tempfile.mkdtemp(prefix="fairstack-forge-"))
        self.addCleanup(shutil.rmtree, self.root, ignore_errors=True)
        self.forge = LocalForge(self.root / "forge")
        self.work = self.root / "work"
        self.work.mkdir(parents=True)

    def read(self, owner="alpha", repository="one", **options):
        address = git.clone_address(self.forge.template, owner, repository)
        return git.read_file(address, FILE_NAME, self.work, **options)

    def refused(self, **options):
        with self.assertRaises(git.GitRefused) as caught:
            self.read(**options)
        return caught.exception.outcome

    def test_gives_the_content_of_the_file(self):
        self.forge.prove("alpha", "one", "fairstack-challenge=x")
        self.assertEqual(self.read(), b"fairstack-challenge=x\n")

    def test_reads_it_too_where_the_forge_cannot_filter(self):
        bare = self.forge.prove("alpha", "one", "hello")
        (bare / "config").write_text("[core]\n\tbare = true\n")
        self.assertEqual(self.read(), b"hello\n")

    def test_a_repository_without_the_file(self):
        self.forge.push("alpha", "one", {"README.md": "x", f"deeper/{FILE_NAME}": "not here"})
        self.assertEqual(self.refused(), "missing")

    def test_a_repository_that_is_not_there(self):
        self.assertEqual(self.refused(), "unreachable")

    def test_an_empty_repository(self):
        bare = self.root / "forge" / "alpha" / "one.git"
        bare.mkdir(parents=True)
        self.forge._git(bare, "init", "--quiet", "--bare", ".")
        self.assertEqual(self.refused(), "empty")

    def test_a_link_does_not_count(self):
        self.forge.push("alpha", "one", {"README.md": "x"}, links={FILE_NAME: "/etc/hostname"})
        self.assertEqual(self.refused(), "not_a_file")

    def test_a_folder_of_that_name_does_not_count(self):
        self.forge.push("alpha", "one", {f"{FILE_NAME}/inside": "x"})
        self.assertEqual(self.refused(), "not_a_file")

    def test_a_huge_challenge_file_is_not_read(self):
        self.forge.push("alpha", "one", {FILE_NAME: b"A" * (git.LARGEST_FILE + 1)})
        self.assertEqual(self.refused(), "wrong_text")

    def test_a_repository_beyond_the_limit_is_given_up(self):
        noise = os.urandom(3_000_000)
        bare = self.forge.push("alpha", "one", {FILE_NAME: "x", "noise.bin": noise})
        (bare / "config").write_text("[core]\n\tbare = true\n")  # no filter: everything is sent
        self.assertEqual(self.refused(largest=200_000), "too_large")

    def test_a_forge_that_never_answers_runs_out_of_time(self):
        self.forge.prove("alpha", "one", "x")
        slow = self.root / "bin" / "git"
        slow.parent.mkdir()
        slow.write_text("#!/bin/sh\nsleep 60 &\nsleep 60\n")
        slow.chmod(slow.stat().st_mode | stat.S_IXUSR)
        began = time.monotonic()
        with self.modify_path(slow.parent):
            self.assertEqual(self.refused(timeout=0.5), "too_slow")
        self.assertLess(time.monotonic() - began, 5)

    def modify_path(self, first):

        return mock.patch.dict(os.environ, {"PATH": f"{first}:{os.environ['PATH']}"})

    def test_hooks_and_configuration_of_the_repository_play_no_part(self):
        bare = self.forge.prove("alpha", "one", "x")
        trace = self.root / "ran"
        for name in ("post-checkout", "post-merge", "reference-transaction", "post-update"):
            hook = bare / "hooks" / name
            hook.parent.mkdir(exist_ok=True)
            hook.write_text(f"#!/bin/sh\ntouch {trace}\n")
            hook.chmod(0o755)
        self.read()
        self.assertFalse(trace.exists())

    def test_nothing_is_written_outside_the_given_folder(self):
        self.forge.prove("alpha", "one", "x")
        before = {path for path in self.root.rglob("*") if self.work not in path.parents}
        self.read()
        self.assertEqual({path for path in self.root.rglob("*") if self.work not in path.parents}, before)

    def test_names_cannot_leave_their_place_in_the_address(self):
        address = git.clone_address("https://forge.example/{owner}/{repository}.git", "a?b#c", "d e")
        self.assertEqual(address, "https://forge.example/a%3Fb%23c/d%20e.git")

    def test_other_protocols_are_refused(self):
        for template in ("ssh://host/{owner}/{repository}", "ext::sh -c {owner}", "--upload-pack={owner}"):
            with self.assertRaises(ValueError):
                git.clone_address(template, "a", "b")


class TheChallenge(SimpleTestCase):
    def test_is_bound_to_its_request_and_account(self):
        line = make("FS-1", "github.com/alpha")
        self.assertTrue(belongs(line, "FS-1", "github.com/alpha"))
        self.assertFalse(belongs(line, "FS-2", "github.com/alpha"))
        self.assertFalse(belongs(line, "FS-1", "github.com/beta"))
        self.assertFalse(belongs("fairstack-challenge=made up", "FS-1", "github.com/alpha"))

    def test_is_never_the_same_twice(self):
        self.assertEqual(len({make("FS-1", "k") for _ in range(50)}), 50)

    def test_is_compared_by_its_first_line(self):
        line = make("FS-1", "k")
        for content in (line, f"{line}\n", f"\ufeff{line}\r\n", f"  {line}  \nmore\n"):
            self.assertEqual(judge(content.encode(), line), "passed")

    def test_tells_another_challenge_from_other_text(self):
        line = make("FS-1", "k")
        self.assertEqual(judge(make("FS-2", "k").encode(), line), "other_challenge")
        for content in (b"", b"\n\n", b"\xff\xfe\x00", b"hello", line[:-1].encode()):
            self.assertEqual(judge(content, line), "wrong_text")
