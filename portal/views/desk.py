"""The desk: the queue with its clocks, and one page a request with what is needed to decide."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from core.errors import Conflict, InvalidInput
from core.models import User
from core.permissions import require
from core.session import signed_in
from portal import effects, exposure, states
from portal.forms import AcceptForm, QueueForm, RejectForm, ServiceErrors, VerifyForm
from portal.models import OptOutRequest
from portal.services import decisions, verification
from portal.timelines import timeline
from portal.views.requests import removed_figures

A_PAGE = 50


def reviewers_only(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Let reviewers in, and auditors to read; ask others to sign in, or refuse them."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path() if request.method == "GET" else reverse("portal:desk"))
        if not (request.method in ("GET", "HEAD") and signed_in(request).has_perm("portal.view_desk")):
            require(signed_in(request), verification.REVIEW)
        return view(request, *args, **kwargs)

    return never_cache(wrapped)


@require_safe
@reviewers_only
def queue(request: HttpRequest) -> HttpResponse:
    """All requests but drafts, those that are due first on top."""
    form = QueueForm(request.GET or None)
    chosen = form.cleaned_data if form.is_bound and form.is_valid() else {}
    rows = filtered(chosen.get("show") or "open", chosen)
    page = Paginator(rows.select_related("requester"), A_PAGE).get_page(request.GET.get("page"))
    context = {
        "page_obj": page,
        "form": form,
        "show": chosen.get("show") or "open",
        "counts": counts(),
        "curating": _may_curate(signed_in(request)),
    }
    return render(request, "portal/desk/queue.html", context)


def filtered(show: str, chosen: dict[str, Any]) -> QuerySet[OptOutRequest]:
    """The requests that the filters leave, in the order of their clocks."""
    rows = OptOutRequest.objects.exclude(state="draft")
    groups = {
        "open": states.UNDER_WAY,
        "triage": ("triage",),
        "verifying": ("submitted", "verifying"),
        "accepted": ("accepted", "scheduled", "rebuilding"),
        "ended": states.ENDED,
    }
    if show in groups:
        rows = rows.filter(state__in=groups[show])
    if forge := chosen.get("forge"):
        rows = rows.filter(forge=forge)
    if chosen.get("overdue"):
        rows = rows.filter(state__in=states.UNDER_WAY, due_at__lt=timezone.now())
    if text := (chosen.get("q") or "").strip():
        rows = rows.filter(Q(reference__iexact=text) | Q(account__iexact=text))
    return rows.order_by("-submitted_at") if show in ("ended", "all") else rows.order_by("due_at", "pk")


def counts() -> dict[str, int]:
    """How many wait for whom."""
    now = timezone.now()
    rows = OptOutRequest.objects.all()
    return {
        "to decide": rows.filter(state="triage").count(),
        "waiting for proof": rows.filter(state__in=("submitted", "verifying")).count(),
        "waiting for a release": rows.filter(state__in=("accepted", "scheduled", "rebuilding")).count(),
        "past the legal clock": rows.filter(state__in=states.UNDER_WAY, due_at__lt=now).count(),
    }


@require_safe
@reviewers_only
def request_page(request: HttpRequest, reference: str) -> HttpResponse:
    """One request."""
    return _page(request, _found(reference))


@require_POST
@reviewers_only
def verify(request: HttpRequest, reference: str) -> HttpResponse:
    """Verify by hand."""
    form = VerifyForm(request.POST)
    return _act(
        request,
        reference,
        "verify",
        form,
        lambda opt_out, user: verification.verify_by_hand(opt_out, user, form.cleaned_data["note"]),
        "The request is verified, and what it covers is hidden now.",
    )


@require_POST
@reviewers_only
def accept(request: HttpRequest, reference: str) -> HttpResponse:
    """Accept."""
    form = AcceptForm(request.POST)
    return _act(
        request,
        reference,
        "accept",
        form,
        lambda opt_out, user: decisions.accept(opt_out, user, form.cleaned_data["remark"]),
        "The request is accepted and on the block-list. Build the next release to remove the content.",
    )


@require_POST
@reviewers_only
def reject(request: HttpRequest, reference: str) -> HttpResponse:
    """Reject."""
    form = RejectForm(request.POST)
    return _act(
        request,
        reference,
        "reject",
        form,
        lambda opt_out, user: decisions.reject(opt_out, user, form.cleaned_data["reason"]),
        "The request is rejected. What it hid is shown again.",
    )


def _act(
    request: HttpRequest,
    reference: str,
    name: str,
    form: ServiceErrors,
    act: Callable[[OptOutRequest, User], object],
    done: str,
) -> HttpResponse:
    opt_out = _found(reference)
    if form.is_valid():
        try:
            act(opt_out, signed_in(request))
        except InvalidInput as error:
            form.refuse(error)
        except Conflict as error:
            messages.error(request, str(error))
            return redirect("portal:desk-request", reference)
        else:
            messages.success(request, done)
            return redirect("portal:desk-request", reference)
    return _page(request, opt_out, **{name: form})


def _page(request: HttpRequest, opt_out: OptOutRequest, **forms: ServiceErrors) -> HttpResponse:
    context = {
        "opt_out": opt_out,
        "steps": timeline(opt_out, desk=True),
        "repositories": list(opt_out.repositories.all()),
        "proofs": list(opt_out.proofs.select_related("by").prefetch_related("checks__job")),
        "exposure": exposure.of_request(opt_out),
        "removed": removed_figures(opt_out),
        "effects": effects.of_request(opt_out) if opt_out.state in ("submitted", "verifying", "triage") else None,
        "others": _others(opt_out),
        "verify": forms.get("verify") or VerifyForm(),
        "accept": forms.get("accept") or AcceptForm(),
        "reject": forms.get("reject") or RejectForm(),
        "wrong": next(iter(forms.values()), None),
        "curating": _may_curate(signed_in(request)),
    }
    return render(request, "portal/desk/request.html", context, status=422 if forms else 200)


def _found(reference: str) -> OptOutRequest:
    rows = OptOutRequest.objects.select_related("requester", "decided_by", "ledger_entry")
    found = rows.filter(reference=reference).exclude(state="draft").first()
    if found is None:
        raise Http404("There is no such request.")
    return found


def _others(opt_out: OptOutRequest) -> list[OptOutRequest]:
    """Other requests about the same account."""
    same = OptOutRequest.objects.filter(owner_key=opt_out.owner_key).exclude(pk=opt_out.pk).exclude(state="draft")
    return list(same.order_by("-submitted_at")[:10])


def _may_curate(user: User) -> bool:
    return user.has_perm("datasets_app.build_release")
