"""Attributes of blobs: what they hold, that they are computed once, and what stops them."""

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash
from django.test import SimpleTestCase

from datasets_app.pipeline import attributes
from datasets_app.pipeline.attributes import TEXT
from datasets_app.pipeline.blobs import blob_files, blob_id, write_blob_file
from datasets_app.pipeline.errors import CorpusDamaged
from datasets_app.pipeline.format import ATTRIBUTES, BLOBS
from tests.environment import unmeasured

FULL = """
import resource, sys
from pathlib import Path
from datasets_app.pipeline import attributes
from datasets_app.pipeline.errors import StorageError

resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    attributes.compute(Path(sys.argv[1]))
except StorageError as error:
    print("StorageError:", error)
"""


class Cancelled(Exception):
    pass


class AttributesTest(SimpleTestCase):
    def setUp(self) -> None:
        self.corpus = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def add(self, *contents: bytes) -> Path:
        return write_blob_file(self.corpus, {blob_id(content): content for content in contents})

    def test_each_blob_has_its_facts_and_hashes(self) -> None:
        contents = [
            b"def f():\n    return 1\n",
            "naïve = 'é'\n".encode(),
            b"\xff\xfe\x00",
            b"<?xml version='1.0'?><a/>",
        ]
        self.add(*contents)
        report = attributes.compute(self.corpus)
        self.assertEqual((report.files, report.blobs_computed, report.blobs_cached), (1, 4, 0))
        self.assertEqual(report.bytes, sum(map(len, contents)))
        table = attributes.table(self.corpus)
        self.assertEqual(table.columns, ATTRIBUTES.names)
        self.assertEqual(table.schema["lines"], pl.Int32)
        for content in contents:
            (row,) = table.filter(pl.col("blob_id") == blob_id(content)).to_dicts()
            self.assertEqual(row["size"], len(content))
            self.assertEqual(row["sha256"], hashlib.sha256(content).digest())
            self.assertEqual(row["content_hash"], xxhash.xxh3_128_digest(content))
            self.assertEqual(row["is_text"], b"\xff" not in content)
            self.assertEqual(row["xml_head"], content.startswith(b"<?xml"))
        (code,) = table.filter(pl.col("blob_id") == blob_id(contents[0])).to_dicts()
        self.assertEqual((code["lines"], code["longest_line"], code["mean_line"]), (2, 12, 10.0))

    def test_the_file_on_disk_has_the_columns_of_the_format(self) -> None:
        blobs = self.add(b"x = 1\n")
        attributes.compute(self.corpus)
        written = pq.read_schema(TEXT.path(self.corpus, blobs.stem))
        self.assertEqual(written.names, ATTRIBUTES.names)

    def test_only_blob_files_without_attributes_are_computed(self) -> None:
        first = self.add(b"a = 1\n", b"b = 2\n")
        attributes.compute(self.corpus)
        stamp = TEXT.path(self.corpus, first.stem).stat().st_mtime_ns
        self.add(b"c = 3\n")
        report = attributes.compute(self.corpus)
        self.assertEqual((report.files, report.blobs_computed, report.blobs_cached), (1, 1, 2))
        self.assertEqual(TEXT.path(self.corpus, first.stem).stat().st_mtime_ns, stamp)
        self.assertEqual(attributes.compute(self.corpus).blobs_computed, 0)

    def test_any_number_of_workers_gives_the_same_table(self) -> None:
        for at in range(6):
            self.add(*(f"value_{at}_{n} = {n}\n".encode() for n in range(20)))
        attributes.compute(self.corpus, workers=1)
        alone = attributes.table(self.corpus)
        for path in (self.corpus / "attributes").rglob("*.parquet"):
            path.unlink()
        attributes.compute(self.corpus, workers=4)
        self.assertTrue(alone.equals(attributes.table(self.corpus)))
        self.assertEqual(alone.height, 120)

    def test_an_empty_corpus_has_an_empty_table(self) -> None:
        for corpus in (self.corpus, self.corpus / "nowhere"):
            self.assertEqual(attributes.compute(corpus).blobs_computed, 0)
            self.assertEqual(attributes.table(corpus).columns, ATTRIBUTES.names)
        self.assertFalse((self.corpus / "nowhere").exists())

    def test_a_blob_file_may_hold_no_blobs(self) -> None:
        (self.corpus / "blobs").mkdir()
        pq.write_table(BLOBS.empty_table(), self.corpus / "blobs" / "empty.parquet")
        self.assertEqual(attributes.compute(self.corpus).blobs_computed, 0)
        self.assertEqual(attributes.table(self.corpus).height, 0)

    def test_progress_reaches_the_total(self) -> None:
        self.add(b"a = 1\n", b"b = 2\n")
        told: list[tuple[int, int]] = []
        attributes.compute(self.corpus, progress=lambda stage, done, total, message="": told.append((done, total)))
        self.assertEqual((told[0], told[-1]), ((0, 2), (2, 2)))

    def test_cancelling_leaves_nothing_half_made(self) -> None:
        for at in range(4):
            self.add(f"value = {at}\n".encode())

        def cancel(stage: str, done: int, total: int, message: str = "") -> None:
            if done:
                raise Cancelled

        with self.assertRaises(Cancelled):
            attributes.compute(self.corpus, progress=cancel, workers=1)
        for path in (self.corpus / "attributes").rglob("*.parquet"):
            self.assertFalse(path.name.startswith("."), path.name)
            self.assertEqual(pq.read_metadata(path).num_rows, 1)
        attributes.compute(self.corpus)
        self.assertEqual(attributes.table(self.corpus).height, 4)

    def test_a_full_disk_leaves_what_was_there(self) -> None:
        done = self.add(b"a = 1\n")
        attributes.compute(self.corpus)
        self.add(*(f"value = {n}\n".encode() for n in range(2000)))
        # The system answers a file above its limit of size as it answers a full disk.
        found = subprocess.run(
            [sys.executable, "-c", FULL, self.corpus, "20000"],
            capture_output=True,
            text=True,
            check=True,
            env=unmeasured(),
        )
        self.assertIn("StorageError: The disk is full", found.stdout)
        self.assertEqual([path.name for path in (self.corpus / "attributes").rglob("*.parquet")], [done.name])
        self.assertEqual(attributes.compute(self.corpus).blobs_computed, 2000)

    def test_a_blob_whose_bytes_are_not_those_of_its_id_is_found(self) -> None:
        write_blob_file(self.corpus, {blob_id(b"right"): b"wrong"})
        with self.assertRaisesMessage(CorpusDamaged, blob_id(b"right")):
            attributes.compute(self.corpus)
        self.assertEqual(attributes.table(self.corpus).height, 0)

    def test_a_damaged_file_is_named(self) -> None:
        blobs = self.add(b"a = 1\n" * 1000)
        attributes.compute(self.corpus)
        TEXT.path(self.corpus, blobs.stem).write_bytes(b"PAR1 nonsense PAR1")
        with self.assertRaisesMessage(CorpusDamaged, blobs.name):
            attributes.table(self.corpus)
        blobs.write_bytes(b"not a table")
        with self.assertRaisesMessage(CorpusDamaged, blobs.name):
            attributes.compute(self.corpus)

    def test_a_blob_file_cut_in_its_data_is_damaged(self) -> None:
        blobs = self.add(b"".join(hashlib.sha256(b"%d" % n).digest() for n in range(1000)))
        content = bytearray(blobs.read_bytes())
        content[200:2000] = bytes(1800)
        blobs.write_bytes(content)
        with self.assertRaisesMessage(CorpusDamaged, blobs.name):
            attributes.compute(self.corpus)

    def test_attributes_of_a_blob_file_that_is_gone_are_not_read(self) -> None:
        blobs = self.add(b"a = 1\n")
        self.add(b"b = 1\n")
        attributes.compute(self.corpus)
        blobs.unlink()
        self.assertEqual(attributes.table(self.corpus)["blob_id"].to_list(), [blob_id(b"b = 1\n")])
        self.assertEqual(len(blob_files(self.corpus)), 1)

    def test_there_must_be_a_worker(self) -> None:
        with self.assertRaisesMessage(ValueError, "workers"):
            attributes.compute(self.corpus, workers=0)

    def test_row_groups_do_not_matter(self) -> None:
        contents = [f"x = {n}\n".encode() for n in range(10)]
        ids = [blob_id(content) for content in contents]
        (self.corpus / "blobs").mkdir()
        table = pa.table([pa.array(ids), pa.array(contents, pa.large_binary())], schema=BLOBS)
        pq.write_table(table, self.corpus / "blobs" / "groups.parquet", row_group_size=3)
        attributes.compute(self.corpus)
        self.assertEqual(attributes.table(self.corpus)["blob_id"].to_list(), ids)
