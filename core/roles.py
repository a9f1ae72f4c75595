"""Roles of the staff: which permissions each has, as data, and the giving and taking of them.

A role is a Django group. Groups and their permissions are set from this table after every migration, so that what stands here is
what holds. The permissions belong to the floors above and are named here by text alone.
"""

from dataclasses import dataclass
from typing import Any, Final

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Q, QuerySet

from core import audit
from core.errors import Conflict, InvalidInput, PermissionDenied
from core.models import User
from core.permissions import Actor, require

MANAGE: Final = "core.manage_roles"
ADMINISTRATOR: Final = "administrator"
AUDITOR: Final = "auditor"


@dataclass(frozen=True)
class Role:
    """One role: the name of its group, what people call it, what its people do, and what they may."""

    name: str
    title: str
    words: str
    permissions: tuple[str, ...]


ROLES: Final = {
    role.name: role
    for role in (
        Role(
            "reviewer",
            "Reviewer",
            "Sees, verifies and decides requests to leave.",
            ("portal.view_desk", "portal.review_request"),
        ),
        Role(
            "curator",
            "Curator",
            "Ingests sources, builds releases, approves and publishes them.",
            (
                "datasets_app.ingest_source",
                "datasets_app.build_release",
                "datasets_app.approve_release",
                "core.view_all_jobs",
            ),
        ),
        Role(
            "ml-engineer",
            "ML engineer",
            "Launches runs on published releases and publishes models.",
            ("training_jobs.launch_run", "modelzoo.publish_model"),
        ),
        Role(
            AUDITOR,
            "Auditor",
            "Reads everything of the desk and the audit trail, and changes nothing.",
            ("portal.view_desk", "datasets_app.view_release", "core.view_auditentry", "core.view_all_jobs"),
        ),
        Role(
            ADMINISTRATOR,
            "Administrator",
            "Gives and takes roles, reads the audit trail, sees and ends jobs.",
            (MANAGE, "core.view_auditentry", "core.view_all_jobs", "core.change_job"),
        ),
    )
}


def synchronise(**kwargs: Any) -> None:
    """Make the groups and give each exactly the permissions of the table. Runs after every ``migrate``."""
    known = {
        f"{app}.{codename}": pk
        for pk, app, codename in Permission.objects.values_list("pk", "content_type__app_label", "codename")
    }
    for role in ROLES.values():
        group, _ = Group.objects.get_or_create(name=role.name)
        group.permissions.set([known[name] for name in role.permissions if name in known])


def of(user: User) -> list[Role]:
    """The roles that somebody has, in the order of the table."""
    held = set(user.groups.filter(name__in=ROLES).values_list("name", flat=True))
    return [role for name, role in ROLES.items() if name in held]


def holders() -> QuerySet[User]:
    """All who have a role, and superusers, who may do everything; by name."""
    some = Q(groups__name__in=ROLES) | Q(is_superuser=True)
    return User.objects.filter(some).distinct().order_by("username").prefetch_related("groups")


def administrators() -> QuerySet[User]:
    """The accounts that can sign in and give roles."""
    able = Q(groups__name=ADMINISTRATOR) | Q(is_superuser=True)
    return User.objects.filter(able, is_active=True).distinct()


def give(actor: Actor, user: User, name: str) -> bool:
    """Give a role. Gives whether this call did: who has it already keeps it.

    Raises:
        PermissionDenied: The actor gives no roles, or it is their own account.
        InvalidInput: There is no such role.
        Conflict: The account is closed, or the role does not go with another that it has.
    """
    role = _asked(actor, user, name)
    with transaction.atomic():
        group = _locked(role)
        held = {one.name for one in of(user)}
        if role.name in held:
            return False
        if not user.is_active:
            raise Conflict(f"The account {user.username} is closed. It can have no role.")
        if held and AUDITOR in {*held, role.name}:
            raise Conflict("An auditor has no other role: whoever checks the acts of the staff does none of them.")
        user.groups.add(group)
        audit.record(actor, "give role", user, role=role.name)
    return True


def take(actor: Actor, user: User, name: str) -> bool:
    """Take a role away. Gives whether this call did.

    Raises:
        PermissionDenied: The actor gives no roles, or it is their own account.
        InvalidInput: There is no such role.
        Conflict: It is the last administrator's.
    """
    role = _asked(actor, user, name)
    with transaction.atomic():
        group = _locked(role)
        if not user.groups.filter(pk=group.pk).exists():
            return False
        user.groups.remove(group)
        if role.name == ADMINISTRATOR and not administrators().exists():
            raise Conflict(f"{user.username} is the last administrator. Make another one first.")
        audit.record(actor, "take role", user, role=role.name)
    return True


def _locked(role: Role) -> Group:
    """The role's group. All groups are held, so that two acts at once neither take the last two administrators nor join what excludes
    each other."""
    groups = Group.objects.select_for_update().filter(name__in=ROLES).order_by("pk")
    return {group.name: group for group in groups}[role.name]


def _asked(actor: Actor, user: User, name: str) -> Role:
    require(actor, MANAGE)
    if actor.pk == user.pk:
        raise PermissionDenied("Nobody gives or takes their own roles. Ask another administrator.")
    if name not in ROLES:
        raise InvalidInput(f"There is no role “{name[:40]}”. There are: {', '.join(ROLES)}.", "role")
    return ROLES[name]
