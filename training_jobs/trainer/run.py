"""One run: model, optimizer, data, and where they stand."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from datasets_app.pipeline.progress import Progress

from . import checkpoint
from .config import TrainConfig
from .durable import commit_folder, fresh_folder, writing
from .encoding import Encoding
from .errors import NonFiniteLoss, WrongWorkFolder
from .measure import PROMPT, Validation, sample
from .model import load_model, new_model, token_losses
from .result import TrainResult, write_record
from .stream import Stream, held_out
from .tokens import TokenFile

_LOSSES_KEPT = 20  # steps over which the loss of a result is averaged
_STAGE = "training"


class Run:
    """One run between its resumes: model, optimizer, data and where they stand."""

    def __init__(
        self,
        config: TrainConfig,
        workdir: Path,
        token_file: TokenFile,
        encoding: Encoding,
        accelerator: Any,
        progress: Progress,
    ) -> None:
        """Begin, or go on from the newest checkpoint in ``workdir``."""
        self.config = config
        self.workdir = workdir
        self.token_file = token_file
        self.encoding = encoding
        self.progress = progress
        self.accelerator = accelerator
        if config.threads:
            torch.set_num_threads(config.threads)
        progress("loading the model", 0, 0)
        held = held_out(token_file, config.validation_share)
        self.stream = Stream(
            token_file,
            np.flatnonzero(~held),
            encoding,
            lanes=config.batch,
            context=config.context,
            seed=config.seed,
            fim_rate=config.fim_rate,
            spm_rate=config.spm_rate,
        )
        self.validation = (
            Validation(token_file, held, encoding, config.context, config.validation_tokens) if held.any() else None
        )
        self.step = 0
        self.tokens = 0
        self.validation_loss: float | None = None
        self.samples: list[dict[str, Any]] = []
        self.resumed_from: int | None = None
        self._losses: list[float] = []
        self._seconds_before = 0.0
        self._measured = (0, 0.0)  # tokens and seconds of the steps since the last metrics
        saved = checkpoint.steps(workdir / "checkpoints")
        newest = saved[max(saved)] if saved else None
        if newest is not None and checkpoint.facts_of(newest)["token_file"] != token_file.digest:
            raise WrongWorkFolder(
                f"{workdir}: the token file is not the one that the checkpoint was trained on (documents were erased); "
                "start again in another folder"
            )
        torch.manual_seed(config.seed)
        origin = newest or config.base
        if origin is not None:
            model = load_model(origin, encoding, context=config.context, dropout=config.dropout)
        else:
            model = new_model(config, encoding)
        self.model, self.optimizer = accelerator.prepare(model, _optimizer(model, config))
        self.model.train()
        if newest is not None:
            self._resume(newest)
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds that the loop has worked, over all resumes."""
        return self._seconds_before + time.monotonic() - self._started

    def share_done(self) -> float:
        """How much of the run is behind it, 0 to 1, by steps or by time, whichever is further."""
        by_steps = self.step / self.config.steps if self.config.steps else 0.0
        by_time = self.seconds / self.config.seconds if self.config.seconds else 0.0
        return min(1.0, max(by_steps, by_time))

    def is_over(self) -> bool:
        """Whether the steps are done or the time is used up; at least one step is made."""
        return self.step > 0 and self.share_done() >= 1.0

    def learning_rate(self) -> float:
        """Of the next step: linear warm-up, then a cosine from ``lr`` to ``min_lr`` over the whole run."""
        config = self.config
        warm = min(1.0, (self.step + 1) / config.warmup_steps) if config.warmup_steps else 1.0
        wave = 0.5 * (1.0 + math.cos(math.pi * self.share_done()))
        return warm * (config.min_lr + (config.lr - config.min_lr) * wave)

    def train_step(self) -> dict[str, float]:
        """One optimizer step; gives its figures.

        Raises:
            NonFiniteLoss: Loss or gradient is not finite; weights and optimizer are as they were.
        """
        config = self.config
        began = time.monotonic()
        rate = self.learning_rate()
        self.optimizer.zero_grad(set_to_none=True)
        loss = 0.0
        for _ in range(config.accumulation):
            batch = torch.from_numpy(self.stream.next_batch()).to(self.accelerator.device)
            part = token_losses(self.model, batch) / config.accumulation
            self.accelerator.backward(part)
            loss += float(part.detach())
            self.tell()
        norm = float(self.accelerator.clip_grad_norm_(self.model.parameters(), config.clip))
        if not (math.isfinite(loss) and math.isfinite(norm)):
            saved = checkpoint.steps(self.workdir / "checkpoints")
            raise NonFiniteLoss(
                f"step {self.step + 1}: the loss is {loss} and the norm of the gradient {norm} at a learning rate of "
                f"{rate:.2e}; no weight was changed. The newest checkpoint is of step {max(saved, default=0)}. "
                "Try a lower learning rate or more warm-up steps in a new run"
            )
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        self.step += 1
        self.tokens += config.tokens_per_step
        keep = max(_LOSSES_KEPT, config.metrics_every)
        self._losses = [*self._losses, loss][-keep:]
        counted, seconds = self._measured
        self._measured = (counted + config.tokens_per_step, seconds + time.monotonic() - began)
        counted, seconds = self._measured
        figures = {
            "loss": float(np.mean(self._losses[-config.metrics_every :])),
            "lr": rate,
            "grad_norm": norm,
            "tokens_per_second": counted / seconds,
        }
        if due(config.metrics_every, self.step):
            self._measured = (0, 0.0)
        return figures

    def loss(self) -> float:
        """Mean training loss of the last steps."""
        return float(np.mean(self._losses[-_LOSSES_KEPT:]))

    def validate(self) -> dict[str, float]:
        """Measure the held-out documents, if there are any."""
        if self.validation is None:
            return {}
        loss = self.validation.loss(self.model, self.accelerator.device, self.config.batch, self.tell)
        self.validation_loss = loss
        entropy = self.validation.unigram_entropy
        self.tell(f"step {self.step}: validation loss {loss:.3f} nats a token (unigram entropy {entropy:.3f})")
        return {"validation_loss": loss, "unigram_entropy": entropy}

    def sample(self) -> None:
        """Let the model write a little, and keep it."""
        if not self.config.sample_tokens:
            return
        model = self.accelerator.unwrap_model(self.model)
        text = sample(model, self.encoding, self.config.context, self.config.sample_tokens, self.config.seed)
        self.samples.append({"step": self.step, "prompt": PROMPT, "text": text})

    def tell(self, message: str = "") -> None:
        """Report progress by the measure that is further."""
        config = self.config
        by_time = config.seconds is not None and (
            config.steps is None or self.seconds / config.seconds > self.step / config.steps
        )
        if by_time:
            total = math.ceil(config.seconds or 0.0)
            self.progress(_STAGE, min(int(self.seconds), total), total, message)
        else:
            self.progress(_STAGE, self.step, config.steps or 0, message)

    def save(self) -> None:
        """Write a checkpoint of this step."""
        self.tell(f"step {self.step}: writing a checkpoint")
        checkpoint.save(
            self.workdir / "checkpoints",
            self.step,
            model=self.accelerator.unwrap_model(self.model),
            tokenizer_dir=self.encoding.folder,
            optimizer=self.optimizer,
            facts={
                "step": self.step,
                "tokens": self.tokens,
                "seconds": self.seconds,
                "losses": self._losses,
                "validation_loss": self.validation_loss,
                "samples": self.samples,
                "cursor": self.stream.cursor(),
                "token_file": self.token_file.digest,
            },
            keep_last=self.config.keep_last,
        )

    def finish(self) -> TrainResult:
        """Write the model and the record, and say what came out."""
        self.tell("writing the model")
        seconds = self.seconds
        model = self.accelerator.unwrap_model(self.model)
        result = TrainResult(
            checkpoint=self.workdir / "final",
            record=self.workdir / "training.json",
            steps=self.step,
            tokens=self.tokens,
            loss=self.loss(),
            validation_loss=self.validation_loss,
            unigram_entropy=self.validation.unigram_entropy if self.validation else None,
            wall_seconds=seconds,
            resumed_from=self.resumed_from,
        )
        facts = {
            "config": self.config.to_dict(),
            "token_file": self.token_file.meta,
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            "held_out_tokens": self.validation.count if self.validation else 0,
            "epochs": self.stream.epoch,
            "device": str(self.accelerator.device),
            "threads": torch.get_num_threads(),
            "samples": self.samples,
        }
        with writing(f"{result.checkpoint}: the model"):
            temporary = fresh_folder(result.checkpoint)
            checkpoint.write_model(temporary, model, self.encoding.folder)
            write_record(result, facts)
            commit_folder(temporary, result.checkpoint)
        return result

    def _resume(self, folder: Path) -> None:
        facts = checkpoint.restore(folder, self.optimizer)
        self.step = self.resumed_from = facts["step"]
        self.tokens = facts["tokens"]
        self.validation_loss = facts["validation_loss"]
        self.samples = facts["samples"]
        self._losses = facts["losses"]
        self._seconds_before = facts["seconds"]
        self.stream.seek(facts["cursor"])
        self.progress(_STAGE, 0, 0, f"going on from the checkpoint of step {self.step}")


def due(every: int, step: int) -> bool:
    """Whether something that is done every so many steps is done at this one."""
    return every > 0 and step % every == 0


def _optimizer(model: Any, config: TrainConfig) -> torch.optim.Optimizer:
    """AdamW; biases and norms do not decay."""
    matrices = [parameter for parameter in model.parameters() if parameter.dim() >= 2]
    vectors = [parameter for parameter in model.parameters() if parameter.dim() < 2]
    return torch.optim.AdamW(
        [{"params": matrices, "weight_decay": config.weight_decay}, {"params": vectors, "weight_decay": 0.0}],
        lr=config.lr,
        betas=(config.beta1, config.beta2),
        fused=True,
    )
