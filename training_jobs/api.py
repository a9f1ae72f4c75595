"""The app's part of the API: looking at runs, launching, cancelling and going on."""

from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest
from ninja import Field, Router, Schema

from core import jobs
from core.api_auth import user_of
from core.errors import InvalidInput
from core.permissions import require
from datasets_app.models import Release
from modelzoo.models import Revision
from training_jobs import services
from training_jobs.curves import LABELS, series_of
from training_jobs.models import Run
from training_jobs.naming import BadReference, base_of, release_of

router = Router(tags=["runs"])
RUNS = Run.objects.select_related("release", "job", "revision__model", "base__model")


class RunOut(Schema):
    """One run. ``error`` is told to who launched it and to the staff."""

    id: int
    name: str
    state: str
    kind: str
    release: str
    base: str | None
    preset: str
    config: dict[str, Any]
    summary: dict[str, Any]
    revision: str | None
    job: str | None
    error: str
    created_at: datetime

    @staticmethod
    def resolve_release(run: Run) -> str:
        """``name:version``."""
        return f"{run.release.name}:{run.release.version}"

    @staticmethod
    def resolve_base(run: Run) -> str | None:
        """``org/name@sha``."""
        return f"{run.base.model.repo_id}@{run.base.sha}" if run.base else None

    @staticmethod
    def resolve_revision(run: Run) -> str | None:
        """The commit in the zoo that it published."""
        return run.revision.sha if run.revision else None

    @staticmethod
    def resolve_job(run: Run) -> str | None:
        """The id of its job."""
        return str(run.job_id) if run.job_id else None

    @staticmethod
    def resolve_error(run: Run, context: dict[str, Any]) -> str:
        """What went wrong."""
        return run.job.error if run.job and jobs.may_see(run.job, user_of(context["request"])) else ""


class RunIn(Schema):
    """A run to launch."""

    release: str = Field(description="name:version of a published release")
    preset: str = "demo"
    model_name: str
    base: str | None = Field(
        None, description="org/name, or org/name@ref, of a model to fine-tune; none trains from scratch"
    )
    steps: int | None = None
    seconds: float | None = None
    overrides: dict[str, Any] = Field(
        default_factory=dict, description="Fields of the config that differ from the preset"
    )
    request_token: str = Field("", max_length=64, description="Made up by you: sending it again gives the same run")


@router.get("runs", response=list[RunOut], summary="Runs, newest first")
def list_runs(request: HttpRequest, state: str = "", limit: int = 50) -> Any:
    """At most 200."""
    rows = RUNS.filter(**({"job__state": state} if state else {}))
    return rows[: max(1, min(limit, 200))]


@router.post("runs", response={201: RunOut}, summary="Launch a run")
def launch_run(request: HttpRequest, wanted: RunIn) -> Any:
    """403 without the permission, 422 where a value is wrong, 409 where the release may not be used now."""
    require(user_of(request), services.PERMISSION)  # before anything is looked up for somebody who may not
    run = services.launch(
        user_of(request),
        release=_release(wanted.release),
        preset=wanted.preset,
        model_name=wanted.model_name,
        base=_base(wanted.base),
        overrides=wanted.overrides,
        steps=wanted.steps,
        seconds=wanted.seconds,
        request_token=wanted.request_token,
    )
    return 201, run


@router.get("runs/{run_id}", response=RunOut, summary="One run")
def get_run(request: HttpRequest, run_id: int) -> Run:
    """404 where there is none."""
    return _run(run_id)


@router.get("runs/{run_id}/metrics", response=dict[str, list[list[float]]], summary="A run's figures by name")
def get_metrics(request: HttpRequest, run_id: int, after: int = -1) -> dict[str, list[list[float]]]:
    """``{name: [[step, value], ...]}``, steps above ``after`` only; at most 2,000 points of each, spread evenly."""
    return series_of(_run(run_id).job, tuple(LABELS), after)


@router.post("runs/{run_id}/cancel", response=RunOut, summary="Cancel a run")
def cancel_run(request: HttpRequest, run_id: int) -> Run:
    """Its last checkpoint stays. 409 where it has ended."""
    run = _run(run_id)
    services.cancel(run, user_of(request))
    return run


@router.post("runs/{run_id}/go-on", response=RunOut, summary="Take up a cancelled or failed run again")
def go_on_with_run(request: HttpRequest, run_id: int) -> Run:
    """From its last checkpoint. 409 where it has not ended so, or its release may not be used any more."""
    run = _run(run_id)
    services.go_on(run, user_of(request))
    return run


def _run(run_id: int) -> Run:
    run = RUNS.filter(pk=run_id).first()
    if run is None:
        raise Http404("There is no such run.")
    return run


def _release(text: str) -> Release:
    try:
        return release_of(text)
    except BadReference as error:
        raise InvalidInput(str(error), "release") from error


def _base(text: str | None) -> Revision | None:
    try:
        return base_of(text) if text else None
    except BadReference as error:
        raise InvalidInput(str(error), "base") from error
