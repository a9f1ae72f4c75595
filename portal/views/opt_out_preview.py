"""The page of the form that shows what a draft concerns, before it is sent."""

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from core.session import signed_in
from datasets_app import side_by_side
from portal import look_ups, previews
from portal.policies import promises
from portal.services import drafts
from portal.views.kept_form import keeps_form


@require_safe
@keeps_form
def page(request: HttpRequest) -> HttpResponse:
    """What is concerned: repositories, releases, models, copies elsewhere by ring; ``?with=`` puts a near copy beside its like."""
    draft = drafts.current(signed_in(request))
    if draft is None or drafts.missing_step(draft):
        return redirect("portal:opt-out")
    look_ups.count(request)
    elsewhere = previews.copies_of(draft)
    context = {
        "draft": draft,
        "preview": previews.of_draft(draft),
        "elsewhere": elsewhere,
        "page": Paginator(elsewhere.rows, previews.LISTED).get_page(request.GET.get("page")),
        "promises": promises(),
        "most_lines": side_by_side.MOST_LINES,
    }
    if blob := request.GET.get("with", ""):
        chosen = next((row for row in elsewhere.rows if row["ring"] == "B" and row["blob_id"] == blob), None)
        if chosen is None or elsewhere.release is None:
            raise Http404("There is no such copy that everybody may see.")
        whole = request.GET.get("lines") == "all"
        context |= {
            "chosen": chosen,
            "whole": whole,
            "comparison": previews.side_by_side(elsewhere.release, chosen["mine"], blob, fold=not whole),
        }
    return render(request, "portal/opt_out/preview.html", context)
