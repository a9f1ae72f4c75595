"""Near-duplicates: components, and who stays in them, against a plain implementation."""

import numpy as np
from django.test import SimpleTestCase
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets_app.pipeline import duplicates
from datasets_app.pipeline.duplicates import ALONE, find
from datasets_app.pipeline.sketches import BANDS, BINS


def codes(sketch: np.ndarray) -> np.ndarray:
    """The 1,024 codes of a sketch, one by one."""
    return (sketch.view(np.uint8)[:, None] >> np.array([0, 2, 4, 6], np.uint8) & 3).ravel()


def packed(codes_of: np.ndarray) -> np.ndarray:
    """Sketches (n x 32 words) of codes (n x 1,024)."""
    parts = codes_of.reshape(len(codes_of), -1, 4).astype(np.uint8)
    return (parts << np.array([0, 2, 4, 6], np.uint8)).sum(axis=2, dtype=np.uint8).view(np.uint64)


def plain_estimate(one: np.ndarray, other: np.ndarray) -> float:
    first, second = codes(one), codes(other)
    both, either = (first > 0) & (second > 0), (first > 0) | (second > 0)
    same = ((first == second) & both).sum() - both.sum() / 3
    return float(np.clip(same / (2 / 3) / either.sum(), 0, 1)) if either.any() else 0.0


def plain(sketches: np.ndarray, bands: np.ndarray, threshold: float) -> tuple[list[int], list[int]]:
    """Component and representative of each text, by definition."""
    count = len(bands)
    shares = [[bool((bands[one] == bands[other]).any()) for other in range(count)] for one in range(count)]
    component = list(range(count))
    for _ in range(count):
        for one in range(count):
            component[one] = min(component[other] for other in range(count) if shares[one][other])
    representative: list[int] = []
    for one in range(count):
        stays = [other for other in range(one) if representative[other] == other and shares[one][other]]
        needed = threshold - duplicates.LEEWAY
        alike = [other for other in stays if plain_estimate(sketches[one], sketches[other]) >= needed]
        representative.append(alike[0] if alike else one)
    alone = [sum(value == other for other in component) == 1 for value in component]
    return [ALONE if single else value for value, single in zip(component, alone, strict=True)], representative


class FindTest(SimpleTestCase):
    @given(st.integers(0, 2**32 - 1), st.integers(1, 14), st.sampled_from([0.5, 0.7, 0.9]))
    @settings(max_examples=80, deadline=None)
    def test_it_does_what_the_definition_says(self, seed, count, threshold):
        generator = np.random.default_rng(seed)
        base = generator.integers(0, 4, (3, BINS))
        held = base[generator.integers(0, 3, count)].copy()
        noise = generator.random((count, BINS)) < generator.random((count, 1)) * 0.6
        held[noise] = generator.integers(0, 4, int(noise.sum()))
        sketches = packed(held)
        bands = generator.integers(0, 40, (count, BANDS)).astype(np.uint64)
        found = find(sketches, bands, threshold)
        component, representative = plain(sketches, bands, threshold)
        self.assertEqual(found.component.tolist(), component)
        self.assertEqual(found.representative.tolist(), representative)

    def three(self) -> tuple[np.ndarray, np.ndarray]:
        """A chain: the first is like the second, the second like the third, the first not like the third."""
        held = np.ones((3, BINS), dtype=np.uint8)
        held[1, :170] = 2
        held[2, :340] = 2
        sketches = packed(held)
        bands = np.arange(3 * BANDS, dtype=np.uint64).reshape(3, BANDS)
        bands[1, 0] = bands[0, 0]
        bands[2, 1] = bands[1, 1]
        return sketches, bands

    def test_a_chain_of_candidates_removes_only_what_is_like_a_text_that_stays(self):
        found = find(*self.three(), 0.7)
        self.assertEqual(found.representative.tolist(), [0, 0, 2])
        self.assertEqual(found.component.tolist(), [0, 0, 0])
        self.assertAlmostEqual(float(found.similarity[1]), 0.751, 2)

    def test_unverified_whole_components_go_as_in_the_original(self):
        found = find(*self.three(), 0.7, verify=False)
        self.assertEqual(found.representative.tolist(), [0, 0, 0])
        self.assertLess(found.similarity[2], 0.7)

    def test_texts_without_a_common_band_are_alone_however_alike(self):
        sketches = packed(np.ones((2, BINS), dtype=np.uint8))
        bands = np.arange(2 * BANDS, dtype=np.uint64).reshape(2, BANDS)
        found = find(sketches, bands, 0.7)
        self.assertEqual((found.component.tolist(), found.stays.tolist()), ([ALONE, ALONE], [True, True]))

    def test_the_least_bit_of_a_difference_counts(self):
        held = np.ones((2, BINS), dtype=np.uint8)
        held[1, 1023] = 3
        self.assertLess(duplicates.estimate(*packed(held)), 1)
        self.assertEqual(duplicates.estimate(*packed(held[:1].repeat(2, axis=0))), 1)

    def test_nothing_gives_nothing(self):
        found = find(np.zeros((0, 32), np.uint64), np.zeros((0, BANDS), np.uint64), 0.7)
        self.assertEqual(len(found.component), 0)
