"""The desk's queue: who waits for whom, in the order of the clocks. Pages and API ask here."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from portal import states
from portal.models import Decision, Objection, OptOutRequest

GROUPS: dict[str, tuple[str, ...]] = {
    "open": states.UNDER_WAY,
    "triage": ("triage",),
    "objection": ("objection",),
    "appeal": ("appeal",),
    "needs_info": ("needs_info",),
    "verifying": ("submitted", "verifying"),
    "accepted": ("accepted", "partial", "scheduled", "rebuilding"),
    "ended": states.ENDED,
}


@dataclass(frozen=True)
class Counts:
    """How many wait for what; ``late`` are past the legal clock."""

    to_decide: int
    appeals: int
    objections: int
    windows: int
    answers: int
    proofs: int
    releases: int
    late: int


def rows(show: str = "open", chosen: dict[str, Any] | None = None) -> QuerySet[OptOutRequest]:
    """The requests that the filters leave, those due first on top; ended ones by their age.

    ``chosen`` may hold ``forge``, ``scope``, ``overdue`` and ``q`` (a reference, an account or the name of a person here).
    """
    chosen = chosen or {}
    found = OptOutRequest.objects.exclude(state="draft")
    if show in states.TEXTS and show not in GROUPS:
        found = found.filter(state=show)
    elif show in GROUPS:
        found = found.filter(state__in=GROUPS[show])
    elif show == "second":
        found = _approved_once(found.filter(state__in=("triage", "appeal")))
    elif show == "objections":
        found = found.filter(Exists(_to_weigh()))
    for field in ("forge", "scope"):
        if value := chosen.get(field):
            found = found.filter(**{field: value})
    if chosen.get("overdue"):
        found = found.filter(state__in=states.UNDER_WAY, due_at__lt=timezone.now())
    if text := (chosen.get("q") or "").strip():
        found = found.filter(Q(reference__iexact=text) | Q(account__iexact=text) | Q(requester__username__iexact=text))
    return found.order_by("-submitted_at", "-pk") if show in ("ended", "all") else found.order_by("due_at", "pk")


def with_marks(found: QuerySet[OptOutRequest]) -> QuerySet[OptOutRequest]:
    """With ``objections_open`` and ``last_decision`` on each, and without what a list does not show."""
    last = Decision.objects.filter(request=OuterRef("pk")).exclude(kind=Decision.EXTEND).order_by("-at", "-pk")
    return (
        found.select_related("requester")
        .defer("message", "exposure", "removed", "ledger_record", "ledger_key", "decision_note", "extension_note")
        .annotate(objections_open=Exists(_to_weigh()), last_decision=Subquery(last.values("kind")[:1]))
    )


def counts() -> Counts:
    """The numbers on top of the queue."""
    by = dict(
        OptOutRequest.objects.filter(state__in=states.UNDER_WAY)
        .order_by()
        .values_list("state")
        .annotate(number=Count("pk"))
    )
    late = OptOutRequest.objects.filter(state__in=states.UNDER_WAY, due_at__lt=timezone.now()).count()

    def of(*names: str) -> int:
        return sum(by.get(name, 0) for name in names)

    return Counts(
        to_decide=of("triage"),
        appeals=of("appeal"),
        objections=Objection.objects.filter(state=Objection.OPEN).count(),
        windows=of("objection"),
        answers=of("needs_info"),
        proofs=of("submitted", "verifying"),
        releases=of(*GROUPS["accepted"]),
        late=late,
    )


def similar(request: OptOutRequest) -> dict[str, list[OptOutRequest]]:
    """Others that a reviewer should know of: about the same account, of the same person, about repositories of the same names."""
    others = OptOutRequest.objects.exclude(pk=request.pk).exclude(state="draft").order_by("-submitted_at")
    others = others.defer("message", "exposure", "removed", "ledger_record", "ledger_key")
    same = list(others.filter(owner_key=request.owner_key)[:10])
    seen = {one.pk for one in same}
    person = [one for one in others.filter(requester=request.requester_id)[:10] if one.pk not in seen]
    seen |= {one.pk for one in person}
    names = request.repositories.values("name_folded")
    repositories = others.filter(repositories__name_folded__in=names).distinct()[:10]
    return {
        "About this account": same,
        "From this person": person,
        "About repositories of these names": [one for one in repositories if one.pk not in seen],
    }


def _to_weigh() -> QuerySet[Objection]:
    return Objection.objects.filter(request=OuterRef("pk"), state=Objection.OPEN)


def _approved_once(found: QuerySet[OptOutRequest]) -> QuerySet[OptOutRequest]:
    last = Decision.objects.filter(request=OuterRef("pk")).exclude(kind=Decision.EXTEND).order_by("-at", "-pk")
    return found.annotate(last_kind=Subquery(last.values("kind")[:1])).filter(last_kind=Decision.FIRST)
