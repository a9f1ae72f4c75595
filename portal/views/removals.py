"""The removal feed, for those who downloaded a release: a page for people, JSON for programs."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from core import signing
from portal.models import FeedItem
from portal.receipts import feed

A_PAGE = 20
KEPT = "public, max-age=300"


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """What left which release, newest first."""
    rows = FeedItem.objects.order_by("-sequence").defer("blobs")
    context = {
        "page_obj": Paginator(rows, A_PAGE).get_page(request.GET.get("page")),
        "fingerprint": signing.fingerprint(),
        "head": feed.head()["head"],
    }
    return render(request, "portal/removals.html", context)


@require_safe
def feed_json(request: HttpRequest) -> HttpResponseBase:
    """Items after ``after``, with the signed head. Append-only: a page that is full never changes but for its head."""
    try:
        after = max(0, min(int(request.GET.get("after", "0")), 2**62))
    except ValueError:
        return JsonResponse({"error": "“after” is the number of an item."}, status=422)
    found = feed.page(after)
    etag = f'"{found["head"]["digest"][:32]}-{after}"'
    if request.headers.get("If-None-Match") == etag:
        response: HttpResponseBase = HttpResponseNotModified()
    else:
        response = JsonResponse(found)
    response["ETag"] = etag
    response["Cache-Control"] = KEPT
    response["Access-Control-Allow-Origin"] = "*"
    return response
