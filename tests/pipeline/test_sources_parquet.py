"""Parquet in the public schemas as a source: real files, written here."""

import hashlib
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from django.test import SimpleTestCase
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets_app.pipeline.corpus import IngestLimits, IngestReport, files_table, ingest, read_blob
from datasets_app.pipeline.errors import SourceError
from datasets_app.pipeline.progress import silent
from datasets_app.pipeline.sources.base import FileSkipped
from datasets_app.pipeline.sources.grouping import repository_hashes
from datasets_app.pipeline.sources.parquet import ParquetRows
from tests.pipeline.git_repos import MIT
from tests.pipeline.stack_files import STARCODERDATA, V1, V2, starcoder_row, v1_row, v2_row, write


class ParquetCase(SimpleTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory())).resolve()
        self.corpus, self.scratch, self.given = (self.folder / name for name in ("corpus", "scratch", "given"))
        self.scratch.mkdir()
        self.given.mkdir()

    def source(self, *paths: Path, budget: int = 1 << 20) -> ParquetRows:
        return ParquetRows("rows", paths or (self.given,), self.scratch, budget)

    def ingest(self, *paths: Path, **options: object) -> IngestReport:
        self.used = self.source(*paths)
        report = ingest(self.used, self.corpus, **options)  # type: ignore[arg-type]
        self.assertEqual(list(self.scratch.iterdir()), [])
        return report

    def rows(self) -> dict[str, dict[str, object]]:
        return {f"{row['repository_key']} {row['path']}": row for row in files_table(self.corpus).to_dicts()}


class Schemas(ParquetCase):
    def test_the_stack_v1(self) -> None:
        rows = [
            v1_row("Ada/Tools", "src/a.py", "a = 1\n", ["MIT", "Apache-2.0"], 50),
            v1_row("bob/lib", "b.py", "b = 1\n", ["GPL-3.0-only", "MIT"], None),
            v1_row("bob/lib", "c.py", "c = 1\n", ["No-Such-Licence"]),
            v1_row("bob/lib", "d.py", "d = 1\n", []),
        ]
        write(self.given / "data-0.parquet", V1, rows)
        report = self.ingest()
        self.assertEqual((report.files, report.skipped, report.notes), (4, {}, []))
        found = self.rows()
        a, b, c, d = (
            found[key]
            for key in (
                "github.com/ada/tools src/a.py",
                "github.com/bob/lib b.py",
                "github.com/bob/lib c.py",
                "github.com/bob/lib d.py",
            )
        )
        self.assertEqual((a["owner"], a["repository"], a["owner_key"]), ("Ada", "Tools", "github.com/ada"))
        self.assertEqual(
            (a["licence"], a["permissive"], a["stars"], a["commit"]), ("Apache-2.0 AND MIT", True, 50, "ab" * 20)
        )
        self.assertEqual(a["licence_evidence"], "metadata: max_stars_repo_licenses")
        self.assertEqual((b["licence"], b["permissive"], b["stars"]), ("GPL-3.0-only AND MIT", False, None))
        self.assertEqual((c["licence"], c["permissive"]), (None, False))
        self.assertIn("not recognised: No-Such-Licence", str(c["licence_evidence"]))
        self.assertEqual((d["licence"], d["permissive"]), (None, False))
        self.assertEqual((a["authors"], a["sole_author"]), (None, None))
        self.assertEqual(read_blob(self.corpus, str(a["blob_id"])), b"a = 1\n")

    def test_the_stack_v2_with_contents(self) -> None:
        rows = [
            v2_row("Ada/Tools", "/src/a.py", "a = 1\n", ["GPL-2.0-only"], forge="MIT"),
            v2_row("bob/lib", "/b.py", "b = 1\n", ["BSD-3-Clause"]),
            v2_row("bob/lib", "/c.py", "c = 1\n", ["LicenseRef-scancode-unknown-license-reference"]),
            v2_row("bob/lib", "//d.py", "d = 1\n"),
        ]
        write(self.given / "train.parquet", V2, rows)
        self.assertEqual(self.ingest().skipped, {"outside": 1})
        found = self.rows()
        a = found["github.com/ada/tools src/a.py"]
        self.assertEqual((a["licence"], a["licence_evidence"]), ("MIT", "metadata: gha_license_id"))
        self.assertEqual((a["stars"], a["commit"]), (9, "cd" * 20))
        # github_id is the repository's number: no account is keyed by it.
        self.assertEqual(a["owner_key"], "github.com/ada")
        b, c = found["github.com/bob/lib b.py"], found["github.com/bob/lib c.py"]
        self.assertEqual((b["licence"], b["licence_evidence"]), ("BSD-3-Clause", "metadata: detected_licenses"))
        self.assertFalse(c["permissive"])

    def test_starcoderdata_without_the_line_that_was_added_for_training(self) -> None:
        rows = [
            starcoder_row("ada/tools", "a.py", "<reponame>ada/tools<filename>a.py<gh_stars>1-10\na = 1\n"),
            starcoder_row("ada/tools", "b.py", "<gh_stars>0\nb = '<filename>x'\n"),
            starcoder_row("ada/tools", "c.py", "c = 1\n<reponame>stays\n"),
        ]
        write(self.given / "python.parquet", STARCODERDATA, rows)
        self.ingest()
        contents = {row["path"]: read_blob(self.corpus, str(row["blob_id"])) for row in self.rows().values()}
        self.assertEqual(
            contents, {"a.py": b"a = 1\n", "b.py": b"b = '<filename>x'\n", "c.py": b"c = 1\n<reponame>stays\n"}
        )
        row = self.rows()["github.com/ada/tools a.py"]
        self.assertEqual(
            (row["licence"], row["permissive"], row["licence_evidence"]),
            (None, False, None),
        )

    def test_other_columns_are_refused_by_name(self) -> None:
        one = {"repo_name": "a/b", "path": "/x.py", "detected_licenses": ["MIT"]}
        schema = pa.schema([V2.field(name) for name in (*one, "blob_id")])
        path = write(self.folder / "ids.parquet", schema, [one])
        with self.assertRaisesMessage(
            SourceError,
            "ids.parquet looks like The Stack v2 with contents, but has no column "
            "content, gha_license_id, revision_id, star_events_count",
        ):
            self.ingest(path)
        path = write(self.folder / "text.parquet", pa.schema([("text", pa.string())]), [{"text": "x"}])
        with self.assertRaisesMessage(SourceError, "text.parquet has the columns text: it is none of The Stack v1"):
            self.ingest(path)
        wrong = V1.set(V1.get_field_index("max_stars_repo_licenses"), pa.field("max_stars_repo_licenses", pa.int64()))
        row = v1_row("a/b", "x.py", "x\n") | {"max_stars_repo_licenses": 3}
        path = write(self.folder / "types.parquet", wrong, [row])
        with self.assertRaisesMessage(
            SourceError, "The column max_stars_repo_licenses of types.parquet is of type int64"
        ):
            self.ingest(path)

    def test_files_that_are_missing_damaged_or_of_several_schemas_are_refused(self) -> None:
        with self.assertRaisesMessage(SourceError, "There is no file *.parquet in"):
            self.ingest()
        with self.assertRaisesMessage(SourceError, "Name Parquet files"):
            self.ingest(self.folder / "nothing")
        write(self.given / "a.parquet", V1, [v1_row("a/b", "x.py", "x\n")])
        write(self.given / "b.parquet", STARCODERDATA, [starcoder_row("a/b", "x.py", "x\n")])
        with self.assertRaisesMessage(SourceError, "1 of The Stack v1, 1 of starcoderdata"):
            self.ingest()
        (self.given / "b.parquet").write_bytes(b"nonsense")
        with self.assertRaisesMessage(SourceError, "b.parquet cannot be read as Parquet"):
            self.ingest()

    def test_a_licence_file_among_the_rows_speaks_where_the_columns_do_not(self) -> None:
        rows = [starcoder_row("ada/tools", "LICENSE", MIT), starcoder_row("ada/tools", "a.py", "a = 1\n")]
        write(self.given / "python.parquet", STARCODERDATA, rows)
        self.ingest()
        row = self.rows()["github.com/ada/tools a.py"]
        self.assertEqual((row["licence"], row["licence_evidence"]), ("MIT", "text of LICENSE"))

    def test_counts_that_were_written_as_floats_are_read(self) -> None:
        schema = V1.set(V1.get_field_index("max_stars_count"), pa.field("max_stars_count", pa.float64()))
        rows = [
            v1_row("a/b", f"{n}.py", f"x = {n}\n", stars=stars) for n, stars in enumerate((7.0, None, float("nan")))
        ]  # type: ignore[arg-type]
        write(self.given / "a.parquet", schema, rows)
        self.ingest()
        self.assertEqual([self.rows()[f"github.com/a/b {n}.py"]["stars"] for n in range(3)], [7, None, None])


class Rows(ParquetCase):
    def test_each_repository_comes_once_with_all_its_rows_from_all_files(self) -> None:
        for number in range(3):
            rows = [v1_row(f"O{n % 7}/r", f"f{number}-{n}.py", f"x = {number}{n}\n") for n in range(40)]
            write(self.given / f"data-{number}.parquet", V1, rows, row_group=9)
        report = self.ingest()
        self.assertEqual((report.files, len(report.repositories)), (120, 7))

    def test_reading_again_adds_only_what_is_new_in_the_same_order(self) -> None:
        rows = [v1_row(f"o{n % 5}/r{n % 3}", f"f{n}.py", f"x = {n}\n") for n in range(50)]
        path = write(self.given / "data.parquet", V1, rows)
        first = [record for record, _ in self.source().repositories(silent)]
        self.assertEqual(first, [record for record, _ in self.source().repositories(silent)])
        self.assertEqual(self.ingest().new_blobs, 50)
        self.assertEqual(self.ingest().new_blobs, 0)
        write(path, V1, [*rows, v1_row("new/one", "x.py", "new = 1\n")])
        self.assertEqual(self.ingest().new_blobs, 1)

    def test_nothing_on_the_block_list_comes_back(self) -> None:
        rows = [
            v1_row("Ada/x", "a.py", "a = 1\n"),
            v1_row("bob/y", "b.py", "b = 1\n"),
            v1_row("bob/z", "c.py", "c = 1\n"),
        ]
        rows += [v1_row("bob/z", "d.py", "d = 1\n")]
        write(self.given / "data.parquet", V1, rows)
        blob = hashlib.sha1(b"blob 6\0c = 1\n").hexdigest()
        report = self.ingest(
            blocked_owners=frozenset({"github.com/ada"}),
            blocked_repositories=frozenset({"github.com/bob/y"}),
            blocked_blobs=frozenset({blob}),
        )
        self.assertEqual(report.skipped, {"opted_out": 3})
        self.assertEqual(set(self.rows()), {"github.com/bob/z d.py"})

    def test_a_reservation_among_the_rows_is_honoured(self) -> None:
        rows = [
            v1_row("ada/x", ".fairstack.toml", "[training]\nreserved = true\n"),
            v1_row("ada/x", "a.py", "a = 1\n"),
            v1_row("bob/y", "b.py", "b = 1\n"),
        ]
        write(self.given / "data.parquet", V1, rows)
        self.assertEqual((self.ingest().skipped, set(self.rows())), ({"reserved": 2}, {"github.com/bob/y b.py"}))

    def test_rows_without_an_owner_a_content_or_a_fit_path_are_left_out_and_told(self) -> None:
        rows = [
            v1_row("nobody", "a.py", "a = 1\n"),
            v1_row("a/b/c", "a.py", "a = 1\n"),
            v1_row("ada/x", "a.py", None),
            v1_row("ada/x", "../b.py", "b = 1\n"),
            v1_row("ada/x", "c.py", "c" * 100),
            v1_row("ada/x", "d.py", "d = 1\n"),
        ]
        rows.append(rows[-1])
        rows.append(v1_row("ada/x", "e.py", "e = 1\n") | {"max_stars_repo_name": None})
        write(self.given / "data.parquet", V1, rows)
        report = self.ingest(limits=IngestLimits(max_file_bytes=50))
        self.assertEqual(report.skipped, {"duplicate_path": 1, "missing": 1, "outside": 1, "too_large": 1})
        self.assertEqual(report.notes, ["3 rows name no owner and repository and were left out"])

    def test_more_stars_make_a_better_origin(self) -> None:
        rows = [v1_row("ada/x", "a.py", "same\n", stars=5), v1_row("bob/y", "b.py", "same\n", stars=500)]
        write(self.given / "data.parquet", V1, [*rows, v1_row("carl/z", "c.py", "same\n", stars=None)])
        self.ingest()
        self.assertEqual(files_table(self.corpus).sort("rank")["path"].to_list(), ["b.py", "a.py", "c.py"])

    @settings(max_examples=15)
    @given(
        st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3000)), max_size=120),
        st.sampled_from([500, 3000, 1 << 20]),
    )
    def test_dealing_out_loses_nothing_whatever_fits_into_memory(
        self, told: list[tuple[int, int]], budget: int
    ) -> None:
        with tempfile.TemporaryDirectory() as folder:
            rows = [v1_row(f"O{owner}/r", f"{n}.py", "x" * size) for n, (owner, size) in enumerate(told)]
            path = write(Path(folder) / "data.parquet", V1, rows, row_group=17)
            seen: dict[str, dict[str, int]] = {}
            for record, files in ParquetRows("rows", (path,), Path(folder), budget).repositories(silent):
                self.assertNotIn(record.repository_key, seen)
                seen[record.repository_key] = {file.path: len(file.read()) for file in files}
            expected: dict[str, dict[str, int]] = {}
            for n, (owner, size) in enumerate(told):
                expected.setdefault(f"github.com/o{owner}/r", {})[f"{n}.py"] = size
            self.assertEqual(seen, expected)

    def test_a_repository_larger_than_memory_is_read_without_holding_it(self) -> None:
        rows = [v1_row("ada/x", f"{n}.py", f"{n:04}" * 5000) for n in range(60)]
        write(self.given / "data.parquet", V1, rows, row_group=5)
        held = []
        for _, files in self.source(budget=50_000).repositories(silent):
            for file in files:
                file.read()
                bucket = file.reader.args[0]  # type: ignore[attr-defined]
                held.append(sum(column.nbytes for column in bucket._held.values()))
                with self.assertRaises(FileSkipped):
                    file.read(10)
        self.assertEqual(len(held), 60)
        self.assertLess(max(held), 200_000)

    def test_capitals_do_not_part_a_repository(self) -> None:
        one, other = repository_hashes(pa.chunked_array([["Ada/Tools", "ada/TOOLS"]])).tolist()
        self.assertEqual(one, other)
        write(self.given / "data.parquet", V1, [v1_row("Ada/x", "a.py", "a\n"), v1_row("ada/X", "b.py", "b\n")])
        report = self.ingest()
        self.assertEqual([(record.owner, record.repository) for record in report.repositories], [("Ada", "x")])

    def test_an_empty_file_gives_no_repository(self) -> None:
        path = write(self.given / "data.parquet", V1, [])
        self.assertEqual(pq.read_metadata(path).num_rows, 0)
        self.assertEqual(self.ingest().files, 0)
