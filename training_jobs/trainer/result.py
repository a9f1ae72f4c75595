"""What a run is told apart by, and the record that it leaves beside its checkpoint."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from . import shard_text
from .config import TrainConfig
from .durable import write_json, writing
from .encoding import Encoding
from .errors import WrongWorkFolder
from .model import weights_digest

_PACKAGES = ("torch", "transformers", "accelerate", "tokenizers", "safetensors", "numpy", "pyarrow")


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
    resumed_from: int | None  # step of the checkpoint that the last process went on from


def identity(config: TrainConfig, shards: list[Path], tokenizer_dir: Path | None) -> dict[str, Any]:
    """What must be the same when a run goes on: config, shards, and the digests of tokenizer and base where given.

    Raises:
        TrainerError: A shard, the tokenizer or the base is missing.
    """
    return {
        "config": config.to_dict(),
        "shards": sorted({shard_text.shard_digest(shard) for shard in shards}),
        "tokenizer": Encoding(tokenizer_dir).digest if tokenizer_dir else None,
        "base": weights_digest(config.base) if config.base else None,
    }


def claim(workdir: Path, wanted: dict[str, Any]) -> None:
    """Write a run's identity into its folder, or check that it is the one that lies there.

    Raises:
        WrongWorkFolder: The folder holds another run.
        CannotWrite: The disk is full or refuses.
    """
    path = workdir / "run.json"
    if not path.exists():
        with writing(f"{path}: the run's description"):
            write_json(path, wanted)
        return
    held = json.loads(path.read_text(encoding="utf-8"))
    changed = [name for name in ("shards", "tokenizer", "base") if held.get(name) != wanted[name]]
    config = held.get("config", {})
    changed += sorted(name for name, value in wanted["config"].items() if config.get(name) != value)
    if changed:
        raise WrongWorkFolder(
            f"{workdir}: holds another run (different: {', '.join(changed)}); choose another folder, or the same settings"
        )


def finished(workdir: Path) -> TrainResult | None:
    """The result of a run that was finished before, or None."""
    checkpoint, record = workdir / "final", workdir / "training.json"
    if not checkpoint.is_dir() or not record.is_file():
        return None
    facts = json.loads(record.read_text(encoding="utf-8"))["result"]
    return TrainResult(checkpoint=checkpoint, record=record, **facts)


def write_record(result: TrainResult, facts: dict[str, Any]) -> None:
    """Write ``training.json``: figures, digests and versions, and samples the model wrote; no text of the corpus."""
    figures = {name: value for name, value in asdict(result).items() if name not in ("checkpoint", "record")}
    versions = {name: version(name) for name in _PACKAGES} | {"python": platform.python_version()}
    write_json(result.record, facts | {"result": figures, "versions": versions})
