"""Proving that the account is the requester's: challenges, looks for them as jobs, and a reviewer's word."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from core import audit
from core.errors import Conflict, InvalidInput, PermissionDenied
from core.jobs import enqueue
from core.models import User
from core.permissions import require, row
from portal import names
from portal.models import OptOutRequest, Proof, ProofCheck
from portal.policies import after, promises
from portal.proofs import challenge, dns, rules, ssh
from portal.proofs.found import Found
from portal.proofs.outcomes import OUTCOMES
from portal.services.proving import begin, record, requester_only, settle, waits
from portal.services.timeline import note

REVIEW = "portal.review_request"
CHECKS_AN_HOUR = 20  # a request; each fetches from a forge


def issue_challenge(request: OptOutRequest, actor: User, kind: str = Proof.CHALLENGE_FILE, domain: str = "") -> Proof:
    """Give the requester a new challenge for one kind of proof; the one before counts no more.

    Args:
        request: In state ``verifying``.
        actor: The requester.
        kind: One of ``portal.proofs.ways.CHALLENGED``.
        domain: Of a DNS record.

    Raises:
        PermissionDenied: It is another account's request.
        InvalidInput: The domain is none.
        Conflict: The request waits for no proof, or a proof of this kind has passed.
    """
    requester_only(request, actor)
    fits(request, kind)
    subject = dns.domain_name(domain) if kind == Proof.DNS else ""
    now = timezone.now()
    with transaction.atomic():
        waits(request)
        not_passed_yet(request, kind)
        live = request.proofs.filter(kind=kind, passed_at=None, expires_at__gt=now)
        renewed = live.update(expires_at=now)
        proof = begin(
            request,
            kind,
            subject=subject,
            challenge=challenge.make(request.reference, request.owner_key, kind),
            issued_at=now,
            expires_at=after(now, promises().challenge),
        )
        if renewed:
            note(request, "challenge", actor)
        audit.record(actor, "issue challenge", request, kind=kind)
    return proof


def current_challenge(request: OptOutRequest, kind: str = Proof.CHALLENGE_FILE) -> Proof | None:
    """The request's newest proof of a kind, or None."""
    return request.proofs.filter(kind=kind).order_by("-issued_at", "-pk").first()


def start_check(
    request: OptOutRequest,
    actor: User,
    repository: str = "",
    *,
    kind: str = Proof.CHALLENGE_FILE,
    signature: str = "",
) -> ProofCheck:
    """Look for the challenge, as a job. While a check of the kind waits, asking again gives that one.

    Args:
        request: In state ``verifying``.
        actor: The requester.
        repository: Where the file or branch is; of a challenge in a repository.
        kind: One of ``portal.proofs.ways.CHALLENGED``.
        signature: In armour; of an SSH signature.

    Raises:
        PermissionDenied: It is another account's request.
        InvalidInput: It is no repository's name, or not one that the request names; or no signature.
        Conflict: The request waits for no proof, the challenge has expired, or there were too many checks in the last hour.
    """
    requester_only(request, actor)
    fits(request, kind)
    repository = _repository(request, repository) if kind == Proof.CHALLENGE_FILE else ""
    if kind == Proof.SSH and ("SSH SIGNATURE" not in signature or len(signature) > ssh.LONGEST):
        raise InvalidInput(OUTCOMES["not_a_signature"].words, "signature")
    with transaction.atomic():
        waits(request)
        not_passed_yet(request, kind)
        proof = current_challenge(request, kind)
        if proof is None or proof.expired:
            raise Conflict("The challenge has expired. Get a new one, and use it in place of the old one.")
        for earlier in proof.checks.filter(outcome="").select_related("job"):
            if earlier.waiting:
                return earlier
        not_too_often(request)
        check = ProofCheck.objects.create(
            proof=proof, repository=repository, given=signature.replace("\x00", "") if kind == Proof.SSH else ""
        )
        check.job = enqueue("portal.check_proof", {"check": check.pk}, actor=actor)
        check.save(update_fields=["job"])
    return check


def finish_check(check: ProofCheck, outcome: str, found: Found | None = None) -> str:
    """Write down what a look found, and move the request on where nothing is missing any more.

    Returns:
        The outcome that counts, which may be ``ended`` or ``expired`` where the world changed meanwhile.
    """
    with transaction.atomic():
        now = timezone.now()
        if not ProofCheck.objects.filter(pk=check.pk, outcome="").update(outcome="ended", checked_at=now, given=""):
            return ProofCheck.objects.values_list("outcome", flat=True).get(pk=check.pk)
        outcome = record(check.proof, found or Found(outcome))
        ProofCheck.objects.filter(pk=check.pk).update(outcome=outcome)
    return outcome


def verify_by_hand(request: OptOutRequest, actor: User, reason: str) -> None:
    """Take a reviewer's word that the account is the requester's; ``reason`` says how they know, for the desk alone.

    It counts as one proof. Where two are needed, the other comes from the requester or from another reviewer.

    Raises:
        PermissionDenied: The actor may not review, or sent the request.
        InvalidInput: There is no reason given.
        Conflict: The request waits for no proof, or the actor has given their word.
    """
    may_vouch(request, actor)
    reason = reason.replace("\x00", "").strip()
    if not reason:
        raise InvalidInput("Say how you know that the account is the requester's.", "note")
    with transaction.atomic():
        waits(request)
        locked = OptOutRequest.objects.select_for_update(of=("self",)).get(pk=request.pk)
        if locked.proofs.filter(kind=Proof.BY_HAND, by=row(actor)).exists():
            raise Conflict(
                "You have given your word on this request. Another reviewer, or a proof by the requester, has to follow."
            )
        begin(locked, Proof.BY_HAND, passed_at=timezone.now(), by=row(actor))
        note(locked, "by_hand", actor, reason)
        audit.record(actor, "verify by hand", locked)
        settle(locked, actor)
        request.state, request.verified_at = locked.state, locked.verified_at


def may_vouch(request: OptOutRequest, actor: User) -> None:
    """Raise :class:`PermissionDenied` unless the actor may review and the request is somebody else's."""
    require(actor, REVIEW)
    if request.requester_id == actor.pk:
        raise PermissionDenied("Nobody can verify their own request. Another reviewer has to.")


def fits(request: OptOutRequest, kind: str) -> None:
    """Raise :class:`Conflict` where proofs of a kind count for nothing in this request."""
    if not rules.strength(request, kind):
        raise Conflict("A proof of this kind does not count for this request. Its page says which do.")


def not_passed_yet(request: OptOutRequest, kind: str) -> None:
    """Raise :class:`Conflict` where a proof of the kind has passed: it counts once."""
    if any(proof.kind == kind for proof in rules.counting(request)):
        raise Conflict("A proof of this kind has passed already. What is missing has to be of another kind.")


def not_too_often(request: OptOutRequest) -> None:
    """Raise :class:`Conflict` where the request was checked too often in the last hour."""
    recent = ProofCheck.objects.filter(proof__request=request, asked_at__gt=timezone.now() - timedelta(hours=1))
    if recent.count() >= CHECKS_AN_HOUR:
        raise Conflict(f"That were {CHECKS_AN_HOUR} checks within an hour. Wait a little, then check again.")


def _repository(request: OptOutRequest, repository: str) -> str:
    repository = names.repository_name(repository)
    if request.scope != OptOutRequest.REPOSITORIES:
        return repository
    named = request.repositories.filter(name_folded=repository.casefold()).first()
    if named is None:
        raise InvalidInput("Choose one of the repositories that this request is about.", "repository")
    return named.name
