"""Numbers about requests, for everybody: counts and times, never a name."""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from django.db.models import Count
from django.utils import timezone

from portal import states
from portal.models import OptOutRequest

NEWEST = 5000  # finished requests that the times are of


@dataclass(frozen=True)
class Figures:
    """Counts by where requests stand, and the times of those that were carried out."""

    received: int
    under_way: int
    accepted: int
    removed: int
    rejected: int
    not_proven: int
    overdue: int
    median_time: timedelta | None
    longest_time: timedelta | None
    within_promise: float | None


def figures() -> Figures:
    """The figures of now."""
    counted = Counter(
        dict(
            OptOutRequest.objects.exclude(state="draft")
            .order_by()
            .values_list("state")
            .annotate(number=Count("pk"))
            .values_list("state", "number")
        )
    )
    done = OptOutRequest.objects.filter(removed_at__isnull=False, submitted_at__isnull=False).order_by("-removed_at")
    rows = list(done.values_list("submitted_at", "removed_at", "due_at")[:NEWEST])
    times = [removed - received for received, removed, _ in rows if received and removed]
    kept = [removed <= due for _, removed, due in rows if removed and due]
    return Figures(
        received=sum(counted.values()),
        under_way=sum(counted[state] for state in states.UNDER_WAY),
        accepted=sum(counted[state] for state in states.ACCEPTED),
        removed=counted["removed"] + counted["closed"],
        rejected=counted["rejected"],
        not_proven=counted["expired"] + counted["withdrawn"],
        overdue=OptOutRequest.objects.filter(state__in=states.UNDER_WAY, due_at__lt=timezone.now()).count(),
        median_time=timedelta(seconds=median(time.total_seconds() for time in times)) if times else None,
        longest_time=max(times, default=None),
        within_promise=sum(kept) / len(kept) if kept else None,
    )
