"""The ledger for people: what stands in it, how it is signed, and how to check it."""

import json
from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from core import ledger, ledger_tree, ledger_witnesses, notes, signing
from core.models import LedgerCheckpoint, LedgerCosignature, LedgerEntry, LedgerPending

A_PAGE = 50
CHECKPOINTS = 10


@require_safe
def ledger_page(request: HttpRequest) -> HttpResponse:
    """Entries, newest first, with checkpoint, witnesses and keys. ``?number=`` leads to one entry."""
    newest = ledger_tree.latest()
    size = newest.size if newest else 0
    wanted = request.GET.get("number", "").strip()
    problem = ""
    if wanted:
        if wanted.isascii() and wanted.isdecimal() and len(wanted) < 16 and int(wanted) < size:
            return redirect("core:ledger-entry", number=int(wanted))
        problem = f"There is no entry “{wanted[:40]}”. " + (f"The numbers go from 0 to {size - 1}." if size else "")
    page = Paginator(range(size - 1, -1, -1), A_PAGE).get_page(request.GET.get("page"))
    numbers = page.object_list
    found = ledger_tree.entries(numbers[-1], numbers[0] + 1) if numbers else []
    rows = [(entry, readable(entry)) for entry in list(found)[::-1]]
    heads = _heads()
    address = f"{settings.FAIRSTACK_SITE_URL}/ledger"
    context = {
        "newest": newest,
        "note": ledger_tree.signed_note(newest) if newest else "",
        "waiting": LedgerPending.objects.count(),
        "page_obj": page,
        "rows": rows,
        "heads": heads,
        "witnesses": ledger_witnesses.known(),
        "witnessed": next((head for head, signers in heads if signers), None),
        "fingerprint": signing.fingerprint(),
        "key": str(ledger_tree.log_key()),
        "former": ledger_tree.log_keys()[1:],
        "address": address,
        "command": f"python -m core.witnessing {address} --fingerprint {signing.fingerprint()} --state ledger.json",
        "wanted": wanted,
        "problem": problem,
    }
    return render(request, "core/ledger.html", context, status=404 if problem else 200)


@require_safe
def entry_page(request: HttpRequest, number: int) -> HttpResponse:
    """One entry: what it says, its bytes, and the proof that it stands in the newest checkpoint."""
    entry = ledger_tree.entries(number, number + 1).first()
    if entry is None:
        raise Http404("The ledger has no entry of this number.")
    proof = ledger.inclusion(entry)
    context = {
        "entry": entry,
        "number": number,
        "body": readable(entry),
        "bytes": ledger.entry_bytes(entry).decode(),
        "proof": proof,
        "hashes": [one.hex() for one in proof.hashes],
        "previous": number - 1 if number else None,
        "next": number + 1 if number + 1 < proof.size else None,
    }
    return render(request, "core/ledger_entry.html", context)


def readable(entry: LedgerEntry) -> str:
    """The body of a plain entry, indented; an empty text for a personal one."""
    return json.dumps(entry.body, indent=1, sort_keys=True, ensure_ascii=False) if entry.body is not None else ""


def _heads() -> list[tuple[LedgerCheckpoint, list[str]]]:
    """The newest checkpoints, each with the names of the witnesses that cosigned it."""
    heads = list(LedgerCheckpoint.objects.order_by("-pk")[:CHECKPOINTS])
    signers: dict[int, list[Any]] = {}
    for size, witness in LedgerCosignature.objects.filter(size__in=[head.size for head in heads]).values_list(
        "size", "witness"
    ):
        signers.setdefault(size, []).append(notes.Verifier.parse(witness).name)
    return [(head, signers.get(head.size, [])) for head in heads]
