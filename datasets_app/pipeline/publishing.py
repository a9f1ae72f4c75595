"""From the bytes of a blob to the text that is published: without the personal data that was found in it."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datasets_app.pipeline.pii.redact import redact
from datasets_app.pipeline.release_errors import CorpusChanged


class Redaction(TypedDict):
    """How a recipe wants personal data replaced."""

    family: str  # the folder of the attributes that say where it is
    kinds: list[str]


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
    spans: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for name in pc.unique(blob_files).to_pylist():
        path = corpus / "attributes" / how["family"] / f"{name}.parquet"
        try:
            table = pq.read_table(path, use_threads=False)
        except FileNotFoundError as error:
            raise CorpusChanged(f"The attributes {path} are gone: compute them again, then build again.") from error
        wanted = pc.and_(
            pc.is_in(table["blob_id"], value_set=blob_ids.combine_chunks()),
            pc.is_in(table["kind"], value_set=pa.array(how["kinds"], pa.string())),
        )
        for row in table.filter(wanted).to_pylist():
            spans[row["blob_id"]].append((row["start"], row["end"], row["kind"]))
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
