"""The text that is traced: refusals, offsets for editors, passages, lines."""

from dataclasses import dataclass

from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInput
from datasets_app.tracer.text import LEAST, MOST, check, lines, mended, passages, utf16

TEXTS = st.text(st.sampled_from("a𝔘é \n\r"), max_size=60)


@dataclass(frozen=True)
class Stretch:
    start: int
    end: int


@st.composite
def texts_with_spans(draw):
    text = draw(TEXTS)
    ends = st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))
    drawn = draw(st.lists(ends.filter(lambda pair: pair[0] < pair[1]), max_size=8)) if text else []
    return text, [Stretch(*pair) for pair in drawn]


class Refusals(SimpleTestCase):
    def test_each_says_what_is_wrong_and_what_to_do(self):
        cases = {
            "": "There is no text to trace", " \n\t": "There is no text to trace", "x": "has 1 character.",
            "x" * 49: "has 49 characters",
            "x" * (MOST + 1): "has 20,001 characters. Up to 20,000", "x" * 1_000_000: "1,000,000 characters",
            "a" * 60 + "\0": "NUL", "a" * 60 + "\ud800": "character 61 is half of a pair",
        }  # fmt: skip
        for text, words in cases.items():
            with self.subTest(words), self.assertRaisesMessage(InvalidInput, words):
                check(text)
        for least in (0, 46, MOST + 1, -5):
            with self.subTest(least), self.assertRaisesMessage(InvalidInput, "47 to 20,000"):
                check("x" * 100, least)

    def test_what_can_be_traced_is_taken(self):
        for text in ("x" * LEAST, "-" * MOST, "a\r\nb\rc\n" * 20, "𝔘" * 50):
            check(text)


class Offsets(SimpleTestCase):
    @given(TEXTS)
    def test_utf16_offsets_are_those_of_the_encoded_text(self, text):
        places = list(range(len(text) + 1))
        self.assertEqual(utf16(text, places), [len(text[:place].encode("utf-16-le")) // 2 for place in places])

    def test_a_mended_text_is_as_long_as_before_in_both_counts(self):
        text = "a\0\ud83d𝔘\udc00"
        self.assertEqual(mended(text), "a\ufffd\ufffd𝔘\ufffd")
        self.assertEqual(len(mended(text)), len(text))


class Passages(SimpleTestCase):
    @given(texts_with_spans())
    def test_they_cover_what_spans_cover_and_join_only_what_overlaps(self, drawn):
        _, spans = drawn
        joined = passages(spans)
        covered = {place for span in spans for place in range(span.start, span.end)}
        self.assertEqual([place for one in joined for place in range(one.start, one.end)], sorted(covered))
        self.assertEqual(sorted(place for one in joined for place in one.spans), list(range(len(spans))))
        for one in joined:
            for at in range(one.start + 1, one.end):
                inside = any(spans[place].start < at < spans[place].end for place in one.spans)
                self.assertTrue(inside, "joined over a gap")

    @given(texts_with_spans())
    def test_lines_are_the_text_cut_at_its_ends_and_at_the_bounds_of_passages(self, drawn):
        text, spans = drawn
        joined = passages(spans)
        shown = lines(text, joined)
        plain = text.replace("\r\n", "\n").replace("\r", "\n")
        expected = plain.split("\n")
        if len(expected) > 1 and not expected[-1]:
            expected.pop()
        self.assertEqual(["".join(piece.text for piece in line) for line in shown], expected)
        without_ends = str.maketrans("", "", "\r\n")
        for one in joined:
            pieces = [piece for line in shown for piece in line if piece.passage == one]
            self.assertEqual("".join(piece.text for piece in pieces), text[one.start : one.end].translate(without_ends))
            self.assertEqual([piece.first for piece in pieces], [True, *[False] * len(pieces)][: len(pieces)])
        self.assertNotIn("", [piece.text for line in shown for piece in line])
