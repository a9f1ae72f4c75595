"""The timeline of a request. Its times never run backwards, whatever the clocks of the machines say."""

from datetime import datetime

from django.db.models import Max
from django.utils import timezone

from core.permissions import SYSTEM, Actor, row
from portal.models import OptOutRequest, RequestEvent


def moment(request: OptOutRequest, now: datetime | None = None) -> datetime:
    """Now, and never before the last thing that happened to the request."""
    now = now or timezone.now()
    last = request.events.aggregate(last=Max("at"))["last"]
    return max(now, last) if last else now


def note(
    request: OptOutRequest, kind: str, actor: Actor = SYSTEM, text: str = "", at: datetime | None = None
) -> RequestEvent:
    """Add an event, in the caller's transaction. ``text`` is a reviewer's own and shown at the desk alone."""
    return RequestEvent.objects.create(request=request, kind=kind, note=text, actor=row(actor), at=moment(request, at))
