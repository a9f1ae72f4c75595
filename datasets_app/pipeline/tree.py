"""The root of the tree over a release's rows, by a kernel: SHA-256 of many nodes side by side.

Every opt-out computes it over all rows that are left, so it is the one part of its cost that must grow with the release.
The result is that of :func:`merkle.root`, which hashes node by node (the tests compare them).
"""

from typing import Any

import numpy as np
import pyarrow as pa

from datasets_app.pipeline import merkle
from datasets_app.pipeline.compiling import njit

LANES = 32  # nodes hashed side by side: several vectors of a processor's registers
FEW = 64  # nodes below which the kernel is not worth calling

# FIPS 180-4: the fractional parts of the square roots of the first 8 primes, and of the cube roots of the first 64.
_START = np.array(
    [0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19], np.uint32
)
_ROUNDS = np.array(
    [
        *(0x428A2F98, 0x71374491, 0xB5C0FBCF, 0xE9B5DBA5, 0x3956C25B, 0x59F111F1, 0x923F82A4, 0xAB1C5ED5),
        *(0xD807AA98, 0x12835B01, 0x243185BE, 0x550C7DC3, 0x72BE5D74, 0x80DEB1FE, 0x9BDC06A7, 0xC19BF174),
        *(0xE49B69C1, 0xEFBE4786, 0x0FC19DC6, 0x240CA1CC, 0x2DE92C6F, 0x4A7484AA, 0x5CB0A9DC, 0x76F988DA),
        *(0x983E5152, 0xA831C66D, 0xB00327C8, 0xBF597FC7, 0xC6E00BF3, 0xD5A79147, 0x06CA6351, 0x14292967),
        *(0x27B70A85, 0x2E1B2138, 0x4D2C6DFC, 0x53380D13, 0x650A7354, 0x766A0ABB, 0x81C2C92E, 0x92722C85),
        *(0xA2BFE8A1, 0xA81A664B, 0xC24B8B70, 0xC76C51A3, 0xD192E819, 0xD6990624, 0xF40E3585, 0x106AA070),
        *(0x19A4C116, 0x1E376C08, 0x2748774C, 0x34B0BCB5, 0x391C0CB3, 0x4ED8AA4A, 0x5B9CCA4F, 0x682E6FF3),
        *(0x748F82EE, 0x78A5636F, 0x84C87814, 0x8CC70208, 0x90BEFFFA, 0xA4506CEB, 0xBEF9A3F7, 0xC67178F2),
    ],
    np.uint32,
)
_U = np.uint32  # every step is cut to 32 bits, so that vectors hold as many nodes as they can


def root(leaves: pa.ChunkedArray) -> bytes:
    """The root (32 bytes) over leaf hashes (binary of 32) in their order; that of nothing for an empty tree."""
    array = leaves.combine_chunks()
    if not len(array):
        return merkle.EMPTY_ROOT
    held = np.frombuffer(array.buffers()[1], dtype=">u4", count=(array.offset + len(array)) * 8)
    nodes = held.reshape(-1, 8)[array.offset :].astype(np.uint32)
    while len(nodes) > FEW:
        above = np.empty(((len(nodes) + 1) // 2, 8), np.uint32)
        _level(nodes, above, _START, _ROUNDS)
        nodes = above
    return merkle.root([node.astype(">u4").tobytes() for node in nodes])


@njit
def _level(nodes: Any, above: Any, start: Any, rounds: Any) -> None:
    """The nodes above: SHA-256 of 0x01 and two nodes, 65 bytes, which is two blocks. An odd last node goes up unchanged."""
    pairs = len(nodes) // 2
    state, work, carry = np.empty((8, LANES), np.uint32), np.empty((8, LANES), np.uint32), np.empty(LANES, np.uint32)
    words = np.zeros((64, LANES), np.uint32)
    for first in range(0, pairs, LANES):
        count = min(LANES, pairs - first)
        for lane in range(count):
            left, right = nodes[2 * (first + lane)], nodes[2 * (first + lane) + 1]
            words[0, lane] = _U(0x01000000) | (left[0] >> _U(8))
            words[8, lane] = (left[7] << _U(24)) | (right[0] >> _U(8))
            for at in range(1, 8):
                words[at, lane] = (left[at - 1] << _U(24)) | (left[at] >> _U(8))
                words[8 + at, lane] = (right[at - 1] << _U(24)) | (right[at] >> _U(8))
        for at in range(8):
            for lane in range(LANES):
                state[at, lane] = start[at]
        _block(state, words, work, carry, rounds)
        for at in range(1, 15):
            for lane in range(LANES):
                words[at, lane] = 0
        for lane in range(LANES):
            words[15, lane] = 65 * 8
        for lane in range(count):
            words[0, lane] = (nodes[2 * (first + lane) + 1, 7] << _U(24)) | _U(0x00800000)
        _block(state, words, work, carry, rounds)
        for lane in range(count):
            for at in range(8):
                above[first + lane, at] = state[at, lane]
    if len(nodes) % 2:
        above[pairs] = nodes[-1]


@njit
def _block(state: Any, words: Any, work: Any, carry: Any, rounds: Any) -> None:
    """One block of SHA-256 in every lane. The inner loops go over lanes and hold nothing that a vector could not."""
    for at in range(16, 64):
        made, w16, w15, w7, w2 = words[at], words[at - 16], words[at - 15], words[at - 7], words[at - 2]
        for lane in range(LANES):
            x, y = w15[lane], w2[lane]
            small0 = _turn(x, 7) ^ _turn(x, 18) ^ (x >> _U(3))
            small1 = _turn(y, 17) ^ _turn(y, 19) ^ (y >> _U(10))
            made[lane] = _U(w16[lane] + small0 + w7[lane] + small1)
    work[:] = state
    for at in range(64):
        a, b, c, d = work[-at & 7], work[(1 - at) & 7], work[(2 - at) & 7], work[(3 - at) & 7]
        e, f, g, h = work[(4 - at) & 7], work[(5 - at) & 7], work[(6 - at) & 7], work[(7 - at) & 7]
        constant, word = rounds[at], words[at]
        for lane in range(LANES):
            x = e[lane]
            large1 = _turn(x, 6) ^ _turn(x, 11) ^ _turn(x, 25)
            carry[lane] = _U(h[lane] + large1 + (g[lane] ^ _U(x & _U(f[lane] ^ g[lane]))) + constant + word[lane])
        for lane in range(LANES):
            d[lane] = _U(d[lane] + carry[lane])
        for lane in range(LANES):
            y = a[lane]
            large0 = _turn(y, 2) ^ _turn(y, 13) ^ _turn(y, 22)
            h[lane] = _U(carry[lane] + large0 + _U(_U(y & _U(b[lane] | c[lane])) | _U(b[lane] & c[lane])))
    for at in range(8):
        for lane in range(LANES):
            state[at, lane] = _U(state[at, lane] + work[at, lane])


@njit
def _turn(word: Any, bits: int) -> Any:
    """A word of 32 bits, turned to the right."""
    return _U(_U(word >> _U(bits)) | _U(word << _U(32 - bits)))
