"""Taking a revision back: it serves nothing any more and says why; its row, and what points at it, stay."""

from django.db import transaction
from django.utils import timezone

from core import audit, ledger
from core.errors import Conflict, InvalidInput
from core.permissions import Actor, require
from modelzoo.models import Revision
from modelzoo.signals import revision_withdrawn

LONGEST = 500  # characters of a reason


def withdraw_revision(actor: Actor, revision: Revision, reason: str) -> Revision:
    """Withdraw ``revision``. Clients get 410 with ``reason``, which anyone may read.

    Raises:
        PermissionDenied: The actor may not publish models.
        InvalidInput: There is no reason, or it is too long.
        Conflict: It was withdrawn before.
    """
    require(actor, "modelzoo.publish_model")
    reason = " ".join(reason.replace("\0", " ").split())
    if not reason:
        raise InvalidInput("Say why the revision is withdrawn: whoever asks for it will read this.", "reason")
    if len(reason) > LONGEST:
        raise InvalidInput(f"Say it in at most {LONGEST} characters: the reason travels in a header.", "reason")
    with transaction.atomic():
        at = timezone.now()
        done = Revision.objects.filter(pk=revision.pk, withdrawn_at__isnull=True).update(
            withdrawn_at=at, withdrawn_reason=reason
        )
        if not done:
            raise Conflict(f"{revision} was withdrawn before.")
        revision.withdrawn_at, revision.withdrawn_reason = at, reason
        audit.record(actor, "withdraw revision", revision, model=revision.model.repo_id, sha=revision.sha)
        ledger.append("revision withdrawn", {"model": revision.model.repo_id, "revision": revision.sha})
        transaction.on_commit(lambda: revision_withdrawn.send_robust(sender=Revision, revision=revision))
    return revision
