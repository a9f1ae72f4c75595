"""Many byte strings looked for at once: one pass over the data, whatever their number.

Strings of one length are found by a cyclic polynomial hash (J. D. Cohen, "Recursive hashing functions for n-grams", 1997) that
rolls over the data byte by byte; a filter of flags and an open hash table lead to the candidates, which are compared byte
by byte. So nothing is missed and nothing is found that is not there. Each length takes a pass of its own.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from datasets_app.pipeline.compiling import njit

Buffer = Any
"""Anything that gives its bytes to ``numpy.frombuffer``."""

_FEW = 3  # so many are found faster one after the other by the C library
_RANDOM = np.random.default_rng(20_230_509).integers(0, 1 << 64, 256, dtype=np.uint64)
_SPREAD = np.uint64(0x9E3779B97F4A7C15)


class Needles:
    """Byte strings to look for.

    Attributes:
        texts: They themselves, each once, sorted by length and value.
        longest: Bytes of the longest; 0 where there is none.
    """

    def __init__(self, texts: Iterable[bytes]) -> None:
        """Take note of what to look for.

        Raises:
            ValueError: One is empty.
        """
        self.texts = sorted(set(texts), key=lambda text: (len(text), text))
        if self.texts and not self.texts[0]:
            raise ValueError("an empty string stands everywhere: name none")
        self.longest = len(self.texts[-1]) if self.texts else 0
        self._groups: list[_Group] = []
        if len(self.texts) > _FEW:
            start = 0
            for end in range(1, len(self.texts) + 1):
                if end == len(self.texts) or len(self.texts[end]) != len(self.texts[start]):
                    self._groups.append(_Group(start, self.texts[start:end]))
                    start = end

    def __len__(self) -> int:
        return len(self.texts)

    def within(self, data: Buffer) -> bool:
        """Whether one of them stands in the data."""
        if self._groups:
            view = _bytes_of(data)
            return any(group.find(view, group.nothing, True) for group in self._groups)
        whole = data if isinstance(data, bytes) else bytes(data)
        return any(text in whole for text in self.texts)

    def mark(self, data: Buffer, found: npt.NDArray[np.bool_]) -> None:
        """Set ``found[i]`` for each ``texts[i]`` that stands in the data."""
        view = _bytes_of(data)
        for group in self._groups:
            group.find(view, found[group.start : group.start + len(group.rows)], False)
        if not self._groups:
            whole = bytes(view)
            for place, text in enumerate(self.texts):
                found[place] |= text in whole


def _bytes_of(data: Buffer) -> npt.NDArray[np.uint8]:
    return np.frombuffer(data, dtype=np.uint8)


class _Group:
    """Strings of one length, ready to be looked for."""

    def __init__(self, start: int, texts: list[bytes]) -> None:
        self.start = start
        width = len(texts[0])
        self.rows = np.frombuffer(b"".join(texts), dtype=np.uint8).reshape(len(texts), width)
        self.leaving = _rotated(_RANDOM, width)
        bits = max(10, int(len(texts) * 2).bit_length())
        self.flags = np.zeros(1 << (bits + 5 - 6), dtype=np.uint64)
        self.slots = np.full(1 << bits, -1, dtype=np.int64)
        self.nothing = np.zeros(len(texts), dtype=np.bool_)
        _fill(self.rows, _RANDOM, self.flags, np.uint64(64 - bits - 5), self.slots, np.uint64(64 - bits))
        self.shifts = (np.uint64(64 - bits - 5), np.uint64(64 - bits))

    def find(self, data: npt.NDArray[np.uint8], found: npt.NDArray[np.bool_], stop: bool) -> bool:
        """Look for them; set ``found`` (unless to ``stop`` at the first). Gives whether there was any."""
        flag_shift, slot_shift = self.shifts
        return bool(
            _find(data, self.rows, _RANDOM, self.leaving, self.flags, flag_shift, self.slots, slot_shift, found, stop)
        )


def _rotated(values: npt.NDArray[np.uint64], by: int) -> npt.NDArray[np.uint64]:
    by %= 64
    return (values << np.uint64(by)) | (values >> np.uint64(64 - by)) if by else values.copy()


@njit
def _fill(rows: Any, random: Any, flags: Any, flag_shift: Any, slots: Any, slot_shift: Any) -> None:
    one, top = np.uint64(1), np.uint64(63)
    mask = len(slots) - 1
    for row in range(rows.shape[0]):
        value = np.uint64(0)
        for at in range(rows.shape[1]):
            value = ((value << one) | (value >> top)) ^ random[rows[row, at]]
        spread = value * _SPREAD
        flag = spread >> flag_shift
        flags[np.int64(flag >> np.uint64(6))] |= one << (flag & top)
        slot = np.int64(spread >> slot_shift)
        while slots[slot] >= 0:
            slot = (slot + 1) & mask
        slots[slot] = row


@njit
def _find(
    data: Any,
    rows: Any,
    random: Any,
    leaving: Any,
    flags: Any,
    flag_shift: Any,
    slots: Any,
    slot_shift: Any,
    found: Any,
    stop: bool,
) -> bool:
    width = rows.shape[1]
    if len(data) < width:
        return False
    one, top, six = np.uint64(1), np.uint64(63), np.uint64(6)
    mask = len(slots) - 1
    value = np.uint64(0)
    for at in range(width):
        value = ((value << one) | (value >> top)) ^ random[data[at]]
    hit = False
    for first in range(len(data) - width + 1):
        spread = value * _SPREAD
        flag = spread >> flag_shift
        if flags[np.int64(flag >> six)] >> (flag & top) & one:
            slot = np.int64(spread >> slot_shift)
            while slots[slot] >= 0:
                row = slots[slot]
                same = stop or not found[row]
                place = 0
                while same and place < width:
                    same = data[first + place] == rows[row, place]
                    place += 1
                if same:
                    if stop:
                        return True
                    hit = True
                    found[row] = True
                slot = (slot + 1) & mask
        if first + width < len(data):
            value = ((value << one) | (value >> top)) ^ (random[data[first + width]] ^ leaving[data[first]])
    return hit
