"""Redaction: what is replaced, by what, and that nothing else changes."""

import ipaddress

from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from datasets_app.pipeline.pii.redact import REPLACEMENTS_IPV4, REPLACEMENTS_IPV6, redact
from datasets_app.pipeline.pii.spans import KINDS, Span, merge


@st.composite
def texts_with_spans(draw: st.DrawFn) -> tuple[bytes, list[tuple[int, int, str]]]:
    """A text beyond ASCII with spans that may overlap, each between two characters."""
    text = draw(st.text(max_size=40))
    cuts = [len(text[:at].encode()) for at in range(len(text) + 1)]
    place = st.sampled_from(cuts)
    pairs = st.tuples(place, place, st.sampled_from(KINDS))
    return text.encode(), [(min(a, b), max(a, b), kind) for a, b, kind in draw(st.lists(pairs, max_size=6))]


class RedactTest(SimpleTestCase):
    def test_each_kind_has_the_published_replacement(self) -> None:
        for kind in set(KINDS) - {"IP_ADDRESS"}:
            self.assertEqual(redact(b"a = 'value'", [(5, 10, kind)]), f"a = '<{kind}>'".encode())

    def test_an_address_becomes_a_private_one_of_its_family(self) -> None:
        for value, choices in (("93.184.216.34", REPLACEMENTS_IPV4), ("2a00:1450:4001:81b::200e", REPLACEMENTS_IPV6)):
            got = redact(f"<{value}>".encode(), [(1, 1 + len(value), "IP_ADDRESS")])[1:-1].decode()
            self.assertIn(got, choices)
            self.assertTrue(ipaddress.ip_address(got).is_private)

    def test_two_ways_to_write_an_address_give_one_replacement(self) -> None:
        text = b"2a00:1450:0:0:0:0:0:200e 2A00:1450::200E"
        first, second = redact(text, [(0, 24, "IP_ADDRESS"), (25, 40, "IP_ADDRESS")]).split()
        self.assertEqual(first, second)

    def test_the_five_replacements_are_all_used(self) -> None:
        values = [f"93.184.216.{number}" for number in range(100)]
        got = {redact(value.encode(), [(0, len(value), "IP_ADDRESS")]).decode() for value in values}
        self.assertEqual(got, set(REPLACEMENTS_IPV4))

    def test_of_overlapping_spans_the_longest_names_the_whole(self) -> None:
        self.assertEqual(
            merge([(0, 4, "NAME"), (2, 9, "KEY"), (9, 12, "EMAIL")]), [Span(0, 9, "KEY"), Span(9, 12, "EMAIL")]
        )
        self.assertEqual(merge([(0, 5, "NAME"), (0, 5, "KEY")]), [Span(0, 5, "KEY")])
        self.assertEqual(redact(b"0123456789ab", [(9, 12, "EMAIL"), (2, 9, "KEY"), (0, 4, "NAME")]), b"<KEY><EMAIL>")

    def test_a_span_of_another_text_is_refused(self) -> None:
        for spans, said in (
            ([(0, 9, "KEY")], "outside"),
            ([(3, 2, "KEY")], "outside"),
            ([(0, 1, "KEY")], "cuts a character"),
            ([(0, 2, "PHONE")], "PHONE"),
        ):
            with self.assertRaisesRegex(ValueError, said):
                redact("éa".encode(), spans)

    @given(texts_with_spans())
    def test_all_bytes_outside_the_spans_stay_in_place(self, drawn: tuple[bytes, list[tuple[int, int, str]]]) -> None:
        content, spans = drawn
        result = redact(content, spans)
        result.decode()
        covered = set().union(*(range(start, end) for start, end, _ in spans)) if spans else set()
        at = 0
        for start, end, _ in merge(spans):
            kept = content[at:start]
            self.assertTrue(result.startswith(kept))
            result = result[len(kept) :]
            options = (b"<EMAIL>", b"<KEY>", b"<NAME>", b"<USERNAME>", b"<PASSWORD>")
            options += tuple(one.encode() for one in REPLACEMENTS_IPV4 + REPLACEMENTS_IPV6)
            put = max((option for option in options if result.startswith(option)), key=len)
            result = result[len(put) :]
            self.assertLessEqual(set(range(start, end)), covered)
            at = end
        self.assertEqual(result, content[at:])

    @given(texts_with_spans(), st.randoms())
    def test_the_order_of_the_spans_does_not_matter(
        self, drawn: tuple[bytes, list[tuple[int, int, str]]], random
    ) -> None:
        content, spans = drawn
        shuffled = list(spans)
        random.shuffle(shuffled)
        self.assertEqual(redact(content, spans), redact(content, shuffled))

    @given(st.ip_addresses(), st.text(max_size=5))
    def test_a_value_has_the_same_replacement_at_each_place(self, address, between: str) -> None:
        value, gap = str(address).encode(), f" {between} ".encode()
        size = len(value)
        second = size + len(gap)
        result = redact(value + gap + value, [(0, size, "IP_ADDRESS"), (second, second + size, "IP_ADDRESS")])
        put = result[: -len(gap) - (len(result) - len(gap)) // 2]
        self.assertEqual(result, put + gap + put)
