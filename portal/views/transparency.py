"""Transparency: figures, promises and how they were kept, policies, the ledger."""

import json

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from core import ledger_tree, signing
from core.models import LedgerEntry
from portal import documents, transparency
from portal.policies import promises

A_PAGE = 50


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Numbers of requests, what this site promises, and the ledger, newest first."""
    entries = Paginator(LedgerEntry.objects.select_related("place").order_by("-pk"), A_PAGE).get_page(
        request.GET.get("page")
    )
    rows = [
        (entry, json.dumps(entry.body, indent=1, sort_keys=True) if entry.body is not None else "") for entry in entries
    ]
    figures = transparency.shown()
    context = {
        "figures": figures,
        "columns": [(month.label, month.done, month.in_time) for month in figures.months],
        "fewest": transparency.FEWEST,
        "promises": promises(),
        "policies": documents.policies(),
        "newest": ledger_tree.latest(),
        "fingerprint": signing.fingerprint(),
        "page_obj": entries,
        "rows": rows,
    }
    return render(request, "portal/transparency.html", context)
