"""What is measured on the way: loss on held-out documents, the entropy to compare it with, and samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from .encoding import Encoding
from .model import token_losses
from .tokens import TokenFile

PROMPT = "def "  # of every sample: no text of the corpus
_TEMPERATURE, _TOP_P = 0.8, 0.95


class Validation:
    """Held-out documents, packed left to right (no FIM), the same at every measurement.

    Attributes:
        count: Tokens that are predicted.
        unigram_entropy: Nats a token: the loss of the best model that knows nothing but how often each token occurs here.
    """

    def __init__(
        self, token_file: TokenFile, held: npt.NDArray[np.bool_], encoding: Encoding, context: int, most: int
    ) -> None:
        """Take ``most`` tokens at most; a document gives at most a sixteenth of them, or one sequence."""
        documents = np.flatnonzero(held)
        by_blob = np.lexsort(token_file.blob_ids[documents].T[::-1])
        share = max(context, most // 16)
        parts: list[npt.NDArray[np.int64]] = [np.array([encoding.end])]
        left = most
        for index in documents[by_blob]:
            taken = np.append(token_file.document(int(index))[:share].astype(np.int64), encoding.end)[:left]
            parts.append(taken)
            left -= len(taken)
            if left == 0:
                break
        tokens = np.concatenate(parts)
        self.count = len(tokens) - 1
        whole = self.count // context
        starts = np.arange(whole)[:, None] * context + np.arange(context + 1)[None, :]
        self._rows = tokens[starts]
        self._rest = tokens[whole * context :][None, :]
        occurrences = np.bincount(tokens[1:])
        shares = occurrences[occurrences > 0] / self.count
        self.unigram_entropy = float(-(shares * np.log(shares)).sum())

    def loss(self, model: Any, device: Any, batch: int, tick: Callable[[], None]) -> float:
        """Mean loss, nats a token; ``tick`` is called between batches."""
        model.eval()
        total = 0.0
        with torch.no_grad():
            for start in range(0, len(self._rows), batch):
                total += self._sum(model, device, self._rows[start : start + batch])
                tick()
            if self._rest.shape[1] > 1:
                total += self._sum(model, device, self._rest)
        model.train()
        return total / self.count

    @staticmethod
    def _sum(model: Any, device: Any, rows: npt.NDArray[np.int64]) -> float:
        mean = float(token_losses(model, torch.from_numpy(rows).to(device)))
        return mean * rows.shape[0] * (rows.shape[1] - 1)


def sample(model: Any, encoding: Encoding, context: int, tokens: int, seed: int, text: str = PROMPT) -> str:
    """What the model writes after a text; leaves the random generators as they were.

    Args:
        model: A causal language model of transformers.
        encoding: Its tokenizer.
        context: Positions that it has; the text's end is used where the text is longer.
        tokens: To write at most.
        seed: Of the draws.
        text: To go on from.
    """
    prompt = (encoding.encode(text) or [encoding.end])[-max(1, context - tokens) :]
    device = model.device
    model.eval()
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices), torch.no_grad():
        torch.manual_seed(seed)
        written = model.generate(
            torch.tensor([prompt], device=device),
            attention_mask=torch.ones((1, len(prompt)), dtype=torch.long, device=device),
            max_new_tokens=max(1, min(tokens, context - len(prompt))),
            do_sample=True,
            temperature=_TEMPERATURE,
            top_p=_TOP_P,
            top_k=0,
            pad_token_id=encoding.end,
            eos_token_id=encoding.end,
        )
    model.train()
    new = written[0, len(prompt) :].cpu().numpy()
    return encoding.decode_bytes(new[(new != encoding.end) & (new < encoding.vocab_size)]).decode(
        "utf-8", errors="replace"
    )
