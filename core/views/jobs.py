"""Pages of long work: the list, one job live, cancelling."""

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from core import jobs
from core.errors import Conflict, PermissionDenied
from core.job_view import result_facts, result_tables, result_url, stages_of
from core.models import Job
from core.session import signed_in
from core.states import JOB

ROWS_A_PAGE = 25
LINES_SHOWN = 300
POINTS_A_READING = 20_000


def visible_job(request: HttpRequest, job_id: uuid.UUID) -> Job:
    """The job, if the visitor may see it.

    Raises:
        Http404: There is none, or it is not theirs: the two look the same.
    """
    job = Job.objects.select_related("requested_by", "parent").filter(pk=job_id).first()
    if job is None or not jobs.may_see(job, signed_in(request)):
        raise Http404("There is no such job, or it was asked for by another account.")
    return job


@login_required
@require_safe
def job_list(request: HttpRequest) -> HttpResponse:
    """All jobs for those who may see them, one's own for others; newest first, by state."""
    user = signed_in(request)
    state = request.GET.get("state", "")
    rows = Job.objects.select_related("requested_by").defer("params", "result", "crash")
    everybody = user.has_perm(jobs.VIEW_ALL)
    if not everybody:
        rows = rows.filter(requested_by=user)
    if state in JOB.transitions:
        rows = rows.filter(state=state)
    page = Paginator(rows, ROWS_A_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "states": list(JOB.transitions), "state": state, "everybody": everybody}
    return render(request, "core/jobs.html", context)


@login_required
@never_cache
@require_safe
def job_page(request: HttpRequest, job_id: uuid.UUID) -> HttpResponse:
    """One job: state, stages with figures, log, curves, result or error."""
    job = visible_job(request, job_id)
    lines = list(job.log_lines.order_by("-id")[: LINES_SHOWN + 1])
    series = _series(job, -1)
    context = {
        **_live(job),
        "curves_shown": bool(series),
        "lines": lines[:LINES_SHOWN][::-1],
        "after": lines[0].pk if lines else 0,
        "more_lines": len(lines) > LINES_SHOWN,
        "series": series,
        "children": job.children.all()[:50],
    }
    return render(request, "core/job.html", context)


@login_required
@never_cache
@require_safe
def job_live(request: HttpRequest, job_id: uuid.UUID) -> HttpResponse:
    """The part of the page that changes, asked for every second while the job is active."""
    job = visible_job(request, job_id)
    curves_shown = request.GET.get("curves") != "0"
    response = render(request, "core/job_live.html", {**_live(job), "curves_shown": curves_shown})
    if not curves_shown and job.metrics.exists():
        response["HX-Refresh"] = "true"  # the first figures are there: the page is read anew, with the curves' place
    return response


@login_required
@never_cache
@require_safe
def job_log(request: HttpRequest, job_id: uuid.UUID) -> HttpResponse:
    """The lines of the log after ``?after=``, and while the job is active the place that asks for more."""
    job = visible_job(request, job_id)
    after = request.GET.get("after", "0")
    position = int(after) if after.isdecimal() and len(after) < 19 else 0
    lines = list(job.log_lines.filter(pk__gt=position)[:LINES_SHOWN])
    context = {"job": job, "lines": lines, "after": lines[-1].pk if lines else position}
    return render(request, "core/job_log.html", context)


@login_required
@never_cache
@require_safe
def job_metrics(request: HttpRequest, job_id: uuid.UUID) -> HttpResponse:
    """``{"live": bool, "series": {name: [[step, value], ...]}}``, steps above ``?after=`` only; for static/js/curves.js."""
    job = visible_job(request, job_id)
    after = request.GET.get("after", "")
    position = int(after) if after.isdecimal() and len(after) < 19 else -1
    return JsonResponse({"live": job.active, "series": _series(job, position)})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def job_cancel(request: HttpRequest, job_id: uuid.UUID) -> HttpResponse:
    """Say what cancelling does, then do it."""
    job = visible_job(request, job_id)
    if not jobs.may_cancel(job, signed_in(request)):
        raise PermissionDenied("This job was asked for by another account.")
    if request.method == "POST":
        try:
            jobs.cancel(job, signed_in(request))
        except Conflict as error:
            messages.warning(request, str(error))
        else:
            messages.info(request, "The job was cancelled. What it had begun to write is never shown to anybody.")
        return redirect("core:job", job.pk)
    return render(request, "core/job_cancel.html", {"job": job})


def _live(job: Job) -> dict[str, Any]:
    return {
        "job": job,
        "stages": stages_of(job),
        "result": result_facts(job),
        "result_tables": result_tables(job),
        "result_url": result_url(job),
    }


def _series(job: Job, after: int) -> dict[str, list[list[float]]]:
    series: dict[str, list[list[float]]] = {}
    rows = job.metrics.filter(step__gt=after).order_by("step", "name").values_list("name", "step", "value")
    for name, step, value in rows[:POINTS_A_READING]:
        series.setdefault(name, []).append([step, value])
    return series
