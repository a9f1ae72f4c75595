"""The person behind a page."""

from django.http import HttpRequest

from core.models import User


def signed_in(request: HttpRequest) -> User:
    """The signed-in user of a request that ``login_required`` let through."""
    assert isinstance(request.user, User)
    return request.user
