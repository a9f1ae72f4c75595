"""Whether somebody wrote what the corpus holds: a keyed hash of an address, looked for among the authors of its files."""

import pyarrow.compute as pc
import pyarrow.parquet as pq
from django.conf import settings

from datasets_app.pipeline.sources.authors import author_hash
from datasets_app.purging import corpus_folder

BATCH = 100_000  # rows that are looked at together


def author_key(address: str) -> str:
    """The keyed hash by which the corpus knows the author of commits with this address."""
    return author_hash(settings.FAIRSTACK_KEY.encode(), address)


def wrote(author: str, owner_keys: set[str] | None = None) -> bool:
    """Whether a file of the corpus has this author, by :func:`author_key`; in repositories of these owners alone where given.

    Reads the column of authors of every table of files, so it takes as long as the corpus is large: it is for jobs.
    """
    for path in sorted((corpus_folder() / "files").glob("*.parquet")):
        with pq.ParquetFile(path) as table:
            if "authors" not in table.schema_arrow.names:
                continue
            for batch in table.iter_batches(BATCH, columns=["authors", "owner_key"]):
                authors, owners = batch.column("authors"), batch.column("owner_key")
                rows = pc.list_parent_indices(authors).filter(pc.equal(pc.list_flatten(authors), author))
                if len(rows) and (owner_keys is None or set(owners.take(rows).to_pylist()) & owner_keys):
                    return True
    return False
