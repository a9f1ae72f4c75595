"""Figures as people read them."""

from datetime import UTC, date, datetime, timedelta

from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from core import badges, formats
from core.states import JOB

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class SizeTests(SimpleTestCase):
    def test_decimal_units_with_two_or_three_digits(self) -> None:
        for value, words in (
            (0, "0 bytes"),
            (1, "1 byte"),
            (999, "999 bytes"),
            (1000, "1.0 kB"),
            (1_234_567, "1.2 MB"),
            (182_400_000, "182 MB"),
            (999_960, "1.0 MB"),
            (3_100_000_000_000, "3.1 TB"),
            (None, formats.MISSING),
        ):
            self.assertEqual(formats.size(value), words)

    @given(st.integers(0, 10**17))
    def test_the_unit_never_leaves_four_digits_before_the_point(self, value: int) -> None:
        self.assertLess(len(formats.size(value).split()[0].split(".")[0]), 4)


class NumberTests(SimpleTestCase):
    def test_separators_and_significant_digits(self) -> None:
        for value, words in (
            (12345, "12,345"),
            (3.14159, "3.142"),
            (4.0, "4"),
            (12345.67, "12,345.7"),
            (None, formats.MISSING),
        ):
            self.assertEqual(formats.number(value), words)
        self.assertEqual(formats.number(2, 2), "2.00")

    def test_a_share_is_never_rounded_to_none_or_all(self) -> None:
        for value, words in (
            (0, "0%"),
            (0.0004, "<0.1%"),
            (0.004, "0.4%"),
            (0.61, "61%"),
            (0.997, "99.7%"),
            (1, "100%"),
        ):
            self.assertEqual(formats.share(value), words)
        self.assertEqual(formats.share(None), formats.MISSING)


class TimeTests(SimpleTestCase):
    def test_spans_of_time(self) -> None:
        for seconds, words in (
            (0.34, "340 ms"),
            (2.04, "2.0 s"),
            (59.7, "1 min"),
            (200, "3 min 20 s"),
            (7500, "2 h 5 min"),
            (7200, "2 h"),
            (86400 * 4, "4 days"),
            (-12, "-12 s"),
            (None, formats.MISSING),
        ):
            self.assertEqual(formats.duration(seconds), words)
        self.assertEqual(formats.duration(timedelta(minutes=3)), "3 min")

    def test_how_far_a_moment_is(self) -> None:
        for moment, words in (
            (NOW, "just now"),
            (NOW - timedelta(seconds=40), "40 seconds ago"),
            (NOW - timedelta(minutes=1), "1 minute ago"),
            (NOW + timedelta(days=6), "in 6 days"),
            (NOW - timedelta(days=800), "2 years ago"),
            (date(2026, 11, 22), "today"),
            (date(2026, 11, 21), "yesterday"),
            (date(2026, 11, 23), "tomorrow"),
            (date(2026, 10, 1), "1 month ago"),
        ):
            self.assertEqual(formats.relative(moment, NOW), words)

    def test_absolute_moments_name_the_zone(self) -> None:
        self.assertEqual(formats.absolute(NOW), "22 Nov 2026, 12:00 UTC")
        self.assertEqual(formats.absolute(date(2026, 11, 2)), "2 Nov 2026")


class BadgeTests(SimpleTestCase):
    def test_no_state_has_two_tones(self) -> None:
        every = [state for states in badges.TONES.values() for state in states]
        self.assertEqual(len(every), len(set(every)))

    def test_every_state_of_a_job_is_told_apart_from_failure(self) -> None:
        self.assertEqual([state for state in JOB.transitions if badges.tone_of(state) == "danger"], ["failed"])

    def test_unknown_states_are_neutral_and_readable(self) -> None:
        self.assertEqual(badges.tone_of("something else"), "neutral")
        self.assertEqual(badges.words_of("needs_info"), "Needs info")
