"""The audit trail: one row a mutation, in the mutation's own transaction."""

from typing import Any

from django.db.models import Model

from core.models import AuditEntry
from core.permissions import Actor, row


def record(actor: Actor, action: str, obj: Model, **facts: Any) -> AuditEntry:
    """Write that ``actor`` did ``action`` to ``obj``.

    Args:
        actor: The person, or ``SYSTEM``.
        action: A verb with its noun, such as ``"approve release"``.
        obj: The row concerned.
        facts: Plain JSON values that explain it. No personal data: no forge account, no address, no free text of a person.
    """
    return record_named(actor, action, obj._meta.label_lower, str(obj.pk), **facts)


def record_named(actor: Actor, action: str, kind: str, name: str, /, **facts: Any) -> AuditEntry:
    """The same for a thing that has a name and no row, such as a file that staff added. ``kind`` is ``app.thing``."""
    return AuditEntry.objects.create(actor=row(actor), action=action, object_type=kind, object_id=name, facts=facts)
