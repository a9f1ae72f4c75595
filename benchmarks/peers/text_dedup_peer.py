"""Near-duplicates with text-dedup's command, ``python -m text_dedup.minhash``, with xxh3, which it says is the faster hash.

Its own rules cut the words (``\\W``, lower case); 5-grams, 250 permutations, 25 bands of 10 rows. It reads Parquet and writes a data
set itself, and that is counted; importing it is not.
"""

import tempfile

import measured
from text_dedup import minhash

path = measured.texts_argument()


def command() -> None:
    """The command's own main function, in this process."""
    with tempfile.TemporaryDirectory() as folder:
        options = {
            "path": "parquet",
            "data_files": path,
            "split": "train",
            "cache_dir": f"{folder}/cache",
            "output": f"{folder}/out",
            "column": "content",
            "num_proc": 2,
            "ngram": 5,
            "min_length": 5,
            "num_perm": 250,
            "b": 25,
            "r": 10,
            "threshold": 0.7,
            "hash_func": "xxh3",
        }
        minhash.main([f"--{name}={value}" for name, value in options.items()], standalone_mode=False)


measured.serve(command)
