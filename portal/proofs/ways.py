"""The ways to prove a request that are open to its requester, each with its state, for the page and the API."""

from dataclasses import dataclass

from django.conf import settings

from portal.models import OptOutRequest, Proof
from portal.policies import forges
from portal.proofs import forge, rules

# What is done, in a line, by kind.
WHAT = {
    Proof.FORGE: "You sign in there, and the forge tells us which account is yours. The quickest way.",
    Proof.CHALLENGE_FILE: "You put a file with one line into a repository, or make a branch with a given name. Works on any forge.",
    Proof.SSH: "You sign a line with an SSH key whose public half is on your account. Nothing changes in your repositories.",
    Proof.MAIL: "We send a code to an address that stands in commits which we hold.",
    Proof.DNS: "You set a record in the DNS of the organisation's domain.",
    Proof.CO_OWNER: "A second owner of the organisation opens a link from you and signs in on the forge.",
}
# By their names in addresses: the kinds with a challenge that is looked for.
CHALLENGED = {"file": Proof.CHALLENGE_FILE, "ssh": Proof.SSH, "dns": Proof.DNS}
PAGES = {
    Proof.FORGE: "proof-account",
    Proof.CHALLENGE_FILE: "proof-file",
    Proof.SSH: "proof-ssh",
    Proof.MAIL: "proof-mail",
    Proof.DNS: "proof-dns",
    Proof.CO_OWNER: "proof-co-owner",
}


@dataclass(frozen=True)
class Way:
    """One way.

    Attributes:
        kind: Of proof.
        title: Its name.
        what: What one does.
        page: The name of its page's address.
        strength: ``strong`` or ``supporting``.
        passed: Whether it counts already.
        proof: The newest attempt, or None.
    """

    kind: str
    title: str
    what: str
    page: str
    strength: str
    passed: bool
    proof: Proof | None

    @property
    def state(self) -> str:
        """A word for its badge: ``passed``, ``expired``, ``waiting``, or empty where nothing was done yet."""
        if self.passed:
            return "passed"
        if self.proof is None or not (self.proof.outcome or self.proof.checks.exists()):
            return ""
        return "expired" if self.proof.expired else "waiting"


def ways(request: OptOutRequest) -> list[Way]:
    """Those that count for the request and can be gone here, strong ones first."""
    rule = rules.rule_of(request)
    titles = dict(Proof.KINDS)
    passed = {proof.kind for proof in rules.counting(request)}
    newest: dict[str, Proof] = {}
    for proof in request.proofs.order_by("issued_at", "pk"):
        newest[proof.kind] = proof
    return [
        Way(kind, titles[kind], WHAT[kind], PAGES[kind], worth, kind in passed, newest.get(kind))
        for kind, worth in sorted(rule.strength.items(), key=lambda item: item[1] != rules.STRONG)
        if kind in WHAT and is_open(request, kind)
    ]


def is_open(request: OptOutRequest, kind: str) -> bool:
    """Whether this site can check such a proof on the forge of the request."""
    if kind == Proof.CHALLENGE_FILE:
        return request.forge in forges()
    if kind == Proof.SSH:
        return request.forge in settings.FAIRSTACK_SSH_KEYS
    if kind in (Proof.FORGE, Proof.CO_OWNER):
        return forge.provider_for(request) is not None
    return kind in WHAT
