"""Every change to runs: launching, cancelling, going on. The pages, the API and the command call these."""

from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from core import audit, jobs
from core.errors import Conflict, InvalidInput
from core.models import Job, JobMetric
from core.permissions import Actor, require, row
from datasets_app.models import Release
from modelzoo.models import Revision, ZooModel
from modelzoo.services.publishing import check_repo_id
from training_jobs import eligibility
from training_jobs.models import Run
from training_jobs.trainer.config import PRESETS, TrainConfig

PERMISSION = "training_jobs.launch_run"
KIND = "training.run"
QUEUE = "gpu"
FIXED = frozenset({"name", "base"})  # fields of the config that the preset and the base say
BUDGETS = frozenset({"steps", "seconds"})
DEFAULT_LICENCE = "bigcode-openrail-m"


def launch(
    actor: Actor,
    *,
    release: Release,
    preset: str,
    model_name: str,
    base: Revision | None = None,
    overrides: dict[str, Any] | None = None,
    steps: int | None = None,
    seconds: float | None = None,
    request_token: str = "",
) -> Run:
    """Launch a run; its job starts when a worker of the queue ``gpu`` is free.

    Args:
        actor: Who asks.
        release: What it trains on; must be published and current.
        preset: The name of a preset of the trainer.
        model_name: The model's name in the zoo, without the organisation.
        base: The revision to fine-tune; None trains from scratch.
        overrides: Fields of ``TrainConfig`` that differ from the preset.
        steps: Optimizer steps at most. Where ``steps`` or ``seconds`` is given, they replace the preset's budget.
        seconds: Time of the loop at most.
        request_token: What the sender made up for this one wish: sending it again gives the run that it made.

    Raises:
        PermissionDenied: The actor may not launch runs.
        InvalidInput: A value is wrong; ``field`` names it.
        Conflict: The release or the base may not be used; the text says why.
    """
    require(actor, PERMISSION)
    if request_token and (same := _of_token(actor, request_token)) is not None:
        return same
    check_model(model_name, base)
    config = config_for(preset, overrides or {}, steps=steps, seconds=seconds, base=base)
    check_usable(release, base)
    try:
        with transaction.atomic():
            run = Run.objects.create(
                org=settings.FAIRSTACK_ORGANISATION,
                model_name=model_name,
                release=release,
                base=base,
                preset=preset,
                config=stored(config),
                request_token=request_token or None,
                created_by=row(actor),
            )
            audit.record(actor, "launch run", run, release=str(release), preset=preset, model=run.name)
            _enqueue(run, actor)
    except IntegrityError:
        same = _of_token(actor, request_token) if request_token else None
        if same is None:
            raise
        return same
    return run


def cancel(run: Run, actor: Actor) -> None:
    """Stop a run within seconds. Its last checkpoint stays, so that it can go on.

    Raises:
        PermissionDenied: It is not the actor's.
        Conflict: It has ended.
    """
    require(actor, PERMISSION)
    if run.job is None:
        raise Conflict("The run has no job that could be cancelled.")
    with transaction.atomic():
        jobs.cancel(run.job, actor)
        audit.record(actor, "cancel run", run)
    run.job.refresh_from_db()


def go_on(run: Run, actor: Actor) -> Job:
    """Take up a cancelled or failed run again, from its last checkpoint, by a new job.

    Raises:
        PermissionDenied: It is not the actor's.
        Conflict: It has not ended, it has published, or its release may not be used any more.
    """
    require(actor, PERMISSION)
    before = run.job
    if before is None or before.state not in ("cancelled", "failed"):
        raise Conflict(f"The run is “{run.state}”: only a cancelled or failed one can go on.")
    if not jobs.may_see(before, actor):
        raise PermissionDenied("This run was launched by another account.")
    check_usable(run.release, run.base)
    with transaction.atomic():
        job = _enqueue(run, actor, parent=before)
        _carry_metrics(before, job)
        audit.record(actor, "go on with run", run)
    return job


def check_usable(release: Release, base: Revision | None) -> None:
    """Raise Conflict, saying why, where a run may not train on ``release`` or start from ``base`` now."""
    why = eligibility.refusal(release) or (eligibility.base_refusal(base) if base else "")
    if why:
        raise Conflict(why)


def check_model(name: str, base: Revision | None = None) -> None:
    """Ask the zoo whether a run from ``base`` could publish under ``name``: better now than after the training.

    Raises:
        InvalidInput: ``name`` cannot be a model's name, or belongs to a model under another licence.
    """
    org = settings.FAIRSTACK_ORGANISATION
    try:
        check_repo_id(org, name)
    except InvalidInput as error:
        raise InvalidInput(str(error), "model_name") from error
    there = ZooModel.objects.filter(org=org, name=name).exclude(licence_key=licence_of(base)).first()
    if there is not None:
        raise InvalidInput(
            f"{there} stands under {there.licence_key}, and this run's model would stand under {licence_of(base)}. "
            "Choose another name.",
            "model_name",
        )


def licence_of(base: Revision | None) -> str:
    """The key of the licence of what a run makes: that of what it starts from."""
    return base.terms.key if base else DEFAULT_LICENCE


def config_for(
    preset: str,
    overrides: dict[str, Any],
    *,
    steps: int | None = None,
    seconds: float | None = None,
    base: Revision | None = None,
) -> TrainConfig:
    """The config of a preset with some fields changed.

    A learning rate below the preset's smallest one takes that down with it, to a tenth. A base with fewer positions than
    the preset's context shortens the context.

    Raises:
        InvalidInput: There is no such preset or field, or a value is out of range; the engine's text says which.
    """
    if preset not in PRESETS:
        raise InvalidInput(f"There is no preset “{preset}”. Choose one of {', '.join(PRESETS)}.", "preset")
    refused = sorted((FIXED | BUDGETS) & overrides.keys())
    if refused:
        raise InvalidInput(f"{refused[0]}: is not an override; say it by its own parameter.", refused[0])
    changes = dict(overrides)
    if steps is not None or seconds is not None:
        changes |= {"steps": steps, "seconds": seconds}
    lr = changes.get("lr")
    if isinstance(lr, int | float) and "min_lr" not in changes and lr < PRESETS[preset].min_lr:
        changes["min_lr"] = lr / 10
    positions = base.config.get("n_positions") if base else None
    if isinstance(positions, int) and "context" not in changes:
        changes["context"] = min(positions, PRESETS[preset].context)
    try:
        return TrainConfig.preset(preset, **changes)
    except ValueError as error:
        field = str(error).partition(":")[0]
        raise InvalidInput(f"{error}.", field) from error


def stored(config: TrainConfig) -> dict[str, Any]:
    """The config as the row keeps it: without the base's folder, which belongs to the machine that trains."""
    facts = config.to_dict()
    del facts["base"]
    return facts


def _enqueue(run: Run, actor: Actor, parent: Job | None = None) -> Job:
    job = jobs.enqueue(
        KIND,
        {"run": run.pk},
        actor=actor,
        title=f"Train {run.name} on {run.release}",
        parent=parent,
        dedupe_key=f"{KIND} {run.pk}",
    )
    run.job = job
    run.save(update_fields=["job"])
    return job


def _carry_metrics(before: Job, after: Job) -> None:
    """The figures so far, under the new job, so that the curve is whole."""
    rows = before.metrics.values_list("step", "name", "value")
    JobMetric.objects.bulk_create(
        [JobMetric(job=after, step=step, name=name, value=value) for step, name, value in rows.iterator()],
        batch_size=1000,
        ignore_conflicts=True,
    )


def _of_token(actor: Actor, request_token: str) -> Run | None:
    run = Run.objects.filter(request_token=request_token).select_related("job").first()
    if run is not None and run.created_by_id != actor.pk:
        raise Conflict("This token was used by another account. Make up a new one.")
    return run
