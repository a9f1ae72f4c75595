"""What follows from passed proofs: the request moves on, everything that it covers is hidden at once, and others are told."""

from datetime import datetime

from core import audit
from core.permissions import SYSTEM, Actor
from datasets_app.services import masks
from portal.models import OptOutRequest
from portal.policies import after, promises
from portal.services import contacts, copies, notices
from portal.services.accounts import targets_of
from portal.services.timeline import moment, note
from portal.states import OPT_OUT


def verified(request: OptOutRequest, actor: Actor) -> None:
    """The proofs that the request needs have passed; in the caller's transaction.

    Raises:
        InvalidTransition: The request waits for no proof any more.
    """
    now = moment(request)
    OPT_OUT.move_or_raise(
        request, "triage", where={"verified_at": None}, verified_at=now, weighed_from=now, asked_at=None
    )
    hide(request, actor)
    note(request, "triage", at=now)
    audit.record(actor, "verify request", request)
    notices.tell(request, "verified")
    if needs_window(request):
        _open_window(request, now)
    else:
        notices.tell_staff("to_decide", request, by=request.next_deadline)
    contacts.tell(request)


def hide(request: OptOutRequest, actor: Actor) -> None:
    """Mask everything that the request covers; again does nothing."""
    for owner, repository in targets_of(request):
        masks.mask(actor, owner, repository, request.reference)
    copies.begin(request, actor)


def needs_window(request: OptOutRequest) -> bool:
    """Whether others can object before the decision: where it concerns an organisation, copies under other owners, or what somebody
    else declared."""
    return request.organisation or request.copies or request.contests_id is not None


def _open_window(request: OptOutRequest, now: datetime) -> None:
    until = after(now, promises().objection)
    OPT_OUT.move_or_raise(request, "objection", objection_until=until)
    note(request, "objection")
    audit.record(SYSTEM, "open objection window", request)
    notices.tell(request, "objection_window", by=until)
