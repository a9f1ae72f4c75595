"""Comment shares: against Python's own tokenizer on real files, and case by case."""

import io
import statistics
import sysconfig
import tokenize
from pathlib import Path

import pyarrow as pa
from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from datasets_app.pipeline import kernels


def shares(*texts: str) -> list[tuple[float, float]]:
    columns = kernels.measure(pa.array([text.encode() for text in texts], pa.large_binary()))
    return list(zip(columns["hash_comment"].tolist(), columns["slash_comment"].tolist(), strict=True))


def by_tokenize(text: str) -> float:
    """The share of comments and of strings that are statements of their own, by the tokenizer of Python."""
    count, begins = 0, True
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        triple = token.string.lstrip("rRuUbB").startswith(("'''", '"""'))
        if token.type == tokenize.COMMENT or (token.type == tokenize.STRING and begins and triple):
            count += len(token.string)
        if token.type not in (tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT):
            begins = token.type == tokenize.NEWLINE
    return count / len(text)


class HashCommentTest(SimpleTestCase):
    def test_agrees_with_the_tokenizer_on_the_standard_library(self) -> None:
        texts = [path.read_text(encoding="utf-8") for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))]
        self.assertGreater(len(texts), 100)
        away = [abs(share - by_tokenize(text)) for text, (share, _) in zip(texts, shares(*texts), strict=True)]
        self.assertLess(statistics.mean(away), 0.002)
        self.assertLess(statistics.quantiles(away, n=20)[-1], 0.01)

    def test_what_is_and_what_is_not_a_comment(self) -> None:
        for text, comment in {
            "# all of it": "# all of it",
            "x = 1  # é中\ny = 2\n": "# é中",
            "x = '# no'\n": "",
            'x = "a\\"# no"  # yes': "# yes",
            "echo don't # it is one\n": "# it is one",
            "echo $# ${#x} a#b\n": "",
            'x = """\n# no\n"""\n': "",
            'def f():\n    r"""Says\n    what."""\n': 'r"""Says\n    what."""',
            'x = """never closed\n# yes': "# yes",
            "'''never closed # no, it is within a string\n": "# no, it is within a string",
            "": "",
        }.items():
            with self.subTest(text):
                count = shares(text)[0][0] * max(len(text), 1)
                # The prefix of a docstring is not counted.
                self.assertAlmostEqual(count, len(comment.removeprefix("r")), places=4)


class SlashCommentTest(SimpleTestCase):
    def test_what_is_and_what_is_not_a_comment(self) -> None:
        for text, comment in {
            "// all of it": "// all of it",
            "int x; // é中\nint y;": "// é中",
            "int x; /* over\nlines */ int y;": "/* over\nlines */",
            'puts("// no /* no */");': "",
            "x = '\"'; // yes\ny = '//';": "// yes",
            "fn f<'a>(x: &'a str) {} // yes": "// yes",
            "impl<'a> A {} // yes\n": "// yes",
            "let x = `// no\n${y} // no`; // yes": "// yes",
            "a ` never closed // yes": "// yes",
            "@import url(http://a.org/b);": "",
            "x = a / b / c;": "",
            "int x; /* never closed // yes": "// yes",
            "/**/": "/**/",
            "/*/ // */": "/*/ // */",
        }.items():
            with self.subTest(text):
                self.assertAlmostEqual(shares(text)[0][1] * len(text), len(comment), places=4)

    @given(st.lists(st.text(alphabet=st.sampled_from("ab#/*'\"`\\\n:é")), max_size=5))
    def test_shares_lie_between_nothing_and_all(self, texts: list[str]) -> None:
        for pair in shares(*texts):
            for share in pair:
                self.assertTrue(0 <= share <= 1)
