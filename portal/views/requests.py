"""The requester's own pages: their requests, the proof, and taking a request back."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_http_methods, require_safe

from core.errors import Conflict
from core.session import signed_in
from portal import builds, exposure, states
from portal.models import Decision, OptOutRequest
from portal.policies import after, promises
from portal.services import appeals, drafts, requests, undo
from portal.timelines import timeline
from portal.views.kept_form import keeps_form

A_PAGE = 20


@require_safe
@keeps_form
def request_list(request: HttpRequest) -> HttpResponse:
    """One's own requests."""
    user = signed_in(request)
    rows = OptOutRequest.objects.filter(requester=user).exclude(state="draft").order_by("-submitted_at")
    page = Paginator(rows, A_PAGE).get_page(request.GET.get("page"))
    return render(request, "portal/requests/list.html", {"page_obj": page, "draft": drafts.current(user)})


@require_safe
@keeps_form
def request_page(request: HttpRequest, reference: str) -> HttpResponse:
    """One request: where it stands, its dates, and once it is verified what releases hold."""
    opt_out = own(request, reference)
    ended = opt_out.ended_at
    context = {
        "opt_out": opt_out,
        "steps": timeline(opt_out),
        "promises": promises(),
        "decision": _against(opt_out),
        "enquiries": list(opt_out.enquiries.all()),
        "objections": list(opt_out.objections.all()),
        "appeals": list(opt_out.appeals.all()) if opt_out.appealed_at else [],
        "appealable": appeals.possible(opt_out),
        "undoable": undo.possible(opt_out),
        "earlier_build": builds.begun_before(opt_out),
        "erased_on": after(ended, promises().erase) if ended and opt_out.state in states.FINAL else None,
        "repositories": list(opt_out.repositories.all()),
        "exposure": exposure.of_request(opt_out) if opt_out.verified_at and opt_out.state in states.SHOWN else [],
        "removed": removed_figures(opt_out),
    }
    return render(request, "portal/requests/page.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@keeps_form
def withdraw(request: HttpRequest, reference: str) -> HttpResponse:
    """Take a request back, after saying what that does."""
    opt_out = own(request, reference)
    if request.method == "POST":
        try:
            requests.withdraw(opt_out, signed_in(request))
        except Conflict as error:
            messages.error(request, states.words_of(error))
        else:
            messages.success(request, "The request was withdrawn.")
        return redirect(opt_out)
    if not opt_out.withdrawable:
        return redirect(opt_out)
    return render(request, "portal/requests/withdraw.html", {"opt_out": opt_out, "verified": opt_out.verified_at})


def own(request: HttpRequest, reference: str) -> OptOutRequest:
    """The requester's own request; to everybody else there is none."""
    found = OptOutRequest.objects.filter(reference=reference, requester=signed_in(request)).first()
    if found is None or found.state not in states.TEXTS or found.state == "draft":
        raise Http404("There is no such request, or it is not yours.")
    return found


def _against(opt_out: OptOutRequest) -> Decision | None:
    """The last decision that did not grant all of it."""
    if opt_out.decided_at is None:
        return None
    return opt_out.decisions.filter(kind__in=(Decision.PARTIAL, Decision.REJECT)).order_by("-at", "-pk").first()


def removed_figures(opt_out: OptOutRequest) -> dict[str, Any]:
    """What was removed, with dates as dates."""
    figures = dict(opt_out.removed)
    figures["releases"] = [
        entry | {"withdrawn": parse_datetime(entry["withdrawn_at"]) if entry["withdrawn_at"] else None}
        for entry in figures.get("releases", [])
    ]
    return figures
