"""Two texts side by side."""

from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from datasets_app import side_by_side
from datasets_app.side_by_side import CHANGED, FOLD, Line, compare

LINES = st.lists(st.sampled_from(["a = 1", "b = 2", "", "def f(x):", "    return x"]), max_size=12).map("\n".join)


def written(line: Line | None) -> str | None:
    return "".join(text for text, _ in line.parts) if line else None


class CompareTests(SimpleTestCase):
    @given(LINES, LINES)
    def test_each_side_can_be_read_from_the_rows(self, left: str, right: str) -> None:
        found = compare(left, right, fold=False)
        for side, text in (("left", left), ("right", right)):
            lines = [line for row in found.rows if (line := getattr(row, side))]
            self.assertEqual([written(line) for line in lines], text.splitlines())
            self.assertEqual([line.number for line in lines], list(range(1, len(lines) + 1)))
        for row in found.rows:
            self.assertEqual(row.kind == CHANGED, written(row.left) != written(row.right))
        self.assertEqual(found.same + found.only_left, len(left.splitlines()))
        self.assertEqual(found.same + found.only_right, len(right.splitlines()))

    def test_words_that_differ_are_told_within_a_line(self) -> None:
        (row,) = compare("total = add(first, second)", "total = add(first, third)").rows
        assert row.left and row.right
        self.assertEqual([text for text, alone in row.left.parts if alone], ["second"])
        self.assertEqual([text for text, alone in row.right.parts if alone], ["third"])
        (row,) = compare("import sys", "def main(): pass").rows
        assert row.left
        self.assertEqual(row.left.parts, [("import sys", True)])

    def test_lines_of_very_many_words_are_told_apart_as_wholes_after_a_while(self) -> None:
        lines = ["a b " * 90 + f"{number}" for number in range(60)]
        found = compare("\n".join(lines), "\n".join(line + "0" for line in lines))
        marked = [row.left is not None and len(row.left.parts) > 1 for row in found.rows]
        self.assertTrue(marked[0])
        self.assertFalse(marked[-1])

    def test_equal_lines_far_from_a_difference_are_folded(self) -> None:
        left = "\n".join(f"line {number}" for number in range(40))
        found = compare(left, left.replace("line 20\n", ""))
        self.assertEqual([row.folded for row in found.rows if row.kind == FOLD], [17, 16])
        self.assertEqual(len(found.rows), 2 + 7)
        self.assertEqual((found.only_left, found.only_right, found.same), (1, 0, 39))
        self.assertEqual([row.folded for row in compare(left, left).rows], [40])

    def test_long_texts_and_lines_are_cut_and_it_is_said(self) -> None:
        found = compare("x\n" * (side_by_side.MOST_LINES + 5), "y" * 9999)
        self.assertTrue(found.cut)
        self.assertEqual((found.only_left, found.only_right), (side_by_side.MOST_LINES, 1))
        self.assertLess(len(written(found.rows[0].right) or ""), side_by_side.MOST_CHARACTERS + 5)
        self.assertFalse(compare("x\n" * side_by_side.MOST_LINES, "").cut)
