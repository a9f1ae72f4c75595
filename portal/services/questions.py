"""A reviewer's question and the requester's answer; and more time, with notice."""

from django.db import transaction
from django.utils import timezone

from core import audit
from core.errors import Conflict, PermissionDenied
from core.models import User
from core.permissions import SYSTEM, require, row
from portal.models import Decision, Enquiry, OptOutRequest
from portal.policies import after, promises
from portal.services import notices
from portal.services.reviewing import REVIEW, locked
from portal.services.timeline import moment, note
from portal.states import OPT_OUT, UNDER_WAY
from portal.texts import written


def ask(request: OptOutRequest, actor: User, question: str) -> Enquiry:
    """Ask the requester for more. The request waits for the answer; what it hides stays hidden.

    Raises:
        PermissionDenied: The actor may not review, or it is their own request.
        InvalidInput: There is no question.
        InvalidTransition: It waits for nothing that an answer could change.
    """
    require(actor, REVIEW)
    question = written(question, "question", missing="Write the question: the requester will read it.")
    with transaction.atomic():
        request = locked(request, actor)
        now = moment(request)
        OPT_OUT.move_or_raise(request, "needs_info", asked_at=now)
        until = after(now, promises().inform)
        made = Enquiry.objects.create(
            request=request, asked_at=now, asked_by=row(actor), question=question, until=until
        )
        note(request, "needs_info", actor)
        audit.record(actor, "ask requester", request)
        notices.tell(request, "needs_info", by=request.next_deadline)
    return made


def open_question(request: OptOutRequest) -> Enquiry | None:
    """The question that waits for an answer, or None."""
    return request.enquiries.filter(answered_at=None).order_by("-asked_at", "-pk").first()


def answer(request: OptOutRequest, actor: User, text: str) -> None:
    """Answer the open question. The request goes back to where it was asked.

    Raises:
        PermissionDenied: It is another account's.
        InvalidInput: There is no answer.
        Conflict: There is no open question: it was answered, or its time is over.
    """
    if request.requester_id != actor.pk:
        raise PermissionDenied("Only the person who sent a request can answer for it.")
    text = written(text, "answer", missing="Write your answer.")
    with transaction.atomic():
        now = moment(request)
        asked = open_question(request)
        if asked is None or not back(request):
            raise Conflict("There is no question that waits for your answer any more.")
        Enquiry.objects.filter(pk=asked.pk).update(answered_at=now, answer=text)
        note(request, "answered", actor)
        audit.record(actor, "answer question", request)
        notices.tell_staff("answered", request)


def back(request: OptOutRequest) -> bool:
    """Move a request from its question to where it was asked. Gives whether this call did so."""
    now = moment(request)
    to = "verifying" if request.verified_at is None else "triage"
    if request.objection_until and request.objection_until > timezone.now():
        to = "objection"
    since = {"weighed_from": now} if to == "triage" else {}
    return OPT_OUT.move(request, to, where={"state": "needs_info"}, asked_at=None, **since)


def extend(request: OptOutRequest, actor: User, reason: str) -> None:
    """Take up to three months from receipt instead of one (GDPR, Art. 12(3)): once, in time, and with a reason that is read.

    Raises:
        PermissionDenied: The actor may not review, or it is their own request.
        InvalidInput: There is no reason.
        Conflict: It was extended already, is not under way, would have no more time, or the month is over: too late to
            give notice.
    """
    require(actor, REVIEW)
    reason = written(reason, "extension", missing="Give the reason: the requester will read it.")
    with transaction.atomic():
        request = locked(request, actor)
        if request.state not in UNDER_WAY or request.submitted_at is None:
            raise Conflict("This request is not under way.")
        if request.extended_at is not None:
            raise Conflict("The time was extended already. It can be extended once.")
        if request.due_at and request.due_at < timezone.now():
            raise Conflict("The month is over: notice has to be given within it. Finish the request now.")
        now = moment(request)
        due = after(request.submitted_at, promises().extended)
        if request.due_at and due <= request.due_at:  # a late appeal has given a month of its own
            raise Conflict("Three months from receipt end before the time that it has now: there is nothing to extend.")
        OptOutRequest.objects.filter(pk=request.pk).update(extended_at=now, extension_note=reason, due_at=due)
        request.refresh_from_db()
        Decision.objects.create(request=request, kind=Decision.EXTEND, at=now, by=row(actor), text=reason)
        note(request, "extended", actor)
        audit.record(actor, "extend request", request, due=due.isoformat())
        notices.tell(request, "extended", due=due)


def unanswered(request: OptOutRequest) -> bool:
    """The time to answer is over for a verified request: the reviewers decide with what they have."""
    if not back(request):
        return False
    note(request, "unanswered")
    audit.record(SYSTEM, "close question", request)
    notices.tell(request, "unanswered")
    notices.tell_staff("unanswered", request)
    return True
