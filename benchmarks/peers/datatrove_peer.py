"""Near-duplicates with datatrove's four MinHash stages on two local workers, as its example ``minhash_deduplication.py`` does.

Its own rules cut the words (spaCy's tokenizer after its normalisation); 5-grams, 25 buckets of 10 hashes. It reads Parquet and
writes files between stages, and that is counted; importing it is not (workers are forked, so that none imports it again).
"""

import tempfile

import measured
import pyarrow as pa
import pyarrow.parquet as pq
from datatrove.executor.local import LocalPipelineExecutor
from datatrove.pipeline.base import PipelineStep
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


def minhash_stages(reader: PipelineStep, folder: str, last: list[PipelineStep]) -> None:
    """Signatures, buckets, clusters, filter; and after the filter the steps of ``last``."""

    def executor(number: int, steps: list[PipelineStep], tasks: int, depends: LocalPipelineExecutor | None):
        return LocalPipelineExecutor(
            steps,
            tasks=tasks,
            workers=min(tasks, WORKERS),
            logging_dir=f"{folder}/logs/{number}",
            depends=depends,
            start_method="fork",
        )

    signatures, buckets, remove = f"{folder}/signatures", f"{folder}/buckets", f"{folder}/remove"
    one = executor(1, [reader, MinhashDedupSignature(signatures, config=config)], WORKERS, None)
    two = executor(2, [MinhashDedupBuckets(signatures, buckets, config=config)], config.num_buckets, one)
    three = executor(3, [MinhashDedupCluster(buckets, remove, config=config)], 1, two)
    executor(4, [reader, MinhashDedupFilter(remove), *last], WORKERS, three).run()


def deduplicate() -> None:
    """All of it, in folders of its own."""
    with tempfile.TemporaryDirectory() as folder:
        minhash_stages(ParquetReader(sources), folder, [JsonlWriter(f"{folder}/out")])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as sources:
        halves(sources)
        measured.serve(deduplicate)
