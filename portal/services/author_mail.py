"""Proof by mail to the author of commits: a code goes to an address that the requester types, if commits that we hold have it.

The address is compared with the keyed hashes of authors in the corpus and kept nowhere, but under lock until the mail is out. The page
answers alike and at once whether or not it is one, so that nobody can try whose addresses are held; the search and the mail are a
job's, which nobody but the site sees.
"""

import hmac
import secrets
from datetime import timedelta

import structlog
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone

from core import audit, limits
from core.errors import Conflict, InvalidInput
from core.jobs import enqueue
from core.keyed import keyed_hash
from core.models import Job, User
from core.permissions import SYSTEM
from core.states import JOB_ACTIVE
from datasets_app import authors
from portal.models import OptOutRequest, Proof, ProofCheck
from portal.proofs import sealed
from portal.proofs.found import Found
from portal.services import accounts
from portal.services.proving import begin, record, requester_only, waits
from portal.services.verification import current_challenge, fits, not_passed_yet, not_too_often

HOURS = 24  # that a code counts
MOST_TRIES = 5  # wrong codes after which it counts no more
ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # without what looks alike
LENGTH = 10  # characters: 50 bits
AT_ONCE = 100  # mails that are asked for once more in one go
log = structlog.get_logger(__name__)


def ask(request: OptOutRequest, actor: User, address: str) -> Proof:
    """Have a code sent to an address, if it is an author's. The code before counts no more.

    Raises:
        PermissionDenied: It is another account's request.
        InvalidInput: It is no mail address.
        Conflict: The request waits for no such proof, or it was asked too often (``TooMany``).
    """
    requester_only(request, actor)
    fits(request, Proof.MAIL)
    address = address.strip()
    try:
        validate_email(address)
    except ValidationError:
        raise InvalidInput("This is not a mail address. Enter it as it stands in the commits.", "address") from None
    limits.hit("author-mail", limits.account(actor), limits.typed(address))
    now = timezone.now()
    with transaction.atomic():
        waits(request)
        not_passed_yet(request, Proof.MAIL)
        not_too_often(request)
        request.proofs.filter(kind=Proof.MAIL, passed_at=None, expires_at__gt=now).update(expires_at=now, token="")
        proof = begin(
            request,
            Proof.MAIL,
            author_key=authors.author_key(address),
            outcome="asked",
            issued_at=now,
            expires_at=now + timedelta(hours=HOURS),
        )
        check = ProofCheck.objects.create(proof=proof, given=sealed.seal(address))
        check.job = _enqueue(check)
        check.save(update_fields=["job"])
        audit.record(actor, "ask for mail to an author", request)
    return proof


def write(check_pk: int) -> None:
    """Search for the author and send the code; then the address is forgotten. Where the mail server fails, it stays under lock, so that
    :func:`write_again` can try once more while the lock can be opened.
    """
    check = ProofCheck.objects.select_related("proof__request").filter(pk=check_pk, outcome="").first()
    if check is None:
        return
    given, proof = check.given, check.proof
    address = sealed.unseal(given)
    mine = ProofCheck.objects.filter(pk=check_pk, outcome="")
    if not mine.update(given="", outcome="asked", checked_at=timezone.now()):
        return
    if address is None or proof.expired or proof.request.state != "verifying" or not _is_author(proof):
        return
    code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    Proof.objects.filter(pk=proof.pk, passed_at=None).update(token=_mark(proof, code))
    values = {
        "code": f"{code[:5]}-{code[5:]}",
        "hours": HOURS,
        "reference": proof.request.reference,
        "site": settings.FAIRSTACK_SITE_NAME,
        "address": settings.FAIRSTACK_SITE_URL,
        "contact": settings.FAIRSTACK_CONTACT,
    }
    message = EmailMessage(
        f"[{settings.FAIRSTACK_SITE_NAME}] Your code",
        render_to_string("portal/mail/author_code.txt", values),
        to=[address],
        headers={"Auto-Submitted": "auto-generated"},
    )
    try:
        message.send()
    except Exception as error:  # whatever a mail server can do; the type alone is told, the text may hold the address
        log.warning("code not sent", error=type(error).__name__)
        ProofCheck.objects.filter(pk=check_pk).update(given=given, outcome="", checked_at=None)


def write_again() -> int:
    """Ask once more for the mails that did not go out, by a mail server's fault or a job's end. Gives how many."""
    ended = ProofCheck.objects.filter(proof__kind=Proof.MAIL, outcome="").exclude(given="")
    ended = ended.exclude(job__state__in=JOB_ACTIVE)
    waiting = list(ended.order_by("pk")[:AT_ONCE])
    for check in waiting:
        with transaction.atomic():
            check.job = _enqueue(check)
            check.save(update_fields=["job"])
    return len(waiting)


def confirm(request: OptOutRequest, actor: User, code: str) -> str:
    """Compare a code that the requester read in the mail. Gives the outcome.

    Raises:
        PermissionDenied: It is another account's request.
        Conflict: The request waits for no such proof.
    """
    requester_only(request, actor)
    code = "".join(letter for letter in code.upper() if letter.isalnum())[:100]
    with transaction.atomic():
        waits(request)
        proof = current_challenge(request, Proof.MAIL)
        if proof is None:
            raise Conflict("Ask for a code first.")
        proof = Proof.objects.select_for_update(of=("self",)).get(pk=proof.pk)
        if proof.passed_at is not None:
            return "used"
        right = bool(proof.token) and hmac.compare_digest(proof.token, _mark(proof, code))
        if right and not proof.expired and proof.tries < MOST_TRIES:
            return record(proof, Found("confirmed"), actor)
        proof.tries = min(proof.tries + 1, 1000)
        proof.save(update_fields=["tries"])
        return "wrong_code"


def forget_addresses() -> int:
    """Empty what jobs that never ran were given. Gives how many."""
    old = timezone.now() - timedelta(seconds=sealed.KEPT)
    return ProofCheck.objects.filter(asked_at__lt=old).exclude(given="").update(given="", outcome="ended")


def _enqueue(check: ProofCheck) -> Job:
    """As the system's: how long the job takes would tell its asker whether a mail went out."""
    return enqueue("portal.write_to_author", {"check": check.pk}, actor=SYSTEM, dedupe_key=f"author-mail-{check.pk}")


def _is_author(proof: Proof) -> bool:
    """Whether the address wrote anything that we hold; for an account's request, in repositories of that account."""
    request = proof.request
    if request.scope == OptOutRequest.AUTHORED:
        return authors.wrote(proof.author_key)
    return authors.wrote(proof.author_key, {owner.key for owner in accounts.owners_of(request)})


def _mark(proof: Proof, code: str) -> str:
    return keyed_hash("proof-mail", f"{proof.pk}\x00{proof.request_id}\x00{code}")
