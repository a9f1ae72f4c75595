"""Names, user names and passwords by a token-classification model: an option, for what no pattern can tell.

The model is a local folder as ``transformers`` saves one (``config.json``, weights, a fast tokenizer). Its labels are
``O`` and ``B-<kind>``, ``I-<kind>``; of the kinds only NAME, USERNAME and PASSWORD are taken, since patterns do better on
the others. Nothing is ever fetched. ``torch`` is imported when a model is loaded, so the pipeline works without one.
"""

import hashlib
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from datasets_app.pipeline.errors import PipelineError
from datasets_app.pipeline.pii.spans import NAME, PASSWORD, USERNAME, Span, merge

KINDS = (NAME, USERNAME, PASSWORD)
SHORTEST = 4  # characters of a value; the original redacts nothing shorter
WINDOW = 512  # tokens the model sees at once, or fewer if it cannot take so many
OVERLAP = 128  # tokens that two windows share; each token's label is that of the window in which it lies deeper

_BREAK = re.compile(r"[\s\"'`<>()\[\]{},;:=/]")  # what no word goes over


class ModelUnusable(PipelineError):
    """The folder holds no model that can be used here."""


class TokenClassifier:
    """A model that was loaded; threads use it one after another (torch computes on all cores for each)."""

    def __init__(self, folder: Path) -> None:
        """Load it.

        Args:
            folder: Where ``save_pretrained`` put model and tokenizer.

        Raises:
            ModelUnusable: There is no such model, its tokenizer gives no offsets, or it has none of the labels.
        """
        from transformers import AutoModelForTokenClassification, AutoTokenizer

        files = sorted(path for path in folder.glob("*") if path.is_file())
        if not (folder / "config.json").is_file():
            raise ModelUnusable(
                f"{folder} holds no model: config.json is missing. Name a folder made by save_pretrained."
            )
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            self._model: Any = AutoModelForTokenClassification.from_pretrained(folder, local_files_only=True).eval()
        except (OSError, ValueError) as error:
            raise ModelUnusable(f"The model {folder} cannot be loaded: {error}") from error
        if not self._tokenizer.is_fast:
            raise ModelUnusable(
                f"The tokenizer of {folder} gives no offsets. Save a fast one (tokenizer.json) with it."
            )
        self._labels = {int(number): str(label) for number, label in self._model.config.id2label.items()}
        if not any(label.endswith(kind) for label in self._labels.values() for kind in KINDS):
            raise ModelUnusable(f"The model {folder} knows none of {', '.join(KINDS)}: it has {self._labels}.")
        digest = hashlib.sha256()
        for path in files:
            digest.update(f"{path.name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
        self.digest = digest.hexdigest()
        self._window = min(WINDOW, int(getattr(self._model.config, "max_position_embeddings", WINDOW)) - 2)
        self._lock = threading.Lock()

    def spans(self, content: bytes) -> list[Span]:
        """The spans of names, user names and passwords, in order.

        As in the original, a value takes :data:`SHORTEST` characters, and a name two words: a first name alone
        tells little and is most often something else.

        Args:
            content: UTF-8 text.
        """
        text = content.decode()
        spans = []
        for start, end, kind in _join(text, self._token_labels(text)):
            start, end = _whole_word(text, start, end)
            value = text[start:end]
            if len(value) >= SHORTEST and (kind != NAME or len(value.split()) > 1):
                first = len(text[:start].encode())
                spans.append(Span(first, first + len(value.encode()), kind))
        return merge(spans)

    def _token_labels(self, text: str) -> list[tuple[int, int, str]]:
        """For each token where it lies (characters) and what the model calls it."""
        import torch

        best: dict[tuple[int, int], tuple[int, str]] = {}
        with self._lock, torch.inference_mode():
            windows = self._tokenizer(
                text,
                truncation=True,
                max_length=self._window,
                stride=min(OVERLAP, self._window // 4),
                return_overflowing_tokens=True,
                return_offsets_mapping=True,
            )
            for ids, offsets in zip(windows["input_ids"], windows["offset_mapping"], strict=True):
                logits = self._model(input_ids=torch.tensor([ids])).logits[0]
                for at, (number, (start, end)) in enumerate(zip(logits.argmax(-1).tolist(), offsets, strict=True)):
                    depth = min(at, len(ids) - 1 - at)
                    if end > start and depth >= best.get((start, end), (-1, ""))[0]:
                        best[start, end] = depth, self._labels[number]
        return [(start, end, label) for (start, end), (_, label) in sorted(best.items())]


def _whole_word(text: str, start: int, end: int) -> tuple[int, int]:
    """The span with the rest of the words it cuts: a model may miss some of a value's tokens."""
    while start > 0 and not _BREAK.match(text[start - 1]):
        start -= 1
    while end < len(text) and not _BREAK.match(text[end]):
        end += 1
    return start, end


def _join(text: str, labels: list[tuple[int, int, str]]) -> Iterator[tuple[int, int, str]]:
    """Values from the labels of their tokens, in characters, without white space around them."""
    opened: tuple[int, int, str] | None = None
    for start, end, label in [*labels, (len(text), len(text), "O")]:
        place, _, kind = label.rpartition("-")
        if opened is not None and kind == opened[2] and place != "B" and not text[opened[1] : start].strip():
            opened = (opened[0], end, kind)
            continue
        if opened is not None:
            value = text[opened[0] : opened[1]]
            left = opened[0] + len(value) - len(value.lstrip())
            yield left, left + len(value.strip()), opened[2]
        opened = (start, end, kind) if kind in KINDS else None
