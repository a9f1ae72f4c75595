"""Contrast of the colours in use, after WCAG 2.2 (1.4.3: text 4.5 to 1; 1.4.11: edges of controls and marks 3 to 1)."""

import re
from pathlib import Path

from django.conf import settings
from django.test import SimpleTestCase

CSS = Path(settings.BASE_DIR) / "static" / "css"
PAIR = re.compile(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);")
TONES = ("neutral", "info", "success", "warning", "danger")
CODE = ("ink", "comment", "keyword", "string", "number", "name", "type", "wrong")
TEXT = [
    *((ink, ground) for ink in ("ink", "ink-soft", "accent") for ground in ("bg", "surface", "sunken")),
    *((tone, ground) for tone in TONES for ground in (f"{tone}-soft", "surface", "bg")),
    *(("ink", f"{tone}-soft") for tone in TONES),
    *((f"code-{name}", "code-bg") for name in CODE),
    *((f"code-{name}", "code-mark") for name in CODE),
    *((f"series-{number}", "surface") for number in range(1, 7)),
    ("accent-strong", "accent-soft"),
    ("ink", "accent-soft"),
    ("on-accent", "accent"),
    ("on-accent", "accent-strong"),
    ("on-danger", "danger-fill"),
    *((ink, ground) for ink in ("on-band", "on-band-soft") for ground in ("band", "band-raised")),
]
MARKS = [
    *((edge, ground) for edge in ("line-strong", "focus", "accent") for ground in ("bg", "surface")),
    ("marigold", "band"),
    ("on-band-soft", "band"),
    ("success", "sunken"),
    ("accent", "sunken"),
]


def luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb``, as WCAG defines it."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """The ratio, from 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


class ContrastTests(SimpleTestCase):
    def setUp(self) -> None:
        self.pairs = {name: (light, dark) for name, light, dark in PAIR.findall((CSS / "tokens.css").read_text())}

    def check(self, pairs: list[tuple[str, str]], least: float) -> None:
        for ink, ground in pairs:
            for theme, index in (("light", 0), ("dark", 1)):
                with self.subTest(ink=ink, ground=ground, theme=theme):
                    self.assertGreaterEqual(contrast(self.pairs[ink][index], self.pairs[ground][index]), least)

    def test_black_on_white_is_21(self) -> None:
        self.assertAlmostEqual(contrast("#000000", "#ffffff"), 21)

    def test_text_has_four_and_a_half_to_one_in_both_themes(self) -> None:
        self.check(TEXT, 4.5)

    def test_edges_and_marks_have_three_to_one_in_both_themes(self) -> None:
        self.check(MARKS, 3)

    def test_the_button_of_the_search_box_is_legible(self) -> None:
        ink = re.search(r"background: var\(--marigold\); color: (#[0-9a-f]{6})", (CSS / "forms.css").read_text())
        assert ink
        for ground in self.pairs["marigold"]:
            self.assertGreaterEqual(contrast(ink[1], ground), 4.5)

    def test_no_sheet_but_the_tokens_names_a_colour_of_its_own(self) -> None:
        for sheet in CSS.glob("*.css"):
            if sheet.name != "tokens.css":
                colours = set(re.findall(r"#[0-9a-fA-F]{3,8}\b|rgba?\(|hsla?\(", sheet.read_text())) - {"#1d1400"}
                self.assertEqual(colours, set(), sheet.name)

    def test_every_custom_property_in_use_is_defined(self) -> None:
        sheets = {sheet.name: sheet.read_text() for sheet in CSS.glob("*.css")}
        defined = set(re.findall(r"(--[\w-]+):", "".join(sheets.values())))
        used = set(re.findall(r"var\((--[\w-]+)", "".join(sheets.values())))
        self.assertEqual(used - defined, set())
