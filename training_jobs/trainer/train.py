"""The training loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from datasets_app.pipeline.progress import Progress, silent

from .config import TrainConfig

OnMetrics = Callable[[int, dict[str, float]], None]


@dataclass(frozen=True, slots=True)
class TrainResult:
    """What a finished run gave."""

    checkpoint: Path  # folder that transformers' from_pretrained loads
    record: Path  # training.json, beside the checkpoint
    steps: int
    tokens: int  # learnt from
    loss: float  # nats a token, mean of the last steps
    validation_loss: float | None  # nats a token on held-out documents; None without any
    unigram_entropy: float | None  # nats a token, of the same held-out tokens
    wall_seconds: float  # of the loop, over all resumes
    resumed_from: int | None  # step of the checkpoint this call went on from


def train(
    config: TrainConfig,
    *,
    release_shards: list[Path],
    workdir: Path,
    tokenizer_dir: Path | None = None,
    tokens_dir: Path | None = None,
    progress: Progress = silent,
    on_metrics: OnMetrics | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> TrainResult:
    """Train a model, or go on with the run that lies in ``workdir``.

    Args:
        config: What to train.
        release_shards: Shards of the release (``pipeline.format.SHARD``).
        workdir: Folder of this run alone: checkpoints, metrics, the result.
        tokenizer_dir: Tokenizer to use; None trains one (or takes the base's).
        tokens_dir: Folder that keeps the token files of all runs; None keeps them in ``workdir``.
        progress: Told at every step; may raise to cancel, which leaves the last checkpoint whole.
        on_metrics: Told ``(step, {name: value})`` every few steps.
        should_stop: Asked at every step; True writes a checkpoint and raises ``Stopped``.

    Raises:
        TrainerError: See ``errors``.
    """
    raise NotImplementedError
