"""Numbers about requests, for everybody: counts and times, never a name, and none so small that it tells of one person.

What is counted is exact inside; what is shown is not where fewer than ``FEWEST`` requests stand behind it. Months are joined until
enough were carried out in them, and what is left at the end is not shown until it is enough.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from statistics import median

from django.db.models import Count
from django.utils import timezone

from core import formats
from portal import states
from portal.models import OptOutRequest
from portal.policies import promises

NEWEST = 5000  # finished requests that the times are of
FEWEST = 5  # requests that may stand behind a number that is shown
MOST_MONTHS = 24  # joined months shown
FEW = f"under {FEWEST}"


@dataclass(frozen=True)
class Figures:
    """Counts by where requests stand, and the times of those that were carried out.

    ``timed`` is how many stand behind the times, ``decided`` how many behind ``decided_in_time``.
    """

    received: int
    under_way: int
    accepted: int
    removed: int
    rejected: int
    not_proven: int
    restored: int
    overdue: int
    timed: int
    median_time: timedelta | None
    longest_time: timedelta | None
    within_promise: float | None
    decided: int
    decided_in_time: float | None


@dataclass(frozen=True)
class Month:
    """One month or several joined: how many requests were carried out, how many of them in time, and how long they took."""

    first: date
    last: date
    done: int
    in_time: int
    median: timedelta
    longest: timedelta

    @property
    def label(self) -> str:
        """Such as ``May 2026`` or ``Mar 2026 to May 2026``."""
        return (
            self._name(self.first)
            if self.first == self.last
            else f"{self._name(self.first)} to {self._name(self.last)}"
        )

    @property
    def share(self) -> float:
        """In time, of one."""
        return self.in_time / self.done

    @staticmethod
    def _name(day: date) -> str:
        return f"{day:%b %Y}"


@dataclass(frozen=True)
class Shown:
    """What everybody may read: counts as texts, and times where enough requests stand behind them."""

    counts: dict[str, str]
    times: bool
    median_time: timedelta | None
    longest_time: timedelta | None
    within_promise: float | None
    decided_in_time: float | None
    months: list[Month]


def shown() -> Shown:
    """The figures of now, as they may be published."""
    found = figures()
    timed, decided = found.timed >= FEWEST, found.decided >= FEWEST
    parts = {
        "under way": found.under_way,
        "carried out": found.removed,
        "rejected": found.rejected,
        "withdrawn or not proven": found.not_proven,
        "undone": found.restored,
    }
    return Shown(
        counts={
            "received": cell(found.received),
            **cells(parts),
            "past the legal clock": cell(found.overdue),
        },
        times=timed,
        median_time=found.median_time if timed else None,
        longest_time=found.longest_time if timed else None,
        within_promise=found.within_promise if timed else None,
        decided_in_time=found.decided_in_time if decided else None,
        months=months(),
    )


def cell(count: int) -> str:
    """A count as it is shown: none, few, or the number."""
    return FEW if 0 < count < FEWEST else formats.number(count)


def cells(parts: dict[str, int]) -> dict[str, str]:
    """Counts that add up to a total that is shown: where one alone is small, the next smallest is not shown either."""
    small = [name for name, count in parts.items() if 0 < count < FEWEST]
    texts = {name: cell(count) for name, count in parts.items()}
    others = [name for name, count in parts.items() if count >= FEWEST]
    if len(small) == 1 and others:
        texts[min(others, key=lambda name: parts[name])] = "not shown"
    return texts


def figures() -> Figures:
    """The exact figures of now."""
    sent = OptOutRequest.objects.exclude(state="draft").order_by()
    counted = Counter(dict(sent.values_list("state").annotate(number=Count("pk")).values_list("state", "number")))
    rows = _done()
    times = [removed - received for received, removed, _ in rows]
    kept = [removed <= due for _, removed, due in rows if due]
    decided = _decided()
    return Figures(
        received=sum(counted.values()),
        under_way=sum(counted[state] for state in states.UNDER_WAY),
        accepted=sum(counted[state] for state in states.ACCEPTED),
        removed=sum(counted[state] for state in states.DONE),
        rejected=counted["rejected"],
        not_proven=counted["expired"] + counted["withdrawn"],
        restored=counted["restored"],
        overdue=OptOutRequest.objects.filter(state__in=states.UNDER_WAY, due_at__lt=timezone.now()).count(),
        timed=len(times),
        median_time=_median(times) if times else None,
        longest_time=max(times, default=None),
        within_promise=sum(kept) / len(kept) if kept else None,
        decided=len(decided),
        decided_in_time=sum(decided) / len(decided) if decided else None,
    )


def months() -> list[Month]:
    """The newest months in which enough requests were carried out, oldest first."""
    by_month: dict[date, list[tuple[timedelta, bool]]] = {}
    for received, removed, due in _done():
        day = removed.astimezone(UTC).date().replace(day=1)
        by_month.setdefault(day, []).append((removed - received, due is None or removed <= due))
    found, waiting, first = [], [], None
    for day in sorted(by_month):
        first = first or day
        waiting += by_month[day]
        if len(waiting) >= FEWEST:
            times = [time for time, _ in waiting]
            in_time = sum(kept for _, kept in waiting)
            found.append(Month(first, day, len(waiting), in_time, _median(times), max(times)))
            waiting, first = [], None
    return found[-MOST_MONTHS:]


def _done() -> Sequence[tuple[datetime, datetime, datetime | None]]:
    """(received, removed, due) of the newest requests that were carried out."""
    rows = OptOutRequest.objects.filter(state__in=states.DONE, removed_at__isnull=False, submitted_at__isnull=False)
    found = rows.order_by("-removed_at").values_list("submitted_at", "removed_at", "due_at")[:NEWEST]
    return [(received, removed, due) for received, removed, due in found if received and removed]


def _decided() -> list[bool]:
    """Whether each of the newest decided requests was decided within the promise."""
    rows = OptOutRequest.objects.filter(decided_at__isnull=False, verified_at__isnull=False).order_by("-decided_at")
    days = timedelta(days=promises().triage)
    found = rows.values_list("decided_at", "weighed_from", "verified_at")[:NEWEST]
    return [decided - (weighed or verified) <= days for decided, weighed, verified in found if decided and verified]


def _median(times: list[timedelta]) -> timedelta:
    return timedelta(seconds=median(time.total_seconds() for time in times))
