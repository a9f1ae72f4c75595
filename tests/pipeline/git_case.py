"""What the tests of git as a source share: a folder of mirrors, a corpus, and short ways to ingest and look."""

import tempfile
from pathlib import Path

from django.test import SimpleTestCase

from datasets_app.pipeline.corpus import IngestReport, files_table, ingest
from datasets_app.pipeline.sources.git import GitOptions, GitRepositories

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
