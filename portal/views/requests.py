"""The requester's own pages: their requests, the proof, and taking a request back."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.errors import Conflict, InvalidInput
from core.session import signed_in
from portal import builds, exposure, states
from portal.forms import CheckForm, provable
from portal.models import OptOutRequest
from portal.policies import after, promises
from portal.proofs import challenge
from portal.services import appeals, drafts, requests, undo, verification
from portal.timelines import timeline
from portal.views.kept_form import keeps_form, sent

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
        "decision": opt_out.decisions.filter(kind__in=("partial", "reject")).order_by("-at", "-pk").first(),
        "enquiries": list(opt_out.enquiries.all()),
        "objections": list(opt_out.objections.all()),
        "appeals": list(opt_out.appeals.all()),
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
def proof(request: HttpRequest, reference: str) -> HttpResponse:
    """How to prove ownership, and the check."""
    opt_out = own(request, reference)
    if opt_out.state != "verifying":
        return redirect(opt_out)
    form = CheckForm(sent(request), opt_out=opt_out)
    if request.method == "POST" and form.is_valid():
        try:
            verification.start_check(opt_out, signed_in(request), form.cleaned_data["repository"])
        except InvalidInput as error:
            form.refuse(error)
        except Conflict as error:
            form.add_error(None, str(error))
        else:
            return redirect("portal:proof", reference)
    context = {
        "opt_out": opt_out,
        "form": form,
        "proof": verification.current_challenge(opt_out),
        "provable": provable(opt_out),
        "file_name": challenge.FILE_NAME,
        "checks": _checks(opt_out),
        "promises": promises(),
        "repositories": list(opt_out.repositories.all()),
    }
    return render(request, "portal/requests/proof.html", context, status=422 if form.is_bound and form.errors else 200)


@require_safe
@keeps_form
def proof_checks(request: HttpRequest, reference: str) -> HttpResponse:
    """The part of the proof's page that changes by itself while a check runs."""
    opt_out = own(request, reference)
    return render(request, "portal/requests/checks.html", {"opt_out": opt_out, "checks": _checks(opt_out)})


@require_POST
@keeps_form
def new_challenge(request: HttpRequest, reference: str) -> HttpResponse:
    """A new challenge."""
    opt_out = own(request, reference)
    try:
        verification.issue_challenge(opt_out, signed_in(request))
    except Conflict as error:
        messages.error(request, str(error))
        return redirect(opt_out)
    messages.success(request, "Here is a new challenge. Put it into the file in place of the old one.")
    return redirect("portal:proof", reference)


@require_http_methods(["GET", "HEAD", "POST"])
@keeps_form
def withdraw(request: HttpRequest, reference: str) -> HttpResponse:
    """Take a request back, after saying what that does."""
    opt_out = own(request, reference)
    if request.method == "POST":
        try:
            requests.withdraw(opt_out, signed_in(request))
        except Conflict as error:
            messages.error(request, str(error))
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


def removed_figures(opt_out: OptOutRequest) -> dict[str, Any]:
    """What was removed, with dates as dates."""
    figures = dict(opt_out.removed)
    figures["releases"] = [
        entry | {"withdrawn": parse_datetime(entry["withdrawn_at"]) if entry["withdrawn_at"] else None}
        for entry in figures.get("releases", [])
    ]
    return figures


def _checks(opt_out: OptOutRequest) -> list[object]:
    proof = verification.current_challenge(opt_out)
    return list(proof.checks.select_related("job")[:10]) if proof else []
