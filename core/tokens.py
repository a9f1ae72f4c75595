"""API tokens: ``hf_`` and 34 letters and digits, the form in which every Hub client sends them."""

import hashlib
import secrets
import string

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from core import audit
from core.errors import InvalidInput
from core.models import ApiToken, User
from core.permissions import Actor

ALPHABET = string.ascii_letters + string.digits
LENGTH = 34
SCOPES = {
    "read": "Download models and read what your account may read",
    "write": "Publish models and change what is yours",
    "jobs": "Start and cancel jobs",
}


def issue(user: User, name: str, scopes: list[str]) -> tuple[ApiToken, str]:
    """Make a token for ``user``.

    Returns:
        The row, and the token itself, which is nowhere kept and cannot be shown again.

    Raises:
        InvalidInput: The name is empty or too long, or a scope is unknown.
    """
    name = name.strip()
    if not name or len(name) > 80:
        raise InvalidInput("Give the token a name of at most 80 characters, so that you know it again.", "name")
    unknown = set(scopes) - SCOPES.keys()
    if unknown or not scopes:
        raise InvalidInput(f"Choose at least one of the scopes {', '.join(SCOPES)}.", "scopes")
    plain = "hf_" + "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    with transaction.atomic():
        token = ApiToken.objects.create(
            user=user, name=name, digest=_digest(plain), start=plain[:7], scopes=sorted(set(scopes))
        )
        audit.record(user, "issue token", token, scopes=token.scopes)
    return token, plain


def authenticate(plain: str) -> ApiToken | None:
    """The live token with this text, its user with it, or None."""
    if not plain.startswith("hf_"):
        return None
    token = (
        ApiToken.objects.select_related("user")
        .filter(digest=_digest(plain), revoked_at__isnull=True, user__is_active=True)
        .first()
    )
    today = timezone.now().date()
    if token and token.last_used_on != today:  # a day is fine enough, and spares a write a request
        ApiToken.objects.filter(pk=token.pk).update(last_used_on=today)
    return token


def revoke(token: ApiToken, actor: Actor) -> bool:
    """End a token. Its owner and superusers may. Gives whether this call ended it.

    Raises:
        PermissionDenied: It is somebody else's.
    """
    if token.user_id != actor.pk and not actor.has_perm("core.change_apitoken"):
        raise PermissionDenied("This token belongs to another account.")
    with transaction.atomic():
        ended = ApiToken.objects.filter(pk=token.pk, revoked_at__isnull=True).update(revoked_at=timezone.now())
        if ended:
            audit.record(actor, "revoke token", token)
    return bool(ended)


def caller(request: HttpRequest, scope: str) -> User | None:
    """Who asks: the token's user where the token has ``scope``, else the signed-in user, else None.

    Raises:
        PermissionDenied: A token was sent that lacks the scope.
    """
    token: ApiToken | None = getattr(request, "api_token", None)
    if token is not None:
        if scope not in token.scopes:
            raise PermissionDenied(f"This token lacks the scope “{scope}”. Make one that has it on your account page.")
        return token.user
    return request.user if isinstance(request.user, User) else None


def _digest(plain: str) -> str:
    return hashlib.sha256(plain.encode()).hexdigest()
