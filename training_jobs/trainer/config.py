"""What a training run is made of: one frozen object, checked when it is made and kept with what it made."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

PRECISIONS = ("fp32", "bf16")
SPECIAL_TOKENS_COUNT = 19
SMALLEST_VOCABULARY = SPECIAL_TOKENS_COUNT + 256  # the special tokens and one entry for each byte


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """A training run.

    A run ends at ``steps`` or when its loop has worked ``seconds`` (over all resumes), whichever comes first; the
    learning rate follows the same measure. With ``base``, the shape fields (``vocab_size``, ``hidden``, ``layers``,
    ``heads``) are ignored: the base folder says them.

    Raises:
        ValueError: A field is out of range; the message begins with its name.
    """

    name: str = "custom"

    # The model: GPTBigCode with multi-query attention.
    vocab_size: int = 8192  # wanted; a small corpus gives a smaller vocabulary
    hidden: int = 256
    layers: int = 6
    heads: int = 8
    context: int = 512  # tokens
    dropout: float = 0.0
    base: Path | None = None  # folder of a checkpoint to fine-tune

    # How long.
    steps: int | None = None  # optimizer steps
    seconds: float | None = None  # of the loop: steps, validation and checkpoints

    # The optimizer.
    batch: int = 8  # sequences in one forward pass
    accumulation: int = 1  # forward passes in one step
    lr: float = 1e-3
    min_lr: float = 1e-4
    warmup_steps: int = 20
    weight_decay: float = 0.1
    beta1: float = 0.9
    beta2: float = 0.95
    clip: float = 1.0  # largest norm of the gradient
    precision: str = "fp32"
    threads: int = 0  # of torch; 0 leaves torch's own choice

    # The data.
    seed: int = 0
    fim_rate: float = 0.5  # share of documents rearranged to fill in the middle
    spm_rate: float = 0.5  # share of those in suffix-prefix-middle order
    tokenizer_sample_bytes: int = 4_000_000
    max_bytes: int | None = None  # text prepared from the release; None is all of it
    validation_share: float = 0.01  # of the documents, chosen by blob id
    validation_tokens: int = 16_384  # at most, in one measurement

    # What is written on the way; counts of steps, 0 is never.
    metrics_every: int = 5
    validation_every: int = 50
    checkpoint_every: int = 50
    keep_last: int = 2  # checkpoints
    sample_every: int = 0  # one sample is written at the end in any case
    sample_tokens: int = 64

    def __post_init__(self) -> None:
        if self.base is not None and not isinstance(self.base, Path):
            object.__setattr__(self, "base", Path(self.base))
        self._check_kinds()
        if self.steps is None and self.seconds is None:
            raise ValueError("steps: give steps, seconds or both; a run without an end is refused")
        for name in ("steps", "max_bytes"):
            if getattr(self, name) is not None:
                self._at_least(name, 1)
        if self.seconds is not None and not (math.isfinite(self.seconds) and self.seconds > 0):
            raise ValueError(f"seconds: must be a finite number above 0, not {self.seconds}")
        self._at_least("vocab_size", SMALLEST_VOCABULARY)
        for name in ("hidden", "layers", "heads", "batch", "accumulation", "keep_last", "metrics_every"):
            self._at_least(name, 1)
        for name in ("tokenizer_sample_bytes", "validation_tokens"):
            self._at_least(name, 1)
        self._at_least("context", 8)
        for name in ("seed", "threads", "warmup_steps"):
            self._at_least(name, 0)
        for name in ("validation_every", "checkpoint_every", "sample_every", "sample_tokens"):
            self._at_least(name, 0)
        if self.hidden % self.heads:
            raise ValueError(f"hidden: {self.hidden} is not a multiple of heads ({self.heads})")
        for name in ("fim_rate", "spm_rate"):
            self._in_range(name, 0.0, 1.0)
        self._in_range("validation_share", 0.0, 0.5)
        self._in_range("dropout", 0.0, 0.99)
        for name in ("beta1", "beta2"):
            self._in_range(name, 0.0, 0.99999)
        for name in ("lr", "clip"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise ValueError(f"{name}: must be a finite number above 0, not {getattr(self, name)}")
        self._in_range("min_lr", 0.0, self.lr)
        self._in_range("weight_decay", 0.0, 10.0)
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision: must be one of {', '.join(PRECISIONS)}, not {self.precision!r}")

    def _check_kinds(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            kind = str(field.type)
            if value is None:
                if "None" not in kind:
                    raise ValueError(f"{field.name}: must not be empty")
            elif kind.startswith("int") and (isinstance(value, bool) or not isinstance(value, int)):
                raise ValueError(f"{field.name}: must be a whole number, not {value!r}")
            elif kind.startswith("float") and (isinstance(value, bool) or not isinstance(value, int | float)):
                raise ValueError(f"{field.name}: must be a number, not {value!r}")
            elif kind == "str" and not isinstance(value, str):
                raise ValueError(f"{field.name}: must be text, not {value!r}")

    def _at_least(self, name: str, smallest: int) -> None:
        if getattr(self, name) < smallest:
            raise ValueError(f"{name}: must be at least {smallest}, not {getattr(self, name)}")

    def _in_range(self, name: str, low: float, high: float) -> None:
        if not low <= getattr(self, name) <= high:
            raise ValueError(f"{name}: must lie between {low} and {high}, not {getattr(self, name)}")

    @property
    def tokens_per_step(self) -> int:
        """Tokens that one optimizer step learns from."""
        return self.batch * self.accumulation * self.context

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON values."""
        facts = asdict(self)
        facts["base"] = str(self.base) if self.base else None
        return facts

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> TrainConfig:
        """The config that ``to_dict`` gave; fields that are missing take their defaults.

        Raises:
            ValueError: A field is unknown or out of range.
        """
        unknown = sorted(set(facts) - {field.name for field in fields(cls)})
        if unknown:
            raise ValueError(f"{unknown[0]}: no such field of a training config")
        return cls(**facts)

    @classmethod
    def preset(cls, preset: str, /, **changes: Any) -> TrainConfig:
        """A preset by name, with some fields changed.

        Raises:
            ValueError: There is no such preset, or a change is out of range.
        """
        if preset not in PRESETS:
            raise ValueError(f"name: no preset {preset!r}; there are {', '.join(PRESETS)}")
        unknown = sorted(set(changes) - {field.name for field in fields(cls)})
        if unknown:
            raise ValueError(f"{unknown[0]}: no such field of a training config")
        return replace(PRESETS[preset], **changes)


PRESETS: dict[str, TrainConfig] = {
    # Seconds on one core: for tests and for trying things out.
    "tiny": TrainConfig(
        name="tiny",
        vocab_size=512,
        hidden=32,
        layers=2,
        heads=2,
        context=64,
        batch=4,
        steps=20,
        lr=3e-3,
        min_lr=3e-4,
        warmup_steps=4,
        tokenizer_sample_bytes=200_000,
        validation_share=0.1,
        validation_tokens=512,
        metrics_every=2,
        validation_every=10,
        checkpoint_every=5,
        sample_tokens=16,
    ),
    # About two minutes on two cores, tokenizer and token files included. Small on purpose: in so short a run more tokens
    # teach more than more weights (of learning rates 1e-3 to 8e-3, 2e-3 with a long warm-up was best).
    "demo": TrainConfig(
        name="demo",
        vocab_size=4096,
        hidden=192,
        layers=4,
        heads=3,
        context=256,
        batch=8,
        seconds=105.0,
        lr=2e-3,
        min_lr=2e-4,
        warmup_steps=30,
        tokenizer_sample_bytes=4_000_000,
        max_bytes=8_000_000,
        validation_share=0.02,
        validation_tokens=16_384,
        metrics_every=5,
        validation_every=100,
        checkpoint_every=50,
    ),
}
