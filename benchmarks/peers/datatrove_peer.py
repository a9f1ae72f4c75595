"""Near-duplicates with datatrove's four MinHash stages on two local workers, as its example ``minhash_deduplication.py`` does.

Its own rules cut the words (spaCy's tokenizer after its normalisation); 5-grams, 25 buckets of 10 hashes. It reads Parquet and
writes files between stages, and that is counted; importing it is not (workers are forked, so that none imports it again).
"""

import tempfile

import measured
import pyarrow as pa
import pyarrow.parquet as pq
from datatrove.executor.local import LocalPipelineExecutor
from datatrove.pipeline.dedup import MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import (
    MinhashConfig,
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
)
from datatrove.pipeline.readers import ParquetReader
from datatrove.pipeline.writers import JsonlWriter
from datatrove.utils.hashing import HashConfig

WORKERS = 2
config = MinhashConfig(hash_config=HashConfig(precision=64), n_grams=5, num_buckets=25, hashes_per_bucket=10)
path = measured.texts_argument()


def halves(folder: str) -> None:
    """The texts in as many files as there are workers: datatrove hands out whole files."""
    content = measured.content(path)
    share = -(-len(content) // WORKERS)
    for number in range(WORKERS):
        part = content.slice(number * share, share)
        ids = pa.array([str(row) for row in range(number * share, number * share + len(part))])
        pq.write_table(pa.table({"text": part, "id": ids}), f"{folder}/{number}.parquet")


def stages(source: str, folder: str) -> None:
    """Signatures, buckets, clusters, filter."""
    reader = ParquetReader(source)
    logs = f"{folder}/logs"
    one = LocalPipelineExecutor(
        [reader, MinhashDedupSignature(f"{folder}/signatures", config=config)],
        tasks=WORKERS,
        workers=WORKERS,
        logging_dir=f"{logs}/1",
        start_method="fork",
    )
    two = LocalPipelineExecutor(
        [MinhashDedupBuckets(f"{folder}/signatures", f"{folder}/buckets", config=config)],
        tasks=config.num_buckets,
        workers=WORKERS,
        logging_dir=f"{logs}/2",
        start_method="fork",
        depends=one,
    )
    three = LocalPipelineExecutor(
        [MinhashDedupCluster(f"{folder}/buckets", f"{folder}/remove", config=config)],
        tasks=1,
        logging_dir=f"{logs}/3",
        start_method="fork",
        depends=two,
    )
    four = LocalPipelineExecutor(
        [reader, MinhashDedupFilter(f"{folder}/remove"), JsonlWriter(f"{folder}/out")],
        tasks=WORKERS,
        workers=WORKERS,
        logging_dir=f"{logs}/4",
        start_method="fork",
        depends=three,
    )
    four.run()


def deduplicate() -> None:
    """All of it, in folders of its own."""
    with tempfile.TemporaryDirectory() as folder:
        stages(sources, folder)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as sources:
        halves(sources)
        measured.serve(deduplicate)
