"""The second owner's page: whoever has the link and owns the organisation confirms the request, without an account here."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from core.sign_in import leads_to_providers
from core.views.forge_accounts import lead
from portal.proofs import forge
from portal.services import forge_proofs


@leads_to_providers
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, secret: str) -> HttpResponse:
    """Say what is asked for, and go to the forge."""
    proof = forge_proofs.invited(secret) if len(secret) <= 60 else None
    provider = forge.provider_for(proof.request) if proof else None
    if proof is None or provider is None:
        return render(request, "portal/proofs/co_owner_ended.html", status=404)
    if request.method == "POST":
        back = reverse("portal:co-owner", args=[secret])
        return lead(request, provider, "redirect", back, {"co_owner": secret}, otherwise=back, organisations=True)
    return render(
        request, "portal/proofs/co_owner_confirm.html", {"opt_out": proof.request, "provider": provider, "proof": proof}
    )


@never_cache
@require_safe
def done(request: HttpRequest) -> HttpResponse:
    """Thanks."""
    return render(request, "portal/proofs/co_owner_done.html")
