"""Windows of text: which of them are sampled, and what each is known by.

Of a text every window of :data:`WINDOW` bytes that begins at a multiple of it is sampled. A stretch of :data:`SURE` bytes,
wherever it lies, holds one of these whole, so whoever looks up all windows of a query finds every common stretch of that length.

Windows that repeat themselves after one or two bytes (rules such as ``-----``, indentation, ``, , , ,``) are in every file many
times and say nothing: they are passed over. In their place stand the two windows that reach over the ends of the run by one byte, so
what is lost are common stretches that lie in such a run with both their ends, and no others: a longer one takes in an end of the run
with the byte beyond it, which is that other window.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from datasets_app.pipeline.compiling import njit

WINDOW = 24
"""Bytes of a window, and from one sampled window to the next."""

SURE = 2 * WINDOW - 1
"""Bytes of the shortest stretch that always holds a sampled window: the least that can be asked for."""

_A, _B, _C = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x165667B19E3779F9)
_LOW, _HIGH = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
_8, _16, _29, _32, _48, _56 = (np.uint64(bits) for bits in (8, 16, 29, 32, 48, 56))
_NONE = np.uint64(0)


@njit
def _hash(a: Any, b: Any, c: Any) -> Any:
    """What a window is known by: 64 bits, from its 24 bytes as three numbers."""
    mixed = (a ^ _C) * _A
    mixed = ((mixed ^ (mixed >> _32)) ^ b) * _B
    mixed = ((mixed ^ (mixed >> _29)) ^ c) * _A
    mixed = (mixed ^ (mixed >> _32)) * _C
    return mixed ^ (mixed >> _29)


@njit
def _repeats(a: Any, b: Any, c: Any) -> bool:
    """Whether every byte of the window is that two before it."""
    return bool(a == b and b == c and ((a >> _16) | (a << _48)) == a)


@njit
def _has_nul(word: Any) -> bool:
    return bool(((word - _LOW) & ~word & _HIGH) != _NONE)


@njit
def _word(data: Any, at: int) -> Any:
    """Eight bytes from ``at`` on as a number, the first lowest."""
    word = _NONE
    for step in range(7, -1, -1):
        word = (word << _8) | np.uint64(data[at + step])
    return word


@njit
def _run(data: Any, at: int) -> tuple[int, int]:
    """From where to where the run goes on that the window at ``at`` lies in."""
    start, end = at, at + 24
    while start > 0 and data[start - 1] == data[start + 1]:
        start -= 1
    while end < len(data) and data[end] == data[end - 2]:
        end += 1
    return start, end


@njit
def _sample(data: Any, words: Any, hashes: Any, places: Any) -> int:
    """Fill in the sampled windows of ``data``, in no order; gives how many there are. No window goes over a NUL."""
    count = 0
    run_end = 0
    for number in range(len(words) // 3):
        a, b, c = words[3 * number], words[3 * number + 1], words[3 * number + 2]
        if _has_nul(a) or _has_nul(b) or _has_nul(c):
            continue
        at = 24 * number
        if not _repeats(a, b, c):
            hashes[count], places[count] = _hash(a, b, c), at
            count += 1
        elif at + 24 > run_end:
            start, run_end = _run(data, at)
            for edge, beyond in ((start - 1, start - 1), (run_end - 23, run_end)):
                if 0 <= beyond < len(data) and data[beyond] != 0 and edge % 24:
                    hashes[count] = _hash(_word(data, edge), _word(data, edge + 8), _word(data, edge + 16))
                    places[count] = edge
                    count += 1
    return count


def sample(data: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint32]]:
    """The hashes of the sampled windows of texts that stand in one array with NULs between them, and where each begins."""
    words = data[: len(data) // WINDOW * WINDOW].view(np.uint64)
    most = 3 * (len(data) // WINDOW)
    hashes, places = np.empty(most, np.uint64), np.empty(most, np.uint32)
    count = _sample(data, words, hashes, places)
    return hashes[:count], places[:count]


@njit
def _all(data: Any, hashes: Any, repeating: Any) -> None:
    a, b, c = _word(data, 0), _word(data, 8), _word(data, 16)
    for at in range(len(hashes)):
        if at:
            a = (a >> _8) | (b << _56)
            b = (b >> _8) | (c << _56)
            c = (c >> _8) | (np.uint64(data[at + 23]) << _56)
        hashes[at] = _hash(a, b, c)
        repeating[at] = _repeats(a, b, c)


def all_windows(data: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.bool_]]:
    """The hash of the window at each byte of a text without NUL, and whether that window repeats itself."""
    count = max(0, len(data) - WINDOW + 1)
    hashes, repeating = np.empty(count, np.uint64), np.empty(count, np.bool_)
    if count:
        _all(data, hashes, repeating)
    return hashes, repeating
