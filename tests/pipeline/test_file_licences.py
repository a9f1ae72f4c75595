"""The licence of each file of a repository, by order of precedence, and through an ingest in any order of files."""

import random
import tempfile
from pathlib import Path

import polars as pl
from django.test import SimpleTestCase

from datasets_app.pipeline import pending
from datasets_app.pipeline.corpus import IngestReport, files_table, ingest
from datasets_app.pipeline.file_licences import FileLicences, header
from datasets_app.pipeline.file_rows import RANK_NOT_PERMISSIVE
from datasets_app.pipeline.format import FILES as FILES_SCHEMA
from datasets_app.pipeline.licences import Licence
from datasets_app.pipeline.pending import PendingRows
from datasets_app.pipeline.sources.base import RepositoryRecord, SourceFile
from tests.pipeline.test_corpus import InMemory
from tests.pipeline.test_licence_headers import APACHE, GPL, MIT, comment

COLUMNS = FILES_SCHEMA.names
STATED = Licence("BSD-3-Clause", "metadata: License-Expression", True)
NOTHING = Licence(None, None, False)
FILES = {
    "LICENSE": MIT.encode(),
    "src/a.py": b"a = 1\n",
    "src/headed.py": comment(GPL),
    "src/sided.py": comment(GPL),
    "src/sided.py.license": b"SPDX-License-Identifier: ISC\n",
    "lib/deep/er/b.py": b"b = 2\n",
    "lib/COPYING": APACHE.encode(),
    "odd/LICENSE": b"Do with it whatever the owner of the dog next door allows you to do on Sundays.\n",
    "odd/c.py": b"c = 3\n",
    "odd/headed.py": b"# SPDX-License-Identifier: MIT\n",
}


def record(licence: Licence = NOTHING) -> RepositoryRecord:
    return RepositoryRecord(
        "github.com",
        None,
        "Acme",
        "tool",
        "https://example.org",
        licence.expression,
        licence.evidence,
        licence.permissive,
    )


def source_file(path: str, content: bytes, licence: Licence | None = None) -> SourceFile:
    return SourceFile(path, lambda limit: content, licence)


class FileLicencesTest(SimpleTestCase):
    def resolved(self, stated: Licence, files: dict[str, bytes] = FILES) -> dict[str, Licence]:
        spoken = FileLicences()
        for path, content in files.items():
            spoken.see(path, content)
        return {path: spoken.of(path, header(path, content), stated) for path, content in files.items()}

    def test_the_nearest_that_says_something_decides(self) -> None:
        found = {path: licence.expression for path, licence in self.resolved(NOTHING).items()}
        self.assertEqual(found["src/a.py"], "MIT")
        self.assertEqual(found["src/headed.py"], "GPL-2.0-or-later")
        self.assertEqual(found["src/sided.py"], "ISC")
        self.assertEqual(found["lib/deep/er/b.py"], "Apache-2.0")
        self.assertEqual(found["odd/c.py"], None)
        self.assertEqual(found["odd/headed.py"], "MIT")

    def test_metadata_decides_at_the_root_and_not_below(self) -> None:
        found = self.resolved(STATED)
        self.assertEqual(found["src/a.py"], STATED)
        self.assertEqual(found["lib/deep/er/b.py"].expression, "Apache-2.0")
        self.assertEqual(found["odd/c.py"].expression, None)

    def test_each_has_its_evidence(self) -> None:
        found = {path: licence.evidence for path, licence in self.resolved(NOTHING).items()}
        self.assertEqual(found["src/a.py"], "text of LICENSE")
        self.assertEqual(found["src/headed.py"], "header: notice")
        self.assertEqual(found["src/sided.py"], "side file sided.py.license")
        self.assertEqual(found["lib/deep/er/b.py"], "text of lib/COPYING")
        self.assertEqual(found["odd/c.py"], "not recognised: odd/LICENSE")

    def test_metadata_that_is_not_understood_is_not_overruled_by_the_root(self) -> None:
        broken = Licence(None, "metadata: License-Expression is not valid SPDX", False)
        self.assertEqual(self.resolved(broken)["src/a.py"], broken)

    def test_texts_in_the_folder_of_reuse_stand_for_the_root_without_a_licence_file(self) -> None:
        files = {"LICENSES/MIT.txt": MIT.encode(), "LICENSES/Apache-2.0.txt": APACHE.encode(), "a.py": b"a = 1\n"}
        self.assertEqual(self.resolved(NOTHING, files)["a.py"].expression, "Apache-2.0 AND MIT")
        self.assertEqual(self.resolved(NOTHING, {**files, "LICENSE": MIT.encode()})["a.py"].expression, "MIT")

    def test_without_anything_there_is_no_licence(self) -> None:
        self.assertEqual(self.resolved(NOTHING, {"a.py": b"a = 1\n"})["a.py"], NOTHING)


class IngestTest(SimpleTestCase):
    def setUp(self) -> None:
        self.corpus = Path(self.enterContext(tempfile.TemporaryDirectory())) / "corpus"

    def ingest(self, files: list[SourceFile], stated: Licence = NOTHING) -> IngestReport:
        return ingest(InMemory([(record(stated), files)]), self.corpus)

    def test_the_order_of_the_files_makes_no_difference(self) -> None:
        paths = sorted(FILES)
        tables = []
        for seed in range(3):
            random.Random(seed).shuffle(paths)
            report = self.ingest([source_file(path, FILES[path]) for path in paths])
            self.assertEqual(report.files, len(FILES))
            tables.append(files_table(self.corpus).sort("path"))
        for table in tables[1:]:
            self.assertTrue(table.equals(tables[0]))
        rows = {row["path"]: row for row in tables[0].iter_rows(named=True)}
        self.assertEqual(
            (rows["src/a.py"]["licence"], rows["src/a.py"]["permissive"], rows["src/a.py"]["rank"]), ("MIT", True, 0)
        )
        self.assertEqual(rows["src/headed.py"]["rank"], RANK_NOT_PERMISSIVE)
        self.assertEqual(rows["lib/deep/er/b.py"]["licence_evidence"], "text of lib/COPYING")

    def test_a_repository_without_metadata_takes_the_licence_of_its_root(self) -> None:
        (repository,) = self.ingest([source_file(path, content) for path, content in FILES.items()]).repositories
        self.assertEqual(
            (repository.licence, repository.licence_evidence, repository.permissive), ("MIT", "text of LICENSE", True)
        )
        (repository,) = self.ingest([source_file("LICENSE", MIT.encode())], STATED).repositories
        self.assertEqual(repository.licence, "BSD-3-Clause")

    def test_what_the_source_says_of_a_file_goes_before_what_it_says_of_the_repository(self) -> None:
        self.ingest(
            [source_file("a.py", b"a = 1\n", Licence("ISC", "told", True)), source_file("b.py", b"b = 1\n")], STATED
        )
        found = dict(files_table(self.corpus).select("path", "licence").iter_rows())
        self.assertEqual(found, {"a.py": "ISC", "b.py": "BSD-3-Clause"})


class PendingTest(SimpleTestCase):
    def test_rows_come_back_as_they_were_and_in_order_over_several_batches(self) -> None:
        rows, number = PendingRows(), 2 * pending.BATCH + 5
        licences = (None, Licence("MIT", "header: notice", True), Licence(None, "header: the code is reserved", False))
        without = {"licence", "licence_evidence", "permissive"}
        fixed = {column: None for column in COLUMNS if column not in without} | {"blob_id": "0" * 40, "owner": "Ada"}
        made = [
            (
                {
                    **fixed,
                    "path": f"p/{at}",
                    "size": at,
                    "language": None,
                    "vendored": False,
                    "generated": at % 2 == 0,
                    "rank": at,
                },
                licences[at % 3],
                licences[at % 2],
            )
            for at in range(number)
        ]
        for row in made:
            rows.add(*row)
        # Compared by hand: the difference of forty thousand rows takes minutes to print.
        for _ in range(2):
            found = [*rows]
            self.assertEqual(len(found), number)
            self.assertEqual(next((pair for pair in zip(found, made, strict=True) if pair[0] != pair[1]), None), None)
        self.assertLess(sum(batch.size for batch in rows._batches), 100 * 2 * pending.BATCH)

    def test_files_of_one_repository_may_be_more_than_a_batch(self) -> None:
        corpus = Path(self.enterContext(tempfile.TemporaryDirectory()))
        number = pending.BATCH + 10
        files = [*(source_file(f"{at}.py", b"x = 1\n") for at in range(number)), source_file("LICENSE", MIT.encode())]
        ingest(InMemory([(record(), files)]), corpus)
        table = files_table(corpus)
        self.assertEqual(len(table), number + 1)
        self.assertEqual(table.filter(pl.col("licence") == "MIT").height, number + 1)
        self.assertEqual(table["path"].to_list()[:2], ["0.py", "1.py"])
