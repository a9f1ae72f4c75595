"""Training sequences from a token file: shuffled, packed without waste, and resumable at any token.

Documents follow one another in a seeded order, each closed by the end-of-text token. Every sequence of a batch is a
*lane* that reads its own document to the end before it takes the next of the common order, so that one long file does
not fill a whole batch. What becomes of a document (order, FIM cut) depends on (seed, epoch, document) alone: the cursor
is a few numbers, and going on from it gives the same tokens.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .encoding import Encoding, Tokens
from .errors import NoText
from .fim import rearrange
from .tokens import TokenFile

_ORDER, _REARRANGE = 0, 1  # what a generator is for


def held_out(token_file: TokenFile, share: float) -> npt.NDArray[np.bool_]:
    """Which documents are kept from training: those with the largest last bytes of the blob id, one at least.

    The choice depends on the blob alone, so a document that was held out once is held out in later releases too.
    """
    if share <= 0 or len(token_file) < 2:
        return np.zeros(len(token_file), dtype=bool)
    drawn = np.ascontiguousarray(token_file.blob_ids[:, 12:20]).view(">u8").reshape(-1).astype(np.uint64)
    held = drawn >= np.uint64(int((1.0 - share) * 2**64))
    if not held.any() or held.all():
        held = np.zeros(len(token_file), dtype=bool)
        held[int(drawn.argmax())] = True
    return held


class Stream:
    """Endless batches from some documents of a token file."""

    def __init__(
        self,
        token_file: TokenFile,
        documents: npt.NDArray[np.integer[Any]],
        encoding: Encoding,
        *,
        lanes: int,
        context: int,
        seed: int,
        fim_rate: float,
        spm_rate: float,
    ) -> None:
        """Begin at the first epoch.

        Args:
            token_file: Where the tokens are.
            documents: Indices of the documents to read.
            encoding: The tokenizer of the token file.
            lanes: Sequences in a batch.
            context: Tokens in a sequence.
            seed: Of the order and of the cuts.
            fim_rate: See ``fim.rearrange``.
            spm_rate: See ``fim.rearrange``.

        Raises:
            NoText: ``documents`` is empty.
            BadTokenizer: ``fim_rate`` is above 0 and the tokenizer has no sentinels.
        """
        if not len(documents):
            raise NoText("no documents are left to train on; choose a larger release or hold out fewer documents")
        if fim_rate > 0:
            encoding.fim_ids()
        self._token_file = token_file
        self._documents = documents
        self._encoding = encoding
        self._context = context
        self._seed = seed
        self._rates = (fim_rate, spm_rate)
        self._order_of: tuple[int, npt.NDArray[np.int64]] | None = None
        self._next = (0, 0)  # epoch, place in its order
        # Before its first document a lane has just read an end of text.
        self._lanes = [_Lane(None, 0, encoding.end) for _ in range(lanes)]

    def next_batch(self) -> npt.NDArray[np.int64]:
        """Shape (lanes, context + 1): position ``i`` is the input whose target is position ``i + 1``."""
        batch = np.empty((len(self._lanes), self._context + 1), dtype=np.int64)
        for row, lane in zip(batch, self._lanes, strict=True):
            row[0] = lane.last
            filled = 1
            while filled < len(row):
                taken = self._take(lane, len(row) - filled)
                row[filled : filled + len(taken)] = taken
                filled += len(taken)
            lane.last = int(row[-1])
        return batch

    @property
    def epoch(self) -> float:
        """How often the documents were handed out, with the fraction of the running epoch."""
        return self._next[0] + self._next[1] / len(self._documents)

    def cursor(self) -> dict[str, Any]:
        """Where the stream stands, as JSON values."""
        return {
            "next": list(self._next),
            "lanes": [{"document": lane.document, "offset": lane.offset, "last": lane.last} for lane in self._lanes],
        }

    def seek(self, cursor: dict[str, Any]) -> None:
        """Go to a place that ``cursor`` gave, for the same file, documents and settings."""
        epoch, place = cursor["next"]
        self._next = (epoch, place)
        self._lanes = [
            _Lane(tuple(facts["document"]) if facts["document"] else None, facts["offset"], facts["last"])
            for facts in cursor["lanes"]
        ]

    def _take(self, lane: _Lane, most: int) -> Tokens:
        if lane.document is None:
            lane.document = self._hand_out()
            lane.offset = 0
        if lane.tokens is None:
            lane.tokens = self._read(*lane.document)
        taken = lane.tokens[lane.offset : lane.offset + most]
        lane.offset += len(taken)
        if lane.offset == len(lane.tokens):
            lane.document = lane.tokens = None
        return taken

    def _hand_out(self) -> tuple[int, int]:
        epoch, place = self._next
        if self._order_of is None or self._order_of[0] != epoch:
            order = np.random.default_rng([self._seed, _ORDER, epoch]).permutation(len(self._documents))
            self._order_of = (epoch, order)
        index = int(self._documents[self._order_of[1][place]])
        self._next = (epoch, place + 1) if place + 1 < len(self._documents) else (epoch + 1, 0)
        return epoch, index

    def _read(self, epoch: int, index: int) -> Tokens:
        random = np.random.default_rng([self._seed, _REARRANGE, epoch, index])
        tokens = rearrange(self._token_file.document(index), self._encoding, random, *self._rates)
        return np.append(tokens.astype(np.int64), self._encoding.end)


class _Lane:
    """One sequence of the batch: which document it reads, and how far it is."""

    __slots__ = ("document", "last", "offset", "tokens")

    def __init__(self, document: tuple[int, int] | None, offset: int, last: int) -> None:
        self.document = document  # epoch and index
        self.offset = offset  # tokens of it that were taken
        self.last = last  # the token before the next one
        self.tokens: Tokens | None = None
