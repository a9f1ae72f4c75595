"""The desk of the curators: what can be ingested and built, and each release until it is published."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from core.job_view import stages_of
from core.models import Job
from datasets_app import browsing, purging
from datasets_app.comparison import compare
from datasets_app.forms import IngestForm
from datasets_app.models import BlockEntry, Release, Source
from datasets_app.pipeline import redactions
from datasets_app.pipeline.recipe import Recipe
from datasets_app.services import blocklist, reissues, releases

View = Callable[..., HttpResponseBase]
LARGE = ("recipe", "funnel", "languages", "licences")  # columns that a list does without


def curators_only(view: View) -> View:
    """Sign in first; then 403 for those who may do nothing here."""

    @wraps(view)
    @login_required
    @never_cache
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        reading = request.method in ("GET", "HEAD")
        if not (browsing.is_curator if reading else browsing.may_act)(request.user):
            raise PermissionDenied("This desk is for those who ingest, build or approve. Ask the staff of this site.")
        return view(request, *args, **kwargs)

    return guarded


def actors_only(view: View) -> View:
    """Let in those alone who may do something here: auditors read the desk, and need no form for what they may not do."""

    @wraps(view)
    @curators_only
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not browsing.may_act(request.user):
            raise PermissionDenied("This is for those who ingest, build or approve. Ask the staff of this site.")
        return view(request, *args, **kwargs)

    return guarded


@curators_only
@require_safe
def desk(request: HttpRequest) -> HttpResponse:
    """Sources, and all releases in whatever state."""
    rows = Release.objects.select_related("job", "reissue_of").defer(
        *LARGE, *(f"reissue_of__{field}" for field in LARGE)
    )
    page = Paginator(rows, 20).get_page(request.GET.get("page"))
    newest = releases.parent_of(_dataset())
    position = newest.blocklist_position if newest else 0
    context = {
        "sources": Source.objects.all(),
        "ingest_form": IngestForm(),
        "ingesting": Job.objects.filter(kind="datasets.ingest", state__in=("queued", "running", "cancelling")).first(),
        "page": page,
        "dataset": _dataset(),
        "next_version": releases.next_version(_dataset()),
        "newest": newest,
        "held_back": reissues.concerned(),
        "may_approve": request.user.has_perm(releases.APPROVE),
        "waiting_blocks": BlockEntry.objects.filter(lifted_at=None, position__gt=position).count(),
    }
    return render(request, "datasets_app/desk.html", context)


@curators_only
@require_safe
def desk_release(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """One release: its build, figures, comparison with its parent, approvals, and what can be done next."""
    release = get_object_or_404(
        Release.objects.select_related("job", "parent", "reissue_of", "created_by"), name=name, version=version
    )
    context = _release_context(release, request.user) | {
        "funnel": browsing.funnel(release, request.GET.get("measure", ""), every_reason=True)
    }
    return render(request, "datasets_app/desk_release.html", context)


@curators_only
@require_safe
def desk_live(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """How far the build is; when it has ended, the whole page is loaded again."""
    release = get_object_or_404(Release.objects.select_related("job"), name=name, version=version)
    response = render(request, "datasets_app/desk_live.html", {"release": release, "stages": _stages(release)})
    if release.state != "building" or release.stalled:
        response["HX-Refresh"] = "true"
    return response


def _release_context(release: Release, user: Any) -> dict[str, Any]:
    approvals = list(release.approvals.select_related("user"))
    purge = Job.objects.filter(kind="datasets.purge", dedupe_key=f"datasets.purge:{release.pk}").first()
    built = release.state in ("built", "published")
    return {
        "release": release,
        "stages": _stages(release),
        "approvals": approvals,
        "missing": releases.approvals_missing(release),
        "approved_by_me": any(approval.user_id == user.pk for approval in approvals),
        "comparison": compare(release) if built and release.parent else None,
        "redactions": redactions.count(purging.corpus_folder(), release.folder, _recipe(release)) if built else None,
        "overtaken": release.state == "built" and blocklist.holds_blocked(release),
        "purge": purge,
        "reissue_pending": release.reissue_pending if release.state == "published" else None,
        "issued_again": release.issued_again if release.state == "withdrawn" else None,
        "may_approve": user.has_perm(releases.APPROVE),
        "may_build": user.has_perm(releases.BUILD),
    }


def _recipe(release: Release) -> Recipe:
    return Recipe.from_dict(release.recipe, any_rules=True)


def _stages(release: Release) -> list[Any]:
    return stages_of(release.job) if release.job and release.state in ("building", "failed") else []


def _dataset() -> str:
    return str(settings.FAIRSTACK_DATASET_NAME)
