"""How often somebody may look things up: counted by account where one is signed in, else by network, in one place for pages and API."""

from django.http import HttpRequest

from core import limits
from core.models import User


def count(request: HttpRequest, act: str = "look-up") -> None:
    """Count one look-up.

    Raises:
        TooMany: There were too many.
    """
    user = getattr(request, "user", None)
    limits.hit(act, limits.account(user) if isinstance(user, User) else limits.network(request))
