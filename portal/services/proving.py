"""The one place where a proof comes to count: what every kind of proof has to pass, whoever checked it and how."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from core import audit
from core.errors import Conflict, PermissionDenied
from core.models import User
from core.permissions import SYSTEM, Actor, row
from portal.models import AccountPin, OptOutRequest, Proof
from portal.proofs import identity, rules
from portal.proofs.found import Found
from portal.proofs.outcomes import OUTCOMES
from portal.services import arrival
from portal.services.timeline import note


def requester_only(request: OptOutRequest, actor: User) -> None:
    """Raise :class:`PermissionDenied` for everybody but the one who sent the request."""
    if request.requester_id != actor.pk:
        raise PermissionDenied("Only the person who sent a request can prove it.")


def waits(request: OptOutRequest) -> None:
    """Raise :class:`Conflict` unless the request waits for a proof."""
    state = OptOutRequest.objects.filter(pk=request.pk).values_list("state", flat=True).first()
    if state != "verifying":
        raise Conflict("This request does not wait for a proof any more.")


def begin(request: OptOutRequest, kind: str, **fields: Any) -> Proof:
    """A row of a proof, bound to the request as it is now."""
    return Proof.objects.create(
        request=request, kind=kind, owner_key=request.owner_key, fingerprint=request.fingerprint, **fields
    )


def record(proof: Proof, found: Found, actor: Actor = SYSTEM) -> str:
    """Write down what a check of a proof found; where it passed and nothing is missing any more, the request moves on.

    In the caller's transaction.

    Returns:
        The outcome that counts: the world may have changed since the check began.
    """
    request = OptOutRequest.objects.select_for_update(of=("self",)).get(pk=proof.request_id)
    proof = Proof.objects.select_for_update(of=("self",)).get(pk=proof.pk)
    if proof.passed_at is not None:
        return "used" if request.state == "verifying" else "ended"  # it passed, whatever a later look found
    outcome = (
        found.outcome if not OUTCOMES[found.outcome].passed else _objection(proof, request, found) or found.outcome
    )
    proof.outcome = outcome
    proof.by = proof.by or row(actor)
    if OUTCOMES[outcome].passed:
        proof.passed_at = timezone.now()
        proof.account_id, proof.by_account = found.account_id, found.by_account
        proof.evidence = {**proof.evidence, **found.evidence}
        proof.token = ""
    elif outcome == "unlinked":
        proof.evidence = {**proof.evidence, **found.evidence}
    proof.save()
    if proof.passed_at is None:
        if outcome not in ("ended", "asked"):
            note(request, "check_failed", SYSTEM, proof.get_kind_display())
        return outcome
    note(request, "check_passed", SYSTEM, proof.get_kind_display())
    audit.record(actor, "pass proof", request, kind=proof.kind)
    settle(request, actor)
    return outcome


def settle(request: OptOutRequest, actor: Actor) -> bool:
    """Let a request move on that nothing is missing from any more. Gives whether it did."""
    if request.state != "verifying" or rules.missing(request):
        return False
    numbers = [proof.account_id for proof in rules.counting(request) if proof.account_id]
    if numbers and not identity.number_of(request.forge, request.owner_key):
        AccountPin.objects.get_or_create(owner_key=request.owner_key, defaults={"account_id": numbers[0]})
    arrival.verified(request, actor)
    return True


def confirm_domain(proof: Proof, actor: User) -> None:
    """A reviewer's word that a domain belongs to the account, where its record was found.

    Raises:
        PermissionDenied: The actor may not review, or sent the request.
        Conflict: There is nothing to confirm.
    """
    from portal.services.verification import may_vouch

    may_vouch(proof.request, actor)
    if proof.kind != Proof.DNS or proof.outcome != "unlinked" or proof.passed_at is not None:
        raise Conflict("The record of this domain has not been found, so there is nothing to confirm.")
    with transaction.atomic():
        waits(proof.request)
        record(proof, Found("found", evidence={"confirmed_by_reviewer": True}), actor)


def _objection(proof: Proof, request: OptOutRequest, found: Found) -> str:
    """Why a proof that was found right does not count; empty where it does."""
    if request.state != "verifying":
        return "ended"
    if proof.owner_key != request.owner_key or proof.fingerprint not in ("", request.fingerprint):
        return "other_request"
    if proof.expired and "confirmed_by_reviewer" not in found.evidence:
        return "expired"
    known = identity.number_of(request.forge, request.owner_key)
    others = [one for one in rules.counting(request) if one.pk != proof.pk]
    numbers = {one.account_id for one in others if one.account_id} | ({known} if known else set())
    if found.account_id and numbers and found.account_id not in numbers:
        return "newcomer"
    if found.by_account and any(one.by_account == found.by_account for one in others):
        return "same_account"
    return ""
