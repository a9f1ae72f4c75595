"""Notebooks in a release: which blobs can be turned into text, and the text of those that are published.

Whether a notebook can be turned into text depends on its bytes alone, so it is a family of attributes and is known before
anything is decided. The text is made when its shard is written, from the source without its personal data.
"""

import re

import pyarrow as pa

from datasets_app.pipeline import notebooks
from datasets_app.pipeline.errors import CorpusDamaged
from datasets_app.pipeline.families import Family
from datasets_app.pipeline.notebooks import NotebookUnusable

LANGUAGE = "Jupyter Notebook"
FORMS = {"script": notebooks.as_script, "structured": notebooks.as_structured}
"""The two kinds of text, and what makes them."""

SCHEMA = pa.schema(
    [
        ("blob_id", pa.string()),
        ("script", pa.bool_()),  # it can be turned into a script
        ("structured", pa.bool_()),  # it can be turned into structured text
    ]
)
_MARK = b'"nbformat"'
# A replaced e-mail or key may have begun with the letter of an escape: "\nfoo@example.org" has become "\<EMAIL>".
_CUT_ESCAPE = re.compile(r"(?<!\\)((?:\\\\)*)\\(?=<(?:EMAIL|KEY|NAME|PASSWORD|USERNAME)>)")


def _facts(group: pa.Table) -> pa.Table:
    rows = []
    for blob, content in zip(group["blob_id"].to_pylist(), _views(group["content"]), strict=True):
        if _MARK in content:
            usable = {form: _is_usable(form, content) for form in FORMS}
            if any(usable.values()):
                rows.append({"blob_id": blob, **usable})
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _views(column: pa.ChunkedArray) -> list[bytes]:
    return [scalar.as_buffer().to_pybytes() for scalar in column]


def _is_usable(form: str, content: bytes) -> bool:
    try:
        FORMS[form](content)
    except NotebookUnusable:
        return False
    return True


NOTEBOOKS = Family("notebooks", "1", SCHEMA, _facts, dense=False)
"""Blobs that are notebooks and can be turned into text; builds need them whose recipe takes notebooks."""


def as_texts(form: str, content: pa.Array) -> pa.Array:
    """Notebooks as text.

    Args:
        form: A key of :data:`FORMS`.
        content: Their sources (``large_string``), personal data replaced.

    Raises:
        CorpusDamaged: One cannot be turned into text, though its attributes say so.
    """
    try:
        made = [FORMS[form](_CUT_ESCAPE.sub(r"\1", text).encode()) for text in content.to_pylist()]
    except NotebookUnusable as error:
        raise CorpusDamaged(
            f"A notebook of the corpus cannot be turned into text though its attributes say so ({error.reason}). "
            "Compute the attributes again."
        ) from error
    return pa.array(made, pa.large_string())
