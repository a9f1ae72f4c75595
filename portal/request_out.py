"""A request as the API gives it, to its requester and to reviewers."""

from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest
from ninja import Schema

from core.api_auth import user_of
from portal import exposure, states
from portal.models import Decision, OptOutRequest
from portal.references import is_reference
from portal.services import appeals, questions, undo, verification


class NotGranted(Schema):
    """A repository that an acceptance in part left out, and why."""

    repository: str
    code: str
    text: str


class RequestOut(Schema):
    """A request, as its requester and reviewers see it."""

    reference: str
    state: str
    means: str
    next: str
    forge: str
    account: str
    scope: str
    repositories: list[str]
    contests: bool
    submitted_at: datetime | None
    due_at: datetime | None
    next_deadline: datetime | None
    verified_at: datetime | None
    decided_at: datetime | None
    removed_at: datetime | None
    reason: str
    reason_code: str
    not_granted: list[NotGranted]
    extended_at: datetime | None
    extension: str
    objection_until: datetime | None
    question: str
    appealable: bool
    undoable: bool
    withdrawable: bool
    ended_at: datetime | None
    challenge: str
    challenge_expires_at: datetime | None
    last_check: str
    exposure: list[dict[str, Any]]
    removed: dict[str, Any]


def visible(request: HttpRequest, reference: str) -> OptOutRequest:
    """The request of that reference, where the caller may see it.

    Raises:
        Http404: There is none, or it is somebody else's.
    """
    rows = OptOutRequest.objects.exclude(state="draft")
    found = rows.filter(reference=reference).first() if is_reference(reference) else None
    if found is None or not found.may_be_seen_by(user_of(request)):
        raise Http404("There is no such request, or it is not yours.")
    return found


def out(opt_out: OptOutRequest, reader: int) -> RequestOut:
    """``challenge`` is for the requester alone: nobody else may place it."""
    mine = opt_out.requester_id == reader
    proof = verification.current_challenge(opt_out) if opt_out.state == "verifying" else None
    last = proof.checks.select_related("job").first() if proof else None
    shown = opt_out.verified_at is not None and opt_out.state in states.SHOWN
    asked = questions.open_question(opt_out) if opt_out.state == "needs_info" else None
    parts = opt_out.decisions.filter(kind=Decision.PARTIAL).order_by("-at", "-pk")
    part = parts.first() if opt_out.decided_at else None
    refused = part.targets.filter(granted=False) if part else []
    return RequestOut(
        reference=opt_out.reference,
        state=opt_out.state,
        means=opt_out.text.means,
        next=opt_out.text.next,
        forge=opt_out.forge,
        account=opt_out.account,
        scope=opt_out.scope,
        repositories=[one.name for one in opt_out.repositories.all()],
        contests=opt_out.contests_id is not None,
        submitted_at=opt_out.submitted_at,
        due_at=opt_out.due_at,
        next_deadline=opt_out.next_deadline,
        verified_at=opt_out.verified_at,
        decided_at=opt_out.decided_at,
        removed_at=opt_out.removed_at,
        reason=opt_out.decision_note,
        reason_code=opt_out.decision_code,
        not_granted=[NotGranted(repository=one.name, code=one.code, text=one.text) for one in refused],
        extended_at=opt_out.extended_at,
        extension=opt_out.extension_note,
        objection_until=opt_out.objection_until,
        question=asked.question if asked else "",
        appealable=mine and appeals.possible(opt_out),
        undoable=mine and undo.possible(opt_out),
        withdrawable=mine and opt_out.withdrawable,
        ended_at=opt_out.ended_at,
        challenge=proof.challenge if proof and mine else "",
        challenge_expires_at=proof.expires_at if proof and mine else None,
        last_check=last.words if last else "",
        exposure=[one.to_dict() for one in exposure.of_request(opt_out)] if shown else [],
        removed=opt_out.removed,
    )
