import json
import tempfile
from pathlib import Path

from django.test import SimpleTestCase
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models

from tests.trainer.releases import source_texts, write_release, write_shard, write_tokenizer
from training_jobs.trainer.encoding import Encoding
from training_jobs.trainer.errors import BadShard, BadTokenizer, NoText
from training_jobs.trainer.tokenizer import SPECIAL_TOKENS, train_tokenizer


class TokenizerTests(SimpleTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.root = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.shards = write_release(cls.root / "shards")
        cls.folder = write_tokenizer(cls.shards, cls.root / "tokenizer")
        cls.encoding = Encoding(cls.folder)

    def test_special_tokens_have_their_published_ids(self):
        ids = json.loads((self.folder / "tokenizer.json").read_text())["model"]["vocab"]
        self.assertEqual([ids[name] for name in SPECIAL_TOKENS], list(range(19)))
        self.assertEqual(SPECIAL_TOKENS[0], "<|endoftext|>")
        self.assertEqual(SPECIAL_TOKENS[18], "<reponame>")

    def test_transformers_loads_it_with_the_same_ids(self):
        from transformers import AutoTokenizer, PreTrainedTokenizerFast

        text = source_texts("json")[0]
        for loaded in (
            AutoTokenizer.from_pretrained(self.folder),
            PreTrainedTokenizerFast.from_pretrained(self.folder),
        ):
            self.assertEqual(loaded(text)["input_ids"], self.encoding.encode(text))
            self.assertEqual(loaded.eos_token_id, 0)
            self.assertEqual(loaded("<fim_prefix>a<fim_suffix>")["input_ids"][::2], [1, 3])
            self.assertEqual(loaded.decode(loaded(text)["input_ids"]), text)

    def test_merges_are_strings_for_old_readers(self):
        merges = json.loads((self.folder / "tokenizer.json").read_text())["model"]["merges"]
        self.assertTrue(merges)
        for merge in merges:
            self.assertIsInstance(merge, str)
            self.assertEqual(len(merge.split(" ")), 2)

    def test_each_digit_is_a_token_and_no_space_is_put_before(self):
        pieces = [self.encoding.token_bytes[token] for token in self.encoding.encode("x = 2024")]
        self.assertEqual(pieces[-4:], [b"2", b"0", b"2", b"4"])
        self.assertEqual(pieces[0], b"x")

    def test_special_strings_in_a_text_stay_letters(self):
        text = "a<|endoftext|>b<fim_prefix><reponame>"
        tokens = self.encoding.encode(text)
        self.assertTrue(all(token >= len(SPECIAL_TOKENS) for token in tokens))
        self.assertEqual(self.encoding.encode_batch([text]), [tokens])

    @settings(max_examples=200, deadline=None)
    @given(st.text(st.characters(exclude_categories=["Cs"])))
    def test_every_text_comes_back_exactly(self, text):
        tokens = self.encoding.encode(text)
        self.assertEqual(b"".join(self.encoding.token_bytes[token] for token in tokens).decode(), text)
        self.assertEqual(sum(int(self.encoding.characters[token]) for token in tokens), len(text))

    def test_the_same_shards_give_the_same_bytes(self):
        again = write_tokenizer(list(reversed(self.shards)), self.root / "again")
        for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
            self.assertEqual((again / name).read_bytes(), (self.folder / name).read_bytes())

    def test_progress_that_raises_cancels_and_leaves_nothing(self):
        def cancel(stage, done, total, message=""):
            raise KeyError("cancelled")

        with self.assertRaisesRegex(KeyError, "cancelled"):
            train_tokenizer(self.shards, self.root / "cancelled", 512, 100_000, cancel)
        self.assertFalse(list(self.root.glob("*cancelled")))

    def test_an_existing_folder_is_not_overwritten(self):
        with self.assertRaisesRegex(BadTokenizer, "exists already"):
            write_tokenizer(self.shards, self.folder)

    def test_no_shards_no_text_and_a_sample_too_small_are_refused(self):
        empty = write_shard(self.root / "empty", ["", ""])
        for shards, size, reason in (([], 9, "no shards"), ([empty], 9, "no text"), (self.shards, 1, "as small as 1")):
            with self.subTest(reason), self.assertRaisesRegex(NoText, reason):
                train_tokenizer(shards, self.root / "none", 512, size)
        self.assertFalse((self.root / "none").exists())

    def test_a_damaged_shard_is_named(self):
        damaged = self.root / "damaged" / self.shards[0].name
        damaged.parent.mkdir()
        raw = bytearray(self.shards[0].read_bytes())
        raw[100] ^= 0xFF
        damaged.write_bytes(raw)
        with self.assertRaisesRegex(BadShard, damaged.name):
            train_tokenizer([damaged], self.root / "none", 512, 100_000)


class EncodingTests(SimpleTestCase):
    def setUp(self):
        self.root = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def test_a_folder_without_a_tokenizer_is_refused(self):
        with self.assertRaisesRegex(BadTokenizer, r"has no tokenizer\.json"):
            Encoding(self.root)

    def test_a_damaged_tokenizer_is_refused(self):
        (self.root / "tokenizer.json").write_text("{")
        with self.assertRaisesRegex(BadTokenizer, "is not a tokenizer"):
            Encoding(self.root)

    def test_a_tokenizer_that_loses_text_is_refused(self):
        Tokenizer(models.WordLevel({"a": 0}, unk_token="a")).save(str(self.root / "tokenizer.json"))
        with self.assertRaisesRegex(BadTokenizer, "not byte-level BPE"):
            Encoding(self.root)

    def test_changed_rules_are_refused_or_noticed(self):
        shard = write_shard(self.root / "shards", source_texts("json"))
        good = json.loads((write_tokenizer([shard], self.root / "t") / "tokenizer.json").read_text())

        def load(**changes):
            (self.root / "tokenizer.json").write_text(json.dumps(good | changes))
            return Encoding(self.root)

        with self.assertRaisesRegex(BadTokenizer, "normalises"):
            load(normalizer={"type": "NFC"})
        vocabulary = {text: token for text, token in good["model"]["vocab"].items() if text != "Q"}
        merges = [merge for merge in good["model"]["merges"] if "Q" not in merge]
        with self.assertRaisesRegex(BadTokenizer, "1 bytes have no entry"):
            load(model=good["model"] | {"vocab": vocabulary, "merges": merges})
        self.assertIsNotNone(load().anchors)
        self.assertIsNone(load(pre_tokenizer=good["pre_tokenizer"]["pretokenizers"][1]).anchors)
