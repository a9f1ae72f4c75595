"""From the block-list to the end: what publishing and purging a release means for the requests that it honours."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from core import audit
from core.models import Job
from core.permissions import SYSTEM
from core.states import JOB_ACTIVE
from core.stores import Cleared
from datasets_app.models import Release
from portal import exposure
from portal.models import OptOutRequest
from portal.services.timeline import note
from portal.states import OPT_OUT


def release_published(release: Release) -> int:
    """Requests that this release honours are being erased now. Gives how many moved."""
    moved = 0
    for request in _honoured(release, "scheduled"):
        with transaction.atomic():
            moved += _erasing(request)
    return moved


def purge_finished(release: Release, cleared: list[Cleared]) -> int:
    """The published bytes were read again and hold nothing of what these requests cover. Gives how many are removed now.

    May come again, or before the news of the publication: both are harmless.
    """
    moved = 0
    for request in _honoured(release, "scheduled", "rebuilding"):
        with transaction.atomic():
            _erasing(request)
            moved += _removed(request, release, [entry.store for entry in cleared if entry.items or entry.files])
    return moved


def catch_up(request: OptOutRequest) -> None:
    """Finish a request that asks for what another has removed already: a published release honours it, and nothing is left."""
    release = (
        Release.objects.filter(state="published", blocklist_position__gte=request.block_position)
        .order_by("-published_at")
        .first()
    )
    if release is None or Job.objects.filter(kind="datasets.purge", state__in=JOB_ACTIVE).exists():
        return
    if any(entry.standing != "removed" for entry in exposure.of_request(request)):
        return
    _erasing(request)
    _removed(request, release, [])


def _honoured(release: Release, *states: str) -> list[OptOutRequest]:
    return list(OptOutRequest.objects.filter(state__in=states, block_position__lte=release.blocklist_position))


def _erasing(request: OptOutRequest) -> bool:
    if not OPT_OUT.move(request, "rebuilding"):
        return False
    note(request, "rebuilding")
    audit.record(SYSTEM, "erase for request", request)
    return True


def _removed(request: OptOutRequest, release: Release, stores: list[str]) -> bool:
    now = timezone.now()
    if not OPT_OUT.move(request, "removed", removed_at=now, removed=figures(request, release, stores)):
        return False
    note(request, "removed")
    audit.record(SYSTEM, "finish request", request, release=str(release))
    return True


def figures(request: OptOutRequest, release: Release, stores: list[str]) -> dict[str, Any]:
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
        "release": f"{release.name} {release.version}",
        "files": max((entry["files"] + entry["copies"] for entry in releases), default=0),
        "bytes": max((entry["bytes"] for entry in releases), default=0),
        "repositories": max((entry["repositories"] for entry in releases), default=0),
        "releases": releases,
        "stores": stores,
    }
