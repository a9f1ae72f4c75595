"""“My code stays in”: a verified owner's declaration, after which requests of others about the account are refused.

It rests on the same proofs as a request: a sign-in with the account, a challenge in a repository, or a request of one's own about the
account that was verified before. Who made it can take it back, and so can whoever has linked the account: it speaks for the account,
not for a person. A request of somebody else can contest it; what the desk may do: ``portal.services.contesting``.
"""

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from core import audit, formats
from core.errors import Conflict, InvalidInput, PermissionDenied
from core.forge_accounts import ForgeAccount, linked
from core.jobs import enqueue
from core.models import User
from core.permissions import Actor
from portal import names
from portal.models import Declaration, OptOutRequest, Proof
from portal.policies import after, forges, places, promises
from portal.proofs import challenge, identity
from portal.proofs.outcomes import OUTCOMES
from portal.services import accounts
from portal.services.forge_proofs import LINK_COUNTS
from portal.services.looks import in_repository
from portal.stay_rules import AGAIN_AFTER


class Declared(Conflict):
    """Somebody else has declared that the account stays in."""

    def __init__(self) -> None:
        super().__init__(
            "The owner of this account has declared that its code stays in, so a request of somebody else about it cannot be taken. "
            "If you declared it, take it back first, on the page “Stay in” of your account. If the account is yours and the "
            "declaration is not, contest it: you need two different proofs, who declared it can object, and a reviewer decides."
        )


VERIFIED = ("triage", "objection", "accepted", "partial", "scheduled", "rebuilding", "removed", "receipted", "closed")


def begin(actor: User, forge: str, account: str) -> Declaration:
    """Begin a declaration. It stands at once where one's own proof is at hand; else it gets a challenge.

    Raises:
        InvalidInput: It is no account's name, or no forge that we know.
        Conflict: A declaration stands already.
    """
    named = names.read(account)
    forge, account = named.forge or forge, named.account
    if forge not in places():
        raise InvalidInput("Choose where the account is.", "forge")
    owner_key = accounts.key_of(forge, account)
    with transaction.atomic():
        if standing(owner_key) is not None:
            raise Conflict("A declaration for this account stands already.")
        _not_ended_lately(actor, owner_key)
        Declaration.objects.filter(person=actor, owner_key=owner_key, ended_at=None).update(ended_at=timezone.now())
        now = timezone.now()
        made = Declaration.objects.create(
            person=actor,
            forge=forge,
            account=account,
            owner_key=owner_key,
            challenge=challenge.make(_mark(actor), owner_key, "declaration"),
            issued_at=now,
            expires_at=after(now, promises().challenge),
        )
        audit.record(actor, "begin declaration", made)
        kind, number = _at_hand(made, actor)
        if kind:
            _stand(made, kind, number, actor)
    return made


def look(declaration: Declaration, actor: User, repository: str) -> None:
    """Look for the challenge in a repository of the account, as a job.

    Raises:
        PermissionDenied: It is another person's.
        InvalidInput: It is no repository's name.
        Conflict: It stands or has ended, its challenge has expired, or a look is under way.
    """
    _own(declaration, actor)
    repository = names.repository_name(repository)
    if declaration.declared_at or declaration.ended_at or declaration.expired:
        raise Conflict("This declaration waits for no proof. Begin a new one.")
    if declaration.forge not in forges():
        raise Conflict("We cannot read repositories of this forge.")
    with transaction.atomic():
        job = enqueue(
            "portal.check_declaration",
            {"declaration": declaration.pk},
            actor=actor,
            dedupe_key=f"declaration-{declaration.pk}",
        )
        declaration.repository, declaration.outcome, declaration.job = repository, "", job
        declaration.save(update_fields=["repository", "outcome", "job"])


def check(pk: int) -> str:
    """The look itself. Gives the outcome."""
    declaration = Declaration.objects.filter(pk=pk, declared_at=None, ended_at=None).first()
    if declaration is None:
        return "ended"
    person = declaration.person
    if declaration.expired:
        outcome, number = "expired", ""
    elif not challenge.belongs(declaration.challenge, _mark(person), declaration.owner_key, "declaration"):
        outcome, number = "other_challenge", ""
    else:
        try:
            found = in_repository(
                declaration.forge,
                declaration.account,
                declaration.owner_key,
                declaration.repository,
                declaration.challenge,
            )
            outcome, number = found.outcome, found.account_id
        except identity.Unsure as unsure:
            outcome, number = unsure.outcome, ""
    with transaction.atomic():
        Declaration.objects.filter(pk=pk, declared_at=None).update(outcome=outcome)
        declaration.outcome = outcome
        if OUTCOMES[outcome].passed:
            _stand(declaration, Proof.CHALLENGE_FILE, number, person)
    return outcome


def by_sign_in(declaration: Declaration, actor: User, seen: ForgeAccount) -> str:
    """Take a sign-in that has just happened as the proof. Gives the outcome.

    Raises:
        PermissionDenied: It is another person's.
        Conflict: It stands or has ended.
    """
    _own(declaration, actor)
    if declaration.declared_at or declaration.ended_at:
        raise Conflict("This declaration waits for no proof. Begin a new one.")
    outcome = _judge(declaration, seen)
    with transaction.atomic():
        Declaration.objects.filter(pk=declaration.pk).update(outcome=outcome)
        if outcome == "signed_in":
            _stand(declaration, Proof.FORGE, seen.number, actor)
    return outcome


def end(declaration: Declaration, actor: User) -> None:
    """Take a declaration back.

    Raises:
        PermissionDenied: The actor has neither made it nor proven the account.
        Conflict: It had ended.
    """
    proven = declaration.person_id == actor.pk or bool(_at_hand(declaration, actor)[0])
    if not proven:
        raise PermissionDenied("Only the owner of the account can take the declaration back.")
    with transaction.atomic():
        if not Declaration.objects.filter(pk=declaration.pk, ended_at=None).update(ended_at=timezone.now()):
            raise Conflict("The declaration had been taken back before.")
        audit.record(actor, "end declaration", declaration)


def standing(owner_key: str) -> Declaration | None:
    """The declaration that stands for an account, or None. One made before a source told the account's number is found by it, too."""
    same = Q(owner_key=owner_key)
    forge, colon, number = owner_key.rpartition(":")
    if colon and number:
        same |= Q(forge=forge, account_id=number)
    return Declaration.objects.filter(same, declared_at__isnull=False, ended_at=None).first()


def of_another(actor: Actor, owner_key: str) -> Declaration | None:
    """The declaration of somebody else that stands for the account, or None: the actor's requests have to contest it."""
    declaration = standing(owner_key)
    return None if declaration is None or declaration.person_id == actor.pk else declaration


def of_person(user: User) -> list[Declaration]:
    """The declarations of a person that stand or wait, and those of others about accounts that they have linked."""
    keys = [accounts.key_of(seen.forge, seen.login) for _, seen in linked(user) if seen.login]
    keys += [seen.key for _, seen in linked(user)]
    own = Declaration.objects.filter(person=user, ended_at=None)
    others = Declaration.objects.filter(owner_key__in=keys, declared_at__isnull=False, ended_at=None).exclude(
        person=user
    )
    return [*own, *others]


def _at_hand(declaration: Declaration, actor: User) -> tuple[str, str]:
    """The kind of a proof of the account that the actor has given before, and the account's number; empty where none."""
    for row, seen in linked(actor):
        if _judge(declaration, seen) == "signed_in" and row.last_login > timezone.now() - LINK_COUNTS:
            return Proof.FORGE, seen.number
    own = OptOutRequest.objects.filter(  # one that contests a declaration waits for a reviewer's word on it
        requester=actor, owner_key=declaration.owner_key, verified_at__isnull=False, state__in=VERIFIED, contests=None
    ).exclude(scope=OptOutRequest.AUTHORED)
    for request in own:
        proof = request.proofs.filter(passed_at__isnull=False, owner_key=declaration.owner_key).first()
        if proof is not None:
            return proof.kind, proof.account_id
    return "", ""


def _judge(declaration: Declaration, seen: ForgeAccount) -> str:
    known = identity.number_of(declaration.forge, declaration.owner_key)
    same_name = seen.login.casefold() == declaration.account.casefold()
    if seen.forge == declaration.forge and (seen.number == known if known else same_name):
        return "signed_in"
    return "newcomer" if seen.forge == declaration.forge and same_name else "other_account"


def _stand(declaration: Declaration, kind: str, number: str, actor: Actor) -> None:
    """Let it stand, in the caller's transaction."""
    now = timezone.now()
    if standing(declaration.owner_key) is not None:
        raise Conflict("A declaration for this account stands already.")
    changed = Declaration.objects.filter(pk=declaration.pk, declared_at=None, ended_at=None).update(
        declared_at=now, kind=kind, account_id=number
    )
    if changed:
        declaration.declared_at, declaration.kind, declaration.account_id = now, kind, number
        audit.record(actor, "declare to stay in", declaration, kind=kind)


def _not_ended_lately(actor: User, owner_key: str) -> None:
    """Raise :class:`Conflict` where the desk ended the actor's declaration about the account not long ago."""
    ended = Declaration.objects.filter(person=actor, owner_key=owner_key).exclude(end_code="")
    last = ended.order_by("-ended_at").first()
    if last is not None and last.ended_at and (again := after(last.ended_at, AGAIN_AFTER)) > timezone.now():
        raise Conflict(
            f"The staff ended your declaration about this account. You can declare it again from {formats.absolute(again)}; "
            "if that is wrong, write to them."
        )


def _own(declaration: Declaration, actor: User) -> None:
    if declaration.person_id != actor.pk:
        raise PermissionDenied("This declaration was begun by another account.")


def _mark(person: User) -> str:
    return f"person:{person.pk}"
