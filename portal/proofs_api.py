"""Proofs and declarations by API: the same services as the pages."""

from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest
from django.urls import reverse
from ninja import Field, Router, Schema, Status

from core import limits
from core.api_auth import user_of
from portal.models import Declaration, OptOutRequest, Proof
from portal.proofs import dns, rules, ssh
from portal.proofs.outcomes import OUTCOMES
from portal.proofs.ways import CHALLENGED, ways
from portal.references import is_reference
from portal.services import author_mail, forge_proofs, proving, staying, verification

router = Router(tags=["proofs"])


class NeedOut(Schema):
    """A proof that is missing: any of ``kinds`` would do."""

    kinds: list[str]
    words: str


class WayOut(Schema):
    """A way to prove the request. ``page`` is where a browser goes."""

    kind: str
    strength: str
    passed: bool
    challenge: str
    namespace: str
    record: str
    expires_at: datetime | None
    outcome: str
    words: str
    page: str


class ProofsOut(Schema):
    """Where the proofs of a request stand."""

    reference: str
    state: str
    needed: int
    passed: list[str]
    missing: list[NeedOut]
    ways: list[WayOut]


class OutcomeOut(ProofsOut):
    """The same after a proof was given at once, and what came of it."""

    result: str
    says: str


class DomainIn(Schema):
    """``domain`` is for the kind ``dns`` alone."""

    domain: str = Field("", max_length=300)


class LookIn(Schema):
    """``repository`` for ``file``, ``signature`` (in armour) for ``ssh``, nothing for ``dns``."""

    repository: str = Field("", max_length=200)
    signature: str = Field("", max_length=ssh.LONGEST)


class AddressIn(Schema):
    """An address that stands in commits. It is compared, kept locked until the mail is out, and then destroyed."""

    address: str = Field(max_length=320)


class CodeIn(Schema):
    """The code from the mail."""

    code: str = Field(max_length=100)


class LinkOut(Schema):
    """The link for a second owner. It is told this once."""

    link: str
    expires_at: datetime | None


class DeclarationIn(Schema):
    """Whose code stays in."""

    forge: str = Field("", max_length=200)
    account: str = Field(max_length=500)


class RepositoryIn(Schema):
    """Where the challenge of a declaration is."""

    repository: str = Field(max_length=200)


class DeclarationOut(Schema):
    """A declaration to stay in."""

    id: int
    forge: str
    account: str
    stands: bool
    challenge: str
    expires_at: datetime
    declared_at: datetime | None
    outcome: str
    words: str


@router.get("requests/{reference}/proofs", response=ProofsOut, summary="What is proven and what is missing")
def proofs(request: HttpRequest, reference: str) -> ProofsOut:
    """For the requester alone: challenges stand in it."""
    return ProofsOut(**_standing(_own(request, reference)))


@router.post("requests/{reference}/proofs/{kind}/challenge", response=ProofsOut, summary="Get a challenge of a kind")
def challenge(request: HttpRequest, reference: str, kind: str, body: DomainIn) -> ProofsOut:
    """``kind`` is ``file``, ``ssh`` or ``dns``. The challenge of the kind before counts no more."""
    found, user = _own(request, reference), user_of(request)
    limits.hit("check", limits.account(user), limits.network(request))
    verification.issue_challenge(found, user, _kind(kind), body.domain)
    return ProofsOut(**_standing(found))


@router.post("requests/{reference}/proofs/{kind}/check", response={202: ProofsOut}, summary="Check a proof of a kind")
def check(request: HttpRequest, reference: str, kind: str, body: LookIn) -> Status[ProofsOut]:
    """Runs as a job; ask for the proofs again to see what was found."""
    found, user = _own(request, reference), user_of(request)
    limits.hit("check", limits.account(user), limits.network(request))
    verification.start_check(found, user, body.repository, kind=_kind(kind), signature=body.signature)
    return Status(202, ProofsOut(**_standing(found)))


@router.post("requests/{reference}/proofs/mail", response={202: ProofsOut}, summary="Have a code sent to an author")
def mail(request: HttpRequest, reference: str, body: AddressIn) -> Status[ProofsOut]:
    """The answer is the same whether or not commits have the address."""
    found = _own(request, reference)
    author_mail.ask(found, user_of(request), body.address)
    return Status(202, ProofsOut(**_standing(found)))


@router.post("requests/{reference}/proofs/mail/confirm", response=OutcomeOut, summary="Enter the code")
def confirm(request: HttpRequest, reference: str, body: CodeIn) -> OutcomeOut:
    """``result`` is ``confirmed`` where it was right."""
    found = _own(request, reference)
    return _outcome(found, author_mail.confirm(found, user_of(request), body.code))


@router.post("requests/{reference}/proofs/linked", response=OutcomeOut, summary="Use an account that is linked")
def linked(request: HttpRequest, reference: str) -> OutcomeOut:
    """To sign in anew, a person goes to the ``page`` of the way in a browser."""
    found = _own(request, reference)
    return _outcome(found, forge_proofs.by_link(found, user_of(request)))


@router.post("requests/{reference}/proofs/co-owner", response={201: LinkOut}, summary="Make a link for a second owner")
def co_owner(request: HttpRequest, reference: str) -> Status[LinkOut]:
    """The link before counts no more."""
    proof, secret = forge_proofs.invite(_own(request, reference), user_of(request))
    link = request.build_absolute_uri(reverse("portal:co-owner", args=[secret]))
    return Status(201, LinkOut(link=link, expires_at=proof.expires_at))


@router.post("desk/requests/{reference}/proofs/domain", response=ProofsOut, summary="Confirm a domain", tags=["desk"])
def confirm_domain(request: HttpRequest, reference: str) -> ProofsOut:
    """That the domain whose record was found belongs to the account. Needs ``portal.review_request``."""
    found = _found(reference)
    verification.may_vouch(found, user_of(request))
    proof = verification.current_challenge(found, Proof.DNS)
    if proof is None:
        raise Http404("There is no record of a domain in this request.")
    proving.confirm_domain(proof, user_of(request))
    found.refresh_from_db()
    return ProofsOut(**_standing(found, secret=False))


@router.get("declarations", response=list[DeclarationOut], summary="Your declarations to stay in")
def declarations(request: HttpRequest) -> list[DeclarationOut]:
    """Those that stand or wait."""
    return [_declaration(one) for one in staying.of_person(user_of(request))]


@router.post("declarations", response={201: DeclarationOut}, summary="Declare that an account stays in")
def declare(request: HttpRequest, body: DeclarationIn) -> Status[DeclarationOut]:
    """It stands at once where you have proven the account; else place its ``challenge`` and have it checked."""
    return Status(201, _declaration(staying.begin(user_of(request), body.forge, body.account)))


@router.post("declarations/{pk}/check", response={202: DeclarationOut}, summary="Check the challenge of a declaration")
def check_declaration(request: HttpRequest, pk: int, body: RepositoryIn) -> Status[DeclarationOut]:
    """Runs as a job."""
    user = user_of(request)
    found = Declaration.objects.filter(pk=pk, person=user).first()
    if found is None:
        raise Http404("There is no such declaration, or it is not yours.")
    limits.hit("check", limits.account(user), limits.network(request))
    staying.look(found, user, body.repository)
    return Status(202, _declaration(found))


@router.delete("declarations/{pk}", response={204: None}, summary="Take a declaration back")
def end_declaration(request: HttpRequest, pk: int) -> Status[None]:
    """409 where it was taken back before."""
    user = user_of(request)
    found = next((one for one in staying.of_person(user) if one.pk == pk), None)
    if found is None:
        raise Http404("There is no such declaration, or it is not yours.")
    staying.end(found, user)
    return Status(204, None)


def _found(reference: str) -> OptOutRequest:
    rows = OptOutRequest.objects.exclude(state="draft")
    found = rows.filter(reference=reference).first() if is_reference(reference) else None
    if found is None:
        raise Http404("There is no such request, or it is not yours.")
    return found


def _own(request: HttpRequest, reference: str) -> OptOutRequest:
    found = _found(reference)
    if found.requester_id != user_of(request).pk:
        raise Http404("There is no such request, or it is not yours.")
    return found


def _kind(name: str) -> str:
    if name not in CHALLENGED:
        raise Http404(f"There is no such kind of proof. There are: {', '.join(CHALLENGED)}.")
    return CHALLENGED[name]


def _standing(opt_out: OptOutRequest, *, secret: bool = True) -> dict[str, Any]:
    counting = rules.counting(opt_out)
    return {
        "reference": opt_out.reference,
        "state": opt_out.state,
        "needed": rules.rule_of(opt_out).proofs,
        "passed": [proof.kind for proof in counting],
        "missing": [NeedOut(kinds=list(need.kinds), words=need.words) for need in rules.missing(opt_out)],
        "ways": [
            WayOut(
                kind=way.kind,
                strength=way.strength,
                passed=way.passed,
                challenge=way.proof.challenge if way.proof and secret else "",
                namespace=ssh.NAMESPACE if way.kind == Proof.SSH else "",
                record=dns.record_name(way.proof.subject) if way.proof and way.proof.subject else "",
                expires_at=way.proof.expires_at if way.proof else None,
                outcome=way.proof.outcome if way.proof else "",
                words=way.proof.words if way.proof else "",
                page=reverse(f"portal:{way.page}", args=[opt_out.reference]),
            )
            for way in ways(opt_out)
        ],
    }


def _outcome(opt_out: OptOutRequest, outcome: str) -> OutcomeOut:
    opt_out.refresh_from_db()
    return OutcomeOut(**_standing(opt_out), result=outcome, says=OUTCOMES[outcome].words)


def _declaration(one: Declaration) -> DeclarationOut:
    return DeclarationOut(
        id=one.pk,
        forge=one.forge,
        account=one.account,
        stands=one.stands,
        challenge="" if one.stands else one.challenge,
        expires_at=one.expires_at,
        declared_at=one.declared_at,
        outcome=one.outcome,
        words=one.words,
    )
