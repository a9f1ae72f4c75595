"""Near-duplicates by Fairstack's engine: sketches of row groups, then components, verification and choice, by rank.

Run by ``near.py`` as the peers are; see ``peers/measured.py`` for what is counted. The rank is the order of the texts.
"""

import measured
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from datasets_app.pipeline import duplicates, sketches

GROUP = 1000  # texts

table = pq.read_table(measured.texts_argument(), columns=["blob_id", "content"])
ids = pa.concat_arrays(table["blob_id"].chunks)
content = pa.concat_arrays(table["content"].chunks).cast(pa.large_binary())


def representatives(blobs: pa.Table) -> np.ndarray:
    """The number of the text that stands for each text; itself where it stays, or has no sketch."""
    groups = [sketches.compute(blobs.slice(start, GROUP)) for start in range(0, len(blobs), GROUP)]
    sketched = pa.concat_tables(groups)
    held, bands = sketches.matrix(sketched["sketch"], "<u8"), sketches.matrix(sketched["bands"], "<u8")
    found = duplicates.find(held, bands, 0.7)
    number_of = {blob: number for number, blob in enumerate(blobs["blob_id"].to_pylist())}
    numbers = np.array([number_of[blob] for blob in sketched["blob_id"].to_pylist()], dtype=np.int64)
    chosen = np.arange(len(blobs))
    chosen[numbers] = numbers[found.representative]
    return chosen


text = b" ".join(b"word%d" % number for number in range(400))
representatives(pa.table({"blob_id": ["one", "two"], "content": pa.array([text, text + b" more"], pa.large_binary())}))
measured.serve(lambda: representatives(pa.table({"blob_id": ids, "content": content})))
