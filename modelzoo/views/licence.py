"""The page on which a model's licence is read and accepted, and on which an acceptance is taken back."""

from urllib.parse import quote

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from core.errors import Conflict
from modelzoo.forms import AcceptForm
from modelzoo.services import accept_licence, withdraw_acceptance
from modelzoo.services.licences import acceptance_of, current_terms
from modelzoo.views.page import model_or_404, viewer


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def licence(request: HttpRequest, org: str, name: str) -> HttpResponse:
    """The full terms beside our summary; for people with an account, the box to tick."""
    model = model_or_404(org, name)
    terms, user = current_terms(model.licence_key), viewer(request)
    form = AcceptForm(initial={"terms": terms, "next": request.GET.get("next", "")})
    if request.method == "POST":
        if user is None:
            return redirect_to_login(request.get_full_path())
        form = AcceptForm(request.POST)
        if form.is_valid():
            try:
                accept_licence(user, model, form.cleaned_data["terms"])
            except Conflict as conflict:
                messages.warning(request, str(conflict))
                return redirect("zoo:licence", org, name)
            messages.success(request, f"You accepted {terms.title}. The files of {model} are open to you.")
            return redirect(_onwards(request, form.cleaned_data["next"]) or model.get_absolute_url())
    context = {
        "model": model,
        "terms": terms,
        "acceptance": acceptance_of(user, model),
        "before": user and model.acceptances.filter(user=user, withdrawn_at=None).exclude(terms=terms).first(),
        "form": form,
        "here": quote(request.get_full_path()),
    }
    return render(request, "modelzoo/licence.html", context, status=422 if form.is_bound else 200)


@require_POST
def withdraw(request: HttpRequest, org: str, name: str) -> HttpResponse:
    """End one's acceptance."""
    model, user = model_or_404(org, name), viewer(request)
    if user is None:
        return redirect_to_login(model.get_absolute_url())
    if withdraw_acceptance(user, model):
        messages.success(request, f"Your acceptance was withdrawn. The files of {model} are closed to you.")
    else:
        messages.info(request, "There was no acceptance to withdraw.")
    return redirect("zoo:licence", org, name)


def _onwards(request: HttpRequest, address: str) -> str:
    """``address`` where it lies on this site, else nothing."""
    safe = url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure())
    return address if safe else ""
