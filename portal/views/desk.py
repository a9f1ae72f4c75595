"""The desk's queue: who waits, by which clock, and deciding many at once."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from core.errors import InvalidInput
from core.permissions import require
from core.session import signed_in
from portal import queue as waiting
from portal.desk_forms import BulkForm, QueueForm
from portal.services import bulk
from portal.services.reviewing import REVIEW

A_PAGE = 50


def reviewers_only(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Let reviewers in, and auditors to read; ask others to sign in, or refuse them."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path() if request.method == "GET" else reverse("portal:desk"))
        if not (request.method in ("GET", "HEAD") and signed_in(request).has_perm("portal.view_desk")):
            require(signed_in(request), REVIEW)
        return view(request, *args, **kwargs)

    return never_cache(wrapped)


@require_safe
@reviewers_only
def queue(request: HttpRequest) -> HttpResponse:
    """All requests but drafts, those that are due first on top."""
    return _queue(request)


@require_POST
@reviewers_only
def many(request: HttpRequest) -> HttpResponse:
    """Decide many. The answer is a report, what failed first."""
    form = BulkForm(request.POST)
    if form.is_valid():
        data = form.cleaned_data
        try:
            results = bulk.decide(
                request.POST.getlist("references"),
                signed_in(request),
                data["act"],
                text=data["text"],
                code=data["code"] or "other",
            )
        except InvalidInput as error:
            form.refuse(error)
        else:
            results.sort(key=lambda one: one.done)
            context = {"results": results, "done": sum(one.done for one in results), "act": bulk.ACTS[data["act"]]}
            return render(request, "portal/desk/many.html", context)
    return _queue(request, form)


def _queue(request: HttpRequest, wrong: BulkForm | None = None) -> HttpResponse:
    form = QueueForm(request.GET or None)
    chosen = form.cleaned_data if form.is_bound and form.is_valid() else {}
    show = chosen.get("show") or "open"
    found = waiting.with_marks(waiting.rows(show, chosen))
    context = {
        "page_obj": Paginator(found, A_PAGE).get_page(request.GET.get("page")),
        "form": form,
        "show": show,
        "counts": waiting.counts(),
        "bulk": wrong or BulkForm(),
        "wrong": wrong,
        "chosen": request.POST.getlist("references"),
        "curating": signed_in(request).has_perm("datasets_app.build_release"),
        "reviewing": signed_in(request).has_perm(REVIEW),
    }
    return render(request, "portal/desk/queue.html", context, status=422 if wrong else 200)
