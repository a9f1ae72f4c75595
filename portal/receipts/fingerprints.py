"""Windows of text recognised by fingerprints alone: the check after a purge looks for removed text without keeping any.

A fingerprint is a polynomial of the 32 bytes of a window over a secret random odd multiplier, modulo 2^64. It is written apart from the
search of the purge (``datasets_app.pipeline.needles``), so that a fault there does not hide here.
"""

import secrets
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

WIDTH = 32  # bytes of a window
_PIECE = 1 << 20  # windows that are computed at once
_FLAG_BITS = 22

Words = npt.NDArray[np.uint64]


def new_multiplier() -> bytes:
    """A random odd multiplier (8 bytes)."""
    return (secrets.randbits(64) | 1).to_bytes(8, "little")


class Fingerprints:
    """Fingerprints to look for."""

    def __init__(self, multiplier: bytes, values: bytes = b"") -> None:
        """Take the multiplier (8 bytes) and fingerprints that were made with it (8 bytes each)."""
        base, wrap = int.from_bytes(multiplier, "little"), 1 << 64
        self._powers = [np.uint64(pow(base, 1 << step, wrap)) for step in range(WIDTH.bit_length() - 1)]
        self.values: Words = np.unique(np.frombuffer(values, dtype="<u8").astype(np.uint64))
        # The high bits, since the low ones of a sum of products say least.
        self._flags = np.zeros(1 << _FLAG_BITS, dtype=np.bool_)
        self._flags[self.values >> np.uint64(64 - _FLAG_BITS)] = True

    def of(self, windows: Iterable[bytes]) -> bytes:
        """The fingerprints of windows of ``WIDTH`` bytes, 8 bytes each."""
        data = b"".join(windows)
        found = self._all(np.frombuffer(data, dtype=np.uint8))[::WIDTH] if data else np.empty(0, dtype=np.uint64)
        return found.astype("<u8").tobytes()

    def within(self, data: bytes | memoryview) -> bool:
        """Whether a window with one of the fingerprints stands in the data."""
        if not len(self.values):
            return False
        view = np.frombuffer(data, dtype=np.uint8)
        for start in range(0, len(view) - WIDTH + 1, _PIECE):
            values = self._all(view[start : start + _PIECE + WIDTH - 1])
            likely = values[self._flags[values >> np.uint64(64 - _FLAG_BITS)]]
            if len(likely) and np.isin(likely, self.values).any():
                return True
        return False

    def _all(self, view: npt.NDArray[np.uint8]) -> Words:
        """The fingerprint of every window, by doubling: of 1, 2, 4 … 32 bytes."""
        values: Words = view.astype(np.uint64) + np.uint64(1)
        for step, power in enumerate(self._powers):
            half = 1 << step
            values = values[:-half] * power + values[half:]
        return values
