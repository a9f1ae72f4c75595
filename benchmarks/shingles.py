"""Word 5-grams of texts as 64-bit hashes, straight from Arrow buffers: what the exact truth and the reference engine share.

The rules are those of The Stack v1: a word is a run of ``[A-Za-z_0-9]``, case is kept, a text is the *set* of its runs of five
words, and a text of fewer words has none. The engine under test cuts its own; nothing here is taken from it.
"""

from collections.abc import Iterator

import numba
import numpy as np
import pyarrow as pa

WORDS = 5  # of a shingle
CHUNK_BYTES = 32 << 20  # of text hashed at a time

_CODES = np.zeros(256, dtype=np.uint64)  # what a byte adds to the hash of its word; 0 for what parts words
_CODES[[ord(letter) for letter in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789"]] = np.arange(1, 64)
_FACTOR = np.uint64(0x9E3779B97F4A7C15)

Shingles = tuple[np.ndarray, np.ndarray]
"""Offsets (one more than there are texts) and the hashes between them."""


@numba.njit(cache=True, nogil=True)
def mix(value):
    """A bijection of 64 bits in which each bit depends on all (the finaliser of MurmurHash3)."""
    value = np.uint64(value)
    value ^= value >> np.uint64(33)
    value *= np.uint64(0xFF51AFD7ED558CCD)
    value ^= value >> np.uint64(33)
    value *= np.uint64(0xC4CEB9FE1A85EC53)
    return value ^ (value >> np.uint64(33))


@numba.njit(cache=True, nogil=True)
def _fill(offsets, data, codes, places, hashes):
    """Hash the shingles of each text, repeats included; ``places`` gets where each text's begin.

    Without a branch on where a word ends, which cannot be foreseen: as fast as the engine's own, so that a peer that is given these
    is not held up by them.
    """
    filled = 0
    for text in range(len(offsets) - 1):
        places[text] = filled
        words = hashes[filled:]
        count = 0
        word = np.uint64(0)
        for at in range(offsets[text], offsets[text + 1]):
            code = codes[data[at]]
            words[count] = word
            count += np.int64((code == 0) & (word != 0))
            word = word * _FACTOR + code if code != 0 else np.uint64(0)
        if word != 0:
            words[count] = word
            count += 1
        for number in range(count):
            words[number] = (words[number] ^ (words[number] >> np.uint64(32))) * np.uint64(0xC4CEB9FE1A85EC53)
        for run in range(count - WORDS + 1):
            value = words[run]
            for step in range(1, WORDS):
                value = value * _FACTOR + words[run + step]
            words[run] = mix(value)
        filled += max(0, count - WORDS + 1)
    places[len(offsets) - 1] = filled
    return filled


@numba.njit(cache=True, nogil=True)
def _sets(places, hashes):
    """Sort the hashes of each text and drop repeats, in place; gives the new places."""
    kept = np.zeros(len(places), dtype=np.int64)
    filled = 0
    for text in range(len(places) - 1):
        part = np.sort(hashes[places[text] : places[text + 1]])
        start = filled
        for value in part:
            if filled == start or value != hashes[filled - 1]:
                hashes[filled] = value
                filled += 1
        kept[text + 1] = filled
    return kept


def chunks(content: pa.Array) -> Iterator[pa.Array]:
    """Slices of texts (``large_string``) of about 32 MiB each."""
    start = 0
    offsets = text_offsets(content)
    while start < len(content):
        end = int(np.searchsorted(offsets, offsets[start] + CHUNK_BYTES, side="right")) - 1
        end = min(len(content), max(start + 1, end))
        yield content.slice(start, end - start)
        start = end


def text_offsets(content: pa.Array) -> np.ndarray:
    """Where each text of an Arrow array of ``large_string`` or ``large_binary`` begins in its buffer, and the last ends."""
    return np.frombuffer(content.buffers()[1], dtype=np.int64)[content.offset : content.offset + len(content) + 1]


def hashed(content: pa.Array) -> Shingles:
    """The shingles of each text in their order, repeats included."""
    offsets = text_offsets(content)
    data = np.frombuffer(content.buffers()[2] or b"", dtype=np.uint8)
    places = np.zeros(len(content) + 1, dtype=np.int64)
    hashes = np.empty(int(offsets[-1] - offsets[0]) // 2 + 2, dtype=np.uint64)
    return places, hashes[: _fill(offsets, data, _CODES, places, hashes)]


def sets(content: pa.Array) -> Shingles:
    """The set of shingles of each text, each set sorted."""
    all_places, all_hashes, filled = [np.zeros(1, dtype=np.int64)], [], 0
    for chunk in chunks(content):
        places, hashes = hashed(chunk)
        kept = _sets(places, hashes)
        all_places.append(kept[1:] + filled)
        all_hashes.append(hashes[: kept[-1]].copy())
        filled += int(kept[-1])
    return np.concatenate(all_places), np.concatenate([np.empty(0, np.uint64), *all_hashes])
