"""“My code stays in”: declaring it, proving it, taking it back."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import limits, sign_in
from core.errors import Conflict, InvalidInput, TooMany
from core.session import signed_in
from core.views.forge_accounts import lead
from portal.models import Declaration
from portal.policies import forges
from portal.proofs import challenge
from portal.proofs_forms import LookForm, StayForm
from portal.services import contesting, staying
from portal.views.kept_form import keeps_form, sent


@require_http_methods(["GET", "HEAD", "POST"])
@keeps_form
def stay(request: HttpRequest) -> HttpResponse:
    """What one has declared, and the form for another."""
    user = signed_in(request)
    form = StayForm(sent(request))
    if request.method == "POST" and form.is_valid():
        try:
            made = staying.begin(user, form.cleaned_data["forge"], form.cleaned_data["account"])
        except InvalidInput as error:
            form.refuse(error)
        except Conflict as error:
            form.add_error(None, str(error))
        else:
            if made.stands:
                messages.success(
                    request, "Your declaration stands: requests of others about this account are refused from now on."
                )
                return redirect("portal:stay")
            return redirect("portal:stay-prove", made.pk)
    context = {"form": form, "declarations": staying.of_person(user), "ended": contesting.ended_lately(user)}
    return render(request, "portal/proofs/stay.html", context, status=422 if form.is_bound and form.errors else 200)


@sign_in.leads_to_providers
@require_http_methods(["GET", "HEAD", "POST"])
@keeps_form
def prove(request: HttpRequest, pk: int) -> HttpResponse:
    """The ways to prove a declaration."""
    found = _own(request, pk)
    if found.stands or found.ended_at:
        return redirect("portal:stay")
    form = LookForm(sent(request))
    if request.method == "POST" and form.is_valid():
        try:
            limits.hit("check", limits.account(signed_in(request)), limits.network(request))
            staying.look(found, signed_in(request), form.cleaned_data["repository"])
        except InvalidInput as error:
            form.refuse(error)
        except TooMany:
            raise
        except Conflict as error:
            form.add_error(None, str(error))
        else:
            return redirect("portal:stay-prove", pk)
    context = {
        "one": found,
        "form": form,
        "provider": sign_in.providers().get(found.forge),
        "provable": found.forge in forges(),
        "file_name": challenge.FILE_NAME,
    }
    return render(
        request, "portal/proofs/stay_prove.html", context, status=422 if form.is_bound and form.errors else 200
    )


@require_POST
@keeps_form
def account(request: HttpRequest, pk: int) -> HttpResponse:
    """Go to the forge to sign in."""
    found = _own(request, pk)
    provider = sign_in.providers().get(found.forge)
    back = reverse("portal:stay-prove", args=[pk])
    if provider is None:
        return redirect(back)
    return lead(request, provider, "redirect", back, {"declaration": pk}, otherwise=back)


@require_safe
@keeps_form
def look(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of the page that changes by itself while a look runs."""
    return render(request, "portal/proofs/stay_look.html", {"one": _own(request, pk)})


@require_http_methods(["GET", "HEAD", "POST"])
@keeps_form
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """Take it back, after saying what that does."""
    user = signed_in(request)
    found = next((one for one in staying.of_person(user) if one.pk == pk), None)
    if found is None:
        raise Http404("There is no such declaration, or it is not yours.")
    if request.method == "POST":
        try:
            staying.end(found, user)
        except Conflict as error:
            messages.error(request, str(error))
        else:
            messages.success(request, "The declaration was taken back.")
        return redirect("portal:stay")
    return render(request, "portal/proofs/stay_end.html", {"one": found})


def _own(request: HttpRequest, pk: int) -> Declaration:
    found = Declaration.objects.filter(pk=pk, person=signed_in(request)).select_related("job").first()
    if found is None:
        raise Http404("There is no such declaration, or it is not yours.")
    return found
