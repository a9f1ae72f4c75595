"""The training loop: ``train`` orchestrates, ``run.Run`` computes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from datasets_app.pipeline.progress import Progress, silent

from .config import TrainConfig
from .durable import remove_leftovers, try_lock, writing
from .encoding import Encoding
from .errors import BadTokenizer, Stopped, WrongWorkFolder, WrongWorld
from .metrics import MetricsFile
from .result import TrainResult, claim, finished, identity
from .run import Run, due
from .tokenizer import train_tokenizer
from .tokens import prepare

__all__ = ["OnMetrics", "TrainResult", "train"]

OnMetrics = Callable[[int, dict[str, float]], None]


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
    """Train a model, or go on with the run that lies in ``workdir``; a finished run gives its result again.

    Killed at any moment and called again with the same arguments, it goes on from the newest whole checkpoint. On one
    thread of a CPU the weights of a run bounded by steps are then the same, bit for bit, as without the kill.

    Args:
        config: What to train.
        release_shards: Shards of the release (``pipeline.format.SHARD``).
        workdir: Folder of this run alone: ``run.json``, ``metrics.jsonl``, ``checkpoints/``; at the end ``final/`` (the
            model) and ``training.json`` (the record).
        tokenizer_dir: Tokenizer to use; None trains one in ``workdir``, or takes the base's.
        tokens_dir: Folder that keeps the token files of all runs; None keeps them in ``workdir``.
        progress: Told at every forward pass; may raise to cancel, which leaves the last checkpoint whole.
        on_metrics: Told ``(step, {name: value})`` every few steps. After a resume the steps since the checkpoint come
            again.
        should_stop: Asked at every step; True writes a checkpoint and raises ``Stopped``.

    Raises:
        TrainerError: See ``errors``.
    """
    with writing(f"{workdir}: the folder of the run"):
        workdir.mkdir(parents=True, exist_ok=True)
    with try_lock(workdir / ".lock") as held:
        if not held:
            raise WrongWorkFolder(f"{workdir}: another process trains in this folder; wait for it, or stop it")
        accelerator = _accelerator(config)
        claim(workdir, identity(config, release_shards, tokenizer_dir))
        done = finished(workdir)
        if done is not None:
            return done
        for folder in (workdir, workdir / "checkpoints"):
            remove_leftovers(folder)
        folder = _tokenizer(config, release_shards, workdir, tokenizer_dir, progress)
        token_file = prepare(
            release_shards, folder, tokens_dir or workdir / "tokens", progress, max_bytes=config.max_bytes
        )
        run = Run(config, workdir, token_file, Encoding(folder), accelerator, progress)
        metrics = MetricsFile(workdir / "metrics.jsonl", run.resumed_from)

        def measured(values: dict[str, float]) -> None:
            metrics.add(run.step, values | {"seconds": round(run.seconds, 3)})
            if on_metrics is not None:
                on_metrics(run.step, values)

        figures: dict[str, float] = {}
        while not run.is_over():
            figures = run.train_step()
            if run.is_over():
                break  # what is due now is done once, below
            shown = due(config.metrics_every, run.step)
            if due(config.validation_every, run.step):
                figures |= run.validate()
                shown = True
            if shown:
                measured(figures)
            if due(config.sample_every, run.step):
                run.sample()
            stopping = should_stop is not None and should_stop()
            if due(config.checkpoint_every, run.step) or stopping:
                run.save()
            if stopping:
                raise Stopped(f"stopped at step {run.step}; start the run again to go on from there")
            run.tell()
        measured({"loss": run.loss()} | figures | run.validate())
        run.sample()
        return run.finish()


def _tokenizer(config: TrainConfig, shards: list[Path], workdir: Path, given: Path | None, progress: Progress) -> Path:
    if config.base is not None:
        if given is not None and Encoding(given).digest != Encoding(config.base).digest:
            raise BadTokenizer(
                f"{given}: is not the tokenizer of the base {config.base}; leave it out to use the base's"
            )
        return config.base
    if given is not None:
        return given
    own = workdir / "tokenizer"
    if not own.exists():
        train_tokenizer(shards, own, config.vocab_size, config.tokenizer_sample_bytes, progress)
    return own


def _accelerator(config: TrainConfig) -> Any:
    """accelerate's object for one process, and nothing else.

    Launchers differ silently: some start one process where several were asked for, some several that know nothing of
    each other and write one folder. So what was asked and what is there are both checked.
    """
    asked = os.environ.get("WORLD_SIZE", "1")
    if asked != "1":
        raise WrongWorld(f"WORLD_SIZE is {asked}, but the trainer runs in one process; start it without a launcher")
    from accelerate import Accelerator
    from accelerate.utils import DistributedType

    accelerator = Accelerator(mixed_precision="bf16" if config.precision == "bf16" else "no")
    if accelerator.num_processes != 1 or accelerator.distributed_type != DistributedType.NO:
        raise WrongWorld(
            f"accelerate set up {accelerator.num_processes} processes ({accelerator.distributed_type}), but the trainer "
            "runs in one; start it without a launcher"
        )
    return accelerator
