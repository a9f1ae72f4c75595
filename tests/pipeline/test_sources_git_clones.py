"""Repositories that are cloned from their addresses, and what may not be."""

import contextlib
import os
import socket
import time
from pathlib import Path

from datasets_app.pipeline.corpus import IngestReport, ingest
from datasets_app.pipeline.errors import SourceError
from datasets_app.pipeline.sources.git import GitOptions, GitRepositories
from datasets_app.pipeline.sources.git_process import GitLimits
from tests.pipeline.git_case import CODE, KEY, GitCase
from tests.pipeline.git_repos import MIT, Repository


class Cloning(GitCase):
    def setUp(self) -> None:
        super().setUp()
        self.origin = Repository(self.folder / "ada" / "tools")
        self.first = self.origin.commit({"a.py": CODE, "LICENSE": MIT}, "ada@example.org")
        self.second = self.origin.commit({"a.py": CODE + "# b\n"}, "bob@example.org")
        self.scratch = self.folder / "scratch"
        self.scratch.mkdir()

    def clone(self, **options: object) -> IngestReport:
        source = GitRepositories(
            "cloned",
            addresses=(f"file://{self.origin.folder}",),
            scratch=self.scratch,
            options=GitOptions(protocols=("file",), author_key=KEY, **options),  # type: ignore[arg-type]
        )
        report = ingest(source, self.corpus)
        self.assertEqual(list(self.scratch.iterdir()), [])
        return report

    def test_an_address_is_cloned_read_and_forgotten(self) -> None:
        report = self.clone()
        self.assertEqual([record.repository_key for record in report.repositories], ["localhost/ada/tools"])
        row = self.rows()["a.py"]
        self.assertEqual((row["commit"], len(row["authors"])), (self.second, 2))  # type: ignore[arg-type]

    def test_a_stated_commit_is_read_from_a_full_or_a_shallow_clone(self) -> None:
        self.origin.git("tag", "v1", self.first)
        for commit in (self.first, "v1", self.first[:12]):
            for history in (True, False):
                with self.subTest(commit=commit, history=history):
                    self.clone(commit=commit, history=history)
                    self.assertEqual(self.rows()["a.py"]["commit"], self.first)
        self.clone(history=False)
        row = self.rows()["a.py"]
        self.assertEqual((row["commit"], row["authors"]), (self.second, None))

    def test_addresses_that_may_not_be_cloned_are_refused_before_anything_runs(self) -> None:
        for address, said in (
            ("file:///srv/ada/tools", "protocols allowed here (https)"),
            ("ext::sh -c touch% /tmp/x", "protocols allowed here"),
            ("--upload-pack=touch /tmp/x", "protocols allowed here"),
            ("/srv/ada/tools", "protocols allowed here"),
            ("git@github.com:ada/tools.git", "protocols allowed here"),
            ("https://token:secret@github.com/ada/tools", "no name and no password"),
            ("https://token@github.com/ada/tools", "no name and no password"),
            ("https://github.com/ada", "names no owner"),
        ):
            with self.subTest(address), self.assertRaisesMessage(SourceError, said):
                GitRepositories("cloned", addresses=(address,))
        GitRepositories(
            "cloned", addresses=("git@github.com:ada/tools.git",), options=GitOptions(protocols=("https", "ssh"))
        )

    def test_a_clone_that_fails_is_told_without_naming_anybody_to_the_job(self) -> None:
        source = GitRepositories(
            "cloned",
            addresses=(f"file://{self.folder}/ada/nothing",),
            scratch=self.scratch,
            options=GitOptions(protocols=("file",)),
        )
        with self.assertRaises(SourceError) as caught:
            ingest(source, self.corpus)
        self.assertNotIn("ada", str(caught.exception))
        self.assertIn("git fetch failed", str(caught.exception))
        self.assertEqual(list(self.scratch.iterdir()), [])

    def test_a_server_that_never_answers_is_left_and_nothing_of_git_stays_behind(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            address = f"http://127.0.0.1:{silent.getsockname()[1]}/ada/tools"
            source = GitRepositories(
                "cloned",
                addresses=(address,),
                scratch=self.scratch,
                options=GitOptions(protocols=("http",), limits=GitLimits(seconds=3)),
            )
            with self.assertRaisesMessage(SourceError, "took longer than 3 seconds and was stopped"):
                ingest(source, self.corpus)
            deadline = time.monotonic() + 10
            while self.processes_naming(address) and time.monotonic() < deadline:
                time.sleep(0.05)
            self.assertEqual(self.processes_naming(address), [])
        self.assertEqual(list(self.scratch.iterdir()), [])

    def processes_naming(self, text: str) -> list[str]:
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                if text.encode() in path.read_bytes():
                    found.append(path.parent.name)
        return found

    def test_a_clone_larger_than_allowed_is_refused(self) -> None:
        self.origin.commit({"noise.txt": os.urandom(300_000).hex()})
        with self.assertRaisesMessage(SourceError, "Not one repository"):
            self.clone(limits=GitLimits(largest=100_000))
