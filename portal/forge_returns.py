"""Where a browser goes that comes back from a forge with a proof: nobody is signed in by it, and nothing is linked."""

from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.signals import pre_social_login
from django.contrib import messages
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from core.errors import FairstackError, PermissionDenied
from core.forge_accounts import ForgeAccount
from core.models import User
from portal.models import Declaration, OptOutRequest
from portal.proofs.outcomes import OUTCOMES
from portal.services import forge_proofs, staying
from portal.views.proofs import told


@receiver(pre_social_login)
def come_back(sender: Any, request: HttpRequest, sociallogin: SocialLogin, **kwargs: Any) -> None:
    """Take what the forge said as the proof for which the browser was sent there; other sign-ins go on.

    The purpose lies in the session since the browser left, under the random state that OAuth carries, and counts once.
    """
    data = sociallogin.state.get("data") or {}
    for purpose, act in (("proof", _proof), ("co_owner", _co_owner), ("declaration", _declaration)):
        if purpose in data:
            raise ImmediateHttpResponse(act(request, data[purpose], sociallogin.forge_account))


def _proof(request: HttpRequest, reference: str, seen: ForgeAccount) -> HttpResponse:
    user = _user(request)
    opt_out = OptOutRequest.objects.filter(reference=reference, requester=user).first() if user else None
    if user is None or opt_out is None:
        return redirect("portal:proof-account", reference)
    try:
        outcome = forge_proofs.by_sign_in(opt_out, user, seen)
    except (FairstackError, PermissionDenied) as error:
        messages.error(request, str(error))
        return redirect("portal:proof", reference)
    return told(request, opt_out, outcome, "proof-account")


def _co_owner(request: HttpRequest, secret: str, seen: ForgeAccount) -> HttpResponse:
    proof = forge_proofs.invited(secret)
    if proof is not None:
        outcome = forge_proofs.co_sign(proof, _user(request), seen)
        if OUTCOMES[outcome].passed:
            return redirect("portal:co-owner-done")
        messages.warning(request, OUTCOMES[outcome].words)
    return redirect("portal:co-owner", secret)


def _declaration(request: HttpRequest, pk: int, seen: ForgeAccount) -> HttpResponse:
    user = _user(request)
    found = Declaration.objects.filter(pk=pk, person=user).first() if user else None
    if user is None or found is None:
        return redirect("portal:stay")
    try:
        outcome = staying.by_sign_in(found, user, seen)
    except (FairstackError, PermissionDenied) as error:
        messages.error(request, str(error))
        return redirect("portal:stay")
    if OUTCOMES[outcome].passed:
        messages.success(
            request, "Your declaration stands: requests of others about this account are refused from now on."
        )
        return redirect("portal:stay")
    messages.warning(request, OUTCOMES[outcome].words)
    return redirect("portal:stay-prove", found.pk)


def _user(request: HttpRequest) -> User | None:
    return request.user if isinstance(request.user, User) else None
