"""Reminders before a deadline and word after one, as data. Each is told once, however many beats look at once."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from core.models import User
from portal.models import Notice, OptOutRequest
from portal.policies import after, promises
from portal.services import notices
from portal.states import FINAL, UNDER_WAY, deadline

MANY = 20  # more new ones at one beat are told to the staff as a number
OURS = ("triage", "appeal", "accepted", "partial", "scheduled", "rebuilding")  # it is the staff's turn, or the site's


@dataclass(frozen=True)
class Reminder:
    """One reminder.

    Attributes:
        states: In which states.
        kind: Of the notice.
        days: How long before the deadline; 0: once it is past.
        staff: For the staff; else for the requester.
        clock: ``step``, ``legal`` or ``erase``: which deadline.
    """

    states: tuple[str, ...]
    kind: str
    days: int
    staff: bool = False
    clock: str = "step"


REMINDERS = (
    Reminder(("submitted", "verifying"), "proof_soon", 7),
    Reminder(("submitted", "verifying"), "proof_soon", 1),
    Reminder(("needs_info",), "answer_soon", 4),
    Reminder(("needs_info",), "answer_soon", 1),
    Reminder(("receipted",), "undo_soon", 5),
    Reminder(FINAL, "erase_soon", 14, clock="erase"),
    Reminder(OURS, "late", 0),
    Reminder(OURS, "due_soon", 2, staff=True),
    Reminder(OURS, "late", 0, staff=True),
    Reminder(UNDER_WAY, "legal_clock", 7, staff=True, clock="legal"),
)


def remind(now: datetime | None = None) -> int:
    """Tell everybody what is due. Gives how many notices were new."""
    now = now or timezone.now()
    told = 0
    for reminder in REMINDERS:
        due = [
            (request, by)
            for request in _rows(reminder, now)
            if (by := _by(reminder, request)) and _now(reminder, by, now)
        ]
        told += _staff(reminder, due, now) if reminder.staff else _requesters(reminder, due)
    return told


def _rows(reminder: Reminder, now: datetime) -> list[OptOutRequest]:
    rows = OptOutRequest.objects.filter(state__in=reminder.states, erased_at=None)
    if reminder.clock == "legal":
        rows = rows.filter(due_at__lte=now + timedelta(days=reminder.days))
    elif reminder.clock == "erase":
        rows = rows.filter(ended_at__lte=now - timedelta(days=promises().erase - reminder.days))
    return list(rows.defer("message", "exposure", "removed", "ledger_record", "ledger_key"))


def _by(reminder: Reminder, request: OptOutRequest) -> datetime | None:
    if reminder.clock == "legal":
        return request.due_at
    if reminder.clock == "erase":
        return after(request.ended_at, promises().erase) if request.ended_at else None
    return deadline(request.state, request)


def _now(reminder: Reminder, by: datetime, now: datetime) -> bool:
    """Within its days and not past; a reminder of what is over would be wrong. The legal clock is told when it is past, too."""
    if reminder.days == 0:
        return by <= now
    return by - timedelta(days=reminder.days) <= now and (by > now or reminder.clock == "legal")


def _mark(reminder: Reminder, request: OptOutRequest, by: datetime) -> str:
    return f"{request.state}:{by:%Y%m%d%H%M}:{reminder.days}"


def _requesters(reminder: Reminder, due: list[tuple[OptOutRequest, datetime]]) -> int:
    there = _there(reminder)
    fresh = [(request, by) for request, by in due if (request.pk, _mark(reminder, request, by)) not in there]
    people = User.objects.in_bulk([request.requester_id for request, _ in fresh])
    told = 0
    for request, by in fresh:
        if user := people.get(request.requester_id or 0):
            mark = _mark(reminder, request, by)
            told += (
                notices.tell_user(user, reminder.kind, request, once=mark, by=by, due=request.due_at or by) is not None
            )
    return told


def _staff(reminder: Reminder, due: list[tuple[OptOutRequest, datetime]], now: datetime) -> int:
    there = _there(reminder, staff=True)
    fresh = [(request, by) for request, by in due if (request.pk, _mark(reminder, request, by)) not in there]
    if len(fresh) > MANY:
        return notices.tell_staff("many_late", once=f"{reminder.kind}:{now:%Y%m%d}", count=len(fresh))
    return sum(
        notices.tell_staff(reminder.kind, request, once=_mark(reminder, request, by), by=by, due=request.due_at or by)
        for request, by in fresh
    )


def _there(reminder: Reminder, *, staff: bool = False) -> set[tuple[int, str]]:
    """Request and mark of what was told before, so that an old reminder costs no attempt each hour."""
    rows = Notice.objects.filter(kind=reminder.kind, for_staff=staff, request__state__in=reminder.states).exclude(
        once=""
    )
    found: dict[int, set[str]] = defaultdict(set)
    for request, once in rows.values_list("request_id", "once"):
        if request is not None:
            found[request].add(once.split(":", 3)[3])
    return {(request, mark) for request, marks in found.items() for mark in marks}
