"""Builds and acceptances: a build reads the block-list when it begins, so that what is accepted later goes into the next one."""

from django.db.models import Q

from datasets_app.models import Release
from portal.models import OptOutRequest


def begun_before(request: OptOutRequest) -> Release | None:
    """A release that is being made, or waits to be published, and does not know of an accepted request; or None.

    It cannot be published while it holds the content (``datasets_app.services.releases.publish``).
    """
    if request.state not in ("accepted", "partial", "scheduled") or request.decided_at is None:
        return None
    early = Q(state="building", job__started_at__lt=request.decided_at) | Q(
        state="built", blocklist_position__lt=request.block_position or 0
    )
    return Release.objects.filter(early).order_by("-created_at").first()
