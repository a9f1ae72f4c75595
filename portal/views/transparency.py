"""Transparency: figures, promises, the ledger."""

import json

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from core.models import LedgerEntry
from portal import transparency
from portal.policies import promises

A_PAGE = 50


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Numbers of requests, what this site promises, and the ledger, newest first."""
    entries = Paginator(LedgerEntry.objects.order_by("-pk"), A_PAGE).get_page(request.GET.get("page"))
    rows = [
        (entry, json.dumps(entry.body, indent=1, sort_keys=True) if entry.body is not None else "") for entry in entries
    ]
    context = {"figures": transparency.figures(), "promises": promises(), "page_obj": entries, "rows": rows}
    return render(request, "portal/transparency.html", context)
