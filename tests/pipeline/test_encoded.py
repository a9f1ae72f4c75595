"""Encoded data: what counts, what only looks like it, and the share in real files."""

import base64
import random

import pyarrow as pa
from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from datasets_app.pipeline import kernels

BYTES = random.Random(4).randbytes(300)


def encoded(*texts: str) -> list[tuple[int, int]]:
    """(characters in encoded runs, the longest run) of each text."""
    columns = kernels.measure(pa.array([text.encode() for text in texts], pa.large_binary()))
    shares = columns["encoded"].tolist()
    return [
        (round(share * len(text)), longest)
        for text, share, longest in zip(texts, shares, columns["longest_encoded"].tolist(), strict=True)
    ]


class EncodedTest(SimpleTestCase):
    def test_each_way_to_write_bytes_is_found_whole(self) -> None:
        plain = base64.b64encode(BYTES).decode()
        wrapped = base64.encodebytes(BYTES).decode().strip()
        for run in (
            plain,
            wrapped,
            wrapped.replace("\n", "\r\n"),
            BYTES.hex(),
            ", ".join(f"0x{byte:02x}" for byte in BYTES),
            ",\n    ".join(f"0x{byte:02X}" for byte in BYTES),
            BYTES.hex(" "),
            "".join(f"\\x{byte:02x}" for byte in BYTES),
            "".join(f"\\u{byte:04x}" for byte in BYTES),
        ):
            with self.subTest(run[:20]):
                self.assertEqual(encoded(f'data = ["{run}"]\n'), [(len(run), len(run))])

    def test_what_only_looks_like_it_is_not(self) -> None:
        for text in (
            "=" * 200,
            "/" * 100,
            "# " + "-" * 100,
            "\n".join(["alpha", "beta", "gamma1"] * 50),
            "aVeryLongNameWithoutAnyNumberInItThatGoesOnAndOnAndOnForMoreThanSixtyFourLetters",
            "0x12, 0x34, 0x56",
            "\\x12\\x34",
            "\\u0041\\u0042",
            "x = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]",
            "a" * 63 + "1"[:0],
            "def f(x):\n    return x + 1\n" * 20,
        ):
            with self.subTest(text[:20]):
                self.assertEqual(encoded(text), [(0, 0)])

    def test_the_longest_run_and_the_sum_of_all_stand_apart(self) -> None:
        one, two = base64.b64encode(BYTES).decode(), base64.b64encode(BYTES[:90]).decode()
        self.assertEqual(encoded(f"a = '{one}'\nb = '{two}'\n"), [(len(one) + len(two), len(one))])

    @given(st.binary(min_size=60, max_size=400))
    def test_any_bytes_as_separate_pairs_are_found(self, content: bytes) -> None:
        run = " ".join(f"{byte:02x}" for byte in content)
        self.assertEqual(encoded(f"<{run}>"), [(len(run), len(run))])

    @given(st.lists(st.text(alphabet=st.sampled_from("aF09+/=\\xu,\n é")), max_size=5))
    def test_no_more_is_found_than_stands_there(self, texts: list[str]) -> None:
        for text, (total, longest) in zip(texts, encoded(*texts), strict=True):
            self.assertTrue(0 <= longest <= total <= len(text))
