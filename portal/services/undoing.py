"""The undo of a removal, as the rest of the portal asks for it."""

from importlib import import_module
from typing import Any

from core.permissions import Actor
from portal.models import OptOutRequest


def possible(request: OptOutRequest) -> bool:
    """Whether the removal can be undone now."""
    try:
        service: Any = import_module("portal.services.undo")
    except ModuleNotFoundError:
        return False
    return bool(service.possible(request))


def undo(request: OptOutRequest, actor: Actor) -> None:
    """Undo it.

    Raises:
        PermissionDenied: The actor may not.
        Conflict: It is too late, or too early.
    """
    service: Any = import_module("portal.services.undo")
    service.undo(request, actor)
