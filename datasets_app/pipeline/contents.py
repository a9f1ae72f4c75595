"""The bytes of a few blobs out of many: found by the tables of their attributes, so that no blob file is read in vain."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datasets_app.pipeline.attributes import TEXT
from datasets_app.pipeline.errors import CorpusDamaged
from datasets_app.pipeline.format import BLOBS
from datasets_app.pipeline.needs import named, needed
from datasets_app.pipeline.pii.redact import redact
from datasets_app.pipeline.recipe import Recipe

Span = tuple[int, int, str]
"""Bytes ``start`` to ``end`` of a text, and the kind of personal data that stands there."""


def read_blobs(corpus: Path, wanted: Collection[str]) -> dict[str, bytes]:
    """The bytes of these blobs, by id. Those that the corpus does not hold (any more) are missing from it.

    Reads the ids of the tables of attributes, then one row group for each blob.

    Raises:
        CorpusDamaged: A blob file cannot be read.
    """
    tables = TEXT.tables(corpus)
    if not tables or not wanted:
        return {}
    places = (
        pl.scan_parquet(tables, include_file_paths="blob_file")
        .select("blob_id", "blob_file")
        .filter(pl.col("blob_id").is_in(sorted(wanted)))
        .collect()
    )
    found: dict[str, bytes] = {}
    for (table,), blobs in places.group_by("blob_file"):
        path = corpus / "blobs" / Path(str(table)).name
        if path.exists():
            found |= _read(path, blobs["blob_id"].unique().to_list())
    return found


def _read(path: Path, wanted: list[str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    values = pa.array(wanted, pa.string())
    try:
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                ids = file.read_row_group(group, ["blob_id"], use_threads=False)
                if not pc.any(pc.is_in(ids["blob_id"], value_set=values)).as_py():
                    continue
                rows = file.read_row_group(group, use_threads=False).cast(BLOBS)
                rows = rows.filter(pc.is_in(rows["blob_id"], value_set=values))
                found |= {row["blob_id"]: row["content"] for row in rows.to_pylist()}
    except (OSError, pa.ArrowException) as error:
        raise CorpusDamaged(
            f"The blob file {path} cannot be read ({error}). Restore it from a backup, or delete it and ingest again."
        ) from error
    return found


def personal_data(corpus: Path, recipe: Recipe, texts: dict[str, bytes]) -> dict[str, list[Span]]:
    """Where a recipe finds personal data in these texts; nothing where it replaces none. Found anew, in no table.

    Raises:
        SourceError: The model that the recipe names cannot be read.
    """
    family = named(needed(corpus, replace(recipe, benchmarks=(), near_duplicates="off")), "pii")
    spans: dict[str, list[Span]] = {blob: [] for blob in texts}
    if family is not None and texts:
        rows = family.compute(pa.table([list(texts), list(texts.values())], schema=BLOBS))
        for row in rows.to_pylist():
            if row["kind"] in recipe.redact:
                spans[row["blob_id"]].append((row["start"], row["end"], row["kind"]))
    return spans


def shown_texts(corpus: Path, recipe: Recipe, wanted: Collection[str]) -> dict[str, str]:
    """The texts of these blobs as the recipe publishes them: without the personal data that it replaces.

    Raises:
        CorpusDamaged: A blob file cannot be read.
        SourceError: The model that the recipe names cannot be read.
    """
    texts = read_blobs(corpus, wanted)
    spans = personal_data(corpus, recipe, texts)
    return {blob: redact(content, spans[blob]).decode("utf-8", "replace") for blob, content in texts.items()}
