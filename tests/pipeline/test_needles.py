"""Many strings at once: exactly those that stand in the data are found."""

import numpy as np
import pyarrow as pa
from django.test import SimpleTestCase
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets_app.pipeline.needles import Needles

LETTERS = st.binary(max_size=60).map(lambda data: bytes(byte % 3 + 97 for byte in data))


class NeedlesTest(SimpleTestCase):
    @settings(max_examples=150, deadline=None)
    @given(st.lists(LETTERS.filter(bool), min_size=1, max_size=12), LETTERS, st.data())
    def test_it_finds_what_python_finds(self, texts, data, more):
        data += more.draw(st.sampled_from([b"", *texts])) + more.draw(LETTERS)
        needles = Needles(texts)
        expected = [text in data for text in needles.texts]
        found = np.zeros(len(needles), dtype=np.bool_)
        needles.mark(data, found)
        self.assertEqual(found.tolist(), expected)
        self.assertEqual(needles.within(data), any(expected))

    def test_long_strings_are_found_at_the_first_and_the_last_byte(self):
        data = np.random.default_rng(1).bytes(5000)
        for width in (1, 32, 64, 65, 200):
            others = [np.random.default_rng(seed).bytes(width + 5) for seed in range(100, 109)]
            for at in (0, 1, 2500, len(data) - width):
                self.assertTrue(Needles([*others, data[at : at + width]]).within(data), (width, at))
            self.assertFalse(Needles(others).within(data))

    def test_of_many_thousands_the_one_that_is_there_is_found(self):
        texts = [number.to_bytes(4, "big") * 8 for number in range(30_000)]
        needles = Needles(texts)
        found = np.zeros(len(needles), dtype=np.bool_)
        needles.mark(pa.py_buffer(b"-" * 1000 + texts[12_345] + b"-" + texts[7] + b"-"), found)
        self.assertEqual([needles.texts[at] for at in np.flatnonzero(found)], [texts[7], texts[12_345]])

    def test_a_hit_told_before_is_no_reason_to_stop(self):
        needles = Needles([b"aaaa", b"bbbb", b"cccc", b"dddd"])
        found = np.zeros(4, dtype=np.bool_)
        needles.mark(b"-aaaa-", found)
        needles.mark(b"-aaaa-dddd", found)
        self.assertEqual(found.tolist(), [True, False, False, True])

    def test_none_and_empty_ones(self):
        self.assertFalse(Needles([]).within(b"data"))
        with self.assertRaises(ValueError):
            Needles([b"a", b""])
