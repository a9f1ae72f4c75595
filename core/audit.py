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
    return AuditEntry.objects.create(
        actor=row(actor), action=action, object_type=obj._meta.label_lower, object_id=str(obj.pk), facts=facts
    )
