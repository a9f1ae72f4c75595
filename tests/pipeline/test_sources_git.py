"""Repositories of git as a source: real ones, made here."""

import os
import subprocess
import tempfile
from pathlib import Path

from django.test import SimpleTestCase

from datasets_app.pipeline.blobs import blob_id
from datasets_app.pipeline.corpus import IngestReport, files_table, ingest
from datasets_app.pipeline.errors import SourceError
from datasets_app.pipeline.sources.authors import author_hash
from datasets_app.pipeline.sources.git import GitOptions, GitRepositories
from datasets_app.pipeline.sources.git_process import Git, GitLimits, kill
from tests.pipeline.git_repos import LFS, MIT, Repository

KEY = b"a key that only this test knows."
CODE = (
    "def scale(value):\n    return value * 2\n\n\ndef shift(value):\n    return value + 2\n\n\nprint(scale(shift(1)))\n"
)


class GitCase(SimpleTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory())).resolve()
        self.mirror, self.corpus = self.folder / "mirror", self.folder / "corpus"
        self.mirror.mkdir()

    def source(self, **options: object) -> GitRepositories:
        return GitRepositories("mirror", folder=self.mirror, options=GitOptions(**options))  # type: ignore[arg-type]

    def ingest(self, source: GitRepositories | None = None, **options: object) -> IngestReport:
        self.used = source or self.source(**options)
        return ingest(self.used, self.corpus)

    def rows(self) -> dict[str, dict[str, object]]:
        return {row["path"]: row for row in files_table(self.corpus).to_dicts()}


class Files(GitCase):
    def test_a_folder_of_clones_becomes_repositories_with_their_owners(self) -> None:
        Repository(self.mirror / "one", "git@github.com:Ada/Tools.git").commit({"a.py": CODE, "LICENSE": MIT})
        Repository(self.mirror / "two", "https://codeberg.org/bob/lib").commit({"b.py": CODE + "# b\n"})
        Repository(self.folder / "work").commit({"c.py": CODE + "# c\n"})
        Repository(self.mirror / "three", "https://git.example.org/group/sub/name.git").commit({"d.py": CODE + "# d\n"})
        again = Repository(self.folder / "again")
        again.commit({"e.py": CODE + "# e\n"})
        again.bare(self.mirror / "Carl" / "Code.git")
        again.bare(self.mirror / "gitlab.com" / "dora" / "deep" / "code.git")
        again.bare(self.mirror / "nobody.git")
        report = self.ingest()
        self.assertEqual(
            [record.repository_key for record in report.repositories],
            [
                "codeberg.org/bob/lib",
                "git.example.org/group/sub/name",
                "github.com/ada/tools",
                "github.com/carl/code",
                "gitlab.com/dora/deep/code",
            ],
        )
        self.assertEqual(report.repositories[2].owner, "Ada")
        self.assertTrue(any("nobody.git" in note for note in report.notes))
        row = self.rows()["a.py"]
        self.assertEqual((row["licence"], row["licence_evidence"], row["permissive"]), ("MIT", "text of LICENSE", True))
        self.assertIsNone(self.rows()["d.py"]["licence"])

    def test_reading_again_adds_only_what_is_new(self) -> None:
        repository = Repository(self.mirror / "ada" / "tools")
        first = repository.commit({"a.py": CODE, "b.py": "x = 1\n"})
        self.assertEqual(self.ingest().new_blobs, 2)
        self.assertEqual(self.ingest().new_blobs, 0)
        second = repository.commit({"b.py": "x = 2\n"})
        self.assertEqual(self.ingest().new_blobs, 1)
        self.assertNotEqual(first, second)
        self.assertEqual({row["commit"] for row in self.rows().values()}, {second})

    def test_the_commit_can_be_a_branch_a_tag_or_a_hash(self) -> None:
        repository = Repository(self.mirror / "ada" / "tools")
        first = repository.commit({"a.py": "one = 1\n"})
        repository.git("tag", "v1.0", "-m", "annotated")
        repository.git("branch", "old")
        repository.commit({"a.py": "two = 2\n"})
        for commit in ("v1.0", "old", first, first[:10]):
            self.ingest(commit=commit)
            self.assertEqual({row["commit"] for row in self.rows().values()}, {first}, commit)
        clone = self.folder / "copies" / "ada" / "tools"
        repository.git("clone", "--quiet", str(repository.folder), str(clone))
        source = GitRepositories("mirror", folder=self.folder / "copies", options=GitOptions(commit="old"))
        self.ingest(source)
        self.assertEqual({row["commit"] for row in self.rows().values()}, {first})

    def test_a_commit_that_is_not_there_is_told_and_the_others_are_read(self) -> None:
        Repository(self.mirror / "ada" / "tools").commit({"a.py": CODE})
        other = Repository(self.mirror / "bob" / "lib")
        other.commit({"b.py": "x = 1\n"})
        other.git("tag", "v2")
        report = self.ingest(commit="v2")
        self.assertEqual([record.owner for record in report.repositories], ["bob"])
        self.assertEqual(report.notes, ["ada/tools: There is no commit v2."])
        with self.assertRaisesMessage(SourceError, "There is no commit v3"):
            self.ingest(commit="v3")
        for wrong in ("--upload-pack=x", "a..b", "HEAD^", "main@{1}", "", "a b"):
            with self.assertRaises(ValueError):
                GitOptions(commit=wrong)

    def test_submodules_links_and_lfs_pointers_are_skipped_with_their_reason(self) -> None:
        inner = Repository(self.folder / "inner")
        inner.commit({"x.py": "x = 1\n"})
        repository = Repository(self.mirror / "ada" / "tools")
        repository.git(
            "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner.folder), "lib/inner"
        )
        (repository.folder / "link.py").symlink_to("a.py")
        (repository.folder / "out.py").symlink_to("/etc/passwd")
        repository.commit({"a.py": CODE, "data.csv": LFS, "pointer.py": "version https://git-lfs.github.com/spec/v1\n"})
        report = self.ingest()
        self.assertEqual(report.skipped, {"lfs_pointer": 1, "submodule": 1, "symlink": 2})
        self.assertEqual(set(self.rows()), {".gitmodules", "a.py", "pointer.py"})

    def test_paths_that_no_table_can_hold_and_binary_files_are_skipped(self) -> None:
        repository = Repository(self.mirror / "ada" / "tools")
        repository.commit(
            {"a.py": CODE, b"caf\xe9.py": "x = 1\n", "tab\there.py": "y = 1\n", "z.dat": b"\0\1", "empty.py": ""}
        )
        repository.commit({"gr\u00fc\u00df.py": "z = 1\n"})
        report = self.ingest()
        self.assertEqual(report.skipped, {"binary": 1, "empty": 1, "path_invalid": 2})
        self.assertEqual(set(self.rows()), {"a.py", "gr\u00fc\u00df.py"})

    def test_a_file_above_the_limit_is_passed_over_and_the_next_is_read(self) -> None:
        repository = Repository(self.mirror / "ada" / "tools")
        repository.commit({"a.py": "x = 1\n", "big.py": "y = 1\n" * 30_000, "c.py": "z = 1\n"})
        from datasets_app.pipeline.corpus import IngestLimits

        report = ingest(self.source(), self.corpus, limits=IngestLimits(max_file_bytes=1000))
        self.assertEqual((report.files, report.skipped), (2, {"too_large": 1}))

    def test_vendored_and_generated_follow_the_rules_and_gitattributes_wins(self) -> None:
        attributes = "# ours\n*.gen.py linguist-generated\nvendor/own/** -linguist-vendored\nlib/**/c.py linguist-vendored=true\n"
        Repository(self.mirror / "ada" / "tools").commit(
            {
                ".gitattributes": attributes,
                "sub/.gitattributes": "d.gen.py -linguist-generated\n/e.py linguist-vendored\n",
                "vendor/a.py": "a = 1\n",
                "vendor/own/b.py": "b = 1\n",
                "lib/x/y/c.py": "c = 1\n",
                "sub/d.gen.py": "d = 1\n",
                "sub/e.py": "e = 1\n",
                "sub/deep/e.py": "e = 2\n",
                "f.gen.py": "f = 1\n",
                "g_pb2.py": "g = 1\n",
            }
        )
        self.ingest()
        rows = self.rows()
        self.assertEqual(
            {path for path, row in rows.items() if row["vendored"]}, {"vendor/a.py", "lib/x/y/c.py", "sub/e.py"}
        )
        self.assertEqual({path for path, row in rows.items() if row["generated"]}, {"f.gen.py", "g_pb2.py"})

    def test_blocked_owners_and_repositories_do_not_come_back(self) -> None:
        Repository(self.mirror / "ada" / "tools").commit({"a.py": CODE})
        Repository(self.mirror / "bob" / "lib").commit({"b.py": "x = 1\n"})
        Repository(self.mirror / "bob" / "other").commit({"c.py": "y = 1\n"})
        report = ingest(
            self.source(),
            self.corpus,
            blocked_owners=frozenset({"github.com/ada"}),
            blocked_repositories=frozenset({"github.com/bob/lib"}),
        )
        self.assertEqual((report.skipped, set(self.rows())), ({"opted_out": 2}, {"c.py"}))

    def test_nothing_that_a_repository_brings_along_is_run(self) -> None:
        repository = Repository(self.mirror / "ada" / "tools")
        repository.commit({"a.py": CODE, ".gitattributes": "*.py diff=evil filter=evil\n"})
        trap = self.folder / "trap.sh"
        trap.write_text(f"#!/bin/sh\ntouch {self.folder}/sprung\ncat\n")
        trap.chmod(0o755)
        for name in ("diff.evil.textconv", "diff.evil.command", "filter.evil.smudge", "core.fsmonitor", "diff.external",
                     "core.pager", "gpg.program", "core.sshCommand", "uploadpack.packObjectsHook"):  # fmt: skip
            repository.git("config", name, str(trap))
        repository.git("config", "log.showSignature", "true")
        for hook in ("post-checkout", "reference-transaction", "pre-commit"):
            (repository.folder / ".git" / "hooks" / hook).parent.mkdir(exist_ok=True)
            (repository.folder / ".git" / "hooks" / hook).symlink_to(trap)
        self.assertEqual(self.ingest(author_key=KEY).files, 2)
        self.assertFalse((self.folder / "sprung").exists())

    def test_a_folder_without_a_repository_is_refused(self) -> None:
        with self.assertRaisesMessage(SourceError, "Not one repository"):
            self.ingest()
        with self.assertRaisesMessage(SourceError, "cannot be listed"):
            self.ingest(GitRepositories("mirror", folder=self.folder / "nowhere"))
        with self.assertRaisesMessage(SourceError, "either a folder"):
            GitRepositories("mirror")

    def test_an_empty_or_broken_repository_does_not_stop_the_others(self) -> None:
        Repository(self.mirror / "ada" / "empty")
        Repository(self.mirror / "bob" / "lib").commit({"b.py": "x = 1\n"})
        broken = Repository(self.mirror / "carl" / "broken")
        broken.commit({"c.py": "y = 1\n"})
        for path in (broken.folder / ".git" / "objects").rglob("??????????*"):
            path.chmod(0o644)
            path.write_bytes(b"nonsense")
        report = self.ingest(author_key=KEY)
        self.assertEqual(set(self.rows()), {"b.py"})
        self.assertEqual(len(report.notes), 2)
        self.assertEqual(report.notes[0], "ada/empty: It has no commit yet.")

    def test_a_damaged_blob_is_skipped_and_the_next_is_read(self) -> None:
        repository = Repository(self.mirror / "ada" / "tools")
        repository.commit({"a.py": "a = 1\n", "b.py": os.urandom(50_000).hex(), "c.py": "c = 1\n"})
        blob = repository.git("rev-parse", "HEAD:b.py")
        path = repository.folder / ".git" / "objects" / blob[:2] / blob[2:]
        path.chmod(0o644)
        path.write_bytes(path.read_bytes()[:-5000])
        report = self.ingest()
        self.assertEqual((set(self.rows()), report.skipped), ({"a.py", "c.py"}, {"unreadable": 1}))

    def test_a_partial_clone_fetches_nothing_on_the_side(self) -> None:
        origin = Repository(self.folder / "origin")
        origin.commit({"a.py": CODE, "b.py": "b = 1\n"})
        origin.git("config", "uploadpack.allowFilter", "true")
        clone = self.mirror / "ada" / "tools.git"
        clone.parent.mkdir()
        origin.git("clone", "--quiet", "--bare", "--filter=blob:none", f"file://{origin.folder}", str(clone))
        origin.git("--git-dir", str(clone), "config", "remote.origin.url", f"file://{origin.folder}")
        packs = sorted((clone / "objects").rglob("*"))
        report = self.ingest(author_key=KEY)
        self.assertEqual((report.files, sum(report.skipped.values())), (0, 2))
        self.assertLessEqual(set(report.skipped), {"missing", "unreadable"})
        self.assertEqual(sorted((clone / "objects").rglob("*")), packs)

    def test_git_stays_in_the_group_of_its_job_so_that_a_cancel_ends_it(self) -> None:
        repository = Repository(self.mirror / "ada" / "tools")
        repository.commit({"a.py": CODE})
        process = Git(repository.folder / ".git", self.folder).start(["cat-file", "--batch"], subprocess.PIPE)
        self.assertEqual(os.getpgid(process.pid), os.getpgid(0))
        kill(process)
        for pipe in (process.stdin, process.stdout, process.stderr):
            assert pipe is not None
            pipe.close()

    def test_repositories_with_long_hashes_are_read_and_blobs_keep_their_short_ones(self) -> None:
        repository = Repository(self.mirror / "ada" / "tools", options=("--object-format=sha256",))
        commit = repository.commit({"a.py": CODE})
        self.ingest(author_key=KEY)
        row = self.rows()["a.py"]
        self.assertEqual((len(commit), row["commit"], row["blob_id"]), (64, commit, blob_id(CODE.encode())))
        self.assertEqual(row["sole_author"], author_hash(KEY, "ada@example.org"))

    def test_a_command_that_takes_too_long_is_stopped_and_told(self) -> None:
        Repository(self.mirror / "ada" / "tools").commit({"a.py": CODE})
        with self.assertRaises(SourceError):
            self.ingest(limits=GitLimits(seconds=0.0001))


class Authors(GitCase):
    def hashes(self, *addresses: str) -> list[str]:
        return sorted(author_hash(KEY, address) for address in addresses)

    def authors(self, **options: object) -> dict[str, list[str] | None]:
        self.ingest(author_key=KEY, **options)
        return {path: row["authors"] for path, row in self.rows().items()}  # type: ignore[misc]

    def test_every_author_of_a_file_is_told_and_who_wrote_it_alone(self) -> None:
        repository = Repository(self.mirror / "ada" / "tools")
        repository.commit({"alone.py": CODE, "both.py": "x = 1\n"}, "Ada@Example.org")
        repository.commit({"both.py": "x = 2\n"}, "bob@example.org")
        repository.commit({"alone.py": CODE + "# more\n"}, "ada@example.org")
        authors = self.authors()
        self.assertEqual(authors["alone.py"], self.hashes("ada@example.org"))
        self.assertEqual(authors["both.py"], self.hashes("ada@example.org", "bob@example.org"))
        self.assertEqual(self.rows()["alone.py"]["sole_author"], author_hash(KEY, "ADA@example.org "))
        self.assertIsNone(self.rows()["both.py"]["sole_author"])
        table = (self.corpus / "files" / "mirror.parquet").read_bytes()
        self.assertNotIn(b"example.org", table)

    def test_authors_follow_renames_as_git_log_follow_does(self) -> None:
        repository = Repository(self.mirror / "ada" / "tools")
        repository.commit({"first.py": CODE}, "ada@example.org")
        repository.git("mv", "first.py", "second.py")
        repository.commit({"second.py": CODE + "# two\n"}, "bob@example.org")
        repository.commit({"pkg/third.py": CODE + "# three\n", "second.py": None}, "carl@example.org")
        repository.commit({"other.py": "import os\n"}, "dora@example.org")
        for path, found in self.authors().items():
            said = repository.git("log", "--follow", "--format=%ae", "--", path).split()
            self.assertEqual(found, self.hashes(*said), path)
        self.assertEqual(len(self.authors()["pkg/third.py"] or []), 3)

    def test_a_change_on_a_branch_beside_the_rename_counts(self) -> None:
        repository = Repository(self.mirror / "ada" / "tools")
        repository.commit({"old.py": CODE}, "ada@example.org")
        repository.git("switch", "--quiet", "-c", "side")
        repository.commit({"old.py": CODE.replace("scale", "grow")}, "bob@example.org")
        repository.git("switch", "--quiet", "main")
        repository.git("mv", "old.py", "new.py")
        repository.commit({}, "carl@example.org")
        repository.git("merge", "--quiet", "--no-edit", "side")
        self.assertEqual(
            self.authors(), {"new.py": self.hashes("ada@example.org", "bob@example.org", "carl@example.org")}
        )

    def test_co_authors_are_authors(self) -> None:
        message = "work\n\nCo-authored-by: Bob B <Bob@example.org>\nCo-authored-by: Carl <carl@example.org>\n"
        Repository(self.mirror / "ada" / "tools").commit({"a.py": CODE}, "ada@example.org", message)
        self.assertEqual(self.authors()["a.py"], self.hashes("ada@example.org", "bob@example.org", "carl@example.org"))
        self.assertIsNone(self.rows()["a.py"]["sole_author"])

    def test_authors_are_those_up_to_the_stated_commit(self) -> None:
        repository = Repository(self.mirror / "ada" / "tools")
        first = repository.commit({"a.py": CODE}, "ada@example.org")
        repository.commit({"a.py": CODE + "# b\n"}, "bob@example.org")
        self.assertEqual(self.authors(commit=first), {"a.py": self.hashes("ada@example.org")})

    def test_without_the_whole_history_or_a_key_nobody_is_named(self) -> None:
        repository = Repository(self.folder / "work")
        repository.commit({"a.py": CODE}, "ada@example.org")
        repository.commit({"a.py": CODE + "# b\n"}, "bob@example.org")
        repository.bare(self.mirror / "ada" / "shallow.git", "--depth=1")
        self.assertEqual(self.authors(), {"a.py": None})
        repository.bare(self.mirror / "ada" / "whole.git")
        self.ingest()
        self.assertEqual([row["authors"] for row in files_table(self.corpus).to_dicts()], [None, None])


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

    def test_a_clone_larger_than_allowed_is_refused(self) -> None:
        self.origin.commit({"noise.txt": os.urandom(300_000).hex()})
        with self.assertRaisesMessage(SourceError, "Not one repository"):
            self.clone(limits=GitLimits(largest=100_000))
