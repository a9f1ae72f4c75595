"""The timeline of a request."""

from core.permissions import SYSTEM, Actor, row
from portal.models import OptOutRequest, RequestEvent


def note(request: OptOutRequest, kind: str, actor: Actor = SYSTEM, text: str = "") -> RequestEvent:
    """Add an event, in the caller's transaction. ``text`` is a reviewer's own and shown at the desk alone."""
    return RequestEvent.objects.create(request=request, kind=kind, note=text, actor=row(actor))
