"""Undoing a removal: what the request took out comes back, within the time that was promised, by its owner's wish alone.

Before the purge, undoing lifts blocks and masks. After it, the bundles that the purge sealed are opened too. Either way it is a job
that takes turns with ingests, builds and purges: it waits for those that began before it, and those that begin later wait for it.
So a build that was running is finished without the content, and the next one holds it again; a purge that was running is finished,
and what it erased is brought back. Nothing is lifted, shown or changed before the content is back as a whole.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from core import audit
from core.errors import Conflict, PermissionDenied
from core.jobs import ExpectedFailure, JobContext, enqueue
from core.models import Job, User
from core.permissions import SYSTEM, Actor
from core.states import JOB_ACTIVE
from datasets_app import undoing
from datasets_app.services import blocklist, journalling
from datasets_app.turns import wait_for_earlier
from portal.models import OptOutRequest
from portal.policies import after, promises
from portal.receipts import evidence
from portal.services import lifecycle
from portal.services.timeline import note
from portal.states import OPT_OUT

KIND = "portal.undo"
WAITS_FOR = (
    *("datasets.ingest", "datasets.build", "datasets.mirror", "datasets.purge", KIND),
    *("portal.check_removed", "portal.sign_receipts"),
)
_DESTROYED = "What is needed to undo it was destroyed, as you asked or because its time was over."


@dataclass(frozen=True)
class Standing:
    """What an undo of a request would do, and whether there is one.

    Attributes:
        why_not: Why it cannot be undone; empty where it can.
        sealed: Whether something was erased that is kept sealed.
        files: Files that come back from the bundles.
        repositories: Repositories that they lie in, at most.
        bytes: Of source.
        until: When the bundles are destroyed, or the request can be undone no more; None before anything was removed.
        job: The undo that was asked for last.
    """

    why_not: str
    sealed: bool = False
    files: int = 0
    repositories: int = 0
    bytes: int = 0
    until: datetime | None = None
    job: Job | None = None

    @property
    def possible(self) -> bool:
        """Whether it can be undone now."""
        return not self.why_not

    @property
    def under_way(self) -> bool:
        """Whether an undo is being done."""
        return self.job is not None and self.job.active


def standing(request: OptOutRequest) -> Standing:
    """Whether a request can be undone, what would come back, and until when."""
    kept = undoing.of_request(request.reference)
    there = [bundle for bundle in kept if bundle.ending_at is None]
    starts = [bundle.sealed_at for bundle in there if bundle.sealed_at]
    starts += [request.removed_at] if request.removed_at and not kept else []
    until = after(min(starts), promises().undo) if starts else None
    return Standing(
        why_not=_why_not(request, len(kept) > len(there), until),
        sealed=bool(there),
        files=sum(bundle.files for bundle in there),
        repositories=sum(bundle.repositories for bundle in there),
        bytes=sum(bundle.bytes for bundle in there),
        until=until,
        job=_jobs(request).first(),
    )


def possible(request: OptOutRequest) -> bool:
    """Whether the requester can undo it now."""
    return "restored" in OPT_OUT.transitions[request.state] and standing(request).possible


def undo(request: OptOutRequest, actor: Actor) -> Job:
    """Begin to undo a request; a job does it. No reviewer and no administrator can: it is the owner's alone.

    The system does so where somebody objected and a reviewer who did not decide upheld it.

    Raises:
        PermissionDenied: It is another account's, or ownership was never proven.
        Conflict: It cannot be undone (any more), or an undo is under way.
    """
    if actor is not SYSTEM:
        _must_be_its_owner(request, actor)
    with transaction.atomic():
        held = OptOutRequest.objects.select_for_update(of=("self",)).get(pk=request.pk)
        if why_not := standing(held).why_not:
            raise Conflict(why_not)
        if _jobs(held).filter(state__in=JOB_ACTIVE).exists():
            raise Conflict("This removal is being undone already.")
        job = enqueue(
            KIND, {"request": held.pk}, actor=actor, title=f"Undo {held.reference}", dedupe_key=f"{KIND}:{held.pk}"
        )
        note(held, "undo_asked", actor)
        audit.record(actor, "ask for undo", held)
    return job


def carry_out(ctx: JobContext) -> dict[str, int]:
    """Undo: the work of the job. It may be run again after a kill, and gives the same.

    Raises:
        ExpectedFailure: The request is not in a state that can be undone any more, or what is needed was destroyed meanwhile.
        BundleLost: A bundle is damaged, or it or its key is not there. Nothing was changed.
    """
    request = OptOutRequest.objects.filter(pk=ctx.params["request"]).first()
    if request is None:
        raise ExpectedFailure("The request was deleted meanwhile.")
    wait_for_earlier(ctx, *WAITS_FOR)
    request.refresh_from_db()
    if request.state == "restored":
        undoing.destroy_ended()
        return {"files": 0, "blobs": 0}
    if "restored" not in OPT_OUT.transitions[request.state]:
        raise ExpectedFailure(f"The request is “{request.text.label}” by now: it cannot be undone any more.")
    if any(bundle.ending_at for bundle in undoing.of_request(request.reference)):
        raise ExpectedFailure(_DESTROYED)
    undoing.check(request.reference, ctx.progress)
    back, keepers = undoing.bring_back(request.reference, ctx.progress)
    ctx.progress("showing it again", 0, 1)
    with transaction.atomic():
        actor = ctx.job.requested_by or SYSTEM
        journalling.restored(request.reference, back.blob_ids)
        evidence.unmark(back.blob_ids)
        lifted = blocklist.lift(actor, request.reference)
        lifecycle.restored(request, actor)
        if keepers:  # what they keep out comes back, if at all, when they are undone
            undoing.hand_over(request.reference, keepers[0])
        undoing.end(request.reference)
        audit.record(actor, "undo removal", request, files=back.files, blobs=back.blobs, entries=lifted)
    undoing.destroy_ended()
    ctx.progress("showing it again", 1, 1)
    ctx.log(f"{back.files} files and {back.blobs} blobs are back; {back.left_out} stay out by another request.")
    return {"files": back.files, "blobs": back.blobs, "left_out": back.left_out, "entries": lifted}


def destroy(request: OptOutRequest, actor: User) -> int:
    """Destroy what would allow an undo, now and for good. Gives how many bundles. Again does nothing.

    Raises:
        PermissionDenied: It is another account's, or ownership was never proven.
        Conflict: Nothing is kept, or it is being undone.
    """
    _must_be_its_owner(request, actor)
    with transaction.atomic():
        held = OptOutRequest.objects.select_for_update(of=("self",)).get(pk=request.pk)
        if _jobs(held).filter(state__in=JOB_ACTIVE).exists():
            raise Conflict("This removal is being undone. Wait for the end of it.")
        if not undoing.of_request(held.reference):
            raise Conflict("Nothing is kept of this removal: nothing has been erased yet, or there was nothing.")
        ended = undoing.end(held.reference)
        if ended:
            note(held, "bundle_destroyed", actor)
            audit.record(actor, "destroy undo bundle", held, bundles=ended)
    undoing.destroy_ended()
    return ended


def under_way() -> list[int]:
    """The requests that are being undone. They were asked for in time: no clock ends them."""
    return list(Job.objects.filter(kind=KIND, state__in=JOB_ACTIVE).values_list("params__request", flat=True))


def expire(now: datetime | None = None) -> int:
    """Destroy the bundles whose time is over, apart from those of an undo under way. Gives how many. By the clock, every hour."""
    asked_in_time = OptOutRequest.objects.filter(pk__in=under_way()).values_list("reference", flat=True)
    return undoing.expire((now or timezone.now()) - timedelta(days=promises().undo), set(asked_in_time))


def _must_be_its_owner(request: OptOutRequest, actor: Actor) -> None:
    if request.requester_id != actor.pk:
        raise PermissionDenied("Only the person who sent a request can undo it, or destroy what is kept for that.")
    if request.verified_at is None:
        raise PermissionDenied("Nobody has shown that the account is theirs: there is nothing to undo.")


def _why_not(request: OptOutRequest, destroyed: bool, until: datetime | None) -> str:
    if request.state == "restored":
        return "It was undone already."
    if "restored" not in OPT_OUT.transitions[request.state]:
        if request.state == "closed":
            return "The request is closed: the time to undo it is over. You can ask the staff of this site."
        return "The request is not accepted, so there is nothing to undo. You can withdraw it."
    if destroyed:
        return _DESTROYED
    if until is not None and until <= timezone.now():
        return "The time to undo it is over."
    return ""


def _jobs(request: OptOutRequest) -> QuerySet[Job]:
    return Job.objects.filter(kind=KIND, params__request=request.pk).order_by("-created_at")
