"""Which proofs a request needs, as data.

A request needs a number of proofs, of kinds that show what it asks for. One of them at least must be *strong*: only somebody who rules
the account could give it. The others may be *supporting* ones: they show something that belongs to the matter, such as who wrote the
code. The same kind counts once, except that two reviewers may each give their word.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from portal.models import OptOutRequest, Proof
from portal.stay_rules import CONTESTED_PROOFS

STRONG, SUPPORTING = "strong", "supporting"


@dataclass(frozen=True)
class Rule:
    """What one sort of request needs.

    Attributes:
        proofs: How many.
        strength: What each kind of proof is worth here; kinds that are not named count for nothing.
        why: The reason, for the requester.
    """

    proofs: int
    strength: dict[str, str]
    why: str

    def __post_init__(self) -> None:
        if self.proofs < 1 or STRONG not in self.strength.values():
            raise ValueError("A rule asks for one proof at least, and names a strong kind")


@dataclass(frozen=True)
class Need:
    """One proof that is still missing: the kinds that would do, and words for the requester."""

    kinds: tuple[str, ...]
    words: str


_ACCOUNT = {Proof.FORGE: STRONG, Proof.CHALLENGE_FILE: STRONG, Proof.SSH: STRONG, Proof.BY_HAND: STRONG}
_ORGANISATION = {
    Proof.FORGE: STRONG,
    Proof.CHALLENGE_FILE: STRONG,
    Proof.DNS: STRONG,
    Proof.CO_OWNER: STRONG,
    Proof.BY_HAND: STRONG,
}
_AUTHOR_AND_ACCOUNT = {Proof.MAIL: STRONG, Proof.BY_HAND: STRONG, Proof.FORGE: SUPPORTING, Proof.SSH: SUPPORTING}
RULES = {
    "account": Rule(1, _ACCOUNT, "One proof is enough for a personal account."),
    "copies": Rule(
        2,
        {**_ACCOUNT, Proof.MAIL: SUPPORTING},
        "Copies under other owners are concerned, so we need two different proofs, of which mail to an author may be one.",
    ),
    "contested": Rule(
        CONTESTED_PROOFS,
        _ACCOUNT,
        "Somebody else has declared that the account stays in, so we need two different proofs that it is yours.",
    ),
    "organisation": Rule(2, _ORGANISATION, "It is an organisation's account, so we need two different proofs."),
    "authored": Rule(
        1, {Proof.MAIL: STRONG, Proof.BY_HAND: STRONG}, "We need to know that the address in the commits is yours."
    ),
    "authored copies": Rule(
        2,
        _AUTHOR_AND_ACCOUNT,
        "Copies under other owners are concerned, so we need two different proofs: the address in the commits, and the account.",
    ),
    "authored contested": Rule(
        CONTESTED_PROOFS,
        _AUTHOR_AND_ACCOUNT,
        "Somebody else has declared that the account stays in, so we need two proofs: the address in the commits, and the account.",
    ),
}


def rule_of(request: OptOutRequest) -> Rule:
    """The rule for a request: by its scope, and whether it concerns an organisation, copies, or what somebody else declared."""
    contested = request.contests_id is not None
    if request.scope == OptOutRequest.AUTHORED:
        return RULES["authored contested" if contested else "authored copies" if request.copies else "authored"]
    if request.organisation:
        return RULES["organisation"]
    if contested:
        return RULES["contested"]
    return RULES["copies" if request.copies else "account"]


def strength(request: OptOutRequest, kind: str) -> str:
    """``strong``, ``supporting``, or an empty text where the kind counts for nothing in this request."""
    return rule_of(request).strength.get(kind, "")


def counting(request: OptOutRequest) -> list[Proof]:
    """The passed proofs of a request that count, each thing once, oldest first."""
    rule = rule_of(request)
    passed = request.proofs.filter(passed_at__isnull=False, owner_key=request.owner_key).order_by("passed_at", "pk")
    seen: set[tuple[str, int | None]] = set()
    found = []
    for proof in passed:
        what = (proof.kind, proof.by_id if proof.kind == Proof.BY_HAND else None)
        if proof.kind in rule.strength and proof.fingerprint in ("", request.fingerprint) and what not in seen:
            seen.add(what)
            found.append(proof)
    return found


def missing(request: OptOutRequest) -> list[Need]:
    """The proofs that a request still needs; empty where it is proven."""
    return wanting(rule_of(request), [proof.kind for proof in counting(request)])


def wanting(rule: Rule, kinds: Iterable[str]) -> list[Need]:
    """What ``rule`` still asks for where proofs of these kinds have passed. A strong one has to be among them in the end."""
    have = list(kinds)
    strong = sum(rule.strength[kind] == STRONG for kind in have)
    needs = []
    for place in range(max(0, rule.proofs - len(have), 1 - strong)):
        must_be_strong = strong + place == 0
        fitting = tuple(
            kind
            for kind, worth in rule.strength.items()
            if (kind not in have or kind == Proof.BY_HAND) and (worth == STRONG or not must_be_strong)
        )
        first = "A proof" if SUPPORTING not in rule.strength.values() else "A proof that shows it by itself"
        needs.append(Need(fitting, first if must_be_strong else "One more proof, of another kind"))
    return needs
