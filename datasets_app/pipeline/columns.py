"""Reading columns of a table that an earlier version of this program may have written, before it had all of them."""

from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq


def read_columns(path: Path, columns: list[str], schema: pa.Schema) -> pl.DataFrame:
    """These columns of a table; those that it does not have yet read as null."""
    there = set(pq.read_schema(path).names)
    frame = pl.read_parquet(path, columns=[name for name in columns if name in there])
    missing = [name for name in columns if name not in there]
    if missing:
        empty = pl.from_arrow(schema.empty_table())
        assert isinstance(empty, pl.DataFrame)
        frame = frame.with_columns(pl.lit(None, empty.schema[name]).alias(name) for name in missing)
    return frame.select(columns)
