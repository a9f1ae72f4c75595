"""The desk's pages of declarations to stay in: which stand, which are contested, and ending one."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from core.errors import Conflict, InvalidInput
from core.session import signed_in
from portal.desk_forms import EndDeclarationForm
from portal.models import Declaration
from portal.services import contesting
from portal.services.reviewing import REVIEW
from portal.stay_rules import AGAIN_AFTER
from portal.views.desk import A_PAGE, reviewers_only


@require_safe
@reviewers_only
def listed(request: HttpRequest) -> HttpResponse:
    """Those that stand, the contested ones on top."""
    search = request.GET.get("q", "").strip()[:200]
    page = Paginator(contesting.declarations(search), A_PAGE).get_page(request.GET.get("page"))
    return render(request, "portal/desk/declarations.html", {"page_obj": page, "q": search})


@require_http_methods(["GET", "HEAD", "POST"])
@reviewers_only
def one(request: HttpRequest, pk: int) -> HttpResponse:
    """One declaration, and the form to end it."""
    found = get_object_or_404(
        Declaration.objects.select_related("person", "ended_by"), pk=pk, declared_at__isnull=False
    )
    user = signed_in(request)
    form = EndDeclarationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            contesting.end(found, user, form.cleaned_data["code"], form.cleaned_data["text"])
        except InvalidInput as error:
            form.refuse(error)
        except Conflict as error:
            messages.error(request, str(error))
            return redirect("portal:desk-declaration", pk)
        else:
            messages.success(request, "The declaration is ended, and who declared it can read why.")
            return redirect("portal:desk-declaration", pk)
    requests = list(contesting.contesting(found))
    party = found.person_id == user.pk or any(one.requester_id == user.pk for one in requests)
    context = {
        "one": found,
        "requests": requests,
        "form": form,
        "may_end": found.stands and not party and user.has_perm(REVIEW),
        "party": party,
        "again_after": AGAIN_AFTER,
    }
    return render(request, "portal/desk/declaration.html", context, status=422 if form.errors else 200)
