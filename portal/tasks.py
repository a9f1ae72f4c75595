"""The portal's long and scheduled work. Thin: services and rows are the truth."""

from typing import Any

from celery import shared_task

from core.jobs import JobContext, job_kind
from core.stores import temporary_folder
from portal.models import ProofCheck
from portal.policies import forges
from portal.proofs import challenge, git
from portal.services import clock, mails, verification


@job_kind("portal.check_proof", queue="default", title="Check a proof of ownership")
def check_proof(ctx: JobContext) -> dict[str, Any]:
    """Look for the challenge file. What is found goes to the check's row; the job itself names no account."""
    check = ProofCheck.objects.select_related("proof__request").filter(pk=ctx.params["check"]).first()
    if check is None or check.outcome:
        return {"outcome": check.outcome if check else "ended"}
    ctx.progress("Read the repository", 0, 1)
    outcome = verification.finish_check(check, _look(check))
    ctx.progress("Read the repository", 1, 1)
    ctx.log(f"Outcome: {outcome}.")
    return {"outcome": outcome}


def _look(check: ProofCheck) -> str:
    proof, request = check.proof, check.proof.request
    if proof.expired:
        return "expired"
    if not challenge.belongs(proof.challenge, request.reference, request.owner_key):
        return "other_challenge"
    template = forges().get(request.forge)
    if template is None:
        return "unreachable"
    with temporary_folder("proof") as folder:
        work = folder / "git"
        work.mkdir()
        try:
            found = git.read_file(
                git.clone_address(template, request.account, check.repository), challenge.FILE_NAME, work
            )
        except git.GitRefused as refused:
            return refused.outcome
    return challenge.judge(found, proof.challenge)


@shared_task(name="portal.tasks.expire_requests")
def expire_requests() -> None:
    """What time does to requests: see ``portal.services.clock.keep_time``."""
    clock.keep_time()


@shared_task(name="portal.tasks.send_mails")
def send_mails() -> None:
    """Send the mails that wait: see ``portal.services.mails``."""
    mails.send_due()
