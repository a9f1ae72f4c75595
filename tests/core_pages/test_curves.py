"""Curves drawn on the server."""

import math

from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from core import curves

FINITE = st.floats(-1e6, 1e6, allow_nan=False, allow_infinity=False)


class DrawTests(SimpleTestCase):
    def test_nothing_is_drawn_of_nothing(self) -> None:
        self.assertIsNone(curves.draw({}))
        self.assertIsNone(curves.draw({"loss": [[1, math.nan], [2, math.inf]]}))

    def test_lines_ticks_and_table_hold_the_same_figures(self) -> None:
        picture = curves.draw(
            {"loss": [[0, 9.0], [10, 4.5]], "validation_loss": [[10, 5.0]]}, {"loss": "Training loss"}
        )
        assert picture
        self.assertEqual([line.label for line in picture.lines], ["Training loss", "Validation loss"])
        self.assertEqual(picture.lines[0].last, "4.5")
        self.assertEqual(picture.rows, [("0", ["9", ""]), ("10", ["4.5", "5"])])
        self.assertEqual([tick.words for tick in picture.across], ["0", "2", "4", "6", "8", "10"])

    @given(st.lists(st.tuples(st.integers(0, 10**6), FINITE), min_size=1, max_size=60))
    def test_every_point_lies_in_the_frame(self, points: list[tuple[int, float]]) -> None:
        picture = curves.draw({"loss": points})
        assert picture
        for pair in picture.lines[0].points.split():
            x, y = map(float, pair.split(","))
            self.assertTrue(picture.left - 0.1 <= x <= picture.right + 0.1, pair)
            self.assertTrue(picture.top - 0.1 <= y <= picture.bottom + 0.1, pair)

    def test_many_points_are_thinned_and_the_last_one_stays(self) -> None:
        picture = curves.draw({"loss": [[step, step % 7] for step in range(5001)]})
        assert picture
        self.assertEqual(len(picture.lines[0].points.split()), curves.MOST_POINTS)
        self.assertEqual(len(picture.rows), curves.MOST_ROWS)
        self.assertEqual(picture.rows[-1][0], "5,000")
