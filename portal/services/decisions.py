"""A reviewer's decision."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from core import audit, ledger
from core.errors import InvalidInput
from core.models import User
from core.permissions import require, row
from datasets_app.services import blocklist, masks
from portal import exposure
from portal.models import OptOutRequest
from portal.services import removal
from portal.services.accounts import targets_of
from portal.services.timeline import note
from portal.services.verification import REVIEW
from portal.states import OPT_OUT

LONGEST_REASON = 4000  # characters


def accept(request: OptOutRequest, actor: User, remark: str = "") -> None:
    """Grant a verified request: it enters the block-list and the ledger, and the next release is built without the content.

    Args:
        request: In state ``triage``.
        actor: The reviewer.
        remark: For the desk alone.

    Raises:
        PermissionDenied: The actor may not review.
        InvalidTransition: It is not with the reviewers: not verified yet, or decided already.
    """
    require(actor, REVIEW)
    with transaction.atomic():
        now = timezone.now()
        held = [entry.to_dict() for entry in exposure.of_request(request)]
        OPT_OUT.move_or_raise(request, "accepted", decided_at=now, decided_by=row(actor), exposure=held)
        note(request, "accepted", actor, remark.replace("\x00", "").strip())
        entries = [
            blocklist.add(actor, owner, repository, request.reference) for owner, repository in targets_of(request)
        ]
        record = ledger_record(request, now)
        entry, key = ledger.append_personal("opt-out accepted", record)
        OPT_OUT.move_or_raise(
            request,
            "scheduled",
            block_position=max(entry.position for entry in entries),
            ledger_entry=entry,
            ledger_key=key,
            ledger_record=record,
        )
        note(request, "scheduled")
        audit.record(actor, "accept request", request, entries=len(entries))
        removal.catch_up(request)


def reject(request: OptOutRequest, actor: User, reason: str) -> None:
    """Turn a request down, verified or not, with a reason that the requester reads. What it hid is shown again.

    Raises:
        PermissionDenied: The actor may not review.
        InvalidInput: There is no reason, or it is too long.
        InvalidTransition: It was decided already, or has ended.
    """
    require(actor, REVIEW)
    reason = reason.replace("\x00", "").strip()
    if not reason:
        raise InvalidInput("Give the reason: the requester will read it.", "reason")
    if len(reason) > LONGEST_REASON:
        raise InvalidInput(f"Shorten the reason to {LONGEST_REASON:,} characters; it has {len(reason):,}.", "reason")
    with transaction.atomic():
        now = timezone.now()
        OPT_OUT.move_or_raise(
            request, "rejected", decided_at=now, ended_at=now, decided_by=row(actor), decision_note=reason
        )
        masks.unmask(actor, request.reference)
        note(request, "rejected", actor)
        audit.record(actor, "reject request", request)


def ledger_record(request: OptOutRequest, accepted_at: datetime) -> dict[str, Any]:
    """What the ledger commits to: whoever has this and the key can show what the entry means."""
    return {
        "reference": request.reference,
        "forge": request.forge,
        "account": request.account,
        "owner_key": request.owner_key,
        "scope": request.scope,
        "repositories": sorted(request.repositories.values_list("name_folded", flat=True)),
        "received_at": request.submitted_at.isoformat() if request.submitted_at else "",
        "verified_at": request.verified_at.isoformat() if request.verified_at else "",
        "proofs": sorted(set(request.proofs.filter(passed_at__isnull=False).values_list("kind", flat=True))),
        "accepted_at": accepted_at.isoformat(),
    }
