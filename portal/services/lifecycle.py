"""What other parts tell a request: it was restored, or a check found something left of it."""

from typing import Any

from core import audit
from core.permissions import SYSTEM, Actor
from datasets_app.services import masks
from portal.models import OptOutRequest
from portal.services import notices
from portal.services.timeline import moment, note
from portal.states import OPT_OUT


def restored(request: OptOutRequest, actor: Actor) -> None:
    """The removal was undone; in the transaction of whoever undid it, after the block-list and the content are back.

    Raises:
        InvalidTransition: It was not accepted, or is closed.
    """
    OPT_OUT.move_or_raise(request, "restored", ended_at=moment(request))
    masks.unmask(actor, request.reference)
    note(request, "restored", actor)
    audit.record(actor, "restore request", request)
    notices.tell(request, "restored")
    notices.tell_staff("restored", request)


def leftover(request: OptOutRequest, **facts: Any) -> None:
    """A check found something left: it is erased again, and the staff are told. In the caller's transaction.

    A request that is ``rebuilding`` stays there; one that was ``removed`` or ``receipted`` goes back.
    """
    if request.state != "rebuilding":
        OPT_OUT.move_or_raise(request, "rebuilding", removed_at=None)
    note(request, "leftover")
    audit.record(SYSTEM, "find leftover", request, **facts)
    notices.tell(request, "leftover")
    notices.tell_staff("leftover", request, **facts)
