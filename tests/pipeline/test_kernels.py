"""The kernel against plain Python over the same text."""

import numpy as np
import pyarrow as pa
from django.test import SimpleTestCase
from hypothesis import example, given, settings
from hypothesis import strategies as st

from datasets_app.pipeline import compiling, kernels

LEXED = ("hash_comment", "slash_comment", "html_text", "encoded", "longest_encoded")


def measured(*contents: bytes) -> list[dict[str, object]]:
    columns = kernels.measure(pa.array(contents, pa.large_binary()))
    # What is lexed has tests of its own: test_comments, test_visible_text, test_encoded.
    plain = {name: column for name, column in columns.items() if name not in LEXED}
    return [{name: column[row].item() for name, column in plain.items()} for row in range(len(contents))]


def by_python(content: bytes) -> dict[str, object]:
    """The same facts by the built-in methods of str."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    valid = "\0" not in text
    text = text if valid else ""
    lines = text.splitlines()
    whole = max(len(text), 1)
    return {
        "is_text": valid,
        "characters": len(text),
        "lines": len(lines),
        "longest_line": max(map(len, lines), default=0),
        "mean_line": np.float32(sum(map(len, lines)) / max(len(lines), 1)).item(),
        "alphanumeric": np.float32(sum(map(str.isalnum, text)) / whole).item(),
        "alphabetic": np.float32(sum(map(str.isalpha, text)) / whole).item(),
        "whitespace": np.float32(sum(map(str.isspace, text)) / whole).item(),
        "xml_head": "<?xml version=" in text[:100],
    }


LINE_ENDS = ["\n", "\r", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]


class MeasureTest(SimpleTestCase):
    @settings(deadline=None, max_examples=300)
    @given(st.lists(st.text() | st.text(alphabet=st.sampled_from([*"ab1 _é中٣²", "𝒜", "𐍈", *LINE_ENDS])), max_size=5))
    @example(["", "\r", "\r\n", "\n\r", "\r\r\n\n", "a\r\nb", "a\n", "\n\na"])
    def test_agrees_with_python_on_any_text(self, texts: list[str]) -> None:
        contents = [text.encode() for text in texts]
        self.assertEqual(measured(*contents), [by_python(content) for content in contents])

    @settings(deadline=None, max_examples=300)
    @given(st.lists(st.binary(max_size=30), max_size=5))
    @example(
        [
            b"\xc0\x80",
            b"\xc1\xbf",
            b"\xe0\x80\x80",
            b"\xed\xa0\x80",
            b"\xed\x9f\xbf",
            b"\xf0\x80\x80\x80",
            b"\xf4\x90\x80\x80",
        ]
    )
    @example(
        [
            b"\xf4\x8f\xbf\xbf",
            b"\xf5\x80\x80\x80",
            b"\x80",
            b"\xc3",
            b"\xe2\x82",
            b"\xf0\x9f\x98",
            b"a\0b",
            b"\xef\xbb\xbfa",
            b"\xff",
        ]
    )
    @example([b"\xc3", b"\xa9"])
    def test_agrees_with_python_on_any_bytes(self, contents: list[bytes]) -> None:
        self.assertEqual(measured(*contents), [by_python(content) for content in contents])

    def test_every_character_is_classed_as_python_does(self) -> None:
        text = "".join(chr(point) for point in range(1, 0x110000) if not 0xD800 <= point <= 0xDFFF)
        self.assertEqual(measured(text.encode()), [by_python(text.encode())])
        classes = kernels.character_classes()
        for character in "aZ0é中٣²Ⅷ_ -\n":
            found = classes[ord(character)]
            self.assertEqual(bool(found & kernels.ALPHANUMERIC), character.isalnum(), character)
            self.assertEqual(bool(found & kernels.ALPHABETIC), character.isalpha(), character)
            self.assertEqual(bool(found & kernels.SPACE), character.isspace(), character)

    def test_the_xml_mark_counts_within_the_first_hundred_characters_alone(self) -> None:
        mark = '<?xml version="1.0"?>'
        for before in (0, 1, 85, 86, 87, 99, 100, 200):
            for filler in ("x", "é", "𝒜"):
                content = (filler * before + mark + "x" * 300).encode()
                self.assertEqual(measured(content), [by_python(content)], (before, filler))

    def test_a_slice_of_an_array_is_measured_as_that_slice(self) -> None:
        whole = pa.array([b"first\n", b"second line\nand third", b"x"], pa.large_binary())
        self.assertEqual(kernels.measure(whole.slice(1, 1))["lines"].tolist(), [2])
        self.assertEqual(kernels.measure(whole.slice(1, 1))["longest_line"].tolist(), [11])

    def test_nothing_gives_nothing(self) -> None:
        for column in kernels.measure(pa.array([], pa.large_binary())).values():
            self.assertEqual(len(column), 0)
        self.assertEqual(measured(b""), [by_python(b"")])


class CacheTest(SimpleTestCase):
    def test_compiles_without_a_place_for_the_machine_code(self) -> None:
        scope: dict[str, object] = {}
        exec("def double(x):\n    return 2 * x\n", scope)  # numba finds no file to keep its cache beside
        compiled = compiling.njit(scope["double"])  # type: ignore[arg-type]
        self.assertEqual(compiled(21), 42)

    def test_keeps_the_machine_code_where_it_can(self) -> None:
        kernels.measure(pa.array([b"x"], pa.large_binary()))
        stats = kernels._measure.stats
        self.assertTrue(stats.cache_hits or stats.cache_misses)
