"""Near-duplicates: components, and who stays in them, against a plain implementation."""

import numpy as np
from django.test import SimpleTestCase
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets_app.pipeline import duplicates
from datasets_app.pipeline.duplicates import ALONE, find
from datasets_app.pipeline.sketches import BANDS, SLOTS


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
        alike = [
            other for other in stays if (sketches[one] == sketches[other]).sum() >= duplicates.equal_slots(threshold)
        ]
        representative.append(alike[0] if alike else one)
    alone = [sum(value == other for other in component) == 1 for value in component]
    return [ALONE if single else value for value, single in zip(component, alone, strict=True)], representative


class FindTest(SimpleTestCase):
    @given(st.integers(0, 2**32 - 1), st.integers(1, 14), st.sampled_from([0.5, 0.7, 0.9]))
    @settings(max_examples=80, deadline=None)
    def test_it_does_what_the_definition_says(self, seed, count, threshold):
        generator = np.random.default_rng(seed)
        base = generator.integers(0, 256, (3, SLOTS), dtype=np.uint8)
        sketches = base[generator.integers(0, 3, count)].copy()
        noise = generator.random((count, SLOTS)) < generator.random((count, 1)) * 0.6
        sketches[noise] = generator.integers(0, 256, int(noise.sum()), dtype=np.uint8)
        bands = generator.integers(0, 40, (count, BANDS)).astype(np.uint64)
        found = find(sketches, bands, threshold)
        component, representative = plain(sketches, bands, threshold)
        self.assertEqual(found.component.tolist(), component)
        self.assertEqual(found.representative.tolist(), representative)

    def three(self) -> tuple[np.ndarray, np.ndarray]:
        """A chain: the first is like the second, the second like the third, the first not like the third."""
        sketches = np.zeros((3, SLOTS), dtype=np.uint8)
        sketches[1, :60] = 1
        sketches[2, :120] = 1
        bands = np.arange(3 * BANDS, dtype=np.uint64).reshape(3, BANDS)
        bands[1, 0] = bands[0, 0]
        bands[2, 1] = bands[1, 1]
        return sketches, bands

    def test_a_chain_of_candidates_removes_only_what_is_like_a_text_that_stays(self):
        found = find(*self.three(), 0.7)
        self.assertEqual(found.representative.tolist(), [0, 0, 2])
        self.assertEqual(found.component.tolist(), [0, 0, 0])
        self.assertAlmostEqual(float(found.similarity[1]), 0.765, 2)

    def test_unverified_whole_components_go_as_in_the_original(self):
        found = find(*self.three(), 0.7, verify=False)
        self.assertEqual(found.representative.tolist(), [0, 0, 0])
        self.assertLess(found.similarity[2], 0.7)

    def test_texts_without_a_common_band_are_alone_however_alike(self):
        sketches = np.zeros((2, SLOTS), dtype=np.uint8)
        bands = np.arange(2 * BANDS, dtype=np.uint64).reshape(2, BANDS)
        found = find(sketches, bands, 0.7)
        self.assertEqual((found.component.tolist(), found.stays.tolist()), ([ALONE, ALONE], [True, True]))

    def test_the_threshold_in_slots_is_the_inverse_of_the_estimate(self):
        for threshold in (0.1, 0.5, 0.7, 0.85, 1.0):
            needed = duplicates.equal_slots(threshold)
            self.assertGreaterEqual(float(duplicates.estimate(np.array([needed]))[0]), threshold - 1e-6)
            self.assertLess(float(duplicates.estimate(np.array([needed - 1]))[0]), threshold)

    def test_nothing_gives_nothing(self):
        found = find(np.zeros((0, SLOTS), np.uint8), np.zeros((0, BANDS), np.uint64), 0.7)
        self.assertEqual(len(found.component), 0)
