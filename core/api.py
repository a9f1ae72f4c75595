"""The API of the ground floor: jobs, and who one is."""

import uuid
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest
from ninja import Router, Schema

from core import jobs
from core.api_auth import user_of
from core.models import Job

router = Router(tags=["jobs"])


class JobOut(Schema):
    """One job."""

    id: uuid.UUID
    kind: str
    title: str
    state: str
    stages: list[dict[str, Any]]
    attempt: int
    result: dict[str, Any]
    error: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@router.get("jobs", response=list[JobOut], summary="Your jobs, newest first")
def list_jobs(request: HttpRequest, state: str = "", limit: int = 50) -> Any:
    """Staff see everybody's. At most 200."""
    user = user_of(request)
    rows = Job.objects.all() if user.is_staff else Job.objects.filter(requested_by=user)
    return rows.filter(**({"state": state} if state else {}))[: max(1, min(limit, 200))]


@router.get("jobs/{job_id}", response=JobOut, summary="One job")
def get_job(request: HttpRequest, job_id: uuid.UUID) -> Job:
    """404 where there is none that you may see."""
    return _visible(request, job_id)


@router.get("jobs/{job_id}/metrics", response=dict[str, list[list[float]]], summary="A job's figures by name")
def get_metrics(request: HttpRequest, job_id: uuid.UUID, after: int = -1) -> dict[str, list[list[float]]]:
    """``{name: [[step, value], ...]}``, steps above ``after`` only."""
    series: dict[str, list[list[float]]] = {}
    rows = _visible(request, job_id).metrics.filter(step__gt=after).order_by("step")
    for name, step, value in rows.values_list("name", "step", "value"):
        series.setdefault(name, []).append([step, value])
    return series


@router.post("jobs/{job_id}/cancel", response=JobOut, summary="Cancel a job")
def cancel_job(request: HttpRequest, job_id: uuid.UUID) -> Job:
    """409 where it has ended."""
    job = _visible(request, job_id)
    jobs.cancel(job, user_of(request))
    job.refresh_from_db()
    return job


def _visible(request: HttpRequest, job_id: uuid.UUID) -> Job:
    job = Job.objects.filter(pk=job_id).first()
    if job is None or not jobs.may_see(job, user_of(request)):
        raise Http404("There is no such job, or it is not yours.")
    return job
