"""From the bytes of a blob to the text that is published: without the personal data that was found in it; notebooks as text."""

import functools
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datasets_app.pipeline.notebook_facts import LANGUAGE as NOTEBOOK
from datasets_app.pipeline.notebook_facts import as_texts
from datasets_app.pipeline.pii.redact import redact
from datasets_app.pipeline.release_errors import CorpusChanged


class Redaction(TypedDict):
    """How a recipe wants personal data replaced."""

    family: str  # the folder of the attributes that say where it is
    kinds: list[str]


class WriteOptions(TypedDict):
    """How a recipe wants its shards written."""

    row_group_bytes: int
    zstd_level: int
    redaction: Redaction | None
    notebooks: str  # the form in which notebooks are published


def published_texts(
    corpus: Path,
    write: WriteOptions,
    language: str,
    blob_ids: pa.ChunkedArray,
    blob_files: pa.ChunkedArray,
    content: pa.Array,
) -> pa.Array:
    """What is published of these sources, all of one language; the very same array where nothing is to be changed.

    Raises:
        CorpusChanged: The attributes of a blob file are gone.
        CorpusDamaged: A notebook cannot be turned into text, though its attributes say so.
    """
    if write["redaction"] is not None:
        content = redacted(corpus, write["redaction"], blob_ids, blob_files, content)
    return as_texts(write["notebooks"], content) if language == NOTEBOOK else content


def redacted(
    corpus: Path, how: Redaction, blob_ids: pa.ChunkedArray, blob_files: pa.ChunkedArray, content: pa.Array
) -> pa.Array:
    """Texts with the personal data that their attributes tell of replaced.

    Args:
        corpus: The folder of the corpus.
        how: What is to be replaced.
        blob_ids: Of the texts.
        blob_files: The blob file that holds each.
        content: The texts (``large_string``); those in which nothing was found come back as they are.

    Raises:
        CorpusChanged: The attributes of a blob file are gone.
    """
    spans: dict[str, list[tuple[int, int, str]]] = {}
    for name in pc.unique(blob_files).to_pylist():
        held = _spans_of(corpus / "attributes" / how["family"] / f"{name}.parquet")
        for blob in pc.unique(blob_ids.filter(pc.equal(blob_files, name))).to_pylist():
            if found := [span for span in held.get(blob, ()) if span[2] in how["kinds"]]:
                spans[blob] = found
    if not spans:
        return content
    return pa.array(
        [
            _without(text.as_buffer(), spans[blob]) if blob in spans else text.as_py()
            for blob, text in zip(blob_ids.to_pylist(), content, strict=True)
        ],
        pa.large_string(),
    )


def _without(text: pa.Buffer, spans: Sequence[tuple[int, int, str]]) -> str:
    return redact(bytes(text), spans).decode()


@functools.lru_cache(maxsize=64)
def _spans_of(path: Path) -> dict[str, list[tuple[int, int, str]]]:
    """The spans in each blob of a blob file, remembered for the files that were asked of last: they never change."""
    try:
        table = pq.read_table(path, use_threads=False)
    except FileNotFoundError as error:
        raise CorpusChanged(f"The attributes {path} are gone: compute them again, then build again.") from error
    spans: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for blob, start, end, kind in zip(
        *(table[name].to_pylist() for name in ("blob_id", "start", "end", "kind")), strict=True
    ):
        spans[blob].append((start, end, kind))
    return dict(spans)
