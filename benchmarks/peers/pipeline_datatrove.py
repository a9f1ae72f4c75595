"""datatrove's whole pipeline on two local workers, in the order of its example ``fineweb.py``.

Read Parquet; filter by the quality rules on lines and characters (a ``LambdaFilter``); drop contaminated texts (``NGramsDecontFilter``,
whose index of benchmark texts, the JSON list in the third argument, is made before the clock starts); the four stages of MinHash;
``PIIFormatter`` for e-mail and IP addresses; write. Secrets it has no step for.
"""

import json
import sys
import tempfile
from pathlib import Path

import measured
import numpy as np
from datatrove.executor.local import LocalPipelineExecutor
from datatrove.pipeline.decont import NGramsDecontConfig, NGramsDecontFilter
from datatrove.pipeline.filters import LambdaFilter
from datatrove.pipeline.formatters import PIIFormatter
from datatrove.pipeline.readers import JsonlReader, ParquetReader
from datatrove.pipeline.writers import JsonlWriter
from datatrove.utils.text import ngrams, simplify_text
from datatrove_peer import WORKERS, halves, minhash_stages

MIB = 1 << 20


def passes(document) -> bool:
    """StarCoder's rules on lines and characters, as its scripts have them."""
    text = document.text
    lengths = list(map(len, text.splitlines()))
    if not 0 < len(text) <= MIB or max(lengths, default=0) > 1000 or sum(lengths) / max(1, len(lengths)) > 100:
        return False
    return sum(map(str.isalnum, text)) / len(text) >= 0.25 and "<?xml version=" not in text[:100]


def write_index(folder: str) -> None:
    """The hashes of all 12-grams of the benchmark texts, as ``NGramsDecontIndexer`` writes them.

    That step itself wants lighteval and a download even where the texts are at hand.
    """
    config = NGramsDecontConfig()
    like = NGramsDecontFilter(folder, config)
    hashes: set[int] = set()
    for text in json.loads(Path(sys.argv[3]).read_text()):
        words = like.tokenizer.word_tokenize(simplify_text(text, config.norm_config))
        hashes.update(like.hash_func(" ".join(run)) for run in ngrams(words, config.n_grams))
    np.array(sorted(hashes), dtype=config.hash_config.np_descr).tofile(f"{folder}/humaneval.index.hashes")


def pipeline(source: str, index: str, folder: str) -> None:
    """Filters, then near-duplicates among what is left, then personal data."""
    steps = [ParquetReader(source), LambdaFilter(passes), NGramsDecontFilter(index), JsonlWriter(f"{folder}/filtered")]
    LocalPipelineExecutor(
        steps, tasks=WORKERS, workers=WORKERS, logging_dir=f"{folder}/logs/0", start_method="fork"
    ).run()
    minhash_stages(JsonlReader(f"{folder}/filtered"), folder, [PIIFormatter(), JsonlWriter(f"{folder}/out")])


def everything() -> None:
    """All of it, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        pipeline(sources, index_folder, folder)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as sources, tempfile.TemporaryDirectory() as index_folder:
        halves(sources)
        write_index(index_folder)
        measured.serve(everything)
