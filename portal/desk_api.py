"""The desk by API: the queue with its filters, each decision, and many at once.

Deciding needs ``portal.review_request``; reading the queue is open to ``portal.view_desk`` as well.
"""

from datetime import datetime

from django.http import Http404, HttpRequest
from ninja import Field, Query, Router, Schema

from core.api_auth import user_of
from core.errors import InvalidInput
from core.permissions import require
from portal import queue as waiting
from portal import states
from portal.models import Objection, OptOutRequest
from portal.request_out import RequestOut, out, visible
from portal.services import appeals, bulk, decisions, objections, questions, verification
from portal.services.decisions import Refused
from portal.services.reviewing import REVIEW
from portal.texts import LONGEST

router = Router(tags=["desk"])
MOST = 200


class Remark(Schema):
    """A reviewer's words."""

    text: str = Field("", max_length=LONGEST)


class Rejection(Remark):
    """Why: a code of the table of reasons, and words that the requester reads."""

    code: str = Field("other", max_length=16)


class NotThis(Schema):
    """One repository that is not granted."""

    repository: str = Field(max_length=200)
    code: str = Field("other", max_length=16)
    text: str = Field("", max_length=LONGEST)


class Part(Remark):
    """What is not granted. ``text`` is for the desk alone."""

    refused: list[NotThis] = Field(max_length=500)


class Weighing(Remark):
    """Whether an objection is upheld, and why."""

    upheld: bool


class Many(Rejection):
    """Many at once. ``act`` is ``accept``, ``reject`` or ``ask``."""

    references: list[str] = Field(max_length=bulk.MOST)
    act: str = Field(max_length=16)


class Done(Schema):
    """What became of one of many."""

    reference: str
    done: bool
    state: str
    error: str


class Filters(Schema):
    """Which requests. ``state`` is a state, or a group of the desk such as ``second`` or ``objections``."""

    state: str = Field("", max_length=20)
    forge: str = Field("", max_length=200)
    scope: str = Field("", max_length=20)
    overdue: bool = False
    q: str = Field("", max_length=200)
    limit: int = Field(50, ge=1, le=MOST)
    offset: int = Field(0, ge=0)


class Row(Schema):
    """A request in the queue."""

    reference: str
    state: str
    forge: str
    account: str
    scope: str
    organisation: bool
    copies: bool
    requester: str
    submitted_at: datetime | None
    due_at: datetime | None
    next_deadline: datetime | None
    overdue: bool
    extended: bool
    objection_to_weigh: bool
    second_reviewer_needed: bool


@router.get("desk/requests", response=list[Row], summary="The reviewers' queue")
def queue(request: HttpRequest, filters: Query[Filters]) -> list[Row]:
    """Those due first on top."""
    if not user_of(request).has_perm("portal.view_desk"):
        require(user_of(request), REVIEW)
    groups = {*states.TEXTS, *waiting.GROUPS, "second", "objections", "all"} - {"draft"}
    if filters.state and filters.state not in groups:
        raise InvalidInput(f"There is no state “{filters.state}”. There are: {', '.join(sorted(groups))}.", "state")
    chosen = {"forge": filters.forge, "scope": filters.scope, "overdue": filters.overdue, "q": filters.q}
    rows = waiting.with_marks(waiting.rows(filters.state or "open", chosen))
    return [_row(one) for one in rows[filters.offset : filters.offset + filters.limit]]


@router.post("desk/requests/many", response=list[Done], summary="Decide many requests")
def many(request: HttpRequest, body: Many) -> list[Done]:
    """Each by itself; what cannot be done is reported and stops none of the others."""
    results = bulk.decide(body.references, user_of(request), body.act, text=body.text, code=body.code)
    return [Done(reference=one.reference, done=one.done, state=one.state, error=one.error) for one in results]


@router.post("desk/requests/{reference}/verify", response=RequestOut, summary="Verify by hand")
def verify(request: HttpRequest, reference: str, body: Remark) -> RequestOut:
    """``text`` says how you know."""
    found = visible(request, reference)
    verification.verify_by_hand(found, user_of(request), body.text)
    return out(found, user_of(request).pk)


@router.post("desk/requests/{reference}/accept", response=RequestOut, summary="Accept a request, or grant an appeal")
def accept(request: HttpRequest, reference: str, body: Remark) -> RequestOut:
    """409 where it is not with the reviewers. A large one stays in its state until a second reviewer agrees."""
    found = visible(request, reference)
    appeals.grant(found, user_of(request), body.text)
    return out(found, user_of(request).pk)


@router.post("desk/requests/{reference}/accept-part", response=RequestOut, summary="Accept a request in part")
def accept_part(request: HttpRequest, reference: str, body: Part) -> RequestOut:
    """Everything but ``refused`` goes on the block-list."""
    found = visible(request, reference)
    refused = {one.repository: Refused(one.code, one.text) for one in body.refused}
    decisions.accept_part(found, user_of(request), refused, body.text)
    return out(found, user_of(request).pk)


@router.post("desk/requests/{reference}/reject", response=RequestOut, summary="Reject a request, or deny an appeal")
def reject(request: HttpRequest, reference: str, body: Rejection) -> RequestOut:
    """``text`` is the reason, which the requester reads."""
    found = visible(request, reference)
    decisions.reject(found, user_of(request), body.text, body.code)
    return out(found, user_of(request).pk)


@router.post("desk/requests/{reference}/ask", response=RequestOut, summary="Ask the requester")
def ask(request: HttpRequest, reference: str, body: Remark) -> RequestOut:
    """``text`` is the question. The request waits for the answer."""
    found = visible(request, reference)
    questions.ask(found, user_of(request), body.text)
    return out(found, user_of(request).pk)


@router.post("desk/requests/{reference}/extend", response=RequestOut, summary="Extend the legal clock, with notice")
def extend(request: HttpRequest, reference: str, body: Remark) -> RequestOut:
    """Once, within the month. ``text`` is the reason."""
    found = visible(request, reference)
    questions.extend(found, user_of(request), body.text)
    return out(found, user_of(request).pk)


@router.post("desk/requests/{reference}/objections/{number}", response=RequestOut, summary="Weigh an objection")
def weigh(request: HttpRequest, reference: str, number: int, body: Weighing) -> RequestOut:
    """``text`` is the reason, which both sides read."""
    found = visible(request, reference)
    require(user_of(request), REVIEW)
    objection = Objection.objects.filter(pk=number, request=found).first()
    if objection is None:
        raise Http404("There is no such objection to this request.")
    objections.weigh(objection, user_of(request), upheld=body.upheld, why=body.text)
    found.refresh_from_db()
    return out(found, user_of(request).pk)


def _row(one: OptOutRequest) -> Row:
    return Row(
        reference=one.reference,
        state=one.state,
        forge=one.forge,
        account=one.account,
        scope=one.scope,
        organisation=one.organisation,
        copies=one.copies,
        requester=one.requester.username if one.requester else "",
        submitted_at=one.submitted_at,
        due_at=one.due_at,
        next_deadline=one.next_deadline,
        overdue=one.overdue,
        extended=one.extended_at is not None,
        objection_to_weigh=getattr(one, "objections_open", False),
        second_reviewer_needed=getattr(one, "last_decision", "") == "first" and one.state in ("triage", "appeal"),
    )
