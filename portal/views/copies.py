"""Copies of a request under other owners: the requester reads them, a reviewer compares and decides them."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from core.errors import Conflict, InvalidInput
from core.session import signed_in
from datasets_app import side_by_side
from datasets_app.pipeline.copies import RULES
from portal import previews
from portal.models import Copy, OptOutRequest
from portal.services import copies
from portal.states import UNDECIDED
from portal.views.desk import reviewers_only
from portal.views.kept_form import keeps_form
from portal.views.requests import own

A_PAGE = 50
MOST_CHOSEN = 500


@require_safe
@keeps_form
def own_copies(request: HttpRequest, reference: str) -> HttpResponse:
    """The requester's view, once the request is proven."""
    opt_out = own(request, reference)
    if not opt_out.shows_what_is_held:
        raise Http404("The copies are shown once the request is proven.")
    return render(request, "portal/copies.html", _context(request, opt_out))


@require_http_methods(["GET", "HEAD", "POST"])
@reviewers_only
def desk_copies(request: HttpRequest, reference: str) -> HttpResponse:
    """The reviewer's view; by POST the chosen copies, or a group of them, are blocked or left."""
    opt_out = OptOutRequest.objects.exclude(state="draft").filter(reference=reference).first()
    if opt_out is None:
        raise Http404("There is no such request.")
    error, status = "", 200
    if request.method == "POST":
        chosen = [int(one) for one in request.POST.getlist("copies")[:MOST_CHOSEN] if one.isdecimal() and len(one) < 19]
        try:
            concerned = copies.decide(
                opt_out,
                signed_in(request),
                request.POST.get("verdict", ""),
                ids=chosen,
                group=request.POST.get("group", "")[:600],
            )
        except (InvalidInput, Conflict) as refused:
            error, status = str(refused), 409 if isinstance(refused, Conflict) else 422
        else:
            one = concerned == 1
            if request.POST["verdict"] == Copy.LEAVE:
                told = "1 file stays, and is shown again." if one else f"{concerned} files stay, and are shown again."
            else:
                told = "1 file is blocked." if one else f"{concerned} files are blocked."
            messages.success(request, told)
            query = request.GET.copy()
            query.pop("with", None)
            where = reverse("portal:desk-copies", args=[reference])
            return HttpResponseRedirect(f"{where}?{query.urlencode()}" if query else where)
    user = signed_in(request)
    deciding = opt_out.state in UNDECIDED and opt_out.verified_at is not None and user.has_perm(copies.REVIEW)
    context = _context(request, opt_out) | {"desk": True, "deciding": deciding, "error": error}
    return render(request, "portal/copies.html", context, status=status)


def _context(request: HttpRequest, opt_out: OptOutRequest) -> dict[str, Any]:
    summary = copies.summary(opt_out)
    rows = Copy.objects.filter(request=opt_out)
    wanted = {key: request.GET.get(key, "")[:600] for key in ("ring", "verdict", "repository")}
    for key, column in (("ring", "ring"), ("verdict", "verdict"), ("repository", "repository_key")):
        if wanted[key]:
            rows = rows.filter(**{column: wanted[key]})
    context: dict[str, Any] = {
        "opt_out": opt_out,
        "summary": summary,
        "wanted": wanted,
        "rings": Copy.RINGS,
        "verdicts": Copy.VERDICTS,
        "trivial": [
            (files, RULES[why].text) for why, files in (summary.search.trivial if summary.search else {}).items()
        ],
        "page": Paginator(rows.select_related("decided_by"), A_PAGE).get_page(request.GET.get("page")),
        "rules": {key: rule.text for key, rule in RULES.items()},
        "most_lines": side_by_side.MOST_LINES,
    }
    for row in context["page"]:
        row.reason = RULES[row.why].text if row.why in RULES else ""
    number = request.GET.get("with", "")
    if number.isdecimal() and len(number) < 19:
        chosen = Copy.objects.filter(request=opt_out, pk=int(number)).first()
        if chosen is None:
            raise Http404("There is no such copy in this request.")
        release, whole = copies.newest_release(), request.GET.get("lines") == "all"
        found = previews.side_by_side(release, chosen.mine, chosen.blob, fold=not whole) if release else None
        context |= {"chosen": chosen, "comparison": found, "whole": whole}
    return context
