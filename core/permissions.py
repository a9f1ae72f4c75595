"""Who may do what, asked at one place: the first line of every service."""

from typing import Any, Final

from django.core.exceptions import PermissionDenied

from core.models import User


class System:
    """The site itself, acting by schedule or as a consequence. May do everything; has no row."""

    pk = None
    is_staff = True

    def has_perm(self, permission: str) -> bool:
        """Always."""
        return True

    def __str__(self) -> str:
        return "the system"


SYSTEM: Final = System()
Actor = User | System

TEXTS = {
    "core.view_all_jobs": "see everybody's jobs",
    "core.view_auditentry": "read the audit trail",
    "core.manage_roles": "give or take roles",
    "datasets_app.ingest_source": "ingest sources",
    "datasets_app.build_release": "build releases",
    "datasets_app.approve_release": "approve or publish releases",
    "training_jobs.launch_run": "launch runs",
    "modelzoo.publish_model": "publish models",
    "portal.review_request": "review requests",
    "portal.view_desk": "see the desk",
}


def may_any(actor: Any, *permissions: str) -> bool:
    """Whether ``actor`` has one of these permissions."""
    return any(actor.has_perm(permission) for permission in permissions)


def require(actor: Actor, permission: str) -> None:
    """Raise :class:`PermissionDenied`, with a text for the person, unless ``actor`` has ``permission``."""
    if not actor.has_perm(permission):
        raise PermissionDenied(f"Your account may not {TEXTS.get(permission, permission)}. Ask the staff of this site.")


def row(actor: Actor) -> User | None:
    """The actor as a foreign key: None for the system."""
    return actor if isinstance(actor, User) else None
