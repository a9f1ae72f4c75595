"""Fill in the middle at character level, over prepared tokens (arXiv 2207.14255; rates as in StarCoder).

A document is cut at two characters into prefix, middle and suffix, each tokenised for itself, as an editor's request
will be. Token files hold whole documents, so that neither rate, seed nor epoch is baked in; the cut is made at load
time, yet only the few tokens around a cut are encoded again, because of the pre-tokenizer (digits, GPT-2's pattern):

An *anchor* is a token that begins with a space and goes on with a printable ASCII character. It always begins a piece:
within a piece a space followed by something else can only be the first character. The pattern looks at most one
character past a piece and never back. Hence

- pieces from an anchor on are the same wherever the text before it was cut off, and a text that begins before an anchor
  and holds it whole has a piece boundary there;
- pieces up to an anchor are the same wherever the text is cut off after it, if the anchor's space and one more
  character lie before that cut.

So ``encode(text[cut:anchor]) + tokens[anchor:...]`` is exactly ``encode(text[cut:...])``; a property test checks it.
With another pre-tokenizer (a published model's) the three pieces are decoded and encoded as wholes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .encoding import Encoding, Tokens


def rearrange(
    tokens: Tokens, encoding: Encoding, random: np.random.Generator, fim_rate: float, spm_rate: float
) -> Tokens:
    """The document as it is, or with chance ``fim_rate`` in one of the published orders.

    PSM is ``PRE prefix SUF suffix MID middle``; SPM, with chance ``spm_rate`` among these, is
    ``PRE SUF suffix MID prefix middle``.

    Raises:
        BadTokenizer: The tokenizer has no sentinels.
    """
    if len(tokens) == 0 or random.random() >= fim_rate:
        return tokens
    before, middle_id, suffix_id = encoding.fim_ids()
    count = int(encoding.characters[tokens].sum())
    first, second = sorted(random.integers(0, count + 1, size=2).tolist())
    prefix, middle, suffix = split(tokens, encoding, first, second)
    if random.random() < spm_rate:
        parts = [[before, suffix_id], suffix, [middle_id], prefix, middle]
    else:
        parts = [[before], prefix, [suffix_id], suffix, [middle_id], middle]
    return np.concatenate([np.asarray(part, dtype=np.int64) for part in parts])


def split(tokens: Tokens, encoding: Encoding, first: int, second: int) -> tuple[Tokens, Tokens, Tokens]:
    """The tokens of the text before, between and after two character positions (``0 <= first <= second <= count``)."""
    cutter = _Cutter(tokens, encoding)
    one, two = cutter.byte_of(first), cutter.byte_of(second)
    return cutter.piece(0, one), cutter.piece(one, two), cutter.piece(two, cutter.size)


class _Cutter:
    """Gives the tokens of any stretch of one document."""

    def __init__(self, tokens: Tokens, encoding: Encoding) -> None:
        self.tokens = tokens
        self.encoding = encoding
        self.bounds = _sums(encoding.lengths[tokens])  # byte position of each token, and of the end
        self.characters = _sums(encoding.characters[tokens])
        self.size = int(self.bounds[-1])
        anchors = encoding.anchors
        self.anchors = np.flatnonzero(anchors[tokens]) if anchors is not None else None

    def byte_of(self, character: int) -> int:
        """Where a character begins, in bytes; the end for the position after the last."""
        if character >= int(self.characters[-1]):
            return self.size
        place = int(np.searchsorted(self.characters, character, side="right")) - 1
        entry = self.encoding.token_bytes[int(self.tokens[place])]
        begins = [offset for offset, byte in enumerate(entry) if (byte & 0xC0) != 0x80]
        return int(self.bounds[place]) + begins[character - int(self.characters[place])]

    def piece(self, low: int, high: int) -> Tokens:
        """The tokens of the text between two byte positions, both at characters."""
        if low == 0 and high == self.size:
            return self.tokens
        if self.anchors is None:
            return self._encode(low, high)
        start = self._anchor_from(low)
        stop = self._anchor_before(high)
        if start > stop:
            return self._encode(low, high)
        return np.concatenate(
            [
                self._encode(low, int(self.bounds[start])),
                self.tokens[start:stop],
                self._encode(int(self.bounds[stop]), high),
            ]
        )

    def _anchor_from(self, low: int) -> int:
        """Index of the first token, at or after a byte position, where a piece begins in any case."""
        if low == 0:
            return 0
        assert self.anchors is not None
        places = self.bounds[self.anchors]
        found = int(np.searchsorted(places, low, side="left"))
        return int(self.anchors[found]) if found < len(self.anchors) else len(self.tokens)

    def _anchor_before(self, high: int) -> int:
        """Index of the last token where a piece begins although the text ends at a byte position."""
        if high == self.size:
            return len(self.tokens)
        assert self.anchors is not None
        places = self.bounds[self.anchors]
        found = int(np.searchsorted(places, high - 2, side="right")) - 1
        return int(self.anchors[found]) if found >= 0 else 0

    def _encode(self, low: int, high: int) -> Tokens:
        if low >= high:
            return np.empty(0, dtype=np.int64)
        first = int(np.searchsorted(self.bounds, low, side="right")) - 1
        last = int(np.searchsorted(self.bounds, high, side="left"))
        begin = low - int(self.bounds[first])
        text = self.encoding.decode_bytes(self.tokens[first:last])[begin : begin + high - low]
        return np.asarray(self.encoding.encode(text.decode("utf-8")), dtype=np.int64)


def _sums(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts, dtype=np.int64)])
