"""How the typed API knows its caller: by token, or by the session of the browser (then with CSRF protection)."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from ninja.security import HttpBearer
from ninja.security.session import SessionAuth as NinjaSessionAuth

from core.models import User

__all__ = ["SessionAuth", "TokenAuth", "user_of"]

READING = {"GET", "HEAD", "OPTIONS"}


class TokenAuth(HttpBearer):
    """A token with the scope ``read`` for reading and ``jobs`` or ``write`` for changing."""

    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        """The token's user (the middleware has looked the token up)."""
        found = request.api_token  # type: ignore[attr-defined]
        if found is None:
            return None
        needed = {"read"} if request.method in READING else {"jobs", "write"}
        if not needed & set(found.scopes):
            raise PermissionDenied(f"This token lacks a scope: {' or '.join(sorted(needed))}.")
        return found.user


class SessionAuth(NinjaSessionAuth):
    """The signed-in user of the browser."""

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        """The user, or None."""
        return request.user if request.user.is_authenticated else None


def user_of(request: HttpRequest) -> User:
    """The authenticated caller of an API operation."""
    user = request.auth  # type: ignore[attr-defined]
    assert isinstance(user, User)
    return user
