import json
import shutil
import tempfile
import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from django.test import SimpleTestCase

from tests.trainer.releases import blob_id, source_texts, write_release, write_shard, write_tokenizer
from training_jobs.trainer import shard_text, tokens
from training_jobs.trainer.durable import try_lock
from training_jobs.trainer.encoding import Encoding
from training_jobs.trainer.errors import BadShard, BadTokenFile, NoText

MARKER = "the_marker_that_must_vanish_4711"


class TokenFileTests(SimpleTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.base = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.marked = f"def secret():\n    return '{MARKER}'\n<|endoftext|><fim_prefix> 12\n"
        cls.shards = [
            *write_release(cls.base / "shards"),
            write_shard(cls.base / "shards", [cls.marked, "", "x = 1\n"]),
        ]
        cls.tokenizer = write_tokenizer(cls.shards, cls.base / "tokenizer")
        cls.encoding = Encoding(cls.tokenizer)
        cls.texts = [*source_texts("json"), *source_texts("email"), cls.marked, "x = 1\n"]

    def setUp(self):
        self.root = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def prepare(self, **options):
        return tokens.prepare(self.shards, self.tokenizer, self.root, **options)

    def held(self, token_file):
        """The texts of a token file, by blob id."""
        return {
            token_file.blob_ids[index].tobytes().hex(): self.encoding.decode_bytes(token_file.document(index)).decode()
            for index in range(len(token_file))
        }

    def test_every_document_is_there_under_its_blob_id(self):
        token_file = self.prepare()
        self.assertEqual(self.held(token_file), {blob_id(text): text for text in self.texts if text})
        self.assertEqual(token_file.tokens.dtype, np.uint16)
        self.assertEqual(token_file.meta["text_bytes"], sum(len(text.encode()) for text in self.texts))
        self.assertEqual(token_file.meta["source"]["shards"], sorted(shard.stem for shard in self.shards))

    def test_special_strings_in_the_text_are_not_special_tokens(self):
        self.assertTrue((np.asarray(self.prepare().tokens) >= 19).all())

    def test_a_second_preparation_reuses_the_first(self):
        first = self.prepare()
        written = (first.folder / "tokens.0.bin").stat().st_mtime_ns
        stages = []
        second = self.prepare(progress=lambda stage, *_: stages.append(stage))
        self.assertEqual(second.folder, first.folder)
        self.assertEqual((second.folder / "tokens.0.bin").stat().st_mtime_ns, written)
        self.assertEqual(stages, [])

    def test_the_same_inputs_give_the_same_bytes(self):
        first = self.prepare()
        shutil.rmtree(first.folder)
        self.assertEqual(tokens.prepare(self.shards[::-1], self.tokenizer, self.root).digest, first.digest)

    def test_other_shards_another_tokenizer_or_another_limit_give_another_folder(self):
        other = write_tokenizer(self.shards[:1], self.root / "other")
        found = {
            self.prepare().folder,
            self.prepare(max_bytes=50_000).folder,
            tokens.prepare(self.shards[:1], self.tokenizer, self.root).folder,
            tokens.prepare(self.shards, other, self.root).folder,
        }
        self.assertEqual(len(found), 4)
        self.assertEqual(set(tokens.folders(self.root)), found)

    def test_a_limited_preparation_takes_from_every_large_shard_and_says_how_much(self):
        meta = self.prepare(max_bytes=100_000).meta
        self.assertLessEqual(meta["text_bytes"], 100_000)
        self.assertGreater(meta["text_bytes"], 60_000)
        self.assertEqual(meta["release_documents"], len(self.texts) + 1)
        self.assertEqual(meta["source"]["max_bytes"], 100_000)
        chosen = shard_text.select(self.shards, 100_000).chosen
        self.assertGreaterEqual(len(chosen), 2)
        self.assertEqual(chosen, shard_text.select(self.shards[::-1], 100_000).chosen)

    def test_two_that_prepare_at_once_make_one_folder(self):
        found = []
        workers = [threading.Thread(target=lambda: found.append(self.prepare().folder)) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        self.assertEqual(found, [found[0]] * 2)
        self.assertEqual(tokens.folders(self.root), [found[0]])

    def test_progress_that_raises_leaves_nothing(self):
        def cancel(stage, done, total, message=""):
            if done:
                raise KeyError("cancelled")

        with self.assertRaises(KeyError):
            self.prepare(progress=cancel)
        self.assertEqual(list(self.root.glob("*/")), [])

    def test_what_a_dead_process_left_is_made_anew_or_swept(self):
        folder = self.prepare().folder
        (folder / "meta.json").unlink()
        with self.assertRaisesRegex(BadTokenFile, "not a whole token folder"):
            tokens.TokenFile.open(folder)
        half = self.root / f".tmp-{'0' * 32}"
        half.mkdir()
        (half / "tokens.0.bin").write_bytes(b"half")
        alive = self.root / f".tmp-{'1' * 32}"
        alive.mkdir()
        with try_lock(self.root / f".lock-{'1' * 32}") as held:
            self.assertTrue(held)
            self.assertEqual(tokens.sweep(self.root), [half])
        self.assertEqual(tokens.sweep(self.root), [alive])
        self.assertEqual(len(self.held(self.prepare())), len(self.texts))

    def test_a_cut_or_unknown_file_is_refused(self):
        folder = self.prepare().folder
        with (folder / "tokens.0.bin").open("r+b") as file:
            file.truncate(100)
        with self.assertRaisesRegex(BadTokenFile, r"tokens\.0\.bin: has 100 bytes"):
            tokens.TokenFile.open(folder)
        meta = json.loads((folder / "meta.json").read_text())
        (folder / "meta.json").write_text(json.dumps(meta | {"format": 99}))
        with self.assertRaisesRegex(BadTokenFile, "format 99"):
            tokens.TokenFile.open(folder)

    def test_erasure_takes_the_documents_and_their_bytes(self):
        token_file = self.prepare()
        victim, sibling = blob_id(self.marked), blob_id(self.texts[0])
        raw = np.asarray(self.encoding.encode(MARKER), dtype="<u2").tobytes()
        folder = token_file.folder
        self.assertIn(raw, (folder / "tokens.0.bin").read_bytes())
        self.assertEqual(tokens.scan(self.root, lambda text: MARKER.encode() in text), [folder])
        self.assertEqual(len(tokens.documents_holding(folder, [victim, sibling, "0" * 40])), 2)
        self.assertEqual(tokens.erase(folder, {victim, "0" * 40}), 1)
        after = tokens.TokenFile.open(folder)
        self.assertEqual(self.held(after), {blob_id(text): text for text in self.texts if text != self.marked})
        self.assertEqual(after.meta["erased"], 1)
        self.assertNotEqual(after.digest, token_file.digest)
        for path in folder.iterdir():
            self.assertNotIn(raw, path.read_bytes())
            self.assertNotIn(bytes.fromhex(victim), path.read_bytes())
        self.assertEqual(tokens.scan(self.root, lambda text: MARKER.encode() in text), [])
        self.assertEqual(tokens.documents_holding(folder, [victim]), [])

    def test_erasure_of_what_is_not_there_changes_nothing(self):
        token_file = self.prepare()
        self.assertEqual(tokens.erase(token_file.folder, {"0" * 40}), 0)
        self.assertEqual(tokens.erase(token_file.folder, set()), 0)
        self.assertEqual(tokens.TokenFile.open(token_file.folder).meta, token_file.meta)

    def test_everything_can_be_erased(self):
        folder = self.prepare().folder
        self.assertEqual(tokens.erase(folder, [blob_id(text) for text in self.texts]), len(self.texts))
        self.assertEqual(len(tokens.TokenFile.open(folder)), 0)
        self.assertEqual((folder / "tokens.1.bin").stat().st_size, 0)

    def test_erasure_finishes_what_a_crash_left(self):
        folder = self.prepare().folder
        victim = blob_id(self.marked)
        shutil.copytree(folder, self.root / "before")
        tokens.erase(folder, [victim])
        # Killed after the new description was committed, before the old files went:
        for path in (self.root / "before").glob("*.0.bin"):
            shutil.copy(path, folder / path.name)
        self.assertEqual(tokens.erase(folder, [victim]), 0)
        self.assertEqual(
            sorted(path.name for path in folder.glob("*.bin")), ["blobs.1.bin", "bounds.1.bin", "tokens.1.bin"]
        )
        # Killed before it was committed:
        half = self.root / "before"
        (half / "tokens.1.bin").write_bytes(b"half")
        self.assertEqual(len(tokens.TokenFile.open(half)), len(self.texts))
        self.assertEqual(tokens.erase(half, [victim]), 1)
        self.assertEqual(len(tokens.TokenFile.open(half)), len(self.texts) - 1)

    def test_a_large_vocabulary_takes_wide_tokens(self):
        facts = json.loads((self.tokenizer / "tokenizer.json").read_text())
        facts["model"]["vocab"]["zz"] = 70_000
        wide = self.root / "wide"
        wide.mkdir()
        (wide / "tokenizer.json").write_text(json.dumps(facts))
        token_file = tokens.prepare(self.shards[:1], wide, self.root / "tokens")
        self.assertEqual(token_file.tokens.dtype, np.uint32)

    def test_bad_shards_are_named(self):
        nothing = write_shard(self.root / "empty", [""])
        with self.assertRaisesRegex(NoText, "no text"):
            tokens.prepare([nothing], self.tokenizer, self.root)
        with self.assertRaisesRegex(NoText, "no shards"):
            tokens.prepare([], self.tokenizer, self.root)
        with self.assertRaisesRegex(BadShard, r"missing\.parquet: there is no such shard"):
            tokens.prepare([self.root / "missing.parquet"], self.tokenizer, self.root)
        (self.root / "noise.parquet").write_bytes(b"PAR1 this is not a shard PAR1")
        with self.assertRaisesRegex(BadShard, r"noise\.parquet: cannot be read"):
            tokens.prepare([self.root / "noise.parquet"], self.tokenizer, self.root)
        table = pa.table({"blob_id": ["0" * 40], "text": ["x"]})
        pq.write_table(table, self.root / "other.parquet")
        with self.assertRaisesRegex(BadShard, r"other\.parquet: lacks the column 'size'"):
            tokens.prepare([self.root / "other.parquet"], self.tokenizer, self.root)
        self.assertEqual(tokens.folders(self.root), [])

    def test_a_shard_whose_bytes_changed_is_refused(self):
        raw = bytearray(self.shards[0].read_bytes())
        raw[len(raw) // 2] ^= 1
        changed = self.root / self.shards[0].name
        changed.write_bytes(raw)
        with self.assertRaisesRegex(BadShard, "not those that its name promises|cannot be read"):
            tokens.prepare([changed], self.tokenizer, self.root)
        self.assertEqual(tokens.folders(self.root), [])
