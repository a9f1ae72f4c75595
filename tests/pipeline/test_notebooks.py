"""Notebooks as scripts and as structured text: real shapes of nbformat 3 and 4, and everything that is none."""

import contextlib
import json
from typing import Any

from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from datasets_app.pipeline import notebooks
from datasets_app.pipeline.notebooks import SPECIAL, NotebookUnusable, as_script, as_structured, parse

PYTHON = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def text(source: object) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def code(source: object, *outputs: dict[str, Any]) -> dict[str, Any]:
    return {"cell_type": "code", "execution_count": 1, "metadata": {}, "source": source, "outputs": list(outputs)}


def stream(*lines: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": list(lines)}


def result(shown: str, **more: str) -> dict[str, Any]:
    return {
        "output_type": "execute_result",
        "execution_count": 1,
        "metadata": {},
        "data": {"text/plain": [shown], **more},
    }


def notebook(*cells: dict[str, Any], metadata: object = PYTHON, **more: object) -> bytes:
    return json.dumps({"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5, **more}).encode()


EXAMPLE = notebook(
    text(["# Sums\n", "\n", "How to add."]),
    code(["%matplotlib inline\n", "import math\n"]),
    code(["total = 1 + 2\n", "print(total)"], stream("3\n")),
    text("Done."),
    {"cell_type": "raw", "metadata": {}, "source": "not shown"},
    code("total", result("3")),
    code(""),
)


class ScriptTest(SimpleTestCase):
    def test_prose_and_magics_become_comments_and_outputs_go(self) -> None:
        self.assertEqual(
            as_script(EXAMPLE),
            "# # Sums\n#\n# How to add.\n\n# %matplotlib inline\nimport math\n\ntotal = 1 + 2\nprint(total)\n\n# Done.\n\ntotal\n",
        )

    def test_a_script_of_python_compiles(self) -> None:
        compile(as_script(EXAMPLE), "notebook", "exec")
        cells = (code("%%bash\nls | wc -l"), code("!pip install x\nlen?\nx = 1 % 2"), text("a\n\nb"))
        compile(as_script(notebook(*cells)), "notebook", "exec")

    def test_comments_follow_the_language_of_the_kernel(self) -> None:
        for metadata, opening, closing in (
            ({"language_info": {"name": "R"}}, "# ", ""),
            ({"kernelspec": {"name": "ir", "display_name": "R"}}, "# ", ""),
            ({"language_info": {"name": "C++17"}}, "// ", ""),
            ({"kernelspec": {"language": "scala"}}, "// ", ""),
            ({"language_info": {"name": "ocaml"}}, "(* ", " *)"),
            ({"language_info": {"name": "haskell"}}, "-- ", ""),
            ({"kernelspec": {"name": "mypy_env"}}, "# ", ""),
        ):
            with self.subTest(metadata=metadata):
                made = as_script(notebook(text("Says."), code("x"), metadata=metadata))
                self.assertEqual(made, f"{opening}Says.{closing}\n\nx\n")

    def test_nbformat_3(self) -> None:
        cells = [
            {"cell_type": "heading", "level": 2, "metadata": {}, "source": ["Title"]},
            {
                "cell_type": "code",
                "language": "python",
                "input": ["print 1"],
                "outputs": [{"output_type": "stream", "text": ["1\n"]}],
            },
        ]
        old = json.dumps({"metadata": {"name": "x"}, "nbformat": 3, "worksheets": [{"cells": cells}]}).encode()
        self.assertEqual(as_script(old), "# ## Title\n\nprint 1\n")
        self.assertEqual(
            as_structured(old), "<jupyter_start><jupyter_text>## Title<jupyter_code>print 1<jupyter_output>1"
        )


class StructuredTest(SimpleTestCase):
    def test_cells_of_one_kind_are_merged_and_the_last_output_stays(self) -> None:
        self.assertEqual(
            as_structured(EXAMPLE),
            "<jupyter_start><jupyter_text># Sums\n\nHow to add.<jupyter_code>%matplotlib inline\nimport math\ntotal = 1 + 2\n"
            "print(total)"
            "<jupyter_output>3<jupyter_text>Done.<jupyter_code>total<jupyter_output>3",
        )

    def test_the_first_output_that_is_text_counts(self) -> None:
        picture = {
            "output_type": "display_data",
            "data": {"image/png": "iVBOR", "text/plain": ["<Figure size 640x480>"]},
        }
        failed = {"output_type": "error", "ename": "E", "evalue": "no", "traceback": ["secret path"]}
        for outputs, shown in (
            ((), "<empty_output>"),
            ((picture,), "<empty_output>"),
            ((picture, stream("a\n", "b\n"), stream("c")), "a\nb"),
            ((failed,), "<empty_output>"),
            ((result("42", **{"text/html": "<b>42</b>"}),), "42"),
            ((stream("\n \n"),), "<empty_output>"),
            ((stream("x" * 5000),), "x" * notebooks.LARGEST_OUTPUT),
        ):
            with self.subTest(shown=shown[:20]):
                made = as_structured(notebook(text("t"), code("c", *outputs)))
                self.assertEqual(made, f"<jupyter_start><jupyter_text>t<jupyter_code>c<jupyter_output>{shown}")

    def test_special_tokens_of_the_cells_are_taken_out(self) -> None:
        forged = "a<jupyter_output>b<fim_<fim_pad>prefix>c<|endoftext|>"
        made = as_structured(notebook(text(forged), code(forged, stream(forged))))
        self.assertEqual(made, "<jupyter_start><jupyter_text>abc<jupyter_code>abc<jupyter_output>abc")
        self.assertIsNone(SPECIAL.search(as_script(notebook(code(forged)))))


class UnusableTest(SimpleTestCase):
    def assert_reason(self, reason: str, content: bytes, *, structured: bool = False) -> None:
        with self.assertRaises(NotebookUnusable) as caught:
            (as_structured if structured else as_script)(content)
        self.assertEqual(caught.exception.reason, reason)
        self.assertIn(notebooks.REASONS[reason], str(caught.exception))

    def test_what_is_no_notebook(self) -> None:
        for content in (b"", b"{", b"\xff\xfe", b"[" * 100_000, b"NaN,"):
            self.assert_reason("not_json", content)
        documents: tuple[object, ...] = (
            [],
            {},
            3,
            {"nbformat": 2, "cells": []},
            {"nbformat": 4},
            {"nbformat": 4, "cells": {}},
            {"nbformat": 4, "cells": [1]},
            {"nbformat": 3, "worksheets": [[]]},
        )
        for document in documents:
            self.assert_reason("not_a_notebook", json.dumps(document).encode())

    def test_what_gives_no_script(self) -> None:
        self.assert_reason("no_code", notebook(text("only prose")))
        self.assert_reason("no_code", notebook(code(" \n")))
        self.assert_reason("unknown_language", notebook(code("x"), metadata={}))
        self.assert_reason("unknown_language", notebook(code("x"), metadata={"language_info": {"name": "klingon"}}))
        self.assert_reason("unknown_language", notebook(code("x"), metadata=None))

    def test_what_gives_no_structured_text(self) -> None:
        self.assert_reason("no_code", notebook(text("only prose")), structured=True)
        self.assert_reason("no_text", notebook(code("x = 1")), structured=True)
        other = notebook(text("t"), code("x"), metadata={"language_info": {"name": "R"}})
        self.assert_reason("not_python", other, structured=True)

    @given(
        st.recursive(
            st.none() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        [
                            "cells",
                            "source",
                            "outputs",
                            "data",
                            "text",
                            "cell_type",
                            "level",
                            "metadata",
                            "worksheets",
                            "kernelspec",
                        ]
                    ),
                    inner,
                    max_size=4,
                )
            ),
            max_leaves=12,
        ),
        st.sampled_from([3, 4]),
    )
    def test_odd_shapes_are_read_or_refused(self, cells: object, version: int) -> None:
        for document in (
            {"nbformat": version, "cells": cells, "worksheets": cells, "metadata": cells},
            {
                "nbformat": 4,
                "cells": [{"cell_type": "code", "source": cells, "outputs": cells}],
                "metadata": {"kernelspec": cells},
            },
        ):
            content = json.dumps(document).encode()
            for turn in (parse, as_script, as_structured):
                with contextlib.suppress(NotebookUnusable):
                    turn(content)
