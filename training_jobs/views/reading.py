"""Looking at runs: the list, one run live, its figures."""

from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from core import jobs
from core.job_view import stages_of
from core.models import User
from training_jobs import folders
from training_jobs.curves import CURVES, LABELS, series_of, with_loss
from training_jobs.models import Run
from training_jobs.services import PERMISSION

ROWS_A_PAGE = 25
LINES_SHOWN = 200
LANGUAGES_SHOWN = 8
RUNS = Run.objects.select_related("release", "job", "revision__model", "base__model", "created_by")


def find_run(run_id: int) -> Run:
    """The run with all that its page tells of it.

    Raises:
        Http404: There is none.
    """
    run = RUNS.filter(pk=run_id).first()
    if run is None:
        raise Http404("There is no such run.")
    return run


def rights(request: HttpRequest, run: Run) -> dict[str, bool]:
    """What the visitor may do with a run and see of it beyond what is public."""
    user = request.user
    if not isinstance(user, User) or run.job is None or not jobs.may_see(run.job, user):
        return {"may_see_job": False, "may_change": False}
    return {"may_see_job": True, "may_change": user.has_perm(PERMISSION)}


@require_safe
def run_list(request: HttpRequest) -> HttpResponse:
    """All runs, newest first: public facts."""
    runs = with_loss(Run.objects.select_related("release", "job", "revision__model", "base__model"))
    page = Paginator(runs, ROWS_A_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "may_launch": request.user.has_perm(PERMISSION)}
    return render(request, "training_jobs/runs.html", context)


@never_cache
@require_safe
def run_page(request: HttpRequest, run_id: int) -> HttpResponse:
    """One run: state, curve, log, settings, data, what came of it."""
    run = find_run(run_id)
    allowed = rights(request, run)
    series = series_of(run.job)
    curves = [
        {"key": key, "title": title, "series": {name: series[name] for name in names if name in series}}
        for key, (title, names) in CURVES.items()
    ]
    context: dict[str, Any] = {
        **_live(run),
        **allowed,
        "loss_curve": curves[0],
        "more_curves": [curve for curve in curves[1:] if curve["series"]],
        "labels": LABELS,
        "settings": sorted(run.config.items()),
        "languages": _languages(run),
        "samples": folders.samples(run) if run.revision else [],
    }
    if allowed["may_see_job"] and run.job is not None:
        lines = list(run.job.log_lines.order_by("-id")[: LINES_SHOWN + 1])
        context |= {
            "lines": lines[:LINES_SHOWN][::-1],
            "after": lines[0].pk if lines else 0,
            "more_lines": len(lines) > LINES_SHOWN,
        }
    return render(request, "training_jobs/run.html", context)


@never_cache
@require_safe
def run_live(request: HttpRequest, run_id: int) -> HttpResponse:
    """The part of the page that changes, asked for every second; when the run has ended, the page is read anew."""
    run = find_run(run_id)
    response = render(request, "training_jobs/run_live.html", {**_live(run), **rights(request, run)})
    if not run.active:
        response["HX-Refresh"] = "true"
    return response


@never_cache
@require_safe
def run_metrics(request: HttpRequest, run_id: int) -> HttpResponse:
    """``{"live": bool, "series": {name: [[step, value], ...]}}``; ``?of=`` names one figure, ``?after=`` a step to begin behind."""
    run = find_run(run_id)
    of = request.GET.get("of", "")
    names = CURVES[of][1] if of in CURVES else tuple(LABELS)
    after = request.GET.get("after", "")
    position = int(after) if after.isdecimal() and len(after) < 10 else -1
    return JsonResponse({"live": run.active, "series": series_of(run.job, names, position)})


def _live(run: Run) -> dict[str, Any]:
    return {"run": run, "job": run.job, "stages": stages_of(run.job) if run.job else []}


def _languages(run: Run) -> list[dict[str, Any]]:
    """The languages of the run's release, largest first, the small ones together."""
    rows = sorted(run.release.languages, key=lambda row: -row["bytes"])
    shown = [{"label": row["language"] or "not known", "value": row["bytes"]} for row in rows[:LANGUAGES_SHOWN]]
    if rest := sum(row["bytes"] for row in rows[LANGUAGES_SHOWN:]):
        shown.append({"label": f"{len(rows) - LANGUAGES_SHOWN} more", "value": rest})
    return shown
