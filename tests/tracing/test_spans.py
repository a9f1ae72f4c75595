"""Spans are exactly those that brute force finds: in both forms, over any division into shards, with rows hidden, and with a cap."""

import numpy as np
from django.test import SimpleTestCase
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets_app.tracing.question import FORMS
from datasets_app.tracing.spans import Trace, merge, trace
from tests.tracing import oracle
from tests.tracing.shards import index

PIECES = [
    "def read(path):\n    return open(path)\n",
    "for number in range(10):",
    "\r\n",
    "        ",
    "\n\n\t\t\t\t\t\t\t\t",
    "=" * 30,
    "-=" * 17,
    "0, " * 12,
    " \n" * 20,
    "é" * 15,
    "naïve — “quoted” 漢字かな交じり文",
    "漢" * 20,
    "\u3000\u00a0\u2003",
    "x",
    "import os, sys",
    "return None  # nothing",
    "a1b2c3d4e5f6g7h8",
]
texts = st.lists(st.sampled_from(PIECES), max_size=9).map("".join)
files = st.lists(texts, min_size=1, max_size=5)


def told(found: Trace, form: str, at_least: bool | None = None) -> oracle.Told:
    """The spans of a form as the oracle writes them; only those that say so of ``at_least``, where it is given."""
    return {
        (span.start, span.end): [match.row for match in span.matches]
        for span in found.spans
        if span.form == form and at_least in (None, span.at_least)
    }


class AgainstBruteForce(SimpleTestCase):
    @given(texts, files, st.integers(47, 60))
    @settings(max_examples=300, deadline=None)
    def test_spans_and_their_files_are_those_of_brute_force(self, query, held, least):
        found = trace(query, [index(held)], least=least, cap=None)
        for form in FORMS:
            self.assertEqual(told(found, form), oracle.tell(query, held, form, least))
            self.assertEqual(found.blind[form], [])

    @given(texts, files, st.integers(1, 3))
    @settings(max_examples=200, deadline=None)
    def test_with_a_cap_what_is_not_marked_is_exact_and_what_is_marked_is_true(self, query, held, cap):
        found = trace(query, [index(held)], cap=cap)
        for form in FORMS:
            exact = oracle.tell(query, held, form, 50)
            blind = found.blind[form]
            seen = {
                span: rows for span, rows in exact.items() if not any(a <= span[0] and span[1] <= b for a, b in blind)
            }
            self.assertEqual(told(found, form, at_least=False), seen)
            for (start, end), rows in told(found, form, at_least=True).items():
                standing = oracle.tell(query[start:end], [held[row] for row in rows], form, 1)
                self.assertEqual(standing, {(0, end - start): list(range(len(rows)))})

    @given(texts, files, st.data())
    @settings(max_examples=100, deadline=None)
    def test_groups_of_shards_merged_say_what_one_trace_says(self, query, held, data):
        cap = data.draw(st.sampled_from([1, 2, None]))
        shards = [index([text]) for text in held]
        cut = data.draw(st.integers(0, len(shards)))
        whole = trace(query, shards, cap=cap)
        self.assertEqual(merge([trace(query, shards[:cut], cap=cap), trace(query, shards[cut:], cap=cap)]), whole)

    @given(texts, files, st.sets(st.integers(0, 4)), st.sampled_from([1, 2, None]))
    @settings(max_examples=100, deadline=None)
    def test_hidden_rows_are_as_if_they_were_not_there(self, query, held, hidden, cap):
        asked = trace(query, [index(held)], cap=cap, hidden=lambda _, rows: np.isin(rows, list(hidden)))
        for form in FORMS:
            # What stands in their place is as long, since windows are sampled by position, and can be in no question.
            shown = oracle.collapsed if form == "collapsed" else lambda text: (text, [])
            others = ["~" * len(shown(text)[0].encode()) if row in hidden else text for row, text in enumerate(held)]
            alone = trace(query, [index(others)], cap=cap)
            self.assertEqual(asked.blind[form], alone.blind[form])
            self.assertEqual(told(asked, form), told(alone, form))


class Lines(SimpleTestCase):
    @given(files)
    @settings(max_examples=50, deadline=None)
    def test_a_match_tells_where_it_lies_in_the_published_text(self, held):
        ends = "\n".join(held)
        query = ends.replace("    ", "\t")
        for span in trace(query, [index([ends])]).spans:
            [match] = span.matches
            place, asked = ends[match.start : match.end], query[span.start : span.end]
            if span.form == "collapsed":
                place, asked = oracle.collapsed(place)[0], oracle.collapsed(asked)[0]
            self.assertEqual(place, asked)
            plain = ends.replace("\r\n", " \n")  # as long, and one sign a line
            self.assertEqual(match.first_line, plain[: match.start].count("\n") + 1)
            self.assertEqual(match.last_line, plain[: match.end - 1].count("\n") + 1)
