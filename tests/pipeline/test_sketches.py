"""Sketches: equal sets give equal sketches, and the share of equal slots is the similarity of the sets."""

import random
import re
import time

import numpy as np
import pyarrow as pa
from django.test import SimpleTestCase
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets_app.pipeline import duplicates, sketches
from datasets_app.pipeline.blobs import blob_id
from datasets_app.pipeline.format import BLOBS


def sketch(*texts: bytes) -> np.ndarray:
    return sketches.sketch_texts(pa.array(texts, pa.large_binary()))[1]


def similarity(one: bytes, other: bytes) -> float:
    first, second = sketch(one, other)
    return float(duplicates.estimate(first, second))


def shingles(text: bytes) -> set[tuple[bytes, ...]]:
    tokens = re.findall(rb"[A-Za-z_0-9]+", text)
    return {tuple(tokens[at : at + 5]) for at in range(len(tokens) - 4)}


def words(seed: int, count: int) -> list[bytes]:
    generator = random.Random(seed)
    return [b"w%d" % generator.randrange(10**6) for _ in range(count)]


tokens = st.lists(st.sampled_from([b"a", b"b", b"foo", b"x_1", b"9"]), min_size=5, max_size=40)


class SketchTest(SimpleTestCase):
    def test_the_estimate_is_the_jaccard_similarity_within_its_error(self):
        errors = []
        for seed in range(60):
            base = words(seed, 400)
            other = list(base)
            for at in random.Random(seed + 1000).sample(range(400), seed):
                other[at] = b"other%d" % at
            one, two = b" ".join(base), b"\n".join(other)
            exact = len(shingles(one) & shingles(two)) / len(shingles(one) | shingles(two))
            errors.append(similarity(one, two) - exact)
        # 1,024 bins of two bits: a standard deviation of about 0.02, with the fewer bins that 400 runs fill.
        self.assertLess(abs(np.mean(errors)), 0.01)
        self.assertLess(np.sqrt(np.mean(np.square(errors))), 0.028)

    @given(tokens, st.sampled_from([b" ", b"\n", b".", "é".encode(), b"(){}"]))
    @settings(max_examples=60, deadline=None)
    def test_what_stands_between_tokens_does_not_matter(self, parts, between):
        self.assertTrue((sketch(b" ".join(parts)) == sketch(between.join(parts))).all())

    @given(tokens)
    @settings(max_examples=60, deadline=None)
    def test_a_set_has_one_sketch_however_often_its_members_stand(self, parts):
        once, twice = b" ".join(parts), b" ".join(parts * 3)
        if shingles(once) == shingles(twice):
            self.assertTrue((sketch(once) == sketch(twice)).all())

    def test_case_counts_as_in_the_original(self):
        self.assertLess(similarity(b" ".join(words(1, 60)), b" ".join(words(1, 60)).upper()), 0.1)

    def test_fewer_than_five_tokens_have_no_sketch(self):
        contents = [b"a b c d", b"a b c d e", b"", b"... !!! ..."]
        ids = [blob_id(content) for content in contents]
        found = sketches.compute(pa.table([pa.array(ids), pa.array(contents, pa.large_binary())], schema=BLOBS))
        self.assertEqual(found["blob_id"].to_pylist(), [ids[1]])
        self.assertEqual(found["tokens"].to_pylist(), [5])
        self.assertEqual(found.schema, sketches.SCHEMA)

    def test_a_slice_of_an_array_gives_the_same_as_its_texts_alone(self):
        texts = [b" ".join(words(seed, 30)) for seed in range(5)]
        part = pa.array(texts, pa.large_binary()).slice(2, 2)
        self.assertTrue(
            (sketches.sketch_texts(part)[2] == sketches.sketch_texts(pa.array(texts[2:4], pa.large_binary()))[2]).all()
        )

    def test_a_megabyte_of_one_token_is_no_trap(self):
        sketch(b"a b c d e")
        started = time.process_time()
        found = sketch(b"a " * 500_000, b"a a a a a")
        self.assertLess(time.process_time() - started, 2)
        self.assertTrue((found[0] == found[1]).all())

    def test_a_matrix_survives_its_column(self):
        found = sketches.compute(
            pa.table([pa.array([blob_id(b"x")]), pa.array([b"a b c d e f"], pa.large_binary())], schema=BLOBS)
        )
        bands = sketches.sketch_texts(pa.array([b"a b c d e f"], pa.large_binary()))[2]
        self.assertTrue((sketches.matrix(found["bands"], "<u8") == bands).all())

    def test_no_blobs_give_no_rows(self):
        self.assertEqual(sketches.compute(BLOBS.empty_table()).num_rows, 0)
