"""The code view."""

import re
from pathlib import Path

from django.conf import settings
from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pygments.token import STANDARD_TYPES

from core.highlight import MOST_COLOURED, highlight

LINE = re.compile(r'<span class="code__line" id="([^"]+)">')


class HighlightTests(SimpleTestCase):
    def test_each_line_has_a_number_and_an_address(self) -> None:
        html = highlight("import os\n\nprint(os)\n", filename="a.py")
        self.assertEqual(LINE.findall(html), ["L1", "L2", "L3"])
        self.assertIn('<span class="kn">import</span>', html)
        self.assertIn('href="#L3" data-line="3" aria-label="Line 3"', html)

    def test_nothing_in_the_text_becomes_markup(self) -> None:
        for filename in ("x.py", "x.html", "x.unknown", "x.js"):
            html = highlight('<script>alert("1")</script>', filename=filename)
            self.assertNotIn("<script", html)

    @hypothesis_settings(max_examples=60, deadline=None)
    @given(
        st.text(alphabet=st.sampled_from("ab\"'`#/*\\\n\r\t<>&{}()=: é"), max_size=120),
        st.sampled_from(["a.py", "b.c", "c.rs", "d"]),
    )
    def test_as_many_lines_come_out_as_go_in(self, text: str, filename: str) -> None:
        plain = text.replace("\r\n", "\n").replace("\r", "\n")
        lines = (plain[:-1] if plain.endswith("\n") else plain).count("\n") + 1
        self.assertEqual(len(LINE.findall(highlight(text, filename=filename))), lines)

    def test_the_language_comes_before_the_ending(self) -> None:
        self.assertIn('class="kd"', highlight("var x", language="JavaScript", filename="x.txt"))
        self.assertIn("code__line", highlight("x", language="No Such Language", filename="x.py"))

    def test_long_text_is_shown_plain(self) -> None:
        html = highlight("x = '<b>'\n" * (MOST_COLOURED // 10 + 1), filename="x.py")
        self.assertNotIn('class="n"', html)
        self.assertIn("&lt;b&gt;", html)

    def test_two_views_of_a_page_have_their_own_addresses(self) -> None:
        self.assertEqual(LINE.findall(highlight("a\nb", prefix="left-", first=7)), ["left-7", "left-8"])


class PygmentsSheetTests(SimpleTestCase):
    def setUp(self) -> None:
        sheet = (Path(settings.BASE_DIR) / "static" / "css" / "pygments.css").read_text()
        body = re.sub(r"/\*.*?\*/", "", sheet, flags=re.S)
        self.named = set(re.findall(r"\.([a-z][a-z0-9]*)", body)) - {"code"}

    def test_every_class_is_one_of_pygments(self) -> None:
        self.assertEqual(self.named - set(STANDARD_TYPES.values()), set())

    def test_every_class_of_pygments_has_a_colour(self) -> None:
        self.assertEqual(set(STANDARD_TYPES.values()) - self.named - {""}, set())
