"""The API's part about receipts and the removal feed."""

from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from ninja import Router, Schema

from core import signing
from core.api_auth import user_of
from portal.models import OptOutRequest, Receipt
from portal.receipts import feed
from portal.receipts.shown import summary
from portal.references import is_reference

router = Router(tags=["receipts"])


class ReceiptOut(Schema):
    """A receipt without its proofs; ``says`` is what the signed file says."""

    reference: str
    signed_at: datetime
    sha256: str
    size: int
    fingerprint: str
    blobs: int
    says: dict[str, Any]


class Key(Schema):
    """The key that signs checkpoints, receipts and the removal feed (Ed25519)."""

    public_key: str
    fingerprint: str


@router.get("requests/{reference}/receipt", response=ReceiptOut, summary="The receipt of a request")
def one_receipt(request: HttpRequest, reference: str) -> ReceiptOut:
    """404 where there is none that you may see, or none yet."""
    found = _visible(request, reference)
    return ReceiptOut(
        reference=reference,
        signed_at=found.signed_at,
        sha256=found.sha256,
        size=found.size,
        fingerprint=found.fingerprint,
        blobs=found.blobs,
        says=summary(found),
    )


@router.get("requests/{reference}/receipt/file", summary="The signed file")
def receipt_file(request: HttpRequest, reference: str) -> HttpResponse:
    """The bytes that ``verify_receipt.py`` checks."""
    response = HttpResponse(_visible(request, reference).file, content_type="application/json")
    response["Cache-Control"] = "private, no-store"
    return response


@router.get("removals", auth=None, summary="The removal feed", response=dict[str, Any])
def removals(request: HttpRequest, after: int = 0) -> dict[str, Any]:
    """Items after a number, oldest first, with the signed head. Public."""
    return feed.page(max(0, min(after, 2**62)))


@router.get("key", auth=None, summary="The site's public key", response=Key)
def key(request: HttpRequest) -> Key:
    """Compare the fingerprint with one that you had from elsewhere."""
    return Key(public_key=signing.public_key().hex(), fingerprint=signing.fingerprint())


def _visible(request: HttpRequest, reference: str) -> Receipt:
    opt_out = OptOutRequest.objects.filter(reference=reference).first() if is_reference(reference) else None
    found = Receipt.objects.filter(request=opt_out).first() if opt_out else None
    if found is None or opt_out is None or not opt_out.may_be_seen_by(user_of(request)):
        raise Http404("There is no such receipt, or it is not yours.")
    return found
