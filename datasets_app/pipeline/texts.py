"""Going over the texts of a table of blobs, for the families that look at each text by itself."""

from collections.abc import Callable, Iterable

import pyarrow as pa


def sparse_rows(group: pa.Table, schema: pa.Schema, find: Callable[[bytes], Iterable[tuple[object, ...]]]) -> pa.Table:
    """The rows that ``find`` gives for each text, each with the blob's id before it.

    What is no strict UTF-8, or holds NUL, is no text and gives no row.

    Args:
        group: With the columns of ``format.BLOBS``.
        schema: Of the rows; its first column is ``blob_id``.
        find: From the bytes of one text to the rest of its rows.
    """
    columns: list[list[object]] = [[] for _ in schema.names]
    for blob, scalar in zip(group.column("blob_id").to_pylist(), group.column("content"), strict=True):
        content = scalar.as_py()
        if not is_text(content):
            continue
        for row in find(content):
            for column, value in zip(columns, (blob, *row), strict=True):
                column.append(value)
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema=schema
    )


def is_text(content: bytes) -> bool:
    """Whether the bytes are strict UTF-8 without NUL."""
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in content
