"""Objecting to somebody's request: by the account that was told of it, or by a signed link from the staff."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from core import limits
from core.errors import Conflict, InvalidInput
from core.permissions import SYSTEM, Actor
from core.session import signed_in
from portal.models import Objection, OptOutRequest
from portal.reply_forms import ObjectionForm
from portal.services import contacts, objections
from portal.views.kept_form import keeps_form, sent

MISSING = "There is no such request, or it is not open to you."


@require_http_methods(["GET", "HEAD", "POST"])
@keeps_form
def by_account(request: HttpRequest, reference: str) -> HttpResponse:
    """For somebody who was told. To everybody else there is nothing here."""
    found = OptOutRequest.objects.exclude(state="draft").filter(reference=reference).first()
    if found is None or not contacts.may_object(found, signed_in(request)):
        raise Http404(MISSING)
    user = signed_in(request)
    return _page(request, found, user, ObjectionForm(sent(request)), list(found.objections.filter(by=user)))


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def by_link(request: HttpRequest, key: str) -> HttpResponse:
    """For whoever has the link; no account is needed."""
    found = contacts.of_key(key)
    if found is None:
        raise Http404(MISSING)
    form = ObjectionForm(request.POST if request.method == "POST" else None)
    return _page(request, found, SYSTEM, form, [])


def _page(
    request: HttpRequest, found: OptOutRequest, actor: Actor, form: ObjectionForm, own: list[Objection]
) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        try:
            limits.hit("object", limits.network(request))
            objections.file(found, actor, form.cleaned_data["standing"], form.cleaned_data["text"])
        except InvalidInput as error:
            form.refuse(error)
        except Conflict as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "Your objection was sent. A reviewer weighs it.")
            return redirect(request.path)
    context = {"opt_out": found, "form": form, "own": own, "open": objections.open_to(found)}
    wrong = form.is_bound and form.errors
    return render(request, "portal/requests/object.html", context, status=422 if wrong else 200)
