"""Two releases side by side, and the files that a release did not take: for the curators."""

from typing import Any

from django.conf import settings
from django.core.paginator import Page as PageOf
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from datasets_app import browsing
from datasets_app.forms import CompareForm, DecisionsForm
from datasets_app.models import Release
from datasets_app.pipeline import diff
from datasets_app.pipeline.diff import Change, FileFilter
from datasets_app.pipeline.errors import PipelineError
from datasets_app.pipeline.reasons import REASONS
from datasets_app.purging import releases_folder
from datasets_app.views.desk import curators_only

PER_PAGE = 50
NOWHERE = "absent"  # stands in an address for a file that a release did not know
WORDS = {"in": "came in", "out": "went out", "changed": "left out for another reason", "same": "as before"}


@curators_only
@require_safe
def compare(request: HttpRequest) -> HttpResponse:
    """Two releases: figures by reason before and now, the files of one such change, and both recipes."""
    every = Release.objects.filter(state__in=("built", "published", "withdrawn")).order_by("-created_at", "-pk")
    names = [f"{name}:{version}" for name, version in every.values_list("name", "version")[:200]]
    chosen = {key: _asked(request, key) for key in ("a", "b")}
    form = CompareForm(names=names, initial=chosen)
    context: dict[str, Any] = {"form": form, "names": names}
    if all(chosen.values()):
        before, now = (_release(chosen[key]) for key in ("a", "b"))
        context |= {"before": before, "now": now, "recipe": _recipes(before, now)}
        try:
            context |= _changes(request, before, now)
        except PipelineError as error:
            context["unknown"] = str(error)
    return render(request, "datasets_app/compare.html", context)


def _changes(request: HttpRequest, before: Release, now: Release) -> dict[str, Any]:
    root, pair = releases_folder(), ((before.name, before.version), (now.name, now.version))
    found = diff.changes(root, *pair)
    context: dict[str, Any] = {"changes": [_row(change) for change in found]}
    if "before" in request.GET and "now" in request.GET:
        reasons = (_reason(request.GET["before"]), _reason(request.GET["now"]))
        total = sum(change.files for change in found if (change.before, change.now) == reasons)
        page = _page(request, total)
        files = diff.changed_files(root, *pair, reasons, (page.number - 1) * PER_PAGE, PER_PAGE)
        context |= {
            "files": files.rows,
            "total": total,
            "page": page,
            "from": _text(reasons[0]),
            "to": _text(reasons[1]),
        }
    return context


def _row(change: Change) -> dict[str, Any]:
    return {
        "before": _text(change.before),
        "now": _text(change.now),
        "query": {"before": change.before or NOWHERE, "now": change.now or NOWHERE},
        "kind": WORDS[change.kind],
        "files": change.files,
        "bytes": change.bytes,
    }


def _recipes(before: Release, now: Release) -> list[dict[str, Any]]:
    rows = diff.recipe_differences(before.recipe, now.recipe)
    return [
        {"field": row.field, "before": diff.shown(row.before), "now": diff.shown(row.now)}
        for row in rows
        if not row.same
    ]


@curators_only
@require_safe
def decisions(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """The files on which a release decided, each with its reason, narrowed as the address says."""
    release = get_object_or_404(Release.objects.defer("funnel", "languages", "licences"), name=name, version=version)
    form = DecisionsForm(request.GET)
    wanted = FileFilter(**form.cleaned_data) if form.is_valid() else FileFilter()
    context: dict[str, Any] = {"release": release, "form": form}
    root, named = releases_folder(), (release.name, release.version)
    try:
        number = min(_number(request), browsing.DEEPEST // PER_PAGE)
        found = diff.decided_files(root, named, wanted, (number - 1) * PER_PAGE, PER_PAGE)
        page = _page(request, found.total)
        if page.number != number:
            found = diff.decided_files(root, named, wanted, (page.number - 1) * PER_PAGE, PER_PAGE)
    except PipelineError as error:
        context["unknown"] = str(error)
    else:
        files = [row | {"text": _text(row["reason"])} for row in found.rows]
        context |= {"files": files, "total": found.total, "page": page, "deepest": browsing.DEEPEST}
    return render(request, "datasets_app/decisions.html", context)


def _text(reason: str) -> str:
    """A reason as staff read it; reasons of other versions of the rules stand for themselves."""
    if reason == diff.ABSENT:
        return "not known to it"
    return REASONS[reason].text if reason in REASONS else reason


def _reason(asked: str) -> str:
    return diff.ABSENT if asked == NOWHERE else asked


def _asked(request: HttpRequest, key: str) -> str:
    """``name:version`` of the address; a bare version is the site's own data set, and a "+" may have become a space."""
    value = request.GET.get(key, "").strip().replace(" ", "+")
    return value if not value or ":" in value else f"{settings.FAIRSTACK_DATASET_NAME}:{value}"


def _release(text: str) -> Release:
    name, _, version = text.partition(":")
    release = Release.objects.filter(name=name, version=version).first()
    if release is None:
        raise Http404(browsing.NO_RELEASE)
    return release


def _number(request: HttpRequest) -> int:
    try:
        return max(1, int(request.GET.get("page", "1")))
    except ValueError:
        return 1


def _page(request: HttpRequest, total: int) -> PageOf[int]:
    return Paginator(range(min(total, browsing.DEEPEST)), PER_PAGE).get_page(request.GET.get("page"))
