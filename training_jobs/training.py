"""What the job of a run does: tokenizer, tokens, training, publishing. Run again after a kill, it goes on where it was."""

import json
import time
from pathlib import Path
from typing import Any

from core.errors import Conflict
from core.jobs import ExpectedFailure, JobContext
from core.permissions import SYSTEM
from datasets_app.models import Release
from modelzoo.models import Revision
from modelzoo.services import publish_checkpoint
from modelzoo.storage import local_checkpoint
from training_jobs import folders
from training_jobs.models import Run
from training_jobs.services import check_usable, licence_of
from training_jobs.trainer.config import TrainConfig
from training_jobs.trainer.durable import try_lock
from training_jobs.trainer.errors import Stopped
from training_jobs.trainer.result import TrainResult
from training_jobs.trainer.tokenizer import train_tokenizer
from training_jobs.trainer.train import train

LOOK_EVERY = 2.0  # seconds between two looks whether the release still stands
TOKEN_FACTS = ("digest", "documents", "tokens", "text_bytes", "release_documents", "release_bytes")
FIGURES = ("steps", "tokens", "loss", "validation_loss", "unigram_entropy", "wall_seconds", "resumed_from")


def work(run: Run, ctx: JobContext) -> dict[str, Any]:
    """Do the run, or what is left of it; gives what the job's row keeps as its result.

    Raises:
        Conflict: The release or the base may not be used, when the job starts or later.
        TrainerError: See the engine.
    """
    if run.revision is None:
        check_usable(run.release, run.base)
        folder = folders.run_folder(run)
        folder.mkdir(exist_ok=True)
        config = _config(run, folder)
        shards = folders.shards_of(run.release)
        tokenizer = None if config.base else _tokenizer(run.release, config, shards, ctx)
        result = _train(run, config, shards, tokenizer, folder, ctx)
        _publish(run, result, ctx)
    folders.remove_all_but_record(folders.run_folder(run))
    assert run.revision is not None
    return {"url": run.get_absolute_url(), "model": run.name, "revision": run.revision.sha}


def _config(run: Run, folder: Path) -> TrainConfig:
    base = None
    if run.base is not None:
        base = folder / "base"
        if not base.is_dir():
            local_checkpoint(run.base, base)
    try:
        return TrainConfig.from_dict(run.config | {"base": str(base) if base else None})
    except ValueError as error:  # the row is older than the engine
        raise ExpectedFailure(f"The run's settings do not fit this version of the trainer: {error}.") from error


def _tokenizer(release: Release, config: TrainConfig, shards: list[Path], ctx: JobContext) -> Path:
    """The release's tokenizer of the wanted size, made now or by an earlier run."""
    folder = folders.tokenizer_folder(release, config.vocab_size, config.tokenizer_sample_bytes)
    while True:
        with try_lock(folder.with_name(f".lock-{folder.name}")) as held:
            if folder.is_dir():
                return folder
            if held:
                return train_tokenizer(
                    shards, folder, config.vocab_size, config.tokenizer_sample_bytes, progress=ctx.progress
                )
        ctx.progress("waiting for another run that trains the same tokenizer", 0, 0)
        time.sleep(0.3)


def _train(
    run: Run, config: TrainConfig, shards: list[Path], tokenizer: Path | None, folder: Path, ctx: JobContext
) -> TrainResult:
    looked_at = time.monotonic()

    def release_is_gone() -> bool:
        nonlocal looked_at
        if time.monotonic() - looked_at < LOOK_EVERY:
            return False
        looked_at = time.monotonic()
        return not Release.objects.filter(pk=run.release_id, state="published").exists()

    try:
        return train(
            config,
            release_shards=shards,
            workdir=folder,
            tokenizer_dir=tokenizer,
            tokens_dir=folders.token_root(),
            progress=ctx.progress,
            on_metrics=ctx.metric,
            should_stop=release_is_gone,
        )
    except Stopped as stopped:
        raise Conflict(
            f"{run.release} was withdrawn while the run trained on it, so the run was stopped. Launch one on a "
            "release that is published."
        ) from stopped


def _publish(run: Run, result: TrainResult, ctx: JobContext) -> None:
    ctx.progress("publishing to the zoo", 0, 1)
    record = json.loads(result.record.read_text(encoding="utf-8"))
    summary = {name: getattr(result, name) for name in FIGURES} | {
        name: record[name] for name in ("parameters", "epochs", "device", "threads", "versions", "held_out_tokens")
    }
    summary["token_file"] = {name: record["token_file"][name] for name in TOKEN_FACTS}
    summary["tokenizer_digest"] = record["token_file"]["source"]["tokenizer"]
    check_usable(run.release, run.base)
    run.summary = summary
    run.revision = _published_before(run) or publish_checkpoint(
        SYSTEM,
        org=run.org,
        name=run.model_name,
        folder=result.checkpoint,
        release=run.release,
        base=run.base,
        lineage=lineage(run, summary),
        training=training_facts(run, summary),
        licence_key=licence_of(run.base),
        message=f"Run {run.pk}: {run.kind} on {run.release}",
    )
    run.save(update_fields=["revision", "summary"])
    ctx.progress("publishing to the zoo", 1, 1, f"published as {run.revision}")


def _published_before(run: Run) -> Revision | None:
    """What an attempt published that was killed before it could say so."""
    return Revision.objects.filter(
        model__org=run.org, model__name=run.model_name, release=run.release, lineage__run=run.pk
    ).first()


def lineage(run: Run, summary: dict[str, Any]) -> dict[str, Any]:
    """What the checkpoint came from, by digest. No name of a person, no owner of code."""
    release = run.release
    facts = {
        "run": run.pk,
        "release": f"{release.name}:{release.version}",
        "release_digest_bytes": release.digest_bytes,
        "release_digest_logical": release.digest_logical,
        "release_tree_root": release.tree_root,
        "recipe_digest": release.recipe_digest,
        "blocklist_position": release.blocklist_position,
        "tokenizer_digest": summary["tokenizer_digest"],
        "token_file_digest": summary["token_file"]["digest"],
        "documents_read": summary["token_file"]["documents"],
    }
    if run.base is not None:
        facts["base"] = f"{run.base.model.repo_id}@{run.base.sha}"
    return facts


def training_facts(run: Run, summary: dict[str, Any]) -> dict[str, Any]:
    """How the checkpoint was trained."""
    figures = {name: value for name, value in summary.items() if name not in ("token_file", "tokenizer_digest")}
    return figures | {"preset": run.preset, "seed": run.config["seed"], "config": run.config}
