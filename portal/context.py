"""What every page knows of the portal: how many notices its reader has not read."""

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from portal.services import notices


def unread(request: HttpRequest) -> dict[str, object]:
    """The number, asked for when a template needs it; nothing for visitors."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    return {"unread_notices": SimpleLazyObject(lambda: notices.unread(user))}
