"""The portal's part of the API: search, one's own requests, and the reviewers' decisions."""

from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest
from ninja import Field, Router, Schema, Status

from core import limits
from core.api_auth import user_of
from core.errors import InvalidInput
from core.permissions import require
from datasets_app import lookup
from portal import exposure, look_ups, states
from portal.models import OptOutRequest
from portal.references import is_reference
from portal.services import decisions, drafts, requests, verification

router = Router(tags=["requests"])


class Question(Schema):
    """What to look up: an account, ``owner/name`` or a web address."""

    q: str = Field(max_length=400)


class HeldRepository(Schema):
    """One repository in a release."""

    name: str
    files: int
    copies: int
    bytes: int
    licences: list[str]


class HeldRelease(Schema):
    """What one release holds."""

    release: str
    files: int
    copies: int
    bytes: int
    licences: list[str]
    repositories: list[HeldRepository]
    more: int


class Held(Schema):
    """An account that is held."""

    forge: str
    account: str
    releases: list[HeldRelease]


class Found(Schema):
    """The answer. Removed, hidden and never held look the same."""

    held: bool
    accounts: list[Held]
    formerly: bool = Field(description="Code is held of an account that bore this name before; which one is not said.")
    near: list[str]


@router.post("search", response=Found, auth=None, summary="Am I in The Stack?")
def search(request: HttpRequest, question: Question) -> Found:
    """By POST, so that the name stands in no address. What is asked is neither logged nor kept."""
    look_ups.count(request)
    found = lookup.search(question.q)
    accounts = []
    for match in found.matches:
        releases = [
            HeldRelease(
                release=f"{held.release.name} {held.release.version}",
                files=held.files,
                copies=held.copies,
                bytes=held.bytes,
                licences=held.licences,
                more=held.more,
                repositories=[
                    HeldRepository(
                        name=one.name, files=one.files, copies=one.copies, bytes=one.bytes, licences=one.licences
                    )
                    for one in held.repositories
                ],
            )
            for held in match.releases
        ]
        accounts.append(Held(forge=match.owner.forge, account=match.owner.login, releases=releases))
    return Found(
        held=found.held, accounts=accounts, formerly=found.formerly, near=[near.text for near in found.suggestions]
    )


class NewRequest(Schema):
    """A request to leave."""

    forge: str = Field("", max_length=200)
    account: str = Field(max_length=500)
    repositories: list[str] = Field(default_factory=list, max_length=drafts.MOST_REPOSITORIES)
    message: str = Field("", max_length=drafts.LONGEST_MESSAGE)


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
    submitted_at: datetime | None
    due_at: datetime | None
    next_deadline: datetime | None
    verified_at: datetime | None
    decided_at: datetime | None
    removed_at: datetime | None
    reason: str
    challenge: str
    challenge_expires_at: datetime | None
    last_check: str
    exposure: list[dict[str, Any]]
    removed: dict[str, Any]


class Repository(Schema):
    """Where the challenge file is."""

    repository: str = Field(max_length=200)


class Remark(Schema):
    """A reviewer's words."""

    text: str = Field("", max_length=decisions.LONGEST_REASON)


@router.get("requests", response=list[RequestOut], summary="Your requests, newest first")
def own_requests(request: HttpRequest) -> list[RequestOut]:
    """At most 100."""
    rows = OptOutRequest.objects.filter(requester=user_of(request)).exclude(state="draft").order_by("-submitted_at")
    return [_out(row, user_of(request).pk) for row in rows[:100]]


@router.post("requests", response={201: RequestOut}, summary="Ask to leave")
def send_request(request: HttpRequest, body: NewRequest) -> Status[RequestOut]:
    """Without ``repositories`` it is the whole account, now and in future. 409 where the same is under way.

    A draft that you began on the pages is left as it is.
    """
    limits.hit("send", limits.account(user_of(request)), limits.network(request))
    made = requests.send_at_once(
        user_of(request),
        forge=body.forge,
        account=body.account,
        repositories=body.repositories,
        message=body.message,
    )
    return Status(201, _out(made, user_of(request).pk))


@router.get("requests/{reference}", response=RequestOut, summary="One request")
def one_request(request: HttpRequest, reference: str) -> RequestOut:
    """404 where there is none that you may see."""
    return _out(_visible(request, reference), user_of(request).pk)


@router.post("requests/{reference}/challenge", response=RequestOut, summary="Get a new challenge")
def new_challenge(request: HttpRequest, reference: str) -> RequestOut:
    """The one before counts no more."""
    found = _visible(request, reference)
    verification.issue_challenge(found, user_of(request))
    return _out(found, user_of(request).pk)


@router.post("requests/{reference}/check", response={202: RequestOut}, summary="Check the challenge file")
def check(request: HttpRequest, reference: str, body: Repository) -> Status[RequestOut]:
    """Runs as a job; ask for the request again to see what was found."""
    found = _visible(request, reference)
    verification.start_check(found, user_of(request), body.repository)
    return Status(202, _out(found, user_of(request).pk))


@router.post("requests/{reference}/withdraw", response=RequestOut, summary="Take a request back")
def withdraw(request: HttpRequest, reference: str) -> RequestOut:
    """409 once it is decided."""
    found = _visible(request, reference)
    requests.withdraw(found, user_of(request))
    return _out(found, user_of(request).pk)


@router.get("desk/requests", response=list[RequestOut], summary="The reviewers' queue", tags=["desk"])
def queue(request: HttpRequest, state: str = "", limit: int = 50) -> list[RequestOut]:
    """Those due first on top; at most 200. Needs ``portal.review_request``."""
    if not user_of(request).has_perm("portal.view_desk"):
        require(user_of(request), verification.REVIEW)
    if state and state not in states.TEXTS:
        raise InvalidInput(f"There is no state “{state[:40]}”. There are: {', '.join(states.TEXTS)}.", "state")
    chosen = [state] if state else list(states.UNDER_WAY)
    rows = OptOutRequest.objects.exclude(state="draft").filter(state__in=chosen).order_by("due_at", "pk")
    return [_out(row, user_of(request).pk) for row in rows[: max(1, min(limit, 200))]]


@router.post("desk/requests/{reference}/verify", response=RequestOut, summary="Verify by hand", tags=["desk"])
def verify(request: HttpRequest, reference: str, body: Remark) -> RequestOut:
    """``text`` says how you know."""
    found = _visible(request, reference)
    verification.verify_by_hand(found, user_of(request), body.text)
    return _out(found, user_of(request).pk)


@router.post("desk/requests/{reference}/accept", response=RequestOut, summary="Accept a request", tags=["desk"])
def accept(request: HttpRequest, reference: str, body: Remark) -> RequestOut:
    """409 where it is not with the reviewers."""
    found = _visible(request, reference)
    decisions.accept(found, user_of(request), body.text)
    return _out(found, user_of(request).pk)


@router.post("desk/requests/{reference}/reject", response=RequestOut, summary="Reject a request", tags=["desk"])
def reject(request: HttpRequest, reference: str, body: Remark) -> RequestOut:
    """``text`` is the reason, which the requester reads."""
    found = _visible(request, reference)
    decisions.reject(found, user_of(request), body.text)
    return _out(found, user_of(request).pk)


def _visible(request: HttpRequest, reference: str) -> OptOutRequest:
    rows = OptOutRequest.objects.exclude(state="draft")
    found = rows.filter(reference=reference).first() if is_reference(reference) else None
    if found is None or not found.may_be_seen_by(user_of(request)):
        raise Http404("There is no such request, or it is not yours.")
    return found


def _out(opt_out: OptOutRequest, reader: int) -> RequestOut:
    """``challenge`` is for the requester alone: nobody else may place it."""
    mine = opt_out.requester_id == reader
    proof = verification.current_challenge(opt_out) if opt_out.state == "verifying" else None
    last = proof.checks.select_related("job").first() if proof else None
    shown = opt_out.verified_at is not None and opt_out.state in states.SHOWN
    return RequestOut(
        reference=opt_out.reference,
        state=opt_out.state,
        means=opt_out.text.means,
        next=opt_out.text.next,
        forge=opt_out.forge,
        account=opt_out.account,
        scope=opt_out.scope,
        repositories=[one.name for one in opt_out.repositories.all()],
        submitted_at=opt_out.submitted_at,
        due_at=opt_out.due_at,
        next_deadline=opt_out.next_deadline,
        verified_at=opt_out.verified_at,
        decided_at=opt_out.decided_at,
        removed_at=opt_out.removed_at,
        reason=opt_out.decision_note,
        challenge=proof.challenge if proof and mine else "",
        challenge_expires_at=proof.expires_at if proof and mine else None,
        last_check=last.words if last else "",
        exposure=[one.to_dict() for one in exposure.of_request(opt_out)] if shown else [],
        removed=opt_out.removed,
    )
