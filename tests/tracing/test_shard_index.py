"""The trace index of a shard: whole or not at all, known as damaged, and what it tells of a row; the command line over it."""

import contextlib
import io
import json
import tempfile
from pathlib import Path

import numpy as np
from django.test import SimpleTestCase

from datasets_app.pipeline import code_index
from datasets_app.pipeline.array_file import IndexDamaged
from datasets_app.pipeline.blobs import blob_id
from datasets_app.pipeline.format import manifest_path
from datasets_app.tracing.__main__ import main
from datasets_app.tracing.question import LEAST, MOST_CHARACTERS, BadQuestion
from datasets_app.tracing.shard_index import ShardIndex, index_path, index_shard
from datasets_app.tracing.spans import trace
from datasets_app.tracing.white_space import collapse
from tests.tracing.shards import index, write

TEXTS = [f"def number_{at}(value):\r\n    return value * {at} + other_{at}(value)\r\n" for at in range(9)] + ["", "é"]


class Case(SimpleTestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.out = self.root / "traces"
        self.digest = write(self.root, TEXTS)


class Files(Case):
    def test_an_index_is_made_of_the_shard_once_and_tells_of_its_rows(self):
        made = index_shard(str(self.root), str(self.out), {"digest": self.digest})
        path = index_path(self.out, self.digest)
        self.assertEqual(made, {"digest": self.digest, "rows": len(TEXTS), "bytes": path.stat().st_size})
        written = path.stat().st_mtime_ns
        self.assertEqual(index_shard(str(self.root), str(self.out), {"digest": self.digest}), made)
        self.assertEqual((path.stat().st_mtime_ns, list(path.parent.iterdir())), (written, [path]))
        opened = ShardIndex.open(path)
        self.assertEqual([opened.text(row).decode() for row in range(opened.rows)], TEXTS)
        self.assertEqual(set(opened.facts(3)), {"blob_id", *code_index.FACTS})
        self.assertEqual(
            (opened.facts(3)["blob_id"], opened.facts(3)["path"]), (blob_id(TEXTS[3].encode()), "src/3.py")
        )
        self.assertTrue(opened.holds([bytes(20), bytes.fromhex(blob_id(TEXTS[3].encode()))]))
        self.assertFalse(opened.holds([bytes(20)]))
        [span] = [span for span in trace(TEXTS[4], [opened]).spans if span.form == "exact"]
        self.assertEqual((span.start, span.end, span.files), (0, len(TEXTS[4]), 1))
        self.assertEqual((span.matches[0].row, span.matches[0].place), (4, (1, 2, 0, len(TEXTS[4]))))
        opened.close()

    def test_a_shard_without_rows_has_an_index_too(self):
        digest = write(self.root, [], "cd" * 32)
        self.assertEqual(index_shard(str(self.root), str(self.out), {"digest": digest})["rows"], 0)
        self.assertEqual(trace(TEXTS[0], [ShardIndex.open(index_path(self.out, digest))]).spans, [])

    def test_a_damaged_index_is_known_as_one_and_made_anew(self):
        index_shard(str(self.root), str(self.out), {"digest": self.digest})
        path = index_path(self.out, self.digest)
        whole = path.read_bytes()
        for damaged in (b"", whole[:-1], whole[:90], b"no" + whole, whole.replace(b"windows of 24", b"windows of 32")):
            path.write_bytes(damaged)
            with self.assertRaises(IndexDamaged):
                ShardIndex.open(path)
        index_shard(str(self.root), str(self.out), {"digest": self.digest})
        self.assertEqual(path.read_bytes(), whole)

    def test_a_shard_that_is_gone_leaves_nothing(self):
        with self.assertRaises(FileNotFoundError):
            index_shard(str(self.root), str(self.out), {"digest": "00" * 32})
        self.assertFalse(self.out.exists())


class Questions(SimpleTestCase):
    def test_what_cannot_be_asked_is_refused_with_what_to_do(self):
        for text, least, cap, why in (
            ("x" * (MOST_CHARACTERS + 1), 50, 64, "20,000"),
            ("ab\0c", 50, 64, "Character 3 is NUL"),
            ("ab\ud800", 50, 64, "Character 3 is half of a surrogate"),
            ("ab", LEAST - 1, 64, "47 or more"),
            ("ab", 50, 0, "1 or more"),
        ):
            with self.assertRaisesMessage(BadQuestion, why):
                trace(text, [], least=least, cap=cap)

    def test_short_texts_and_texts_that_repeat_themselves_have_no_spans(self):
        shard = index(["a" * 3000, "ab" * 3000, "short"])
        for text in ("", "a", "short", "a" * MOST_CHARACTERS, "ab" * (MOST_CHARACTERS // 2), "漢" * 40):
            self.assertEqual(trace(text, [shard]).spans, [])

    def test_a_run_is_found_as_part_of_what_it_stands_in(self):
        rule = "=" * 70
        shard = index([f"x\n{rule}\ny", f"{rule}\n"])
        [span] = [span for span in trace(f"x\n{rule}\nz", [shard]).spans if span.form == "exact"]
        self.assertEqual((span.start, span.end, span.files), (0, 73, 1))

    def test_white_space_is_what_python_says(self):
        for start in range(0, 0x110000, 0x1000):
            points = [chr(point) for point in range(start, start + 0x1000) if not 0xD800 <= point < 0xE000]
            data = np.frombuffer("".join(f"a{point}" for point in points).encode(), np.uint8)
            expected = "".join("a " if point.isspace() else f"a{point}" for point in points)
            self.assertEqual(collapse(data, np.empty(0, np.uint32))[0].tobytes().decode(), expected)


class CommandLine(Case):
    def run_command(self, *arguments):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main([*arguments, "--releases", str(self.root), "--indexes", str(self.out), "set", "1.0"])
        return code, out.getvalue(), err.getvalue()

    def test_a_release_is_indexed_and_a_text_traced(self):
        text = self.root / "text"
        text.write_bytes(TEXTS[2].replace("    ", "\t").encode())
        self.assertIn("published", self.run_command("build")[2])
        path = manifest_path(self.root, "set", "1.0")
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({"shards": [{"digest": self.digest}]}))
        self.assertIn("built", self.run_command("trace", "--text", str(text))[2])
        code, out, _ = self.run_command("build")
        self.assertEqual((code, json.loads(out)["rows"]), (0, len(TEXTS)))
        code, out, _ = self.run_command("trace", "--text", str(text))
        [span] = json.loads(out)
        self.assertEqual((code, span["form"], span["files"]), (0, "collapsed", 1))
        self.assertEqual((span["matches"][0]["path"], span["matches"][0]["last_line"]), ("src/2.py", 2))
        text.write_bytes(b"\xff" * 60)
        self.assertIn("not UTF-8", self.run_command("trace", "--text", str(text))[2])
        text.write_text("a" * 30_000)
        self.assertIn("20,000", self.run_command("trace", "--text", str(text))[2])
