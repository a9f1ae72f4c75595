"""What a purge takes out is sealed before, and comes back as it was: tables, blobs, facts, and the next release."""

import tempfile
from dataclasses import replace
from pathlib import Path
from unittest import mock

import polars as pl
import pyarrow.parquet as pq
from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from datasets_app.pipeline import attributes, blobs, bundles, families, needs, purge, restoring, sealing
from datasets_app.pipeline.build import BuildSpec, build
from datasets_app.pipeline.corpus import files_table, ingest
from datasets_app.pipeline.decide import Blocks, is_blocked
from datasets_app.pipeline.recipe import Recipe
from datasets_app.pipeline.sealing import SealBroken, Sealer, unsealed
from datasets_app.pipeline.sources.installed import InstalledPackages
from tests.pipeline.fakes import default_packages, make_site_packages
from tests.pipeline.handmade import Entry, entries_of_owners, text, write_corpus

MARKER = b"zq9-only-in-the-removed-files-zq9"
SMALL = Recipe(name="small", shard_bytes=20_000, row_group_bytes=3_000)
MALLORY, OSCAR = Blocks(frozenset({"github.com/mallory"})), Blocks(frozenset({"github.com/oscar"}))


class Sealing(SimpleTestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "sealed"
        self.key = sealing.new_key()

    def seal(self, data, key=None):
        self.path.unlink(missing_ok=True)
        with Sealer(self.path, key or self.key) as sealer:
            sealer.write(data)

    def test_what_goes_in_comes_out_at_every_length_around_a_chunk(self):
        for size in (0, 1, sealing.CHUNK - 1, sealing.CHUNK, sealing.CHUNK + 1, 2 * sealing.CHUNK, 3_000_001):
            data = bytes(range(256)) * (size // 256 + 1)
            self.seal(data[:size])
            self.assertEqual(b"".join(unsealed(self.path, self.key)), data[:size], size)

    def test_the_text_is_not_in_the_file(self):
        self.seal(MARKER * 1000)
        self.assertNotIn(MARKER, self.path.read_bytes())

    def test_another_key_a_changed_byte_a_cut_and_another_order_are_found(self):
        self.seal(b"a" * (2 * sealing.CHUNK + 5))
        whole = self.path.read_bytes()
        head, step = 15, sealing.CHUNK + 16
        swapped = (
            whole[:head] + whole[head + step : head + 2 * step] + whole[head : head + step] + whole[head + 2 * step :]
        )
        damaged = [
            swapped,
            whole[:-1],
            whole[: head + step],  # cut at the end of a chunk
            whole[:head],
            whole[:3],
            b"",
            whole + b"x",
            *(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in (0, 9, 100, step + 100, len(whole) - 1)),
        ]
        for number, data in enumerate(damaged):
            self.path.write_bytes(data)
            with self.assertRaises(SealBroken, msg=str(number)):
                b"".join(unsealed(self.path, self.key))
        self.path.write_bytes(whole)
        for key in (sealing.new_key(), b"short"):
            with self.assertRaises(SealBroken):
                b"".join(unsealed(self.path, key))

    @given(st.lists(st.tuples(st.binary(max_size=40), st.binary(max_size=3000)), max_size=20), st.integers(1, 700))
    def test_records_survive_any_cut_into_chunks(self, records, size):
        data = b"".join(sealing.record(head, body) for head, body in records)
        chunks = (data[at : at + size] for at in range(0, len(data), size))
        self.assertEqual(list(sealing.Records(chunks)), records)


class Bundles(SimpleTestCase):
    """Hand-made corpora, the real purge, the real builder."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.corpus, self.releases = self.folder / "corpus", self.folder / "releases"
        self.bundle, self.key = self.folder / "bundle", sealing.new_key()
        shared = Entry("Mallory/secret", "shared.py", text("shared"), rank=0)
        self.entries = [
            Entry("Mallory/secret", "own.py", text("own") + b"# " + MARKER + b"\n"),
            *entries_of_owners(5),
            Entry("Mallory/other", "more.c", text("more") + b"// " + MARKER + b"\n", "C"),
            Entry("Oscar/tool", "tool.py", text("tool")),
            shared,
            replace(shared, repository="Owner2/repo0", rank=1),
        ]
        write_corpus(self.corpus, self.entries, blob_files=3)
        for path in blobs.blob_files(self.corpus):  # in row groups, and under a name, as an ingest gives them
            table = pq.read_table(path)
            path.unlink()
            for facts in families.tables_of(self.corpus, path.stem):
                facts.unlink()
            blobs.write_blob_file(
                self.corpus, dict(zip(*(table[c].to_pylist() for c in table.column_names), strict=True))
            )

    def state(self):
        """Every file of the corpus but locks, as bytes."""
        return {
            str(path.relative_to(self.corpus)): path.read_bytes()
            for path in sorted(self.corpus.rglob("*.parquet"))
            if path.is_file()
        }

    def rows(self):
        """What the corpus says, whatever the order and the files."""
        return files_table(self.corpus).sort("repository_key", "path", "blob_id")

    def seal(self, covered=MALLORY, going=None, bundle=None):
        return bundles.seal(self.corpus, bundle or self.bundle, self.key, covered, going or covered)

    def purge(self, blocks):
        going = purge.blobs_to_remove(files_table(self.corpus), blocks.owners, blocks.repositories, blocks.blobs)
        purge.purge_corpus(self.corpus, going, blocks.owners, blocks.repositories)

    def restore(self, blocks=None, bundle=None):
        def blocked(frame):
            return frame.select(is_blocked(blocks or Blocks()).alias("blocked"))["blocked"]

        path = bundle or self.bundle
        bundles.check(path, self.key)
        return restoring.restore(self.corpus, path, self.key, blocked)

    def build(self, version, blocks=None, parent=None):
        blocks = blocks or Blocks()
        for family in needs.needed(self.corpus, SMALL):
            attributes.compute(self.corpus, [family], workers=1)
        spec = BuildSpec(
            "demo", version, SMALL, blocks.owners, blocks.repositories, blocks.blobs,
            parent=("demo", parent) if parent else None,
        )  # fmt: skip
        return build(self.corpus, self.releases, spec, workers=2)

    def test_facts_and_blobs_come_back_byte_for_byte_and_rows_in_their_order(self):
        self.build("v1.0")
        before, table = self.state(), files_table(self.corpus)
        sealed = self.seal()
        self.assertEqual((sealed.files, sealed.repositories, sealed.blobs), (3, 2, 3))
        self.purge(MALLORY)
        self.assertEqual(purge.scan(self.corpus, [MARKER, b"allory"]), [])
        self.assertEqual(purge.scan(self.bundle.parent, [MARKER]), purge.scan(self.releases, [MARKER]))
        self.assertNotEqual(set(self.state()), set(before))
        done = self.restore()
        self.assertEqual((done.files, done.blobs, done.left_out), (3, 2, 0))  # the shared blob had stayed
        after = self.state()
        self.assertEqual(set(after), set(before))
        self.assertTrue(files_table(self.corpus).equals(table))
        for name in before:
            if not name.startswith("files/"):
                self.assertEqual(after[name] == before[name], True, name)

    def test_a_table_that_an_ingest_wrote_comes_back_byte_for_byte(self):
        site = make_site_packages(self.folder / "site", default_packages())
        self.corpus = self.folder / "real"
        ingest(InstalledPackages("fakes", paths=(site,)), self.corpus)
        before = self.state()
        alpha = Blocks(frozenset({"github.com/alpha"}))
        self.seal(alpha)
        self.purge(alpha)
        self.restore()
        self.assertEqual(self.state(), before)

    def test_the_next_release_is_that_of_before_the_removal(self):
        first = self.build("v1.0")
        self.seal()
        without = self.build("v1.1", MALLORY, parent="v1.0")
        self.purge(MALLORY)
        purge.forget_decisions(self.releases, MALLORY.owners, frozenset())
        self.assertNotEqual(without.digest_logical, first.digest_logical)
        restoring.mark_releases(self.releases)
        self.restore()
        again = self.build("v1.2", parent="v1.1")
        self.assertEqual(
            (again.digest_bytes, again.digest_logical, again.tree_root, again.plan, again.funnel),
            (first.digest_bytes, first.digest_logical, first.tree_root, first.plan, first.funnel),
        )
        further = self.build("v1.3", OSCAR, parent="v1.2")  # and it is a parent like any other
        scratch = self.build("v2.0", OSCAR)
        self.assertEqual(further.digest_logical, scratch.digest_logical)

    def test_without_the_mark_the_release_would_not_know_of_them(self):
        """Why the mark is there: what a purge forgot is in no decision that a build could start from."""
        first = self.build("v1.0")
        self.seal()
        self.build("v1.1", MALLORY, parent="v1.0")
        self.purge(MALLORY)
        purge.forget_decisions(self.releases, MALLORY.owners, frozenset())
        self.restore()
        self.assertNotEqual(self.build("v1.2", parent="v1.1").digest_logical, first.digest_logical)

    def test_two_requests_of_one_purge_come_back_in_any_order(self):
        both = Blocks(MALLORY.owners | OSCAR.owners)
        other = self.folder / "other"
        for order in (("m", "o"), ("o", "m")):
            with self.subTest(order=order):
                self.bundle.unlink(missing_ok=True)
                other.unlink(missing_ok=True)
                table = files_table(self.corpus)
                before = self.state()
                self.seal(MALLORY, both)
                self.seal(OSCAR, both, other)
                self.purge(both)
                for who in order:
                    self.restore(bundle=self.bundle if who == "m" else other)
                self.assertTrue(files_table(self.corpus).equals(table))
                self.assertEqual(set(self.state()), set(before))

    def test_two_requests_of_two_purges_come_back_in_any_order(self):
        other = self.folder / "other"
        for order in (("m", "o"), ("o", "m")):
            with self.subTest(order=order):
                self.bundle.unlink(missing_ok=True)
                other.unlink(missing_ok=True)
                rows = self.rows()
                first = self.build(f"v{order[0] == 'm':d}.0")
                self.seal(MALLORY)
                self.purge(MALLORY)
                self.seal(OSCAR, bundle=other)
                self.purge(OSCAR)
                for who in order:
                    self.restore(bundle=self.bundle if who == "m" else other)
                self.assertTrue(self.rows().equals(rows))
                again = self.build(f"v{order[0] == 'm':d}.1")
                self.assertEqual(again.digest_logical, first.digest_logical)

    def test_what_is_still_blocked_does_not_come_back(self):
        self.seal()
        self.purge(MALLORY)
        done = self.restore(Blocks(repositories=frozenset({"github.com/mallory/other"})))
        self.assertEqual((done.files, done.left_out), (2, 1))
        self.assertEqual(purge.scan(self.corpus, [b"mallory/other"]), [])
        self.assertEqual(self.restore().files, 1)  # and later it does

    def test_a_restore_that_is_cut_off_anywhere_is_finished_by_the_next(self):
        class CutOff(Exception):
            pass

        self.build("v1.0")
        before, table = self.state(), files_table(self.corpus)
        self.seal()
        self.purge(MALLORY)
        purged = self.state()
        for at in range(1, 60):
            for path in self.corpus.rglob("*.parquet"):
                path.unlink()
            for name, data in purged.items():
                (self.corpus / name).write_bytes(data)
            calls = iter(range(1, 1000))

            def step(original, calls=calls, at=at):
                def call(*args, **options):
                    if next(calls) == at:
                        raise CutOff
                    return original(*args, **options)

                return call

            try:
                with (
                    mock.patch.object(Path, "replace", step(Path.replace)),
                    mock.patch.object(Path, "unlink", step(Path.unlink)),
                ):
                    self.restore()
                break
            except CutOff:
                self.restore()
            self.assertTrue(files_table(self.corpus).equals(table), at)
            after = self.state()
            self.assertEqual(set(after), set(before), at)
            self.assertTrue(all(after[n] == before[n] for n in before if not n.startswith("files/")), at)
        self.assertGreater(at, 8)
        self.assertLess(at, 59)

    def test_a_damaged_bundle_is_told_before_anything_changes(self):
        self.seal()
        self.purge(MALLORY)
        before = self.state()
        whole = self.bundle.read_bytes()
        for at in (20, len(whole) // 2, len(whole) - 1):
            self.bundle.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            with self.assertRaises(SealBroken):
                self.restore()
        self.bundle.unlink()
        with self.assertRaises(FileNotFoundError):
            self.restore()
        self.assertEqual(self.state(), before)

    def test_nothing_of_the_request_means_no_bundle(self):
        self.assertIsNone(self.seal(Blocks(frozenset({"github.com/nobody"}))))
        self.assertFalse(self.bundle.exists())

    def test_what_the_source_gives_anew_is_left_as_it_is(self):
        self.seal()
        self.purge(MALLORY)
        newer = Entry("Mallory/secret", "own.py", text("a newer text"))
        kept = [entry for entry in self.entries if not entry.repository.startswith("Mallory")]
        write_corpus(self.corpus, [*kept, newer], blob_files=3)
        self.assertEqual(self.restore().files, 2)
        mine = files_table(self.corpus).filter(pl.col("path") == "own.py")
        self.assertEqual(mine["blob_id"].to_list(), [newer.blob_id])

    def test_bundling_reads_the_contents_of_what_it_seals_alone(self):
        """The cost follows what is touched: a larger corpus adds no byte that is read."""
        read = []
        for owners in (20, 200):
            corpus = self.folder / f"of-{owners}"
            entries = [
                *(
                    Entry(f"Owner{n}/repo", f"{n}-{i}.py", text(f"{n} {i}") * 200)
                    for n in range(owners)
                    for i in range(3)
                ),
                Entry("Mallory/secret", "own.py", text("own") + MARKER),
            ]
            write_corpus(corpus, entries, blob_files=owners // 5)
            original, sizes = pq.ParquetFile.read_row_group, []

            def count(file, *arguments, original=original, sizes=sizes, **options):
                found = original(file, *arguments, **options)
                sizes.append(found.nbytes if "content" in found.column_names else 0)
                return found

            with mock.patch.object(pq.ParquetFile, "read_row_group", count):
                sealed = bundles.seal(corpus, self.folder / f"b{owners}", self.key, MALLORY, MALLORY)
            self.assertEqual(sum(sizes), sealed.read)
            self.assertGreater(sealed.read, 0)
            read.append(len([size for size in sizes if size]))
        self.assertEqual(read, [1, 1])
