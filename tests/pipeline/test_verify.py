"""Verifying: whatever was changed in a release is found and told in words."""

import json
import shutil
import tempfile
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from django.test import SimpleTestCase

from datasets_app.pipeline import manifest
from datasets_app.pipeline.build import BuildSpec, build
from datasets_app.pipeline.format import SHARD, manifest_path, shard_path
from datasets_app.pipeline.recipe import Recipe
from datasets_app.pipeline.release_errors import NoSuchRelease
from datasets_app.pipeline.verify import verify
from tests.pipeline.handmade import entries_of_owners, write_corpus

RECIPE = Recipe(name="small", shard_bytes=20_000, row_group_bytes=3_000)


class VerifyTest(SimpleTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        write_corpus(cls.folder / "corpus", entries_of_owners(5))
        cls.made = build(cls.folder / "corpus", cls.folder / "good", BuildSpec("demo", "1.0", RECIPE))

    def setUp(self):
        self.releases = self.folder / "copy"
        shutil.copytree(self.folder / "good", self.releases)
        self.addCleanup(shutil.rmtree, self.releases)
        self.shard = self.made.shards[0]
        self.path = shard_path(self.releases, self.shard["digest"])

    def problems(self):
        report = verify(self.releases, "demo", "1.0")
        self.assertEqual(report.ok, not report.problems)
        return " ".join(report.problems)

    def rewrite(self, change):
        """Put changed rows into the first shard, with byte digests that fit: as somebody who can edit the manifest would."""
        table = change(pq.read_table(self.path).cast(SHARD))
        pq.write_table(table, self.path, store_schema=False)
        digest = sha256(self.path.read_bytes()).hexdigest()
        moved = shard_path(self.releases, digest)
        moved.parent.mkdir(exist_ok=True)
        self.path.rename(moved)
        shards = [{**self.shard, "digest": digest}, *self.made.shards[1:]]
        self.edit(shards=shards, digest_bytes=manifest.bytes_digest(shards))

    def edit(self, **values):
        path = manifest_path(self.releases, "demo", "1.0")
        path.write_text(json.dumps({**asdict(self.made), **values}))

    def test_a_whole_release_is_found_whole(self):
        report = verify(self.releases, "demo", "1.0")
        self.assertEqual(
            (report.ok, report.problems, report.rows, report.shards), (True, [], 20, len(self.made.shards))
        )

    def test_a_missing_shard_is_found(self):
        self.path.unlink()
        said = self.problems()
        self.assertIn("is missing", said)
        self.assertIn("the manifest says 20", said)

    def test_a_truncated_shard_is_found(self):
        self.path.write_bytes(self.path.read_bytes()[:-20])
        self.assertIn("cannot be read as a shard", self.problems())

    def test_a_single_flipped_bit_is_found(self):
        data = bytearray(self.path.read_bytes())
        data[len(data) // 3] ^= 1
        self.path.write_bytes(data)
        self.assertIn("the bytes have the SHA-256", self.problems())

    def test_a_changed_text_is_found_though_the_byte_digests_fit(self):
        def change(table):
            texts = table["content"].to_pylist()
            return table.set_column(
                1, SHARD.field("content"), pa.array([texts[0] + "#", *texts[1:]], pa.large_string())
            )

        self.rewrite(change)
        said = self.problems()
        self.assertIn("is not the one that was published", said)
        self.assertIn("another git blob id", said)
        self.assertIn("its row says", said)
        self.assertIn("root of the tree", said)

    def test_a_row_that_was_taken_out_or_doubled_is_found(self):
        self.rewrite(lambda table: table.slice(1))
        said = self.problems()
        self.assertIn("rows, the manifest says", said)
        self.assertIn("bytes of source, the manifest says", said)
        self.assertIn("root of the tree", said)
        self.path = shard_path(self.releases, manifest.load(self.releases, "demo", "1.0").shards[0]["digest"])
        self.rewrite(lambda table: pa.concat_tables([table, table]))
        self.assertIn("A blob stands in more than one row", self.problems())

    def test_a_row_in_the_wrong_shard_is_found(self):
        self.rewrite(lambda table: table.set_column(8, SHARD.field("language"), pa.array(["Ada"] * len(table))))
        said = self.problems()
        self.assertIn("another language or owner", said)
        self.assertIn("its values have another digest", said)

    def test_figures_and_digests_that_were_edited_are_found(self):
        cases = {
            "tree_root": ("0" * 64, "root of the tree"),
            "digest_bytes": ("0" * 64, "The digest over the shards"),
            "digest_logical": ("0" * 64, "The logical digest"),
            "rows": (21, "the manifest says 21"),
            "bytes": (1, "the manifest says 1."),
            "languages": ([], "The figures by language in the manifest"),
            "licences": ([], "The figures by licence in the manifest"),
            "funnel": ([], "The figures by reason in the manifest"),
        }
        for name, (value, said) in cases.items():
            with self.subTest(name):
                self.edit(**{name: value})
                self.assertIn(said, self.problems())

    def test_holdings_that_are_gone_or_do_not_fit_are_found(self):
        path = manifest_path(self.releases, "demo", "1.0").parent / "holdings.parquet"
        table = pq.read_table(path)
        pq.write_table(table.slice(1), path)
        self.assertIn("holdings do not add up", self.problems())
        path.unlink()
        self.assertIn("holdings cannot be read", self.problems())

    def test_many_problems_are_cut_off_with_their_number(self):
        def change(table):
            return table.set_column(1, SHARD.field("content"), pa.array(["#"] * len(table), pa.large_string()))

        self.rewrite(lambda table: pa.concat_tables([change(table)] * 20))
        report = verify(self.releases, "demo", "1.0")
        self.assertEqual(len(report.problems), 101)
        self.assertRegex(report.problems[-1], r"\d+ more problems")

    def test_a_release_that_is_not_there_is_told(self):
        with self.assertRaises(NoSuchRelease):
            verify(self.releases, "demo", "9.9")
