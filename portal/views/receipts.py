"""Receipts: the owner's own, and for everybody how one is checked, with the script that does it."""

from pathlib import Path

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from core import signing
from core.session import signed_in
from portal import receipts
from portal.models import OptOutRequest, Receipt
from portal.receipts.shown import summary
from portal.views.kept_form import keeps_form

SCRIPT = Path(receipts.__file__).with_name("verify_receipt.py")


@require_safe
def how(request: HttpRequest) -> HttpResponse:
    """What a receipt shows, and how anybody checks one without trusting this site."""
    lines = SCRIPT.read_text(encoding="utf-8")
    context = {"fingerprint": signing.fingerprint(), "script": lines, "lines": lines.count("\n")}
    return render(request, "portal/receipts/how.html", context)


@require_safe
def script(request: HttpRequest) -> HttpResponse:
    """The script, to be read and kept."""
    response = HttpResponse(SCRIPT.read_bytes(), content_type="text/x-python; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="verify_receipt.py"'
    response["Cache-Control"] = "public, max-age=300"
    return response


@require_safe
@keeps_form
def page(request: HttpRequest, reference: str) -> HttpResponse:
    """One's own receipt: what it says in words, the file, and how to check it."""
    receipt = _own(request, reference)
    context = {
        "opt_out": receipt.request,
        "receipt": receipt,
        "said": summary(receipt),
        "fingerprint": signing.fingerprint(),
    }
    return render(request, "portal/receipts/page.html", context)


@require_safe
@keeps_form
def download(request: HttpRequest, reference: str) -> HttpResponse:
    """The file."""
    receipt = _own(request, reference)
    response = HttpResponse(receipt.file, content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="receipt-{reference}.json"'
    response["Cache-Control"] = "private, no-store"
    return response


def _own(request: HttpRequest, reference: str) -> Receipt:
    user = signed_in(request)
    opt_out = OptOutRequest.objects.filter(reference=reference).first()
    if opt_out is None or not opt_out.may_be_seen_by(user):
        raise Http404("There is no such receipt, or it is not yours.")
    receipt = Receipt.objects.select_related("request").filter(request=opt_out).first()
    if receipt is None:
        raise Http404("There is no such receipt, or it is not yours.")
    return receipt
