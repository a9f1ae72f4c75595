"""Objections of others who are affected, and what reviewers make of them.

Before the decision an open objection has to be weighed first, and one that was upheld forbids to accept the whole. After the
decision an objection stops nothing by itself: a reviewer who did not decide weighs it, and if it is upheld while the removal can
still be undone, it is undone.
"""

from django.db import transaction
from django.utils import timezone

from core import audit
from core.errors import Conflict, PermissionDenied
from core.models import User
from core.permissions import SYSTEM, Actor, require, row
from portal.models import Objection, OptOutRequest
from portal.policies import after, promises
from portal.services import notices, undo
from portal.services.reviewing import REVIEW, deciders, locked
from portal.services.timeline import moment, note
from portal.texts import written

BEFORE = ("triage", "objection", "needs_info", "appeal")
AFTER = ("accepted", "partial", "scheduled", "rebuilding", "removed", "receipted")
MOST_OPEN = 50  # a request: nobody can bury it


def open_to(request: OptOutRequest) -> bool:
    """Whether somebody can object to it now: it is verified, and can still be refused or undone."""
    if request.verified_at is None or request.state not in BEFORE + AFTER:
        return False
    return request.removed_at is None or after(request.removed_at, promises().undo) > timezone.now()


def file(request: OptOutRequest, actor: Actor, standing: str, text: str) -> Objection:
    """Say something against a request. The caller has seen to it that the person is concerned: by account or by a signed link.

    Args:
        request: A request that others can object to.
        actor: The account that objects, or ``SYSTEM`` for whoever has the link.
        standing: How the person is affected.
        text: What speaks against it.

    Raises:
        PermissionDenied: It is the actor's own request.
        InvalidInput: Something is missing or too long.
        Conflict: Nobody can object any more, or too many have.
    """
    standing = written(standing, "standing", missing="Say how you are affected.", longest=200)
    text = written(text, "text", missing="Say what speaks against the request.")
    if actor.pk is not None and request.requester_id == actor.pk:
        raise PermissionDenied("This is your own request. You can withdraw it on its page.")
    with transaction.atomic():
        OptOutRequest.objects.select_for_update(of=("self",)).get(pk=request.pk)
        request.refresh_from_db()
        if not open_to(request):
            raise Conflict("Nobody can object to this request any more.")
        same = request.objections.filter(by=row(actor), standing=standing, text=text).first()
        if same is not None:
            return same
        if request.objections.filter(state=Objection.OPEN).count() >= MOST_OPEN:
            raise Conflict("Very many have objected already. Write to the staff of this site.")
        late = request.state in AFTER
        made = Objection.objects.create(
            request=request, at=moment(request), by=row(actor), standing=standing, text=text, late=late
        )
        note(request, "objected")
        audit.record(actor, "object to request", request, late=late)
        notices.tell(request, "objected")
        notices.tell_staff("objected_late" if late else "objected", request)
    return made


def weigh(objection: Objection, actor: User, *, upheld: bool, why: str) -> None:
    """Uphold or dismiss an objection, with a reason that both sides read.

    Raises:
        PermissionDenied: The actor may not review, is a party, or took the decision that stands or is appealed.
        InvalidInput: There is no reason.
        Conflict: It was weighed already.
    """
    require(actor, REVIEW)
    why = written(why, "why", missing="Give the reason: both sides will read it.")
    with transaction.atomic():
        request = locked(objection.request, actor)
        if objection.by_id == actor.pk:
            raise PermissionDenied("This is your own objection. Another reviewer has to weigh it.")
        late = request.state in AFTER
        if (late or request.state == "appeal") and actor.pk in deciders(request):
            raise PermissionDenied("You took the decision in this matter. Another reviewer has to weigh it.")
        now = moment(request)
        state = Objection.UPHELD if upheld else Objection.DISMISSED
        won = Objection.objects.filter(pk=objection.pk, state=Objection.OPEN).update(
            state=state, weighed_at=now, weighed_by=row(actor), weighed_note=why
        )
        if not won:
            raise Conflict("This objection was weighed already.")
        objection.refresh_from_db()
        note(request, f"objection_{state}", actor)
        audit.record(actor, f"objection {state}", request, late=late)
        notices.tell(request, f"objection_{state}")
        if upheld and late:
            _turn_back(request)


def _turn_back(request: OptOutRequest) -> None:
    """Upheld after the decision: off the block-list, and what was removed is brought back where it still can be."""
    if undo.possible(request):
        undo.undo(request, SYSTEM)
    else:
        notices.tell_staff("upheld_late", request)
