"""What time does to requests by itself: expiry, the end of a window, reminders, closing, and the erasure of old personal data.

The beat calls :func:`keep_time` every hour; two at once do everything once, since each change is a compare-and-swap and each
notice carries a mark. All times are aware and in UTC, so that no change of clocks on the wall moves a deadline.
"""

import traceback
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from core import audit
from core.permissions import SYSTEM
from portal.models import OptOutRequest
from portal.policies import after, promises
from portal.services import erasure, notices, questions, reminders, undo
from portal.services.timeline import note
from portal.states import OPT_OUT

log = structlog.get_logger(__name__)


def keep_time(now: datetime | None = None) -> dict[str, int]:
    """Do all that is due.

    Returns:
        How many of each: ``expired``, ``unanswered``, ``windows``, ``drafts``, ``closed``, ``reminded``, ``erased``, and ``failed``,
        which are tried again at the next beat.
    """
    now = now or timezone.now()
    done = dict.fromkeys(("expired", "unanswered", "windows", "drafts", "closed", "reminded", "erased", "failed"), 0)
    for name, rows, act in _work(now):
        for request in rows.iterator(chunk_size=500):
            try:
                with transaction.atomic():
                    done[name] += act(request, now)
            except Exception as error:  # one that cannot be done must not hold up the others
                # Where it went wrong, without the error's own text, which may quote a row.
                where = "".join(traceback.format_tb(error.__traceback__))
                log.error("time not kept", what=name, request=request.pk, error=type(error).__name__, where=where)
                done["failed"] += 1
    done["reminded"] = reminders.remind(now)
    return done


def _work(now: datetime) -> list[tuple[str, QuerySet[OptOutRequest], Callable[[OptOutRequest, datetime], int]]]:
    """What is due, and what to do with each."""
    promised = promises()
    rows = OptOutRequest.objects.all()

    def ago(days: int) -> datetime:
        return now - timedelta(days=days)

    unproven = rows.filter(state__in=("submitted", "verifying")).annotate(
        since=Coalesce("weighed_from", "submitted_at")
    )
    asked = rows.filter(Q(asked_at__lte=ago(promised.inform)) | Q(due_at__lte=now), state="needs_info")
    over = rows.filter(state="receipted", removed_at__lt=ago(promised.undo))
    return [
        ("expired", unproven.filter(since__lt=ago(promised.prove)), _expire),
        ("expired", asked.filter(verified_at=None), _expire),
        ("unanswered", asked.exclude(verified_at=None), lambda request, _: questions.unanswered(request)),
        ("windows", rows.filter(state="objection", objection_until__lte=now), _end_window),
        ("drafts", rows.filter(state="draft", changed_at__lt=ago(promised.draft)), _forget_draft),
        ("closed", over.exclude(pk__in=undo.under_way()), _close),
        ("erased", erasure.due(now), lambda request, _: erasure.erase(request, now)),
    ]


def _expire(request: OptOutRequest, now: datetime) -> int:
    if not OPT_OUT.move(request, "expired", where={"verified_at": None}, ended_at=now, asked_at=None):
        return 0
    note(request, "expired", at=now)
    audit.record(SYSTEM, "expire request", request)
    notices.tell(request, "expired")
    return 1


def _end_window(request: OptOutRequest, now: datetime) -> int:
    if not OPT_OUT.move(request, "triage", where={"state": "objection", "objection_until__lte": now}, weighed_from=now):
        return 0
    note(request, "window_over", at=now)
    audit.record(SYSTEM, "end objection window", request)
    notices.tell_staff("window_over", request)
    return 1


def _forget_draft(draft: OptOutRequest, now: datetime) -> int:
    same = OptOutRequest.objects.filter(pk=draft.pk, state="draft", changed_at=draft.changed_at)
    if not same.delete()[0]:
        return 0
    audit.record(SYSTEM, "delete forgotten draft", draft)
    return 1


def _close(request: OptOutRequest, now: datetime) -> int:
    if not OPT_OUT.move(request, "closed", ended_at=now):
        return 0
    note(request, "closed", at=now)
    audit.record(SYSTEM, "close request", request)
    notices.tell(request, "closed", by=after(now, promises().erase))
    return 1
