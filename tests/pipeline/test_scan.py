"""The scan finds a marker wherever it can lie, and cries wolf nowhere."""

import gzip
import tempfile
from pathlib import Path
from unittest import mock

import pyarrow as pa
import pyarrow.parquet as pq
from django.test import SimpleTestCase

from datasets_app.pipeline import scan as scanning
from datasets_app.pipeline.scan import scan

MARKER = b"zq7-marker-zq7"
SAID = f"before {MARKER.decode()} after"


def zstd(data):
    return pa.compress(data, codec="zstd", asbytes=True)


class ScanTest(SimpleTestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def names(self, *markers):
        return [path.name for path in scan(self.folder, list(markers) or [MARKER])]

    def parquet(self, values, type_, **options):
        options.setdefault("compression", "zstd")
        pq.write_table(
            pa.table({"n": list(range(len(values))), "x": pa.array(values, type_)}),
            self.folder / "t.parquet",
            **options,
        )

    def test_raw_bytes_are_found_in_folders_below_and_hidden_files(self):
        below = self.folder / "a" / "b"
        below.mkdir(parents=True)
        (below / ".hidden").write_bytes(b"x" * 1000 + MARKER)
        (below / "other").write_bytes(b"nothing")
        self.assertEqual(self.names(), [".hidden"])

    def test_any_of_several_markers_is_found(self):
        (self.folder / "one").write_bytes(b"first")
        (self.folder / "two").write_bytes(b"second")
        self.assertEqual(self.names(b"second", b"first"), ["one", "two"])

    def test_a_marker_across_the_pieces_in_which_a_file_is_read_is_found(self):
        with mock.patch.object(scanning, "_CHUNK", 16):
            for start in range(40):
                (self.folder / "f").write_bytes(b"-" * start + MARKER + b"-" * 9)
                self.assertEqual(self.names(), ["f"], start)

    def test_columns_of_parquet_are_found_decoded(self):
        values = {
            pa.string(): ["a", SAID, None],
            pa.large_string(): [SAID, "b"],
            pa.large_binary(): [b"a", SAID.encode()],
            pa.binary(): [SAID.encode()],
            pa.binary(14): [b"0" * 14, MARKER],
            pa.list_(pa.string()): [["a"], None, ["b", SAID]],
            pa.struct([("s", pa.string())]): [{"s": "a"}, {"s": SAID}],
            pa.dictionary(pa.int32(), pa.string()): ["a", SAID, SAID, "a"],
        }
        for type_, rows in values.items():
            with self.subTest(str(type_)):
                self.parquet(rows, type_, write_statistics=False)
                self.assertEqual(self.names(), ["t.parquet"])

    def test_a_long_compressed_column_does_not_hide_it(self):
        rows = [f"line {n} of many that repeat\n" * 50 for n in range(300)]
        rows[250] += SAID
        self.parquet(rows, pa.large_string(), write_statistics=False, use_dictionary=False)
        self.assertNotIn(MARKER, (self.folder / "t.parquet").read_bytes())
        self.assertEqual(self.names(), ["t.parquet"])

    def test_two_values_that_join_to_a_marker_are_no_find(self):
        half = len(MARKER) // 2
        # Compressed with snappy's literal runs broken up, so that the halves do not join on the disk either.
        self.parquet(
            [MARKER[:half].decode(), MARKER[half:].decode()], pa.string(), write_statistics=False, use_dictionary=False
        )
        self.assertEqual(self.names(), [])

    def test_statistics_in_a_footer_are_found(self):
        self.parquet([SAID], pa.string(), write_statistics=True)
        self.assertEqual(self.names(), ["t.parquet"])

    def test_compressed_files_and_frames_inside_other_files_are_found(self):
        # Parts of the marker come before it, so that its own bytes are stored as references and stand nowhere as they are.
        text = MARKER[:8] * 20 + MARKER[4:] * 20 + b"some text that repeats, " * 500 + MARKER + b" and repeats" * 500
        files = {
            "a.gz": gzip.compress(text),
            "b.zst": zstd(text),
            "c.bin": b"head" * 100 + zstd(text) + b"tail",
            "d.bin": b"head" * 100 + gzip.compress(text) + b"tail",
            "e.zst": zstd(b"first frame") + zstd(text),
            "f.gz": gzip.compress(b"first member") + gzip.compress(text),
        }
        for name, data in files.items():
            self.assertNotIn(MARKER, data)
            (self.folder / name).write_bytes(data)
        (self.folder / "clean.zst").write_bytes(zstd(b"nothing here"))
        (self.folder / "clean.bin").write_bytes(b"\x28\xb5\x2f\xfd\x1f\x8b\x08 by chance")
        self.assertEqual(self.names(), sorted(files))

    def test_a_damaged_parquet_file_is_still_searched(self):
        rows = [f"line {n} of many that repeat\n" * 50 for n in range(300)] + [SAID]
        self.parquet(rows, pa.large_string(), write_statistics=False, use_dictionary=False)
        path = self.folder / "t.parquet"
        whole = path.read_bytes()
        for broken in (whole[:-9], whole[:-40] + b"\0" * 32 + whole[-8:]):
            path.write_bytes(broken)
            self.assertEqual(self.names(), ["t.parquet"])

    def test_links_are_not_followed_and_empty_files_are_fine(self):
        (self.folder / "real").write_bytes(MARKER)
        (self.folder / "link").symlink_to(self.folder / "real")
        (self.folder / "dangling").symlink_to(self.folder / "nowhere")
        (self.folder / "empty").write_bytes(b"")
        (self.folder / "PAR1").write_bytes(b"PAR1")
        self.assertEqual(self.names(), ["real"])

    def test_a_file_that_vanishes_meanwhile_is_passed_over(self):
        (self.folder / "one").write_bytes(b"x")
        (self.folder / "two").write_bytes(MARKER)
        with mock.patch.object(scanning, "_holds", side_effect=[FileNotFoundError, True]):
            self.assertEqual(self.names(), ["two"])

    def test_it_asks_for_markers(self):
        for markers in ([], [b""], [b"x", b""]):
            with self.assertRaisesMessage(ValueError, "markers"):
                scan(self.folder, markers)

    def test_it_reports_progress(self):
        (self.folder / "one").write_bytes(b"x")
        told = []
        scan(self.folder, [MARKER], progress=lambda *report: told.append(report[:3]))
        self.assertEqual(told, [("scanning", 0, 1), ("scanning", 1, 1)])
