"""Similarity sketches of texts: what near-duplicates are found by, once the text is no longer at hand.

A text is the set of its runs of five *tokens*, a token being a run of ``[A-Za-z_0-9]`` with its case kept (BigCode's
``minhash_deduplication``; arXiv 2211.15533, section 4). Of the hashes of the runs two things are kept:

* 25 *band keys*, each a hash of 10 slots out of 256: texts that share one are candidates. The slots are filled by Fast Similarity
  Sketching (Dahlgaard, Knudsen and Thorup, FOCS 2017): two slots are equal with the probability of the sets' Jaccard
  similarity, as with 256 independent hash functions, at the cost of little more than one. So a pair of similarity .7 is a
  candidate with a probability of .51, one of .8 with .94 and one of .5 with .024 (25 bands of 10 rows are what BigCode's script
  chooses for a threshold of .7 and 256 permutations).
* A *sketch* of 256 bytes, to check candidates by: 1,024 bins by the first bits of the hash, of each the least hash (one
  permutation hashing: Li, Owen and Zhang, NIPS 2012), and of that two bits (b-bit minwise hashing: Li and König, WWW 2010): 0 for
  an empty bin, else one of three codes. Many bins of few bits tell more in the same room than 256 slots of eight: at .7,
  where all bins are filled, the standard deviation is .019 instead of .029.

Texts of fewer than five tokens have no run of five. They get no sketch: in the original all of them share one signature, so
that all but one vanish. Here they are told apart by their exact bytes alone.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from datasets_app.pipeline.compiling import njit
from datasets_app.pipeline.families import Family

SLOTS = 256  # that band keys are made of
BINS = 1024  # of a sketch
SKETCH_BYTES = BINS // 4
BANDS = 25
BAND_ROWS = 10
SHINGLE = 5  # tokens

SCHEMA = pa.schema(
    [
        ("blob_id", pa.string()),
        ("tokens", pa.int32()),  # in the whole text
        ("sketch", pa.binary(SKETCH_BYTES)),  # 2 bits a bin
        ("bands", pa.binary(8 * BANDS)),  # 64-bit keys, little-endian
    ]
)

# What a byte adds to the hash of its token; 0 for what parts tokens.
_TOKEN_CODES = np.zeros(256, dtype=np.uint64)
_TOKEN_CODES[[ord(c) for c in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"]] = np.arange(1, 64)

_PRIME_A = np.uint64(0x9E3779B97F4A7C15)
_PRIME_B = np.uint64(0xBF58476D1CE4E5B9)
_PRIME_C = np.uint64(0x94D049BB133111EB)
_SLOT_BITS = np.uint64(8)
_EMPTY = np.uint64(0xFFFFFFFFFFFFFFFF)
_SLOT_MASK = np.uint64(SLOTS - 1)
_BIN_SHIFT = np.uint64(64 - 10)
_BIN_BITS = np.uint64(10)
_LOW_HALF = np.uint64(0xFFFFFFFF)
_CODES = np.uint64(3)  # that a bin which is not empty may have
_DEDUPLICATE_AFTER = 4  # rounds; a text that needs more has few distinct runs, of which most may stand many times


@njit
def _mix(value: Any) -> Any:
    """A bijection of 64 bits in which every bit of the result depends on every bit of the value (splitmix64's)."""
    value = (value ^ (value >> np.uint64(30))) * _PRIME_B
    value = (value ^ (value >> np.uint64(27))) * _PRIME_C
    return value ^ (value >> np.uint64(31))


@njit
def _shingles(data: Any, at: int, end: int, codes: Any, out: Any) -> tuple[int, int]:
    """Write the hash of each run of five tokens to ``out``; give how many there are, and how many tokens.

    ``out`` has room for every token and one more. The ends of tokens come at random: a branch on them would cost more than
    all the rest, so the hash is written after every byte and the place moves on where a token ends.
    """
    tokens: Any = 0
    token = np.uint64(0)
    for place in range(at, end):
        code = codes[data[place]]
        out[tokens] = token
        tokens += np.int64((code == 0) & (token != 0))
        token = token * _PRIME_A + code if code != 0 else np.uint64(0)
    if token != 0:
        out[tokens] = token
        tokens += 1
    for number in range(tokens):
        value = out[number]
        out[number] = (value ^ (value >> np.uint64(32))) * _PRIME_B
    for run in range(tokens - SHINGLE + 1):
        value = ((out[run] * _PRIME_A + out[run + 1]) * _PRIME_A + out[run + 2]) * _PRIME_A + out[run + 3]
        out[run] = _mix(value * _PRIME_A + out[run + 4])
    return max(0, tokens - SHINGLE + 1), tokens


@njit
def _fill(elements: Any, count: int, slots: Any, rounds: Any) -> None:
    """Fast Similarity Sketching. ``slots`` get the least value of the first round in which anything fell into them.

    The elements are hashes themselves: in the first round, which is all that most texts need, they are taken as they are.
    """
    for slot in range(SLOTS):
        slots[slot] = _EMPTY
    for place in range(count):
        element = elements[place]
        fallen = np.int64(element & _SLOT_MASK)
        slots[fallen] = min(slots[fallen], element >> _SLOT_BITS)
    filled = 0
    for slot in range(SLOTS):
        rounds[slot] = 0 if slots[slot] != _EMPTY else -1
        filled += slots[slot] != _EMPTY
    for turn in range(1, 2 * SLOTS):
        if filled == SLOTS:
            return
        if turn == _DEDUPLICATE_AFTER:
            distinct = np.unique(elements[:count])
            count = len(distinct)
            elements = distinct
        salt = np.uint64(turn) * _PRIME_A
        for place in range(count):
            mixed = _mix(elements[place] + salt)
            fall = np.int64(mixed & _SLOT_MASK) if turn < SLOTS else np.int64(turn - SLOTS)
            value = mixed >> _SLOT_BITS
            if rounds[fall] == -1:
                rounds[fall] = turn
                slots[fall] = value
                filled += 1
            elif rounds[fall] == turn and value < slots[fall]:
                slots[fall] = value


@njit
def _check_bins(elements: Any, count: int, bins: Any, sketch: Any) -> None:
    """Fill a sketch: 32 words of 32 bins each, the first bin in the lowest two bits."""
    for place in range(BINS):
        bins[place] = _EMPTY
    for place in range(count):
        element = elements[place]
        bin_of = np.int64(element >> _BIN_SHIFT)
        bins[bin_of] = min(bins[bin_of], element << _BIN_BITS)
    for place in range(BINS):
        if bins[place] != _EMPTY:
            # The lower half of the hash, which its being the least says nothing of, scaled to 0, 1 or 2.
            code = np.uint64(1) + ((((bins[place] >> _BIN_BITS) & _LOW_HALF) * _CODES) >> np.uint64(32))
            sketch[place // 32] |= code << np.uint64(2 * (place % 32))


@njit
def _sketch(offsets: Any, data: Any, is_text: Any, codes: Any, tokens: Any, sketches: Any, bands: Any) -> None:
    longest = 0
    for row in range(len(offsets) - 1):
        longest = max(longest, offsets[row + 1] - offsets[row])
    elements = np.empty(longest // 2 + 2, dtype=np.uint64)
    slots = np.empty(SLOTS, dtype=np.uint64)
    rounds = np.empty(SLOTS, dtype=np.int64)
    bins = np.empty(BINS, dtype=np.uint64)
    for row in range(len(offsets) - 1):
        if not is_text[row]:
            continue
        count, tokens[row] = _shingles(data, offsets[row], offsets[row + 1], codes, elements)
        if count == 0:
            continue
        _fill(elements, count, slots, rounds)
        _check_bins(elements, count, bins, sketches[row])
        for band in range(BANDS):
            key = np.uint64(band + 1)
            for step in range(BAND_ROWS):
                key = _mix(key ^ slots[band * BAND_ROWS + step]) + _PRIME_A
            bands[row, band] = key


def sketch_texts(
    content: pa.Array, is_text: npt.NDArray[np.bool_] | None = None
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """Sketch each text of an Arrow array of ``large_binary``, which may be a slice.

    Args:
        content: UTF-8 bytes.
        is_text: Which of them are to be sketched; all where None.

    Returns:
        Tokens (n), sketches (n x 32 words) and band keys (n x 25). Those of texts of fewer than five tokens are zeros.
    """
    count = len(content)
    _validity, offsets_buffer, data_buffer = content.buffers()
    offsets = np.frombuffer(offsets_buffer, dtype=np.int64)[content.offset : content.offset + count + 1]
    data = np.frombuffer(data_buffer, dtype=np.uint8) if data_buffer is not None else np.empty(0, np.uint8)
    tokens = np.zeros(count, dtype=np.int32)
    sketches = np.zeros((count, SKETCH_BYTES // 8), dtype=np.uint64)
    bands = np.zeros((count, BANDS), dtype=np.uint64)
    wanted = np.ones(count, dtype=np.bool_) if is_text is None else is_text
    _sketch(offsets, data, wanted, _TOKEN_CODES, tokens, sketches, bands)
    return tokens, sketches, bands


def compute(group: pa.Table) -> pa.Table:
    """The sketches (:data:`SCHEMA`) of a table of ``format.BLOBS``: a row for each blob that has one."""
    content = group["content"].combine_chunks()
    if isinstance(content, pa.ChunkedArray):  # of a table without rows
        content = content.chunk(0) if content.num_chunks else pa.array([], pa.large_binary())
    tokens, sketches, bands = sketch_texts(content)
    rows = np.flatnonzero(tokens >= SHINGLE)
    return pa.table(
        [
            group["blob_id"].combine_chunks().take(pa.array(rows)),
            pa.array(tokens[rows]),
            _fixed(sketches[rows].astype("<u8")),
            _fixed(bands[rows].astype("<u8")),
        ],
        schema=SCHEMA,
    )


def _fixed(rows: npt.NDArray[Any]) -> pa.Array:
    """A matrix as fixed-size binaries, one a row."""
    width = rows.shape[1] * rows.itemsize
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), len(rows), [None, pa.py_buffer(rows.tobytes())])


def matrix(column: pa.ChunkedArray, dtype: str) -> npt.NDArray[Any]:
    """The inverse: a column of fixed-size binaries as a matrix of ``dtype``, without copying where it is one chunk."""
    array = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    width = array.type.byte_width
    buffer = np.frombuffer(array.buffers()[1], dtype=np.uint8)[
        array.offset * width : (array.offset + len(array)) * width
    ]
    return buffer.view(dtype).reshape(len(array), -1)


SKETCHES = Family("sketches", "2", SCHEMA, compute, dense=False)
"""Rules 2: tokens of ``[A-Za-z_0-9]``, runs of five, 25 bands of 10 slots, 1,024 bins of two bits."""
