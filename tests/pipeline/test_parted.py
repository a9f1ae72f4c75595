"""A table in parts: which parts hold a blob is known without reading them, also after some were written anew or taken over."""

import hashlib
import tempfile
from pathlib import Path

import polars as pl
import pyarrow as pa
from django.test import SimpleTestCase
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets_app.pipeline.parted import INDEX, Parted

SCHEMA = pa.schema([("key", pa.string()), ("blob_id", pa.string())])
ROWS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 40)), max_size=60, unique=True)


def name(number):
    return hashlib.sha1(bytes([number])).hexdigest()


def frame(rows):
    return pl.DataFrame(
        {"key": [name(key) for key, _ in rows], "blob_id": [name(blob) for _, blob in rows]},
        schema={"key": pl.String, "blob_id": pl.String},
    )


class PartedTest(SimpleTestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.root = Path(holder.name)

    def table(self, folder):
        return Parted(folder, SCHEMA, "key", lambda key: int(key[:16], 16))

    def assertFinds(self, table):
        """Every blob is found in the parts that hold it, and no part is named for a blob that is nowhere."""
        where = {}
        for path in table.paths():
            for blob in pl.read_parquet(path)["blob_id"]:
                where.setdefault(blob, set()).add(int(path.name[:5]))
        for blob, parts in where.items():
            self.assertLessEqual(parts, table.parts_with(pl.Series([blob])))
        self.assertEqual(table.parts_with(pl.Series([name(200)])), set())

    @settings(max_examples=40, deadline=None)
    @given(rows=ROWS, more=ROWS)
    def test_blobs_are_found_after_parts_were_written_anew(self, rows, more):
        with tempfile.TemporaryDirectory() as folder:
            first, second = self.table(Path(folder, "first")), self.table(Path(folder, "second"))
            first.write(frame(rows), ["key", "blob_id"], parts=8)
            self.assertFinds(first)
            changed = {part: held for part, held in enumerate(first.cut(frame(more), 8)) if len(held)}
            second.derive(first, changed, ["key", "blob_id"])
            self.assertFinds(second)

    def test_the_index_is_taken_over_where_nothing_new_came(self):
        first, second = self.table(self.root / "first"), self.table(self.root / "second")
        rows = [(key, key) for key in range(30)]
        first.write(frame(rows), ["key"], parts=4)
        held = first.read([2])
        second.derive(first, {2: held.head(1)}, ["key"])
        self.assertTrue((second.folder / INDEX).samefile(first.folder / INDEX))
        self.assertFinds(second)

    def test_a_table_without_an_index_is_read(self):
        table = self.table(self.root / "first")
        table.write(frame([(key, key) for key in range(30)]), ["key"], parts=4)
        (table.folder / INDEX).unlink()
        self.assertFinds(table)
        other = self.table(self.root / "second")
        other.derive(table, {}, ["key"])
        self.assertTrue((other.folder / INDEX).exists())
