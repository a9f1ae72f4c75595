"""Long work: asking for it, doing it, stopping it, and finding it again when a worker died.

An app registers a kind of job with :func:`job_kind` in its ``tasks.py``. Pages, API and commands ask for work with :func:`enqueue`.
A worker runs each job in a process (and process group) of its own, see ``core.supervisor``.
"""

import time
import traceback
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from core import audit
from core.errors import Conflict, FairstackError
from core.models import Job, JobLogLine, JobMetric
from core.permissions import Actor, row
from core.states import JOB, JOB_ACTIVE

VIEW_ALL = "core.view_all_jobs"
CHANGE = "core.change_job"
WRITE_EVERY = 0.4  # seconds between two writes of progress


class JobCancelled(Exception):
    """Somebody cancelled the job: raised inside the handler by ``ctx.progress``."""


class JobTakenOver(Exception):
    """The job was given to another worker meanwhile: stop, and write nothing."""


class ExpectedFailure(FairstackError):
    """A failure that a person can act on; its text is shown to them. Anything else that a handler raises is a crash."""


@dataclass(frozen=True)
class JobKind:
    """A kind of long work.

    Attributes:
        name: ``app.verb``, such as ``datasets.build``.
        handler: Does the work and gives a JSON-able result. Must be idempotent: it may be run again after a kill.
        queue: ``default``, ``data`` or ``gpu``.
        title: What people read while it runs.
        expected: Exception types of the engine whose text a person can act on.
    """

    name: str
    handler: "Callable[[JobContext], dict[str, Any] | None]"
    queue: str
    title: str
    expected: tuple[type[Exception], ...] = ()


_kinds: dict[str, JobKind] = {}


def job_kind(
    name: str, *, queue: str, title: str, expected: tuple[type[Exception], ...] = ()
) -> Callable[..., "Callable[[JobContext], dict[str, Any] | None]"]:
    """Register the decorated handler as the kind ``name``."""

    def decorate(
        handler: "Callable[[JobContext], dict[str, Any] | None]",
    ) -> "Callable[[JobContext], dict[str, Any] | None]":
        _kinds[name] = JobKind(name, handler, queue, title, expected)
        return handler

    return decorate


def kind_of(job: Job) -> JobKind:
    """The registered kind of a job.

    Raises:
        ExpectedFailure: No installed app knows the kind.
    """
    try:
        return _kinds[job.kind]
    except KeyError:
        raise ExpectedFailure(f"No part of this site knows how to do “{job.kind}”.") from None


def enqueue(
    kind: str,
    params: dict[str, Any],
    *,
    actor: Actor,
    title: str = "",
    parent: Job | None = None,
    dedupe_key: str = "",
) -> Job:
    """Ask for work, in the caller's transaction; the wake-up is sent when it commits.

    Permission is the calling service's affair. With ``dedupe_key``, an active job with the same key is given back instead.
    """
    known = _kinds[kind]
    if dedupe_key and (same := Job.objects.filter(dedupe_key=dedupe_key, state__in=JOB_ACTIVE).first()):
        return same
    try:
        with transaction.atomic():
            job = Job.objects.create(
                kind=kind,
                title=title or known.title,
                queue=known.queue,
                params=params,
                dedupe_key=dedupe_key,
                requested_by=row(actor),
                parent=parent,
            )
    except IntegrityError:
        same = Job.objects.filter(dedupe_key=dedupe_key, state__in=JOB_ACTIVE).first()
        if same is None:
            raise
        return same
    audit.record(actor, "enqueue job", job, kind=kind)
    transaction.on_commit(lambda: wake(job))
    return job


def wake(job: Job) -> None:
    """Tell the workers that a row waits. A lost message costs time only: the sweep finds the row again."""
    from core.tasks import run_job

    Job.objects.filter(pk=job.pk).update(woken_at=timezone.now())
    run_job.apply_async(args=[str(job.pk)], queue=job.queue, retry=False)


def may_see(job: Job, actor: Actor) -> bool:
    """Some see all jobs; others those that they asked for."""
    return actor.has_perm(VIEW_ALL) or (actor.pk is not None and job.requested_by_id == actor.pk)


def may_cancel(job: Job, actor: Actor) -> bool:
    """Who asked for it, and administrators."""
    return actor.has_perm(CHANGE) or (actor.pk is not None and job.requested_by_id == actor.pk)


def cancel(job: Job, actor: Actor) -> None:
    """Cancel a job. One that waits ends at once; one that runs is stopped within seconds.

    Raises:
        PermissionDenied: It is somebody else's.
        Conflict: It has ended.
    """
    if not may_cancel(job, actor):
        raise PermissionDenied("This job was asked for by another account.")
    with transaction.atomic():
        now = timezone.now()
        if not (
            JOB.move(job, "cancelled", where={"state": "queued"}, finished_at=now)
            or JOB.move(job, "cancelling", where={"state": "running"})
        ):
            job.refresh_from_db()
            if job.state == "cancelling":
                return
            raise Conflict(f"The job has ended already: {job.state}.")
        audit.record(actor, "cancel job", job)


def claim(job: Job) -> str | None:
    """Take a waiting row for this worker: the claim, or None where another was quicker or it waits no more."""
    token = uuid.uuid4().hex
    now = timezone.now()
    taken = JOB.move(
        job,
        "running",
        where={"state": "queued"},
        claim=token,
        heartbeat_at=now,
        started_at=now,
        attempt=F("attempt") + 1,
        error="",
        crash="",
        stages=[],
    )
    return token if taken else None


def heartbeat(job_id: uuid.UUID, claim: str) -> str | None:
    """Say that the worker lives. Gives the row's state, or None where the claim is no longer good."""
    rows = Job.objects.filter(pk=job_id, claim=claim, state__in=("running", "cancelling"))
    if not rows.update(heartbeat_at=timezone.now()):
        return None
    return rows.values_list("state", flat=True).first()


class JobContext:
    """What a handler gets: its parameters, and the ways to tell how it goes."""

    def __init__(self, job: Job, claim: str) -> None:
        self.job = job
        self.claim = claim
        self.params: dict[str, Any] = job.params
        self._stages: list[dict[str, Any]] = []
        self._written_at = 0.0

    def progress(self, stage: str, done: int, total: int, message: str = "") -> None:
        """Say how far the work is; see ``datasets_app.pipeline.progress``. Writes at most a few times a second.

        Raises:
            JobCancelled: Somebody cancelled the job.
            JobTakenOver: Another worker has the job now.
        """
        now = timezone.now().isoformat()
        new = not self._stages or self._stages[-1]["stage"] != stage
        if new:
            if self._stages:
                self._stages[-1]["finished"] = now
            self._stages.append({"stage": stage, "done": done, "total": total, "started": now, "finished": None})
        self._stages[-1].update(done=done, total=total)
        if message:
            self.log(message)
        if new or message or (total and done >= total) or time.monotonic() - self._written_at > WRITE_EVERY:
            self._written_at = time.monotonic()
            self._write(stages=self._stages, heartbeat_at=timezone.now())

    def log(self, text: str) -> None:
        """Add a line to the job's log. Figures and stages; never text of the corpus, never an account's name."""
        JobLogLine.objects.create(job=self.job, text=text[:2000])

    def metric(self, step: int, values: dict[str, float]) -> None:
        """Keep figures of one step; a step told again (after a resume) replaces the old figures."""
        JobMetric.objects.bulk_create(
            [JobMetric(job=self.job, step=step, name=name, value=value) for name, value in values.items()],
            update_conflicts=True,
            unique_fields=["job", "name", "step"],
            update_fields=["value"],
        )

    def close_stages(self) -> list[dict[str, Any]]:
        """The stages, the last one marked as finished."""
        if self._stages:
            self._stages[-1]["finished"] = timezone.now().isoformat()
        return self._stages

    def _write(self, **values: Any) -> None:
        rows = Job.objects.filter(pk=self.job.pk, claim=self.claim)
        if not rows.filter(state="running").update(**values):
            state = rows.values_list("state", flat=True).first()
            if state == "cancelling":
                raise JobCancelled
            raise JobTakenOver


def perform(job: Job, claim: str) -> Job:
    """Run the handler of a claimed job in this process and write how it ended. Never raises what the handler raises."""
    ctx = JobContext(job, claim)
    mine = {"claim": claim}
    try:
        kind = kind_of(job)
        result = kind.handler(ctx) or {}
    except JobTakenOver:
        job.refresh_from_db()
        return job
    except JobCancelled:
        JOB.move(job, "cancelled", where=mine, finished_at=timezone.now(), stages=ctx.close_stages())
        return job
    except Exception as error:
        known = _kinds.get(job.kind)
        expected = isinstance(error, (FairstackError, PermissionDenied, *(known.expected if known else ())))
        JOB.move(
            job,
            "failed",
            where=mine,
            finished_at=timezone.now(),
            stages=ctx.close_stages(),
            error=str(error) if expected else f"The job crashed ({type(error).__name__}). The staff can see why.",
            crash="" if expected else traceback.format_exc(),
        )
        return job
    JOB.move(job, "succeeded", where=mine, finished_at=timezone.now(), result=result, stages=ctx.close_stages())
    return job


def execute_here(job: Job) -> Job:
    """Claim a waiting job and run it in this process: for commands and tests that need no worker.

    Raises:
        Conflict: It does not wait.
    """
    token = claim(job)
    if token is None:
        raise Conflict("The job does not wait: a worker has it, or it has ended.")
    job.refresh_from_db()
    perform(job, token)
    job.refresh_from_db()
    return job


def find_lost() -> dict[str, int]:
    """Find rows that nobody works on: running ones whose heartbeat stopped, and waiting ones whose wake-up was lost.

    Returns:
        How many were put back to wait, given up, cancelled and woken again.
    """
    now = timezone.now()
    found = {"requeued": 0, "failed": 0, "cancelled": 0, "woken": 0}
    silent = Q(heartbeat_at__lt=now - timedelta(seconds=settings.FAIRSTACK_JOB_SILENCE))
    for job in Job.objects.filter(silent, state__in=("running", "cancelling")):
        found[give_back(job, "The worker fell silent: it was killed or its machine stopped.")] += 1
    forgotten = Q(woken_at__isnull=True) | Q(woken_at__lt=now - timedelta(seconds=60))
    for job in Job.objects.filter(forgotten, state="queued", created_at__lt=now - timedelta(seconds=5)):
        wake(job)
        found["woken"] += 1
    return found


def give_back(job: Job, reason: str) -> str:
    """Put a job whose process died back to wait, or end it after the last attempt or where it was being cancelled.

    Returns:
        ``"requeued"``, ``"failed"`` or ``"cancelled"``.
    """
    mine = {"claim": job.claim}
    if JOB.move(job, "cancelled", where={**mine, "state": "cancelling"}, finished_at=timezone.now()):
        return "cancelled"
    JobLogLine.objects.create(job=job, text=reason)
    if job.attempt >= settings.FAIRSTACK_JOB_ATTEMPTS:
        text = f"{reason} It was tried {job.attempt} times."
        JOB.move(job, "failed", where=mine, finished_at=timezone.now(), error=text)
        return "failed"
    if JOB.move(job, "queued", where=mine, claim="", woken_at=None):
        wake(job)
    return "requeued"
