"""Jobs that write where others read take turns, in the order in which they began."""

import time
from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from core.jobs import JobContext
from core.models import Job

WITH_ALL: set[str] = {"datasets.backup"}  # kinds of jobs with which every other takes turns; floors above add theirs
PAUSE = 0.25  # seconds between two looks


def wait_for_earlier(ctx: JobContext, *kinds: str) -> None:
    """Wait until no job of these kinds, nor one with which all take turns, that began before this one is running.

    A purge must not miss what an ingest or a build that began before it still holds; who begins later knows the block-list
    of now. Because the order is strict, two jobs never wait for each other. A job whose worker fell silent is not waited for:
    when it is run again it begins anew, later than this one.
    """
    job = ctx.job
    earlier = Q(started_at__lt=job.started_at) | Q(started_at=job.started_at, pk__lt=job.pk)
    while True:
        alive = timezone.now() - timedelta(seconds=2 * settings.FAIRSTACK_JOB_SILENCE)
        running = Job.objects.filter(
            earlier, kind__in={*kinds, *WITH_ALL}, state__in=("running", "cancelling"), heartbeat_at__gte=alive
        ).exclude(pk=job.pk)
        waiting_for = running.count()
        if not waiting_for:
            return
        ctx.progress("waiting for other jobs to end", 0, waiting_for)
        time.sleep(PAUSE)
