import json
import tempfile
from pathlib import Path

import numpy as np
from django.test import SimpleTestCase
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trainer.releases import source_texts, write_release, write_tokenizer
from training_jobs.trainer.encoding import Encoding
from training_jobs.trainer.errors import BadTokenizer
from training_jobs.trainer.fim import rearrange, split

PREFIX, MIDDLE, SUFFIX = 1, 2, 3

# Pieces that meet every branch of the pre-tokenizer: runs of white space, digits, contractions, letters beyond ASCII.
code = st.lists(
    st.one_of(
        st.sampled_from(
            ["\n", "    ", " ", "\t", "\r\n", "def f(x):", " self", " = ", "'s", "'t", " don't", "12", " 3.14", '"""', "é", " ß",
             "\u00a0", "\u2003", " \u00b2", "日本", "🎉", "<fim_middle>", " //", "}", " +="]
        ),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    ),
    max_size=40,
).map("".join)  # fmt: skip


def restore(tokens: list[int]) -> tuple[str, list[int], list[int], list[int]]:
    """The order, and the pieces of a rearranged document as their sentinels say."""
    assert tokens[0] == PREFIX
    suffix_at, middle_at = tokens.index(SUFFIX), tokens.index(MIDDLE)
    if suffix_at == 1:
        return "spm", [], tokens[middle_at + 1 :], tokens[2:middle_at]
    return "psm", tokens[1:suffix_at], tokens[middle_at + 1 :], tokens[suffix_at + 1 : middle_at]


class FimTests(SimpleTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        root = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        folder = write_tokenizer(write_release(root / "shards"), root / "tokenizer")
        cls.encoding = Encoding(folder)
        # The same vocabulary behind another pre-tokenizer, as a published model may have it.
        facts = json.loads((folder / "tokenizer.json").read_text())
        facts["pre_tokenizer"] = facts["pre_tokenizer"]["pretokenizers"][1]
        (root / "other").mkdir()
        (root / "other" / "tokenizer.json").write_text(json.dumps(facts))
        cls.other = Encoding(root / "other")

    def tokens(self, text, encoding=None):
        return np.array((encoding or self.encoding).encode(text), dtype=np.int64)

    @settings(max_examples=1500, deadline=None)
    @given(code, st.data())
    def test_pieces_are_what_each_stretch_of_text_encodes_to(self, text, data):
        first = data.draw(st.integers(0, len(text)))
        second = data.draw(st.integers(first, len(text)))
        for encoding in (self.encoding, self.other):
            pieces = split(self.tokens(text, encoding), encoding, first, second)
            for piece, stretch in zip(pieces, (text[:first], text[first:second], text[second:]), strict=True):
                self.assertEqual(piece.tolist(), encoding.encode(stretch))

    def test_pieces_of_real_files_are_what_each_stretch_encodes_to(self):
        random = np.random.default_rng(5)
        for text in source_texts("email"):
            first, second = sorted(random.integers(0, len(text) + 1, size=2).tolist())
            pieces = split(self.tokens(text), self.encoding, first, second)
            for piece, stretch in zip(pieces, (text[:first], text[first:second], text[second:]), strict=True):
                self.assertEqual(piece.tolist(), self.encoding.encode(stretch))

    @settings(max_examples=300, deadline=None)
    @given(code.filter(bool), st.integers(0, 2**32), st.sampled_from([0.0, 1.0]))
    def test_a_rearranged_document_reassembles_exactly(self, text, seed, spm_rate):
        tokens = rearrange(self.tokens(text), self.encoding, np.random.default_rng(seed), 1.0, spm_rate)
        order, prefix, middle, suffix = restore(tokens.tolist())
        if spm_rate == 0.0 and prefix == []:  # an empty prefix in PSM order reads like SPM; the text is the same
            order = "psm"
        self.assertEqual(order, "spm" if spm_rate else "psm")
        joined = self.encoding.decode_bytes(np.array(prefix + middle + suffix, dtype=np.int64))
        self.assertEqual(joined.decode(), text)

    def test_rates_are_met(self):
        tokens = self.tokens("def f(x):\n    return x + 1\n" * 5)
        random = np.random.default_rng(1)
        drawn = [rearrange(tokens, self.encoding, random, 0.5, 0.5).tolist() for _ in range(4000)]
        changed = [document for document in drawn if document[0] == PREFIX]
        self.assertAlmostEqual(len(changed) / 4000, 0.5, delta=0.04)
        spm = [document for document in changed if document[1] == SUFFIX]
        self.assertAlmostEqual(len(spm) / len(changed), 0.5, delta=0.06)
        self.assertTrue(all(document == tokens.tolist() for document in drawn if document[0] != PREFIX))

    def test_cuts_are_uniform_over_characters_not_bytes(self):
        text = "日本語日本語" + "abcdef"  # twelve characters, twenty-four bytes
        lengths = []
        random = np.random.default_rng(2)
        for _ in range(4000):
            _, _, middle, suffix = restore(rearrange(self.tokens(text), self.encoding, random, 1.0, 1.0).tolist())
            after = self.encoding.decode_bytes(np.array(suffix, dtype=np.int64)).decode()
            lengths.append(len(after))
            self.assertIsNotNone(middle)
        self.assertAlmostEqual(np.mean(lengths), 12 - 12 * 2 / 3, delta=0.35)

    def test_rate_zero_changes_nothing_and_an_empty_document_stays_empty(self):
        tokens = self.tokens("x = 1\n")
        random = np.random.default_rng(0)
        self.assertIs(rearrange(tokens, self.encoding, random, 0.0, 0.5), tokens)
        self.assertEqual(len(rearrange(self.tokens(""), self.encoding, random, 1.0, 0.5)), 0)

    def test_a_tokenizer_without_sentinels_is_refused(self):
        facts = json.loads((self.encoding.folder / "tokenizer.json").read_text())
        facts["added_tokens"] = facts["added_tokens"][:1]
        facts["model"]["vocab"] = {
            text: token for text, token in facts["model"]["vocab"].items() if not text.startswith("<fim")
        }
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "tokenizer.json").write_text(json.dumps(facts))
            encoding = Encoding(Path(folder))
            with self.assertRaisesRegex(BadTokenizer, "no <fim_prefix> token"):
                rearrange(np.array(encoding.encode("abc")), encoding, np.random.default_rng(0), 1.0, 0.5)
