"""The same measures three times, for the quality rules on lines and characters, each as one would write it there.

A measure is a matrix of one row a text: lines, longest line, sum of their characters, share of letters and digits, of letters, of white
space, and whether it starts as an XML document. Lines end as ``str.splitlines`` has it, letters are ``str.isalpha``.

    quality_rules.py ours|python|polars TEXTS.parquet RESULT.npy
"""

import sys

import measured
import numpy as np
import polars as pl
import pyarrow as pa

from datasets_app.pipeline import kernels

XML_HEAD = 100  # characters


def by_kernel(content: pa.Array) -> np.ndarray:
    """Fairstack's kernel over Arrow buffers."""
    found = kernels.measure_characters(content)
    names = ("lines", "longest_line", "mean_line", "alphanumeric", "alphabetic", "whitespace", "xml_head")
    return np.stack([found[name].astype(np.float64) for name in names], axis=1)


def by_python(texts: list[str]) -> np.ndarray:
    """Plain Python, with the loops inside the interpreter's own functions."""
    rows = []
    for text in texts:
        lengths = list(map(len, text.splitlines()))
        whole = max(1, len(text))
        rows.append(
            (
                len(lengths),
                max(lengths, default=0),
                sum(lengths) / max(1, len(lengths)),
                sum(map(str.isalnum, text)) / whole,
                sum(map(str.isalpha, text)) / whole,
                sum(map(str.isspace, text)) / whole,
                "<?xml version=" in text[:XML_HEAD],
            )
        )
    return np.array(rows, dtype=np.float64)


def by_polars(texts: pl.DataFrame) -> np.ndarray:
    """Polars expressions. Its regular expressions know letters and numbers by the same Unicode categories.

    Dropping all other characters and counting is a quarter faster than counting matches.
    """
    text = pl.col("content")
    whole = text.str.len_chars().clip(lower_bound=1)
    ends = text.str.replace_all("\r\n", "\n", literal=True).str.replace_all("[\v\f\r\x1c-\x1e\x85\u2028\u2029]", "\n")
    lengths = (
        pl.when(text == "")
        .then([])
        .otherwise(ends.str.strip_suffix("\n").str.split("\n").list.eval(pl.element().str.len_chars()))
    )
    found = texts.lazy().select(
        lengths.list.len().alias("lines"),
        lengths.list.max().fill_null(0).alias("longest"),
        lengths.list.mean().fill_null(0).alias("mean"),
        text.str.replace_all(r"[^\p{L}\p{N}]+", "").str.len_chars().truediv(whole).alias("alphanumeric"),
        text.str.replace_all(r"\P{L}+", "").str.len_chars().truediv(whole).alias("alphabetic"),
        text.str.replace_all(r"[^\s\x1c-\x1f]+", "").str.len_chars().truediv(whole).alias("whitespace"),
        text.str.slice(0, XML_HEAD).str.contains("<?xml version=", literal=True).alias("xml"),
    )
    return found.collect().cast(pl.Float64).to_numpy()


if __name__ == "__main__":
    which = sys.argv.pop(1)
    content = measured.content(measured.texts_argument())
    if which == "ours":
        held = content.cast(pa.large_binary())
        by_kernel(held.slice(0, 10))
        measured.serve(lambda: by_kernel(held))
    elif which == "python":
        strings = content.to_pylist()
        measured.serve(lambda: by_python(strings))
    else:
        frame = pl.DataFrame({"content": pl.from_arrow(content)})
        measured.serve(lambda: by_polars(frame))
