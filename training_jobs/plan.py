"""What a run would do, worked out before it starts."""

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from datasets_app.models import Release
from modelzoo.models import Revision, ZooModel
from training_jobs.models import Run
from training_jobs.trainer.config import PRESETS, TrainConfig

PACE_FROM = 5  # finished runs of the same preset by which the pace is judged


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do.

    Attributes:
        parameters: Weights of the model. Exact for a fine-tune; from scratch the most there can be, for a small release gives
            a smaller vocabulary.
        tokens_per_step: Tokens that one step learns from.
        steps: After so many steps it ends; None where the time alone ends it.
        seconds: After so many seconds of the loop it ends; None where the steps alone end it.
        tokens: Tokens it will learn from; None where the time ends it and no run of the preset has shown its pace here.
        expected_seconds: How long the loop will take; None where nothing tells it.
        data_bytes: Bytes of the release that it reads.
        data_share: The same as a share of the release, 0 to 1.
        model_exists: Whether the model is in the zoo already and gets a new revision.
    """

    parameters: int
    tokens_per_step: int
    steps: int | None
    seconds: float | None
    tokens: int | None
    expected_seconds: float | None
    data_bytes: int
    data_share: float
    model_exists: bool


def plan(config: TrainConfig, release: Release, base: Revision | None, org: str, model_name: str) -> Plan:
    """Work out what a run of ``config`` on ``release`` would do."""
    pace = tokens_per_second(config.name)
    by_steps = config.tokens_per_step * config.steps if config.steps is not None else None
    by_time = round(pace * config.seconds) if pace and config.seconds is not None else None
    if by_steps is not None and config.seconds is None:
        tokens: int | None = by_steps
    elif by_steps is not None and by_time is not None:
        tokens = min(by_steps, by_time)
    else:
        tokens = by_time
    data = min(release.bytes, config.max_bytes or release.bytes)
    return Plan(
        parameters=base.parameter_count if base else parameters_of(config),
        tokens_per_step=config.tokens_per_step,
        steps=config.steps,
        seconds=config.seconds,
        tokens=tokens,
        expected_seconds=tokens / pace if tokens and pace else config.seconds,
        data_bytes=data,
        data_share=data / release.bytes if release.bytes else 0.0,
        model_exists=ZooModel.objects.filter(org__iexact=org, name__iexact=model_name).exists(),
    )


def parameters_of(config: TrainConfig) -> int:
    """Weights of a GPTBigCode model with multi-query attention, tied embeddings and a feed-forward part four times as wide."""
    hidden, head = config.hidden, config.hidden // config.heads
    attention = hidden * (hidden + 2 * head) + hidden + 2 * head + hidden * hidden + hidden
    feed_forward = hidden * 4 * hidden + 4 * hidden + 4 * hidden * hidden + hidden
    layer = attention + feed_forward + 2 * 2 * hidden
    return (config.vocab_size + config.context) * hidden + config.layers * layer + 2 * hidden


def tokens_per_second(preset: str) -> float | None:
    """The pace of the latest finished runs of a preset here; None where there was none."""
    finished: QuerySet[Run, dict[str, Any]] = Run.objects.filter(preset=preset, revision__isnull=False).values_list(
        "summary", flat=True
    )
    latest = [summary for summary in finished[:PACE_FROM] if summary.get("wall_seconds") and summary.get("tokens")]
    if not latest:
        return None
    return sum(summary["tokens"] for summary in latest) / sum(summary["wall_seconds"] for summary in latest)


def preset_facts() -> list[dict[str, Any]]:
    """The presets with the figures by which one chooses."""
    return [
        {
            "name": name,
            "parameters": parameters_of(preset),
            "context": preset.context,
            "steps": preset.steps,
            "seconds": preset.seconds,
            "lr": preset.lr,
            "tokens_per_step": preset.tokens_per_step,
        }
        for name, preset in PRESETS.items()
    ]
