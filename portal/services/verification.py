"""Proving that the account is the requester's; once proven, everything that the request covers is hidden at once."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from core import audit
from core.errors import Conflict, InvalidInput, PermissionDenied
from core.jobs import enqueue
from core.models import User
from core.permissions import SYSTEM, require, row
from portal import names
from portal.models import OptOutRequest, Proof, ProofCheck
from portal.policies import after, promises
from portal.proofs import challenge
from portal.proofs.outcomes import OUTCOMES
from portal.services import arrival
from portal.services.timeline import note

REVIEW = "portal.review_request"
CHECKS_AN_HOUR = 20  # a request; each fetches from a forge


def issue_challenge(request: OptOutRequest, actor: User) -> Proof:
    """Give the requester a new challenge; the one before counts no more.

    Raises:
        PermissionDenied: It is another account's request.
        Conflict: The request waits for no proof.
    """
    _requester(request, actor)
    now = timezone.now()
    with transaction.atomic():
        _waiting(request)
        live = request.proofs.filter(kind=Proof.CHALLENGE_FILE, passed_at=None, expires_at__gt=now)
        renewed = live.update(expires_at=now)
        proof = Proof.objects.create(
            request=request,
            kind=Proof.CHALLENGE_FILE,
            owner_key=request.owner_key,
            challenge=challenge.make(request.reference, request.owner_key),
            issued_at=now,
            expires_at=after(now, promises().challenge),
        )
        if renewed:
            note(request, "challenge", actor)
        audit.record(actor, "issue challenge", request)
    return proof


def current_challenge(request: OptOutRequest) -> Proof | None:
    """The request's newest challenge, or None."""
    return request.proofs.filter(kind=Proof.CHALLENGE_FILE).order_by("-issued_at", "-pk").first()


def start_check(request: OptOutRequest, actor: User, repository: str) -> ProofCheck:
    """Look for the challenge file in one repository, as a job. While a check waits, asking again gives that one.

    Raises:
        PermissionDenied: It is another account's request.
        InvalidInput: It is no repository's name, or not one that the request names.
        Conflict: The request waits for no proof, the challenge has expired, or there were too many checks in the last hour.
    """
    _requester(request, actor)
    repository = names.repository_name(repository)
    if request.scope == OptOutRequest.REPOSITORIES:
        named = request.repositories.filter(name_folded=repository.casefold()).first()
        if named is None:
            raise InvalidInput("Choose one of the repositories that this request is about.", "repository")
        repository = named.name
    with transaction.atomic():
        _waiting(request)
        proof = current_challenge(request)
        if proof is None or proof.expired:
            raise Conflict("The challenge has expired. Get a new one, and put it into the file.")
        for earlier in proof.checks.filter(outcome="").select_related("job"):
            if earlier.waiting:
                return earlier
        recent = ProofCheck.objects.filter(proof__request=request, asked_at__gt=timezone.now() - timedelta(hours=1))
        if recent.count() >= CHECKS_AN_HOUR:
            raise Conflict(f"That were {CHECKS_AN_HOUR} checks within an hour. Wait a little, then check again.")
        check = ProofCheck.objects.create(proof=proof, repository=repository)
        check.job = enqueue("portal.check_proof", {"check": check.pk}, actor=actor)
        check.save(update_fields=["job"])
    return check


def finish_check(check: ProofCheck, outcome: str) -> str:
    """Write down what a look for the file found, and move the request on where it passed.

    Returns:
        The outcome that counts, which may be ``ended`` or ``expired`` where the world changed meanwhile.
    """
    with transaction.atomic():
        now = timezone.now()
        proof = Proof.objects.select_related("request").select_for_update(of=("self",)).get(pk=check.proof_id)
        request = proof.request
        if request.state != "verifying" or proof.owner_key != request.owner_key:
            outcome = "ended"
        elif proof.expired:
            outcome = "expired"
        if not ProofCheck.objects.filter(pk=check.pk, outcome="").update(outcome=outcome, checked_at=now):
            return ProofCheck.objects.values_list("outcome", flat=True).get(pk=check.pk)
        if OUTCOMES[outcome].passed:
            proof.passed_at = now
            proof.save(update_fields=["passed_at"])
            note(request, "check_passed")
            arrival.verified(request, SYSTEM)
        elif outcome != "ended":
            note(request, "check_failed")
    return outcome


def verify_by_hand(request: OptOutRequest, actor: User, reason: str) -> None:
    """Take a reviewer's word that the account is the requester's; ``reason`` says how they know, for the desk alone.

    Raises:
        PermissionDenied: The actor may not review.
        InvalidInput: There is no reason given.
        Conflict: The request waits for no proof.
    """
    require(actor, REVIEW)
    reason = reason.replace("\x00", "").strip()
    if not reason:
        raise InvalidInput("Say how you know that the account is the requester's.", "note")
    with transaction.atomic():
        _waiting(request)
        now = timezone.now()
        Proof.objects.create(
            request=request,
            kind=Proof.BY_HAND,
            owner_key=request.owner_key,
            issued_at=now,
            passed_at=now,
            by=row(actor),
        )
        note(request, "by_hand", actor, reason)
        arrival.verified(request, actor)


def _requester(request: OptOutRequest, actor: User) -> None:
    if request.requester_id != actor.pk:
        raise PermissionDenied("Only the person who sent a request can prove it.")


def _waiting(request: OptOutRequest) -> None:
    state = OptOutRequest.objects.filter(pk=request.pk).values_list("state", flat=True).first()
    if state != "verifying":
        raise Conflict("This request does not wait for a proof any more.")
