"""Looking at the world for a proof: repositories, published keys, name servers. Nothing is written here but temporary files."""

from pathlib import Path

from django.conf import settings
from django.utils import timezone

from core.stores import temporary_folder
from portal.models import Proof, ProofCheck
from portal.policies import forges
from portal.proofs import challenge, dns, git, identity, ssh, web
from portal.proofs.found import Found


def look(check: ProofCheck) -> Found:
    """What the check finds, by the kind of its proof."""
    proof, request = check.proof, check.proof.request
    if proof.expired:
        return Found("expired")
    if not challenge.belongs(proof.challenge, request.reference, request.owner_key, proof.kind):
        return Found("other_challenge")
    try:
        if proof.kind == Proof.CHALLENGE_FILE:
            return in_repository(request.forge, request.account, request.owner_key, check.repository, proof.challenge)
        account = identity.present(request.forge, request.account, request.owner_key)
    except identity.Unsure as unsure:
        if proof.kind == Proof.DNS and unsure.outcome in ("number_unknown", "account_gone"):
            return _dns(proof, None)
        return Found(unsure.outcome)
    return _dns(proof, account) if proof.kind == Proof.DNS else _signature(check, account)


def in_repository(forge: str, login: str, owner_key: str, repository: str, expected: str) -> Found:
    """Look for a challenge in a repository of an account: as the name of a branch, then in the file.

    Raises:
        portal.proofs.identity.Unsure: It cannot be said whose the account's name is.
    """
    template = forges().get(forge)
    if template is None:
        return Found("unreachable")
    account = identity.present(forge, login, owner_key)
    address = git.clone_address(template, account.login, repository)
    with temporary_folder("proof") as folder:
        try:
            outcome = _in_git(address, folder, expected)
        except git.GitRefused as refused:
            outcome = refused.outcome
    return Found(outcome, account_id=account.number)


def _in_git(address: str, folder: Path, expected: str) -> str:
    (folder / "refs").mkdir()
    (folder / "git").mkdir()
    branches = git.branches(address, challenge.PREFIX, folder / "refs")
    if expected in branches:
        return "passed"
    try:
        outcome = challenge.judge(git.read_file(address, challenge.FILE_NAME, folder / "git"), expected)
    except git.GitRefused as refused:
        if not branches or refused.outcome not in ("missing", "empty"):
            raise
        outcome = refused.outcome
    return "other_challenge" if branches and outcome != "passed" else outcome


def _signature(check: ProofCheck, account: identity.Account) -> Found:
    template = settings.FAIRSTACK_SSH_KEYS.get(check.proof.request.forge)
    if template is None:
        return Found("keys_unreachable")
    try:
        keys = ssh.fetch_keys(template, account.login)
    except web.WebRefused:
        return Found("keys_unreachable")
    if not keys:
        return Found("no_keys")
    with temporary_folder("proof") as folder:
        outcome, fingerprint = ssh.judge(check.given, check.proof.challenge, keys, folder)
    snapshot = {
        "keys": [str(key) for key in keys],
        "fetched_at": timezone.now().isoformat(),
        "key": fingerprint,
        "signature": check.given if fingerprint else "",
    }
    return Found(outcome, account_id=account.number, evidence=snapshot)


def _dns(proof: Proof, account: identity.Account | None) -> Found:
    """The record counts where the account's profile names the domain; else a reviewer has to confirm that they belong together."""
    outcome = dns.look(proof.subject, proof.challenge)
    evidence = {"domain": proof.subject, "looked_at": timezone.now().isoformat()}
    if outcome == "found" and not (account and dns.belongs(proof.subject, account.website)):
        return Found("unlinked", evidence=evidence)
    return Found(outcome, account_id=account.number if account else "", evidence=evidence)
