"""One request at the desk: everything that a reviewer needs to decide, and the acts."""

from collections.abc import Callable

from django.contrib import messages
from django.db.models import Prefetch, prefetch_related_objects
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from core.errors import Conflict, InvalidInput
from core.models import User
from core.session import signed_in
from portal import builds, effects, exposure
from portal import queue as waiting
from portal.desk_forms import AcceptForm, AskForm, ExtendForm, PartForm, RejectForm, WeighForm
from portal.forms import ServiceErrors, VerifyForm
from portal.models import Decision, Objection, OptOutRequest
from portal.services import appeals, contacts, decisions, objections, questions, reviewing, verification
from portal.services.decisions import Refused
from portal.states import ACCEPTED, OPT_OUT, UNDECIDED, words_of
from portal.timelines import timeline
from portal.views.desk import reviewers_only
from portal.views.requests import removed_figures


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

    def act(opt_out: OptOutRequest, user: User) -> str:
        verification.verify_by_hand(opt_out, user, form.cleaned_data["note"])
        return "Your word is noted. Once the proofs suffice, what the request covers is hidden."

    return _act(request, reference, "verify", form, act)


@require_POST
@reviewers_only
def accept(request: HttpRequest, reference: str) -> HttpResponse:
    """Accept, or grant an appeal."""
    form = AcceptForm(request.POST)

    def act(opt_out: OptOutRequest, user: User) -> str:
        remark = form.cleaned_data["remark"]
        if opt_out.state == "appeal":
            return _accepted(opt_out, appeals.grant(opt_out, user, remark))
        return _accepted(opt_out, decisions.accept(opt_out, user, remark))

    return _act(request, reference, "accept", form, act)


@require_POST
@reviewers_only
def accept_part(request: HttpRequest, reference: str) -> HttpResponse:
    """Accept in part."""
    form = PartForm(request.POST, names=_parts(_found(reference)))

    def act(opt_out: OptOutRequest, user: User) -> str:
        data = form.cleaned_data
        why = Refused(data["part_code"], data["part_text"])
        return _accepted(opt_out, decisions.accept_part(opt_out, user, dict.fromkeys(data["refused"], why)))

    return _act(request, reference, "part", form, act)


@require_POST
@reviewers_only
def reject(request: HttpRequest, reference: str) -> HttpResponse:
    """Reject, or deny an appeal."""
    form = RejectForm(request.POST)

    def act(opt_out: OptOutRequest, user: User) -> str:
        decisions.reject(opt_out, user, form.cleaned_data["reason"], form.cleaned_data["code"] or "other")
        return "The request is rejected. What it hid is shown again."

    return _act(request, reference, "reject", form, act)


@require_POST
@reviewers_only
def ask(request: HttpRequest, reference: str) -> HttpResponse:
    """Ask the requester."""
    form = AskForm(request.POST)

    def act(opt_out: OptOutRequest, user: User) -> str:
        questions.ask(opt_out, user, form.cleaned_data["question"])
        return "The question was sent. The request waits for the answer."

    return _act(request, reference, "ask", form, act)


@require_POST
@reviewers_only
def extend(request: HttpRequest, reference: str) -> HttpResponse:
    """Take more time."""
    form = ExtendForm(request.POST)

    def act(opt_out: OptOutRequest, user: User) -> str:
        questions.extend(opt_out, user, form.cleaned_data["extension"])
        return "The requester was told the new date and the reason."

    return _act(request, reference, "extend", form, act)


@require_POST
@reviewers_only
def weigh(request: HttpRequest, reference: str) -> HttpResponse:
    """Uphold or dismiss an objection."""
    chosen = request.POST.get("objection", "")
    form = WeighForm(request.POST, auto_id=f"id_{chosen if chosen.isdecimal() else 'none'}_%s")

    def act(opt_out: OptOutRequest, user: User) -> str:
        data = form.cleaned_data
        objection = Objection.objects.filter(pk=data["objection"], request=opt_out).first()
        if objection is None:
            raise Conflict("There is no such objection to this request.")
        objections.weigh(objection, user, upheld=data["upheld"] == "yes", why=data["why"])
        return "The objection is weighed, and both sides can read your reason."

    return _act(request, reference, "weigh", form, act)


def _accepted(opt_out: OptOutRequest, done: bool) -> str:
    if not done:
        return "Your approval is noted. It covers many files, so a second reviewer has to agree before anything is removed."
    if opt_out.state == "verifying":
        return "The appeal is granted. The requester has time to prove the account again."
    text = "The request is accepted and on the block-list. Build the next release to remove the content."
    if earlier := builds.begun_before(opt_out):
        text += f" {earlier} began before and does not know of it: it cannot be published while it holds the content."
    return text


def _act(
    request: HttpRequest, reference: str, name: str, form: ServiceErrors, act: Callable[[OptOutRequest, User], str]
) -> HttpResponse:
    opt_out = _found(reference)
    if form.is_valid():
        try:
            done = act(opt_out, signed_in(request))
        except InvalidInput as error:
            form.refuse(error)
        except Conflict as error:
            messages.error(request, words_of(error))
            return redirect("portal:desk-request", reference)
        else:
            messages.success(request, done)
            return redirect("portal:desk-request", reference)
    return _page(request, opt_out, **{name: form})


def _page(request: HttpRequest, opt_out: OptOutRequest, **forms: ServiceErrors) -> HttpResponse:
    user = signed_in(request)
    parts = _parts(opt_out) if opt_out.state in ("triage", "appeal") and opt_out.verified_at else {}
    undecided = opt_out.state in UNDECIDED
    decisions_taken = Decision.objects.select_related("by").prefetch_related("targets")
    prefetch_related_objects([opt_out], Prefetch("decisions", decisions_taken))
    context = {
        "opt_out": opt_out,
        "steps": timeline(opt_out, desk=True),
        "repositories": list(opt_out.repositories.all()),
        "proofs": list(opt_out.proofs.select_related("by").prefetch_related("checks__job")),
        "exposure": exposure.of_request(opt_out),
        "removed": removed_figures(opt_out),
        "effects": effects.of_request(opt_out) if undecided else None,
        "earlier_build": builds.begun_before(opt_out),
        "similar": {title: rows for title, rows in waiting.similar(opt_out).items() if rows},
        "verified_before": reviewing.verified_before(opt_out) if undecided and opt_out.verified_at else None,
        "decisions": list(opt_out.decisions.all()),
        "enquiries": list(opt_out.enquiries.select_related("asked_by")),
        "objections": _with_forms(opt_out, forms.get("weigh")),
        "appeals": list(opt_out.appeals.select_related("decided_by")) if opt_out.appealed_at else [],
        "first": reviewing.first_approval(opt_out) if undecided else None,
        "two": undecided and reviewing.needs_two(opt_out),
        "barred": _barred(opt_out, user),
        "object_link": _link(request, opt_out) if objections.open_to(opt_out) else "",
        "can": OPT_OUT.transitions[opt_out.state],
        "extendable": opt_out.under_way and opt_out.extended_at is None,
        "verify": forms.get("verify") or VerifyForm(),
        "accept": forms.get("accept") or AcceptForm(),
        "part": forms.get("part") or (PartForm(names=parts) if len(parts) > 1 else None),
        "reject": forms.get("reject") or RejectForm(),
        "ask": forms.get("ask") or AskForm(),
        "extend": forms.get("extend") or ExtendForm(),
        "wrong": next(iter(forms.values()), None),
        "curating": user.has_perm("datasets_app.build_release"),
    }
    return render(request, "portal/desk/request.html", context, status=422 if forms else 200)


def _with_forms(opt_out: OptOutRequest, wrong: ServiceErrors | None) -> list[tuple[Objection, ServiceErrors]]:
    """Each objection with a form of its own to weigh it; the one that was sent keeps its errors."""
    found = []
    for one in opt_out.objections.select_related("by", "weighed_by"):
        mine = wrong is not None and wrong.data.get("objection") == str(one.pk)
        form = wrong if mine and wrong else WeighForm(initial={"objection": one.pk}, auto_id=f"id_{one.pk}_%s")
        found.append((one, form))
    return found


def _barred(opt_out: OptOutRequest, user: User) -> str:
    """Why this reviewer may not decide, or an empty text."""
    if not user.has_perm(reviewing.REVIEW):
        return "You may read the desk, and decide nothing."
    if opt_out.requester_id == user.pk:
        return "This is your own request. Another reviewer has to decide it."
    if opt_out.state == "appeal" and user.pk in reviewing.deciders(opt_out):
        return "You took the decision that this appeals against. Another reviewer has to look at it."
    if opt_out.state in ACCEPTED and user.pk in reviewing.deciders(opt_out):
        return "You took the decision. Another reviewer weighs objections that come after it."
    return ""


def _parts(opt_out: OptOutRequest) -> dict[str, str]:
    return decisions.parts_of(opt_out) if opt_out.verified_at else {}


def _link(request: HttpRequest, opt_out: OptOutRequest) -> str:
    return request.build_absolute_uri(reverse("portal:object-by-link", args=[contacts.link_key(opt_out)]))


def _found(reference: str) -> OptOutRequest:
    rows = OptOutRequest.objects.select_related("requester", "decided_by", "ledger_entry")
    found = rows.filter(reference=reference).exclude(state="draft").first()
    if found is None:
        raise Http404("There is no such request.")
    return found
