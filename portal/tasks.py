"""The portal's long and scheduled work. Thin: services and rows are the truth."""

from typing import Any

from celery import shared_task

from core.errors import Conflict
from core.jobs import ExpectedFailure, JobContext, job_kind
from core.models import Job
from core.permissions import SYSTEM
from core.states import JOB_ACTIVE
from datasets_app import turns
from datasets_app.models import Release
from datasets_app.pipeline.errors import PipelineError
from datasets_app.turns import wait_for_earlier
from portal import catalogue
from portal.models import OptOutRequest, ProofCheck, RemovalMarks
from portal.receipts import checker
from portal.receipts.document import Trees
from portal.services import (
    author_mail,
    clock,
    contesting,
    copies,
    looks,
    mails,
    receipts,
    removal,
    staying,
    undo,
    verification,
)
from portal.states import UNDECIDED

CHECKED = ("rebuilding", "removed", "receipted")


@job_kind("portal.check_proof", queue="default", title="Check a proof of ownership")
def check_proof(ctx: JobContext) -> dict[str, Any]:
    """Look for what a proof is about. What is found goes to the check's row; the job itself names no account."""
    check = ProofCheck.objects.select_related("proof__request").filter(pk=ctx.params["check"]).first()
    if check is None or check.outcome:
        return {"outcome": check.outcome if check else "ended"}
    ctx.progress("Look for the proof", 0, 1)
    found = looks.look(check)
    outcome = verification.finish_check(check, found.outcome, found)
    ctx.progress("Look for the proof", 1, 1)
    ctx.log(f"Outcome: {outcome}.")
    return {"outcome": outcome}


@job_kind("portal.write_to_author", queue="default", title="Write to an author of commits")
def write_to_author(ctx: JobContext) -> dict[str, Any]:
    """Send a code to an address, if it is that of an author. The answer is the same either way."""
    author_mail.write(ctx.params["check"])
    return {"outcome": "asked"}


@job_kind("portal.check_declaration", queue="default", title="Check a declaration to stay in")
def check_declaration(ctx: JobContext) -> dict[str, Any]:
    """Look for the challenge of a declaration."""
    return {"outcome": staying.check(ctx.params["declaration"])}


@job_kind(removal.CHECK, queue="data", title="Check that removed code is gone")
def check_removed(ctx: JobContext) -> dict[str, Any]:
    """Read the published bytes and all stores for what these requests had removed. Finding something is a result, no failure."""
    wait_for_earlier(ctx, "datasets.purge")
    requests = list(OptOutRequest.objects.filter(pk__in=ctx.params["requests"], state__in=CHECKED))
    if not requests:
        return {"removed": 0, "leftover": 0}
    purging = Job.objects.filter(kind="datasets.purge", state__in=JOB_ACTIVE).values("pk")
    marks = list(RemovalMarks.objects.exclude(purge__in=purging))
    published = list(Release.objects.filter(state="published").order_by("pk").values_list("name", "version"))
    wanted = checker.Wanted(requests, marks)
    report = checker.check(removal.published_place(), published, wanted, ctx.progress)
    ctx.log(f"{report.rows} published files and {report.files} stored files were read.")
    for place in [*report.everywhere, *(place for found in report.found.values() for place in found)][:20]:
        ctx.log(f"Left: {place}")
    return {
        **removal.checked(requests, report, [mark.pk for mark in marks]),
        "rows": report.rows,
        "files": report.files,
    }


@job_kind(removal.SIGN, queue="data", title="Sign receipts", expected=(PipelineError,))
def sign_receipts(ctx: JobContext) -> dict[str, Any]:
    """Sign the receipt of each of these requests; those that are signed already stay as they are."""
    requests = list(OptOutRequest.objects.filter(pk__in=ctx.params["requests"]).order_by("pk"))
    trees, signed = Trees(), 0
    problems: list[str] = []
    for number, request in enumerate(requests):
        ctx.progress("signing", number, len(requests))
        try:
            signed += receipts.sign(request, trees) is not None
        except (Conflict, PipelineError) as error:  # the others get theirs; the sweep asks for this one again
            problems.append(f"{request.reference}: {error}")
    ctx.progress("signing", len(requests), len(requests))
    if problems:
        raise ExpectedFailure(" ".join(problems[:3]))
    return {"signed": signed}


@shared_task(name="portal.tasks.finish_removals")
def finish_removals() -> None:
    """Find checks and receipts that nobody works on: see ``portal.services.removal.find_unfinished``."""
    removal.find_unfinished()


@job_kind("portal.find_copies", queue="data", title="Look for copies", expected=(PipelineError,))
def find_copies(ctx: JobContext) -> dict[str, Any]:
    """Look for the copies of a request that was proven. The job itself names no account."""
    request = OptOutRequest.objects.filter(pk=ctx.params["request"], state__in=UNDECIDED).first()
    if request is None:
        return {"found": False}
    ctx.progress("Look for copies", 0, 1)
    copies.find(request, SYSTEM)
    ctx.progress("Look for copies", 1, 1)
    return {"found": True}


@shared_task(name="portal.tasks.expire_requests")
def expire_requests() -> None:
    """What time does to requests: see ``portal.services.clock.keep_time``; and to what a job never fetched."""
    clock.keep_time()
    contesting.forget()
    author_mail.forget_addresses()


@job_kind(undo.KIND, queue="data", title="Undo a removal", expected=(PipelineError,))
def undo_removal(ctx: JobContext) -> dict[str, Any]:
    """Bring back what a request took out: see ``portal.services.undo``."""
    return undo.carry_out(ctx)


turns.WITH_ALL.add(undo.KIND)


@shared_task(name="portal.tasks.expire_bundles")
def expire_bundles() -> None:
    """Destroy the bundles whose time is over."""
    undo.expire()


@job_kind(catalogue.KIND, queue="default", title="Make the catalogue index anew")
def rebuild_catalogue(ctx: JobContext) -> dict[str, Any]:
    """Readers keep the old index, if there is one, until the new one is whole."""

    def progress(done: int) -> None:
        if done % 100 == 0:
            ctx.progress("Index the catalogue", done, 0)

    return {"entries": catalogue.rebuild(progress)}


@shared_task(name="portal.tasks.keep_catalogue")
def keep_catalogue() -> None:
    """Bring the catalogue index to what there is, should a change not have reached it: a process that died, other documents."""
    catalogue.keep()


@shared_task(name="portal.tasks.send_mails")
def send_mails() -> None:
    """Send the mails that wait: see ``portal.services.mails``; and ask for those to authors that did not go out."""
    mails.send_due()
    author_mail.write_again()
