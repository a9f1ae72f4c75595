"""The funnel drawn on the server."""

import itertools
import re

from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from core import funnel
from tests.core_pages.test_tags import render


def widths(points: str) -> tuple[float, float]:
    """The width of a slice above and below."""
    left, right, below_right, below_left = (float(point.split(",")[0]) for point in points.split())
    return right - left, below_right - below_left


class FunnelTests(SimpleTestCase):
    @given(st.lists(st.tuples(st.just("why"), st.integers(0, 10**9)), max_size=20), st.integers(0, 10**9))
    def test_each_slice_goes_on_where_the_one_above_ends(self, stages: list[tuple[str, int]], kept: int) -> None:
        picture = funnel.draw(stages, kept)
        if not kept and not any(value for _, value in stages):
            self.assertIsNone(picture)
            return
        assert picture
        slices = [picture.entry, *(stage.funnel for stage in picture.stages), picture.result]
        self.assertEqual(widths(slices[0]), (picture.width, picture.width))
        for above, below in itertools.pairwise(slices):
            self.assertAlmostEqual(widths(above)[1], widths(below)[0], delta=0.02)
            self.assertLessEqual(widths(below)[1], widths(below)[0] + 0.02)

    def test_what_leaves_is_named_and_stands_in_the_table_too(self) -> None:
        html = render(
            '{% funnel s 60 "Title" "" "files in all" "files stay" %}',
            s=[("too <small>", 30), ("passed by", 0), ("copies", 10)],
        )
        self.assertEqual(
            re.findall(r"<strong>−&#8239;(\d+)</strong> ([^<]+)</p>", html),
            [("30", "too &lt;small&gt;"), ("10", "copies")],
        )
        self.assertIn("<strong>100</strong> files in all", html)
        self.assertIn("<strong>60</strong> files stay", html)
        cell = '<td class="number">([^<]+)</td>'
        rows = re.findall(rf'<tr><th scope="row">([^<]+)</th>{cell}{cell}{cell}', html)
        self.assertEqual(rows, [("Too &lt;small&gt;", "30", "30%", "70"), ("Copies", "10", "10%", "60")])
        self.assertNotIn("passed by", html)
        self.assertIn("1.0 kB</strong>", render('{% funnel s 0 "" "bytes" %}', s=[("x", 1000)]))
        self.assertEqual(render("{% funnel s 0 %}", s=[]).strip(), "")
