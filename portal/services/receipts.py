"""Signing receipts, and giving them to their owners."""

import hashlib
import zlib

from django.db import transaction

from core import audit, signing
from core.permissions import SYSTEM, Actor
from portal.models import OptOutRequest, Receipt
from portal.receipts import document
from portal.receipts.document import Trees
from portal.services import notices
from portal.services.timeline import moment, note
from portal.states import OPT_OUT


def sign(request: OptOutRequest, trees: Trees | None = None) -> Receipt | None:
    """Sign the receipt of a removed request and move it on. Signed again, it is the receipt that is there.

    Returns:
        The receipt, or None where the request is not removed (any more).

    Raises:
        Conflict: The ledger lacks an entry that the receipt needs, or grew while it was read.
        PipelineError: A published release is damaged.
    """
    request.refresh_from_db()
    if request.state != "removed":
        return Receipt.objects.filter(request=request).first() if request.state == "receipted" else None
    content = document.build(request, trees or Trees())
    file = document.sign(content)
    with transaction.atomic():
        if not OPT_OUT.move(request, "receipted"):
            return None
        receipt, _ = Receipt.objects.update_or_create(
            request=request,
            defaults={
                "body": zlib.compress(file),
                "size": len(file),
                "sha256": hashlib.sha256(file).hexdigest(),
                "fingerprint": signing.fingerprint(),
                "ledger_size": int(content["ledger"]["checkpoint"].split("\n")[1]),
                "blobs": content["removed"]["blobs"],
                "signed_at": moment(request),
            },
        )
        note(request, "receipted")
        audit.record(SYSTEM, "sign receipt", request, sha256=receipt.sha256, ledger_size=receipt.ledger_size)
        notices.tell(request, "receipted")
    return receipt


def forget(request: OptOutRequest, actor: Actor = SYSTEM) -> None:
    """Destroy the key of the request's entry in the ledger, its receipt and its evidence, in the caller's transaction.

    The ledger stays whole, and the receipt in the owner's hand stays valid: it carries the key. Here nobody can tell any more
    what the entry means. Called when personal data of an old request is erased; again does nothing.
    """
    receipts = Receipt.objects.filter(request=request).delete()[0]
    taken = request.evidence.all().delete()[0]
    had_key = OptOutRequest.objects.filter(pk=request.pk, ledger_key__isnull=False).update(
        ledger_key=None, ledger_record={}
    )
    request.ledger_key, request.ledger_record = None, {}
    if receipts or taken or had_key:
        audit.record(actor, "destroy ledger key", request, receipts=receipts, evidence=taken)
