"""Authors of files from the history of a repository, as keyed hashes."""

from datasets_app.pipeline.corpus import files_table
from datasets_app.pipeline.sources.authors import author_hash
from tests.pipeline.git_case import CODE, KEY, GitCase
from tests.pipeline.git_repos import Repository


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
