"""The API of the ground floor: jobs, and who one is."""

import uuid
from datetime import date, datetime
from typing import Any

from django.http import Http404, HttpRequest
from ninja import Router, Schema

from core import audit_trail, jobs
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
    """With ``core.view_all_jobs`` everybody's. At most 200."""
    user = user_of(request)
    rows = Job.objects.all() if user.has_perm(jobs.VIEW_ALL) else Job.objects.filter(requested_by=user)
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


class AuditOut(Schema):
    """One entry of the audit trail."""

    id: int
    at: datetime
    actor: str
    action: str
    object: str
    facts: dict[str, Any]


class AuditPage(Schema):
    """Entries, newest first; ``older`` is the ``before`` of the next page, 0 at the end."""

    entries: list[AuditOut]
    older: int


@router.get("audit", response=AuditPage, summary="The audit trail", tags=["staff"])
def audit(
    request: HttpRequest,
    action: str = "",
    object: str = "",
    actor: str = "",
    since: date | None = None,
    until: date | None = None,
    before: int = 0,
    limit: int = 50,
) -> AuditPage:
    """Needs ``core.view_auditentry``. ``object`` is ``app.model`` or ``app.model:key``; at most 200 at once."""
    wanted = audit_trail.Filter(action, object, actor, since, until)
    page = audit_trail.page(user_of(request), wanted, before=max(before, 0), limit=max(1, min(limit, 200)))
    entries = [
        AuditOut(
            id=line.entry.pk,
            at=line.entry.at,
            actor=line.actor,
            action=line.entry.action,
            object=line.object,
            facts=line.entry.facts,
        )
        for line in page.lines
    ]
    return AuditPage(entries=entries, older=page.older)


def _visible(request: HttpRequest, job_id: uuid.UUID) -> Job:
    job = Job.objects.filter(pk=job_id).first()
    if job is None or not jobs.may_see(job, user_of(request)):
        raise Http404("There is no such job, or it is not yours.")
    return job
