"""Proof by signing in with the account on its forge, or by an account that was linked not long ago; and the second owner's word."""

import hmac
import secrets
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from core import audit, sign_in
from core.errors import Conflict
from core.forge_accounts import ForgeAccount, linked
from core.keyed import keyed_hash
from core.models import User
from core.permissions import SYSTEM
from portal.models import Declaration, OptOutRequest, Proof
from portal.policies import after, promises
from portal.proofs import forge
from portal.proofs.found import Found
from portal.services.proving import begin, record, requester_only, waits
from portal.services.verification import current_challenge, fits, not_passed_yet

LINK_COUNTS = timedelta(days=7)  # since the account was last signed in with


def may_begin(request: OptOutRequest, actor: User) -> sign_in.Provider:
    """The provider to go to.

    Raises:
        PermissionDenied: It is another account's request.
        Conflict: The request waits for no such proof, or nobody can sign in there.
    """
    requester_only(request, actor)
    fits(request, Proof.FORGE)
    waits(request)
    not_passed_yet(request, Proof.FORGE)
    provider = forge.provider_for(request)
    if provider is None:
        raise Conflict(f"This site has no sign-in with {request.forge}. Choose another proof.")
    return provider


def by_sign_in(request: OptOutRequest, actor: User, seen: ForgeAccount) -> str:
    """Take a sign-in that has just happened as a proof. Gives the outcome.

    Raises:
        PermissionDenied: It is another account's request.
        Conflict: The request waits for no such proof.
    """
    may_begin(request, actor)
    with transaction.atomic():
        return record(begin(request, Proof.FORGE), forge.judge(request, seen), actor)


def by_link(request: OptOutRequest, actor: User) -> str:
    """Take an account that the requester has linked as a proof. What an account owns is not kept, so it does for no organisation.

    Raises:
        PermissionDenied: It is another account's request.
        Conflict: The request waits for no such proof, or no account of the forge is linked.
    """
    may_begin(request, actor)
    found = [(row, seen) for row, seen in linked(actor) if seen.forge == request.forge]
    if not found:
        raise Conflict(f"No account on {request.forge} is linked with yours. Sign in with it.")
    if request.organisation:
        raise Conflict("What your account owns is not kept. Sign in with it, so that the forge can tell us.")
    fresh = [seen for row, seen in found if row.last_login > timezone.now() - LINK_COUNTS]
    judged = [forge.judge(request, seen) for seen in fresh] or [Found("linked_too_old")]
    best = next((one for one in judged if one.outcome == "signed_in"), judged[0])
    with transaction.atomic():
        return record(begin(request, Proof.FORGE), best, actor)


def invite(request: OptOutRequest, actor: User) -> tuple[Proof, str]:
    """Make the link for a second owner of the organisation. The link before counts no more.

    Returns:
        The proof, and the secret of the link: it is kept as a keyed hash and can be shown this once.

    Raises:
        PermissionDenied: It is another account's request.
        Conflict: The request waits for no such proof, or nobody can sign in on its forge.
    """
    requester_only(request, actor)
    fits(request, Proof.CO_OWNER)
    if forge.provider_for(request) is None:
        raise Conflict(f"This site has no sign-in with {request.forge}, so a second owner cannot confirm.")
    secret = secrets.token_urlsafe(24)
    now = timezone.now()
    with transaction.atomic():
        waits(request)
        not_passed_yet(request, Proof.CO_OWNER)
        request.proofs.filter(kind=Proof.CO_OWNER, passed_at=None, expires_at__gt=now).update(expires_at=now, token="")
        proof = begin(
            request,
            Proof.CO_OWNER,
            token=_mark(secret),
            issued_at=now,
            expires_at=after(now, promises().challenge),
        )
        audit.record(actor, "invite second owner", request)
    return proof, secret


def invited(secret: str) -> Proof | None:
    """The proof that a link stands for; None where it counts no more."""
    found = Proof.objects.select_related("request").filter(kind=Proof.CO_OWNER, token=_mark(secret)).first()
    if found is None or found.expired or found.passed_at or found.request.state != "verifying":
        return None
    newest = current_challenge(found.request, Proof.CO_OWNER)
    return found if newest is not None and hmac.compare_digest(newest.token, found.token) else None


def co_sign(proof: Proof, person: User | None, seen: ForgeAccount) -> str:
    """A second owner confirms by signing in. Gives the outcome; where it did not pass, the link can be used again.

    Args:
        proof: As :func:`invited` gave it.
        person: Who is signed in here, if anybody: never the requester.
        seen: Who has signed in on the forge.
    """
    request = proof.request
    found = forge.judge(request, seen)
    here_as_requester = person is not None and person.pk == request.requester_id
    if here_as_requester or (found.outcome == "signed_in" and _spoke_for_requester(request, seen)):
        found = Found("same_person")
    elif found.outcome == "signed_in":
        found = Found("co_signed", found.account_id, found.by_account, found.evidence)
    with transaction.atomic():
        return record(proof, found, person or SYSTEM)


def _spoke_for_requester(request: OptOutRequest, seen: ForgeAccount) -> bool:
    """Whether the account is linked with the requester's, or has proven another request or a declaration of theirs."""
    if request.requester is None:
        return False
    theirs = Proof.objects.filter(request__requester=request.requester, kind=Proof.FORGE, passed_at__isnull=False)
    declared = Declaration.objects.filter(person=request.requester, kind=Proof.FORGE, forge=seen.forge)
    return (
        any(one.key == seen.key for _, one in linked(request.requester))
        or theirs.filter(by_account=seen.key).exclude(request=request).exists()
        or declared.filter(account_id=seen.number).exists()
    )


def _mark(secret: str) -> str:
    return keyed_hash("proof-co-owner", secret)
