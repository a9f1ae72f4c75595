"""Windows of text recognised by fingerprints alone: the check after a purge looks for removed text without keeping any.

A fingerprint is a polynomial of the 32 bytes of a window over a secret random odd multiplier, modulo 2^64, and rolls over the data byte
by byte. It is written apart from the search of the purge (``datasets_app.pipeline.needles``), so that a fault there does not hide here.
"""

import secrets
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from datasets_app.pipeline.compiling import njit

WIDTH = 32  # bytes of a window
_FLAG_BITS = 20

Words = npt.NDArray[np.uint64]


def new_multiplier() -> bytes:
    """A random odd multiplier (8 bytes)."""
    return (secrets.randbits(64) | 1).to_bytes(8, "little")


class Fingerprints:
    """Fingerprints to look for."""

    def __init__(self, multiplier: bytes, values: bytes = b"") -> None:
        """Take the multiplier (8 bytes) and fingerprints that were made with it (8 bytes each)."""
        base = int.from_bytes(multiplier, "little")
        self._base = np.uint64(base)
        self._oldest = np.uint64(pow(base, WIDTH, 1 << 64))
        self.values: Words = np.unique(np.frombuffer(values, dtype="<u8").astype(np.uint64))
        # The high bits, since the low ones of a sum of products say least.
        self._flags = np.zeros(1 << _FLAG_BITS, dtype=np.bool_)
        self._flags[self.values >> np.uint64(64 - _FLAG_BITS)] = True

    def of(self, windows: Iterable[bytes]) -> bytes:
        """The fingerprints of windows of ``WIDTH`` bytes, 8 bytes each."""
        found = [_of(np.frombuffer(window, dtype=np.uint8), self._base) for window in windows]
        return np.array(found, dtype="<u8").tobytes()

    def within(self, data: bytes | memoryview) -> bool:
        """Whether a window with one of the fingerprints stands in the data."""
        if not len(self.values) or len(data) < WIDTH:
            return False
        view = np.frombuffer(data, dtype=np.uint8)
        return bool(_find(view, self._base, self._oldest, self._flags, self.values))


@njit
def _of(window: Any, base: Any) -> Any:
    """The fingerprint of one window. One is added to each byte, so that zeros count."""
    value = np.uint64(0)
    for at in range(len(window)):
        value = value * base + np.uint64(window[at]) + np.uint64(1)
    return value


@njit
def _find(view: Any, base: Any, oldest: Any, flags: Any, values: Any) -> bool:
    """Whether the fingerprint of any window is among the sorted ``values``."""
    shift = np.uint64(64 - _FLAG_BITS)
    value = np.uint64(0)
    for at in range(len(view)):
        value = value * base + np.uint64(view[at]) + np.uint64(1)
        if at >= WIDTH:
            value -= oldest * (np.uint64(view[at - WIDTH]) + np.uint64(1))
        if at >= WIDTH - 1 and flags[value >> shift]:
            place = np.searchsorted(values, value)
            if place < len(values) and values[place] == value:
                return True
    return False
