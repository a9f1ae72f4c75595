"""One layer, two kinds of places: everything here holds for a folder and for a bucket of a real S3-compatible server."""

import contextlib
import io
import os
import tempfile
import threading
from pathlib import Path
from unittest.mock import patch

import pyarrow.parquet as pq
from django.test import SimpleTestCase

from datasets_app.pipeline import manifest, mirror, storage
from datasets_app.pipeline.__main__ import main
from datasets_app.pipeline.build import BuildSpec, build
from datasets_app.pipeline.errors import StorageError
from datasets_app.pipeline.format import shard_path
from datasets_app.pipeline.recipe import Recipe
from datasets_app.pipeline.release import Release
from datasets_app.pipeline.release_errors import NoSuchRelease, ReleaseExists
from datasets_app.pipeline.s3 import Bucket
from datasets_app.pipeline.verify import verify
from tests.pipeline.handmade import entries_of_owners, write_corpus
from tests.pipeline.s3_server import S3Server

RECIPE = Recipe(name="small", shard_bytes=10_000, row_group_bytes=3_000)


class StorageCase(SimpleTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = S3Server()
        cls.addClassCleanup(cls.server.stop)

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def each(self):
        """A fresh place of each kind, as a subtest."""
        for kind, place in (
            ("folder", str(self.folder / "place")),
            ("bucket", self.server.address()),
            ("bucket with versions", self.server.address(versions=True)),
        ):
            with self.subTest(kind):
                yield storage.at(place)

    def objects(self, place):
        """Everything that the server holds of a bucket: names of files, former versions, marks and unfinished uploads."""
        there = self.server.client
        versions = there.list_object_versions(Bucket=place.bucket)
        marks = [item["Key"] for kind in ("Versions", "DeleteMarkers") for item in versions.get(kind, [])]
        return marks + [item["Key"] for item in there.list_multipart_uploads(Bucket=place.bucket).get("Uploads", [])]


class PlaceTests(StorageCase):
    def test_what_was_stored_is_found_read_in_parts_and_deleted(self):
        source = self.folder / "source"
        source.write_bytes(bytes(range(256)) * 40)
        for place in self.each():
            place.put("a/one.bin", source)
            place.put("a/two.bin", source)
            self.assertTrue(place.create("b.json", b"{}"))
            self.assertEqual(list(place.files()), [("a/one.bin", 10240), ("a/two.bin", 10240), ("b.json", 2)])
            self.assertEqual(list(place.files("a/t")), [("a/two.bin", 10240)])
            self.assertEqual((place.size("b.json"), place.size("b"), place.size("a/one.binx")), (2, None, None))
            with place.open("a/one.bin") as file:
                file.seek(300)
                self.assertEqual(file.read(3), bytes([44, 45, 46]))
            self.assertEqual(storage.file_digest(place, "a/one.bin"), storage.file_digest(place, "a/two.bin"))
            self.assertEqual(place.delete(["a/one.bin", "never"]), 1)
            self.assertEqual([file.name for file in place.files()], ["a/two.bin", "b.json"])
            for missing in ("a/one.bin", "c/d"):
                with self.assertRaises(FileNotFoundError):
                    place.open(missing)

    def test_of_many_who_create_one_file_at_once_one_succeeds(self):
        for place in self.each():
            won = []

            def create(number, place=place, won=won):
                if place.create("manifest.json", b"%d" % number):
                    won.append(number)

            threads = [threading.Thread(target=create, args=(number,)) for number in range(6)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(len(won), 1)
            self.assertEqual(storage.read_bytes(place, "manifest.json"), b"%d" % won[0])

    def test_a_file_is_replaced_only_where_it_is_what_the_caller_saw(self):
        for place in self.each():
            self.assertFalse(place.replace("m", b"1", b"2"))
            place.create("m", b"1")
            self.assertFalse(place.replace("m", b"0", b"2"))
            self.assertTrue(place.replace("m", b"1", b"2"))
            self.assertFalse(place.replace("m", b"1", b"3"))
            self.assertEqual(storage.read_bytes(place, "m"), b"2")

    def test_nothing_half_written_has_a_name_and_sweeping_erases_it(self):
        for place in self.each():
            place.create("whole", b"1")
            place.replace("whole", b"1", b"2")
            if isinstance(place, Bucket):
                upload = self.server.client.create_multipart_upload(Bucket=place.bucket, Key=f"{place.prefix}half")
                self.server.client.upload_part(
                    Bucket=place.bucket, Key=f"{place.prefix}half", UploadId=upload["UploadId"], PartNumber=1, Body=b"h"
                )
            else:
                (place.root / ".tmp-half").write_bytes(b"h")
            self.assertEqual([file.name for file in place.files()], ["whole"])
            self.assertGreaterEqual(place.sweep(), 1)
            self.assertEqual(place.sweep(), 0)
            self.assertEqual(storage.read_bytes(place, "whole"), b"2")
            if isinstance(place, Bucket):
                self.assertEqual(self.objects(place), ["mirror/whole"])

    def test_deleting_in_a_bucket_with_versions_leaves_no_version_and_no_mark(self):
        place = storage.at(self.server.address(versions=True))
        place.create("gone", b"1")
        place.replace("gone", b"1", b"2")
        place.create("gone-not", b"3")
        self.server.client.delete_object(Bucket=place.bucket, Key=f"{place.prefix}gone")
        self.assertEqual(place.delete(["gone"]), 1)
        self.assertEqual(self.objects(place), ["mirror/gone-not"])

    def test_a_large_file_goes_up_in_parts_and_comes_back_whole(self):
        source = self.folder / "large"
        source.write_bytes(os.urandom(1 << 20) * 70)
        place = storage.at(self.server.address())
        place.put("large", source)
        self.assertEqual(storage.file_digest(place, "large"), storage.file_digest(storage.Folder(self.folder), "large"))
        self.assertEqual(self.objects(place), ["mirror/large"])

    def test_an_address_that_cannot_be_says_why(self):
        for address, why in {
            "s3://": "named as s3://bucket/prefix",
            "s3://key:secret@bucket/x": "Credentials may not stand in an address",
            "s3://bucket/x?access_key=secret": "does not know",
        }.items():
            with self.assertRaisesRegex(StorageError, why) as refused:
                storage.at(address)
            self.assertNotIn("secret@", str(refused.exception))

    def test_an_address_for_people_holds_bucket_and_prefix_alone(self):
        self.assertRegex(storage.at(self.server.address("a/b/")).address, r"^s3://b-\w+/a/b$")
        self.assertEqual(storage.at(self.folder).address, str(self.folder))

    def test_a_service_that_does_not_answer_and_a_bucket_that_is_not_there_are_named(self):
        with patch("datasets_app.pipeline.s3._ATTEMPTS", 1):
            away = storage.at("s3://bucket/x?endpoint_override=127.0.0.1:1&scheme=http")
        for place in (away, storage.at(f"s3://nobody/x?endpoint_override={self.server.host}&scheme=http")):
            for ask in (
                lambda place=place: list(place.files()),
                lambda place=place: place.create("a", b""),
                lambda place=place: place.put("a", Path(__file__)),
            ):
                with self.assertRaisesRegex(StorageError, "refused or did not answer"):
                    ask()


class MirrorTests(StorageCase):
    def setUp(self):
        super().setUp()
        self.corpus, self.releases = self.folder / "corpus", self.folder / "releases"
        write_corpus(self.corpus, entries_of_owners(6))
        self.first = build(self.corpus, self.releases, BuildSpec("demo", "1.0", RECIPE))
        self.second = build(
            self.corpus,
            self.releases,
            BuildSpec("demo", "1.1", RECIPE, frozenset({"github.com/owner1"}), parent=("demo", "1.0")),
        )

    def test_a_copy_reads_lists_and_verifies_like_the_release_itself(self):
        ours = Release.open(self.releases, "demo", "1.0")
        for place in self.each():
            report = mirror.push(self.releases, place, "demo", "1.0")
            self.assertEqual((report.shards, report.copied), (len(self.first.shards), len(self.first.shards) + 1))
            self.assertEqual(verify(place, "demo", "1.0"), verify(self.releases, "demo", "1.0"))
            there = Release.open(place, "demo", "1.0")
            self.assertEqual(there.manifest, self.first)
            self.assertEqual(list(there.iter_rows()), list(ours.iter_rows()))
            self.assertEqual(there.holdings(), ours.holdings())
            listed = there.files(owner_key="github.com/owner2")
            self.assertEqual(listed, ours.files(owner_key="github.com/owner2"))
            key = (listed[0]["repository_key"], listed[0]["path"])
            self.assertEqual(there.read_text(*key), ours.read_text(*key))
            self.assertNotIn("decisions", " ".join(file.name for file in place.files()))
            again = mirror.push(self.releases, place, "demo", "1.0")
            self.assertEqual((again.copied, again.bytes), (0, 0))
            shared = mirror.push(self.releases, place, "demo", "1.1")
            self.assertLess(shared.copied, shared.shards)
            self.assertEqual([found.version for found in manifest.load_all(place)], ["1.0", "1.1"])

    def test_the_command_line_copies_reads_and_verifies_by_address(self):
        address = self.server.address()
        for words, said in (
            (["mirror", "--releases", str(self.releases), "--to", address, "demo", "1.0"], "shards stand there"),
            (["verify", "--releases", address, "demo", "1.0"], "all is well"),
            (["show", "--releases", address, "demo", "1.0"], self.first.digest_bytes),
        ):
            out = io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
                self.assertEqual(main(words), 0)
            self.assertIn(said, out.getvalue())
        told = io.StringIO()
        with contextlib.redirect_stderr(told), self.assertRaises(SystemExit):
            main(["verify", "--releases", "s3://key:secret@bucket", "demo", "1.0"])
        self.assertIn("Credentials may not stand in an address", told.getvalue())

    def test_a_copy_that_was_cut_off_is_no_release_and_goes_on(self):
        def stop(stage, done, total, message=""):
            if done == 3:
                raise KeyboardInterrupt

        for place in self.each():
            with self.assertRaises(KeyboardInterrupt):
                mirror.push(self.releases, place, "demo", "1.0", stop)
            with self.assertRaises(NoSuchRelease):
                Release.open(place, "demo", "1.0")
            report = mirror.push(self.releases, place, "demo", "1.0")
            self.assertEqual(report.copied, report.shards + 1 - 3)
            self.assertTrue(verify(place, "demo", "1.0").ok)

    def test_clearing_leaves_the_figures_of_what_was_withdrawn_and_no_byte_of_its_own(self):
        for place in self.each():
            mirror.push(self.releases, place, "demo", "1.0")
            mirror.push(self.releases, place, "demo", "1.1")
            place.create("README.md", b"not ours")
            report = mirror.clear(place, [("demo", "1.0"), ("demo", "9.9")])
            self.assertEqual(report.withdrawn, 1)
            own = {shard["digest"] for shard in self.first.shards} - {shard["digest"] for shard in self.second.shards}
            self.assertGreaterEqual(report.deleted, len(own) + 1)
            with self.assertRaisesRegex(NoSuchRelease, "withdrawn"):
                Release.open(place, "demo", "1.0")
            self.assertEqual(manifest.load(place, "demo", "1.0").rows, self.first.rows)
            self.assertTrue(verify(place, "demo", "1.1").ok)
            left = {file.name for file in place.files()}
            listed = {shard_path(Path(), shard["digest"]).as_posix() for shard in self.second.shards}
            self.assertEqual(
                left,
                listed | {f"demo/1.{n}/manifest.json" for n in (0, 1)} | {"demo/1.1/holdings.parquet", "README.md"},
            )
            if isinstance(place, Bucket):
                self.assertEqual(sorted(self.objects(place)), sorted(place.prefix + name for name in left))
            again = mirror.clear(place, [("demo", "1.0")])
            self.assertEqual((again.withdrawn, again.deleted), (0, 0))

    def test_a_number_that_was_withdrawn_or_taken_is_not_used_again(self):
        for place in self.each():
            mirror.push(self.releases, place, "demo", "1.0")
            mirror.clear(place, [("demo", "1.0")])
            with self.assertRaisesRegex(ReleaseExists, "withdrew demo 1.0"):
                mirror.push(self.releases, place, "demo", "1.0")
            mirror.push(self.releases, place, "demo", "1.1")
            elsewhere = self.folder / place.address.replace("/", "_").replace(":", "_")
            build(self.corpus, elsewhere, BuildSpec("demo", "1.1", RECIPE))
            with self.assertRaisesRegex(ReleaseExists, "another release demo 1.1"):
                mirror.push(elsewhere, place, "demo", "1.1")

    def test_bytes_that_come_back_otherwise_are_not_committed(self):
        place = storage.at(self.folder / "place")
        put = place.put

        def damage(name, path):
            put(name, path)
            data = bytearray((place.root / name).read_bytes())
            data[len(data) // 2] ^= 1
            (place.root / name).write_bytes(data)

        with patch.object(place, "put", damage), self.assertRaisesRegex(StorageError, "gives back other bytes"):
            mirror.push(self.releases, place, "demo", "1.0")
        self.assertEqual([file.name for file in place.files()], [])
        mirror.push(self.releases, place, "demo", "1.0")
        self.assertTrue(verify(place, "demo", "1.0").ok)

    def test_damage_in_a_bucket_is_found(self):
        place = storage.at(self.server.address())
        mirror.push(self.releases, place, "demo", "1.0")
        name = shard_path(Path(), self.first.shards[0]["digest"]).as_posix()
        path = self.folder / "other.parquet"
        pq.write_table(pq.read_table(shard_path(self.releases, self.first.shards[1]["digest"])), path)
        place.put(name, path)
        self.assertIn("the manifest says", " ".join(verify(place, "demo", "1.0").problems))
        place.delete([name])
        self.assertIn("is missing", " ".join(verify(place, "demo", "1.0").problems))
