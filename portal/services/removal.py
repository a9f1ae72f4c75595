"""From the block-list to the end: what publishing and purging a release means for the requests that it honours.

A purge says that it has erased; that is not believed. A check of its own reads the published bytes and the stores, and only what it
found clean is ``removed``.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from core import audit, stores
from core.jobs import enqueue
from core.models import Job
from core.permissions import SYSTEM
from core.states import JOB_ACTIVE
from core.stores import Cleared
from datasets_app.models import Release
from datasets_app.services import retiring
from portal import exposure
from portal.models import OptOutRequest, RemovalMarks
from portal.policies import after, promises
from portal.receipts.checker import Report
from portal.receipts.reader import Place, ServedFolder, ServedSite
from portal.services import lifecycle, notices
from portal.services.timeline import moment, note
from portal.states import OPT_OUT

CHECK, SIGN = "portal.check_removed", "portal.sign_receipts"
MOST_ROUNDS = 3  # purges that a check asks for by itself; after that the staff have to look


def release_published(release: Release) -> int:
    """Requests that this release honours are being erased now. Gives how many moved."""
    moved = 0
    for request in _honoured(release, "scheduled"):
        with transaction.atomic():
            moved += _erasing(request)
    return moved


def purge_finished(release: Release, cleared: list[Cleared], purge: UUID | None = None) -> Job | None:
    """A purge has erased what these requests cover, by its own word: ask for the check.

    May come again, or before the news of the publication: both are harmless.
    """
    done = [{"store": one.store, "items": one.items, "files": one.files} for one in cleared if one.items or one.files]
    with transaction.atomic():
        requests = _honoured(release, "scheduled", "rebuilding")
        for request in requests:
            _erasing(request)
            facts = request.removed | {
                "cleared": _added(request.removed.get("cleared", []), done),
                "release": f"{release.name} {release.version}",
                "erased": True,
            }
            _keep(request, facts)
        return ask_check(requests, str(purge or f"release-{release.pk}"))


def catch_up(request: OptOutRequest) -> None:
    """Go on with a request that asks for what another has removed already: a published release honours it, and nothing is left."""
    release = (
        Release.objects.filter(state="published", blocklist_position__gte=request.block_position)
        .order_by("-published_at")
        .first()
    )
    if release is None or Job.objects.filter(kind=retiring.PURGE, state__in=JOB_ACTIVE).exists():
        return
    if any(entry.standing != "removed" for entry in exposure.of_request(request)):
        return
    _erasing(request)
    _keep(request, {"cleared": [], "release": f"{release.name} {release.version}", "erased": True})
    ask_check([request], request.reference)


def ask_check(requests: Iterable[OptOutRequest], mark: str) -> Job | None:
    """Have the published bytes and all stores read, in a job. ``mark`` keeps the same check from being asked for twice."""
    keys = sorted(request.pk for request in requests)
    if not keys:
        return None
    return enqueue(CHECK, {"requests": keys}, actor=SYSTEM, dedupe_key=f"{CHECK}:{mark}")


def checked(requests: Iterable[OptOutRequest], report: Report, marks: Iterable[int]) -> dict[str, int]:
    """Draw the conclusions of a check: what was found clean is removed, the rest is erased again.

    Args:
        requests: Those that were checked.
        report: What was found.
        marks: Keys of the marks that were looked for; they are done with once nothing at all was found.

    Returns:
        How many requests are ``removed`` now, and how many ``leftover``.
    """
    clean: list[OptOutRequest] = []
    dirty = []
    for request in requests:
        with transaction.atomic():
            if not report.of(request):
                if _removed(request, report):
                    clean.append(request)
            elif request.state in ("rebuilding", "removed", "receipted"):
                rounds = request.removed.get("rounds", 0) + 1
                lifecycle.leftover(request, places=len(report.of(request)), round=rounds)
                _keep(request, request.removed | {"rounds": rounds})
                dirty.append(request)
    with transaction.atomic():
        if not report.everywhere and not report.found:
            RemovalMarks.objects.filter(pk__in=list(marks)).delete()
        again = [request for request in dirty if request.removed["rounds"] < MOST_ROUNDS]
        if again and (release := _newest_honouring(again)):
            retiring.start_purge(SYSTEM, release)
        ask_receipts(clean)
    return {"removed": len(clean), "leftover": len(dirty)}


def ask_receipts(requests: Iterable[OptOutRequest]) -> Job | None:
    """Have receipts signed, in a job."""
    keys = sorted(request.pk for request in requests)
    if not keys:
        return None
    return enqueue(SIGN, {"requests": keys}, actor=SYSTEM, dedupe_key=f"{SIGN}:{keys[0]}-{keys[-1]}-{len(keys)}")


def published_place() -> Place:
    """Where the check reads published bytes: the site's addresses where ``FAIRSTACK_CHECK_URL`` names them, else its folder."""
    if settings.FAIRSTACK_CHECK_URL:
        return ServedSite(settings.FAIRSTACK_CHECK_URL)
    return ServedFolder(stores.folder("releases"))


def find_unfinished() -> dict[str, int]:
    """Sweep: checks and receipts that are due and that no job works on, because one was killed or failed.

    Returns:
        How many requests were given to a new job: ``checks``, ``receipts``.
    """
    found = {}
    for name, kind, state, ask in (
        ("checks", CHECK, "rebuilding", lambda due: ask_check(due, "sweep")),
        ("receipts", SIGN, "removed", ask_receipts),
    ):
        busy = {
            key
            for params in Job.objects.filter(kind=kind, state__in=JOB_ACTIVE).values_list("params", flat=True)
            for key in params["requests"]
        }
        due = [
            request
            for request in OptOutRequest.objects.filter(state=state)
            if request.pk not in busy
            and request.removed.get("erased")
            and request.removed.get("rounds", 0) < MOST_ROUNDS
        ]
        if kind == CHECK and Job.objects.filter(kind=retiring.PURGE, state__in=JOB_ACTIVE).exists():
            due = []
        found[name] = len(due)
        ask(due)
    return found


def _honoured(release: Release, *states: str) -> list[OptOutRequest]:
    return list(OptOutRequest.objects.filter(state__in=states, block_position__lte=release.blocklist_position))


def _newest_honouring(requests: list[OptOutRequest]) -> Release | None:
    position = max(request.block_position or 0 for request in requests)
    published = Release.objects.filter(state="published", blocklist_position__gte=position)
    return published.order_by("-published_at", "-pk").first()


def _erasing(request: OptOutRequest) -> bool:
    if not OPT_OUT.move(request, "rebuilding"):
        return False
    note(request, "rebuilding")
    audit.record(SYSTEM, "erase for request", request)
    return True


def _removed(request: OptOutRequest, report: Report) -> bool:
    now = moment(request)
    check = {
        "at": now.isoformat(),
        "releases": report.releases,
        "rows": report.rows,
        "files": report.files,
        "bytes": report.bytes,
    }
    facts = figures(request) | {"check": check}
    if not OPT_OUT.move(request, "removed", removed_at=now, removed=facts):
        return False
    note(request, "removed")
    audit.record(SYSTEM, "finish request", request, release=facts["release"])
    notices.tell(request, "removed", by=after(now, promises().undo))
    return True


def _keep(request: OptOutRequest, facts: dict[str, Any]) -> None:
    OptOutRequest.objects.filter(pk=request.pk).update(removed=facts)
    request.removed = facts


def _added(before: list[dict[str, Any]], now: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What several purges cleared together, store by store."""
    total = {one["store"]: dict(one) for one in before}
    for one in now:
        there = total.setdefault(one["store"], {"store": one["store"], "items": 0, "files": 0})
        there["items"] += one["items"]
        there["files"] += one["files"]
    return list(total.values())


def figures(request: OptOutRequest) -> dict[str, Any]:
    """What was removed, for the owner to see: by release, and the most that any one release held.

    ``files`` and ``bytes`` are those of the release that held most, since releases share their files.
    """
    names = {(entry["name"], entry["version"]) for entry in request.exposure}
    now = {
        (other.name, other.version): other.withdrawn_at
        for other in Release.objects.filter(name__in={name for name, _ in names}).only(
            "name", "version", "withdrawn_at"
        )
    }
    releases = []
    for entry in request.exposure:
        withdrawn = now.get((entry["name"], entry["version"]))
        releases.append(entry | {"withdrawn_at": withdrawn.isoformat() if withdrawn else ""})
    return {
        **request.removed,
        "files": max((entry["files"] + entry["copies"] for entry in releases), default=0),
        "bytes": max((entry["bytes"] for entry in releases), default=0),
        "repositories": max((entry["repositories"] for entry in releases), default=0),
        "releases": releases,
        "stores": [one["store"] for one in request.removed.get("cleared", [])],
    }
