"""What curators do: each act says first what it will do, and a form sent twice does no harm."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from core.errors import Conflict, FairstackError, InvalidInput
from core.session import signed_in
from datasets_app.forms import BuildForm, IngestForm, ReasonForm
from datasets_app.models import BlockEntry, Holding, Release
from datasets_app.services import benchmarks, blocklist, reissues, releases, sources
from datasets_app.views.desk import actors_only

form_page = require_http_methods(["GET", "HEAD", "POST"])


@actors_only
@require_POST
def ingest(request: HttpRequest) -> HttpResponse:
    """Read a source into the corpus; leads to the job."""
    form = IngestForm(request.POST)
    if not form.is_valid():
        messages.error(request, "There is no such source. Choose one of the list.")
        return redirect("datasets:desk")
    job = sources.start_ingest(signed_in(request), form.cleaned_data["source"])
    return redirect("core:job", job.pk)


@actors_only
@form_page
def build(request: HttpRequest) -> HttpResponse:
    """Say what the next release will be, then build it."""
    name = settings.FAIRSTACK_DATASET_NAME
    parent = releases.parent_of(name)
    form = BuildForm(
        request.POST or None,
        has_parent=parent is not None,
        benchmarks=benchmarks.names(),
        initial={"version": releases.next_version(name)},
    )
    if request.method == "POST" and form.is_valid():
        version = form.cleaned_data["version"]
        try:
            release = releases.start_build(
                signed_in(request),
                name,
                version,
                recipe=form.cleaned_data["recipe"] or None,
                benchmarks=form.chosen_benchmarks(),
            )
        except InvalidInput as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        except Conflict as error:
            messages.info(request, str(error))
            return redirect("datasets:desk-release", name, version)
        else:
            return redirect("datasets:desk-release", release.name, release.version)
    context = {
        "form": form,
        "dataset": name,
        "parent": parent,
        "blocks": BlockEntry.objects.filter(lifted_at=None).count(),
        "new_blocks": BlockEntry.objects.filter(
            lifted_at=None, position__gt=parent.blocklist_position if parent else 0
        ).count(),
    }
    return render(request, "datasets_app/build.html", context)


@actors_only
@require_POST
def approve(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """Approve a built release."""
    release = _release(name, version)
    if _tried(request, lambda: releases.approve(release, signed_in(request))):
        missing = releases.approvals_missing(release)
        rest = f"It needs {missing} more." if missing else "It can be published now."
        messages.success(request, f"You approved {release}. {rest}")
    return redirect("datasets:desk-release", name, version)


@actors_only
@form_page
def publish(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """Say what publishing does, to which releases; then publish."""
    release = _release(name, version)
    if request.method == "POST":
        if _tried(request, lambda: releases.publish(release, signed_in(request))):
            messages.success(request, f"{release} is published.")
        return redirect("datasets:desk-release", name, version)
    ended = releases.ended_with(release)
    context = {
        "release": release,
        "missing": releases.approvals_missing(release),
        "ended": ended,
        "going": _going(ended),
        "reissue": reissues.by_policy(),
        "overtaken": blocklist.holds_blocked(release),
    }
    return render(request, "datasets_app/publish.html", context)


@actors_only
@form_page
def honour(request: HttpRequest) -> HttpResponse:
    """Say what honouring the block-list now does, to which releases; then do it. Leads to the job."""
    if request.method == "POST":
        try:
            job = reissues.honour_now(signed_in(request))
        except FairstackError as error:
            messages.error(request, str(error))
            return redirect("datasets:desk")
        if job is None:
            messages.info(request, "No release holds anything that is blocked.")
            return redirect("datasets:desk")
        return redirect("core:job", job.pk)
    ended = reissues.concerned()
    context = {"ended": ended, "going": _going(ended), "reissue": reissues.by_policy()}
    return render(request, "datasets_app/honour.html", context)


def _going(ended: list[Release]) -> dict[str, Any]:
    """Files and bytes of what is blocked in these releases."""
    going = Holding.objects.filter(blocklist.blocked_holdings(), release__in=ended)
    return going.aggregate(files=Sum("files"), bytes=Sum("bytes"))


@actors_only
@form_page
def reject(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """Decide against a built release."""
    release = _release(name, version)
    return _with_reason(
        request,
        release,
        "datasets_app/reject.html",
        lambda reason: releases.reject(release, signed_in(request), reason),
    )


@actors_only
@form_page
def withdraw(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """Take a published release back."""
    release = _release(name, version)
    return _with_reason(
        request,
        release,
        "datasets_app/withdraw.html",
        lambda reason: releases.withdraw(release, signed_in(request), reason),
    )


def _with_reason(request: HttpRequest, release: Release, template: str, act: Callable[[str], object]) -> HttpResponse:
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if _tried(request, lambda: act(form.cleaned_data["reason"])):
            messages.success(request, f"{release}: done. Its bytes are being deleted.")
        return redirect("datasets:desk-release", release.name, release.version)
    return render(request, template, {"release": release, "form": form})


def _tried(request: HttpRequest, act: Callable[[], Any]) -> bool:
    """Whether the act went well; what stood in its way is told on the next page. No permission stays a 403."""
    try:
        act()
    except FairstackError as error:
        messages.error(request, str(error))
        return False
    return True


def _release(name: str, version: str) -> Release:
    return get_object_or_404(Release.objects.select_related("parent", "job"), name=name, version=version)
