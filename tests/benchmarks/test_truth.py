"""What the benchmarks call true is true: exact Jaccard, the reference engine, the counting of recall and precision."""

import itertools
import random
import re
from unittest import TestCase

import numpy as np
import pyarrow as pa

from benchmarks import exact_jaccard, near, reference_minhash, shingles


def naive_sets(texts: list[str]) -> list[set[tuple[str, ...]]]:
    words = [[word for word in re.split(r"[^A-Za-z_0-9]+", text) if word] for text in texts]
    return [{tuple(one[at : at + 5]) for at in range(len(one) - 4)} for one in words]


def related_texts(count: int, seed: int = 1) -> list[str]:
    """Texts of which many are changed copies of earlier ones, with separators of all kinds and letters outside ASCII."""
    chance = random.Random(seed)
    texts: list[list[str]] = []
    for _ in range(count):
        if texts and chance.random() < 0.7:
            words = list(chance.choice(texts))
            for _change in range(chance.randrange(8)):
                words[chance.randrange(len(words))] = f"x{chance.randrange(1000)}"
        else:
            words = [f"w{chance.randrange(200)}" for _ in range(chance.randrange(1, 120))]
        texts.append(words)
    return [chance.choice([" ", "\n", ".", " é ", "::"]).join(words) for words in texts]


def array(texts: list[str]) -> pa.Array:
    return pa.array(texts, pa.large_string())


class TruthTests(TestCase):
    def test_a_set_of_shingles_has_as_many_members_as_a_set_of_five_words_in_python(self) -> None:
        texts = [*related_texts(60), "", "a b c d", "a b c d e", "a b c d e " * 9, "Über_uns a1 B2 c3 d4 e5"]
        places, hashes = shingles.sets(array(texts))
        self.assertEqual(np.diff(places).tolist(), [len(found) for found in naive_sets(texts)])
        for start, end in itertools.pairwise(places.tolist()):
            self.assertTrue((np.diff(hashes[start:end].astype(object)) > 0).all())

    def test_a_slice_of_an_array_gives_what_its_texts_give(self) -> None:
        texts = related_texts(20)
        _places, of_slice = shingles.sets(array(texts).slice(7, 9))
        _places, alone = shingles.sets(array(texts[7:16]))
        np.testing.assert_array_equal(of_slice, alone)

    def test_the_pairs_are_those_of_the_naive_definition(self) -> None:
        texts = [*related_texts(150), "short", "short", ""]
        sets = naive_sets(texts)
        wanted = [
            [one, other]
            for one, other in itertools.combinations(range(len(texts)), 2)
            if sets[one] and 10 * len(sets[one] & sets[other]) >= 7 * len(sets[one] | sets[other])
        ]
        self.assertGreater(len(wanted), 20)
        self.assertEqual(exact_jaccard.pairs(array(texts)).tolist(), wanted)

    def test_jaccard_is_shared_members_over_all_members(self) -> None:
        texts = related_texts(30)
        sets = naive_sets(texts)
        pairs = np.array(list(itertools.combinations(range(30), 2)))
        wanted = [len(sets[a] & sets[b]) / max(1, len(sets[a] | sets[b])) for a, b in pairs.tolist()]
        np.testing.assert_allclose(exact_jaccard.jaccard(*shingles.sets(array(texts)), pairs), wanted)


class ReferenceTests(TestCase):
    def test_the_share_of_equal_slots_estimates_the_similarity(self) -> None:
        texts = array(related_texts(80, seed=2))
        pairs = np.array(list(itertools.combinations(range(80), 2)))
        exact = exact_jaccard.jaccard(*shingles.sets(texts), pairs)
        signed = reference_minhash.signatures(texts)
        both = np.diff(shingles.sets(texts)[0])[pairs].min(axis=1) > 0
        estimated = (signed[pairs[:, 0]] == signed[pairs[:, 1]]).mean(axis=1)
        self.assertLess(np.abs(estimated - exact)[both].max(), 0.16)  # five deviations at the worst
        self.assertLess(abs((estimated - exact)[both & (exact > 0.3)].mean()), 0.02)

    def test_texts_that_share_a_band_are_in_one_cluster_named_by_its_first(self) -> None:
        signed = np.arange(4 * 256, dtype=np.uint32).reshape(4, 256)
        signed[3, 20:30] = signed[1, 20:30]
        signed[3, 240:250] = signed[2, 240:250]
        self.assertEqual(reference_minhash.clusters(signed).tolist(), [0, 1, 1, 1])

    def test_slots_outside_the_bands_tie_nothing(self) -> None:
        signed = np.arange(2 * 256, dtype=np.uint32).reshape(2, 256)
        signed[1, 250:] = signed[0, 250:]
        self.assertEqual(reference_minhash.clusters(signed).tolist(), [0, 1])


class QualityTests(TestCase):
    def test_recall_and_precision_are_counted_by_what_stays(self) -> None:
        truth = np.array([[0, 1], [0, 2], [3, 4], [5, 6]])
        chosen = np.array([0, 0, 2, 3, 3, 5, 6, 5])  # 1 goes rightly, 2 stays, 4 goes rightly, 7 goes wrongly
        found = near.Quality.of(truth, chosen)
        self.assertEqual(found.removed, 3)
        self.assertAlmostEqual(found.precision, 2 / 3)
        self.assertAlmostEqual(found.recall, 2 / 4)
        self.assertAlmostEqual(found.together, 2 / 4)

    def test_one_that_goes_for_a_text_that_goes_too_is_wrong_unless_a_like_one_stays(self) -> None:
        truth = np.array([[0, 1], [1, 2]])
        found = near.Quality.of(truth, np.array([0, 0, 0]))
        self.assertAlmostEqual(found.precision, 1 / 2)
        self.assertEqual(found.recall, 1.0)
