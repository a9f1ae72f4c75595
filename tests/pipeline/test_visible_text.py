"""Visible text of HTML: against an HTML parser on real pages, and case by case."""

from html.parser import HTMLParser

import pyarrow as pa
from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from datasets_app.pipeline import kernels
from datasets_app.pipeline.sources.installed import environment_paths


def visible(*texts: str) -> list[int]:
    return kernels.measure(pa.array([text.encode() for text in texts], pa.large_binary()))["html_text"].tolist()


class Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.hidden = 0
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.hidden += tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in ("script", "style") and self.hidden > 0

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.parts.append(data)


def by_parser(text: str) -> int:
    parser = Parser()
    parser.feed(text)
    parser.close()
    return len(" ".join("".join(parser.parts).split()))


class VisibleTextTest(SimpleTestCase):
    def test_agrees_with_a_parser_on_real_pages(self) -> None:
        pages = [path for root in environment_paths() for path in sorted(root.rglob("*.html"))][:300]
        texts = [text for page in pages if (text := page.read_text(encoding="utf-8", errors="ignore"))]
        self.assertGreater(len(texts), 50)
        near = [
            abs(found - by_parser(text)) <= max(3, 0.02 * by_parser(text))
            for text, found in zip(texts, visible(*texts), strict=True)
        ]
        self.assertGreater(sum(near) / len(near), 0.97)

    def test_what_is_shown(self) -> None:
        for text, shown in {
            "<p>Hello <b>world</b></p>": "Hello world",
            "  a \n\n b  ": "a b",
            "<a title='x > y' href=z>link</a>": "link",
            "<p title=don't>text</p>": "text",
            "a < b, c": "a < b, c",
            "<!-- a > b -->c<!doctype html>": "c",
            "<script>if (a < b) '<p>'</script >x<STYLE>p{}</STYLE>y": "xy",
            "<scripted>shown</scripted>": "shown",
            "<script>never closed": "",
            "<!-- never closed": "",
            "a &amp; b &#38; c &nothing at all": "a & b & c &nothing at all",
            "<?xml version='1.0'?>é中": "é中",
            "<": "<",
            "": "",
        }.items():
            with self.subTest(text):
                self.assertEqual(visible(text), [len(shown)])

    @given(st.lists(st.text(alphabet=st.sampled_from("ab<>!-/ &;=\"'\né")) | st.just("<script>"), max_size=6))
    def test_no_more_is_shown_than_stands_there(self, texts: list[str]) -> None:
        for text, found in zip(texts, visible(*texts), strict=True):
            self.assertTrue(0 <= found <= len(text))
