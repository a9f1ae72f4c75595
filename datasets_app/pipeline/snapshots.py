"""Which snapshot of a source a table of files is: a digest of its rows as they were ingested, kept in the table's footer.

A purge takes rows out of the table and leaves the footer's digest: what it takes out is blocked, and so changes nothing of what
a build may take. An ingest that finds the source as it was gives the same digest again.
"""

import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from datasets_app.pipeline.atomic import TEMPORARY
from datasets_app.pipeline.errors import CorpusDamaged

KEY = "fairstack.snapshot"


class Snapshot:
    """The digest of rows, batch by batch."""

    def __init__(self) -> None:
        self._state = hashlib.sha256()

    def add(self, rows: pa.Table) -> None:
        """Take the next rows."""
        for batch in rows.combine_chunks().to_batches():
            self._state.update(batch.serialize())

    def footer(self) -> dict[str, str]:
        """What to write into the footer."""
        return {KEY: self._state.hexdigest()}


def snapshots(corpus: Path) -> dict[str, str]:
    """The snapshot of each source of the corpus, by the source's name.

    Raises:
        CorpusDamaged: A table of files cannot be read.
    """
    found = {}
    for path in sorted((corpus / "files").glob("*.parquet")):
        if path.name.startswith(TEMPORARY):
            continue
        try:
            kept = (pq.read_metadata(path).metadata or {}).get(KEY.encode())
            with path.open("rb") as file:
                found[path.stem] = kept.decode() if kept else hashlib.file_digest(file, "sha256").hexdigest()
        except (OSError, pa.ArrowException) as error:
            raise CorpusDamaged(
                f"The table of files {path} cannot be read ({error}). Ingest its source again."
            ) from error
    return found
