"""Signing in with an account on a forge, and the accounts that one has linked."""

from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.internal.flows.connect import validate_disconnect
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.views import SignupView
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from requests import RequestException

from core import audit, limits, sign_in
from core.forge_accounts import WITH_ORGANISATIONS, linked
from core.session import signed_in
from core.views.accounts import next_page

PROCESSES = {"login": AuthProcess.LOGIN, "connect": AuthProcess.CONNECT}


@require_POST
@never_cache
def start(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Go to a forge to sign in, or to link the account there with the one here."""
    provider = sign_in.by_id(provider_id)
    if provider is None:
        raise Http404("There is no such sign-in.")
    process = PROCESSES.get(request.POST.get("process", ""), AuthProcess.LOGIN)
    if process == AuthProcess.CONNECT and not request.user.is_authenticated:
        return redirect("core:sign-in")
    limits.hit("sign-in", limits.network(request))
    back = next_page(request, reverse("core:forge-accounts" if process == AuthProcess.CONNECT else "core:account"))
    return lead(request, provider, process, back, {}, otherwise=back)


def lead(
    request: HttpRequest,
    provider: sign_in.Provider,
    process: str,
    back: str,
    data: dict[str, Any],
    *,
    otherwise: str,
    organisations: bool = False,
) -> HttpResponse:
    """Send the browser to a provider.

    Args:
        request: The browser's.
        provider: Where to.
        process: What allauth does when it comes back.
        back: Where it goes in the end.
        data: Kept in the session, and at hand when it comes back.
        otherwise: Where it goes if the provider does not answer.
        organisations: Whether the organisations of the account are asked for.
    """
    there = get_adapter().get_provider(request, provider.id)
    state = {**data, WITH_ORGANISATIONS: True} if organisations else data
    try:
        return there.redirect(
            request, process, next_url=back, data=state, scope=provider.scopes(organisations=organisations)
        )
    except (RequestException, KeyError, ValueError):
        messages.error(request, f"{provider.label} does not answer just now. Try again later.")
        return redirect(otherwise)


@require_safe
@never_cache
@sign_in.leads_to_providers
@login_required
def linked_accounts(request: HttpRequest) -> HttpResponse:
    """The accounts that are linked, and how to link another."""
    return render(request, "core/forge_accounts.html", {"linked": linked(signed_in(request))})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def unlink(request: HttpRequest, pk: int) -> HttpResponse:
    """Say what unlinking does, then do it."""
    user = signed_in(request)
    found = get_object_or_404(SocialAccount, pk=pk, user=user)
    if request.method == "POST":
        try:
            validate_disconnect(request, found)
        except ValidationError:
            messages.error(request, "It is the only way into your account here. Set a password first, then unlink it.")
            return redirect("core:forge-accounts")
        with transaction.atomic():
            found.delete()
            audit.record_named(user, "unlink forge account", "core.user", str(user.pk))
        messages.success(request, "The account is not linked any more.")
        return redirect("core:forge-accounts")
    account = next((seen for row, seen in linked(user) if row.pk == pk), None)
    return render(request, "core/forge_unlink.html", {"account": account})


class SignUp(SignupView):
    """A new account here, for who came through a forge: they choose a name."""

    template_name = "core/forge_sign_up.html"

    def form_valid(self, form: Any) -> HttpResponse:
        """Make the account and sign in."""
        limits.hit("sign-up", limits.network(self.request))
        try:
            response = super().form_valid(form)
        except ImmediateHttpResponse as answer:
            return answer.response
        return response


sign_up = never_cache(SignUp.as_view())
