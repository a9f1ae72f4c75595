"""Near-duplicates with text-dedup's command, ``python -m text_dedup.minhash``, with xxh3, which it says is the faster hash.

Its own rules cut the words (``\\W``, lower case); 5-grams, 250 permutations, 25 bands of 10 rows. It reads Parquet and writes a data
set itself, and that is counted; importing it is not.
"""

import os
import sys
import tempfile

import measured

os.environ["HF_DATASETS_OFFLINE"] = os.environ["HF_HUB_OFFLINE"] = "1"

from text_dedup import minhash

path = measured.texts_argument().resolve()


def command() -> None:
    """The command's own main function, in this process."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        minhash.main(
            ["--path", "parquet", "--data_files", str(path), "--split", "train", "--cache_dir", f"{folder}/cache"]
            + ["--output", f"{folder}/out", "--column", "content", "--batch_size", "10000", "--num_proc", "2"]
            + ["--ngram", "5", "--min_length", "5", "--num_perm", "250", "--b", "25", "--r", "10"]
            + ["--hash_func", "xxh3", "--threshold", "0.7"],
            standalone_mode=False,
        )


sys.argv[2] = os.path.abspath(sys.argv[2])
sys.argv[1] = str(path)
measured.run(command)
