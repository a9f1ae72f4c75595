"""The requester's appeal against a rejection. Another reviewer decides it, by the same services as the first decision."""

from django.db import IntegrityError, transaction
from django.utils import timezone

from core import audit
from core.errors import Conflict, PermissionDenied
from core.models import User
from core.permissions import row
from portal.models import Appeal, Decision, OptOutRequest
from portal.policies import after, promises
from portal.services import arrival, copies, decisions, notices
from portal.services.reviewing import deciders, locked, may_be_decided
from portal.services.timeline import moment, note
from portal.states import OPT_OUT
from portal.texts import written


def possible(request: OptOutRequest) -> bool:
    """Whether the requester can appeal now: once, and for some time after the rejection."""
    if request.state != "rejected" or request.decided_at is None or request.appealed_at is not None:
        return False
    return after(request.decided_at, promises().may_appeal) > timezone.now()


def appeal(request: OptOutRequest, actor: User, text: str) -> Appeal:
    """Appeal. A verified request hides what it covers again until the other reviewer has decided.

    Raises:
        PermissionDenied: It is another account's.
        InvalidInput: Nothing is said.
        Conflict: It was not rejected, was appealed before, the time is over, or the same request is under way anew.
    """
    if request.requester_id != actor.pk:
        raise PermissionDenied("Only the person who sent a request can appeal.")
    text = written(text, "text", missing="Say why you think that the decision is wrong.")
    with transaction.atomic():
        OptOutRequest.objects.select_for_update(of=("self",)).get(pk=request.pk)
        request.refresh_from_db()
        if not possible(request):
            raise Conflict(
                "This request cannot be appealed: it was not rejected, was appealed before, or the time is over."
            )
        now = moment(request)
        answer_by = after(now, promises().answer)
        try:
            with transaction.atomic():
                OPT_OUT.move_or_raise(
                    request,
                    "appeal",
                    appealed_at=now,
                    ended_at=None,
                    due_at=max(request.due_at or answer_by, answer_by),
                )
        except IntegrityError:
            raise Conflict("You have sent the same request again since, and it is under way.") from None
        against = request.decisions.filter(kind=Decision.REJECT).order_by("-at", "-pk").first()
        made = Appeal.objects.create(request=request, at=now, text=text, against=against)
        if request.verified_at is not None:
            arrival.hide(request, actor)
        note(request, "appeal", actor)
        audit.record(actor, "appeal", request)
        notices.tell_staff("appeal", request, by=request.next_deadline)
    return made


def grant(request: OptOutRequest, actor: User, remark: str = "") -> bool:
    """Grant an appeal: a verified request is accepted, an unproven one gets its time to prove again.

    Returns:
        Whether that is done; False where a second reviewer has to agree.

    Raises:
        As :func:`decisions.accept`.
    """
    copies.refresh(request, actor)
    with transaction.atomic():
        request = locked(request, actor)
        if request.state == "appeal" and request.verified_at is None:
            may_be_decided(request, actor, "verifying")
            now = moment(request)
            OPT_OUT.move_or_raise(request, "verifying", weighed_from=now)
            request.appeals.filter(state=Appeal.OPEN).update(
                state=Appeal.GRANTED, decided_at=now, decided_by=row(actor)
            )
            note(request, "appeal_granted", actor, written(remark, "remark"))
            audit.record(actor, "grant appeal", request)
            notices.tell(request, "appeal_granted")
            return True
        return decisions.accept(request, actor, remark)


def others_can_decide(request: OptOutRequest) -> bool:
    """Whether there is a reviewer who may decide the appeal."""
    barred = deciders(request) | {request.requester_id}
    return any(one.pk not in barred for one in notices.reviewers())
