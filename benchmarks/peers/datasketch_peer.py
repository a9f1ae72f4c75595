"""Near-duplicates with datasketch as its documentation shows for many sets: ``MinHash.bulk`` and ``MinHashLSH`` in a session."""

import measured
import numpy as np
from datasketch import MinHash, MinHashLSH
from python_shingles import shingles

texts = measured.content(measured.texts_argument()).to_pylist()


def clusters() -> np.ndarray:
    """The smallest number of each text's cluster."""
    sets = ([shingle.encode() for shingle in set(shingles(text))] for text in texts)
    hashes = MinHash.bulk(sets, num_perm=256)
    index = MinHashLSH(params=(25, 10), num_perm=256)
    with index.insertion_session() as session:
        for number, signature in enumerate(hashes):
            session.insert(number, signature)
    smallest = list(range(len(texts)))

    def find(number: int) -> int:
        while smallest[number] != number:
            smallest[number] = number = smallest[smallest[number]]
        return number

    for number, signature in enumerate(hashes):
        for other in index.query(signature):
            one, two = sorted((find(number), find(other)))
            smallest[two] = one
    return np.array([find(number) for number in range(len(texts))])


measured.serve(clusters)
