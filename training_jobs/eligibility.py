"""On which releases a run may train: published ones whose block-list is current."""

from datetime import timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from datasets_app.models import BlockEntry, Release
from modelzoo.models import Revision

NOT_PUBLISHED = {
    "building": "it is still being built. Wait until it is built and published",
    "built": "it is built and not yet published. Have it approved and published",
    "failed": "its build failed. Build it again, or choose another release",
    "rejected": "it was rejected. Choose another release",
}


def grace() -> timedelta:
    """How long a release may stay behind the block-list before no run may train on it."""
    return timedelta(days=settings.FAIRSTACK_BLOCKLIST_GRACE_DAYS)


def refusal(release: Release) -> str:
    """Why no run may train on ``release`` now, for a person to act on; empty where runs may."""
    if release.state == "withdrawn":
        when = f" on {release.withdrawn_at:%-d %B %Y}" if release.withdrawn_at else ""
        return f"{release} was withdrawn{when}: nothing may train on it. Choose a release that is published."
    if not release.published:
        return f"Nothing may train on {release}: {NOT_PUBLISHED[release.state]}."
    if release.reissue_pending:
        return (
            f"{release} is being issued again without files that were taken out of it. Choose another release, or wait for "
            "the one that takes its place."
        )
    missing = _missing_entries(release)
    overdue = missing.filter(created_at__lt=timezone.now() - grace()).order_by("created_at").first()
    if overdue is None:
        return ""
    count = missing.count()
    entries = "1 entry of the block-list is" if count == 1 else f"{count} entries of the block-list are"
    return (
        f"{release} is behind the block-list: {entries} not in it, the oldest since {overdue.created_at:%-d %B %Y}, and the "
        f"grace is {_days(grace())}. Build and publish the next release, then train on that."
    )


def behind(release: Release) -> int:
    """How many live entries of the block-list the release does not honour yet."""
    return _missing_entries(release).count()


def open_releases() -> list[Release]:
    """The releases on which a run may train now, newest first."""
    rows = Release.objects.filter(state="published").order_by("-published_at", "-pk")
    return [release for release in rows if not refusal(release)]


def base_refusal(base: Revision) -> str:
    """Why no run may start from ``base``, or an empty string."""
    if base.withdrawn_at:
        return f"{base} was withdrawn on {base.withdrawn_at:%-d %B %Y}: choose another model to start from."
    return ""


def _missing_entries(release: Release) -> QuerySet[BlockEntry]:
    return BlockEntry.objects.filter(position__gt=release.blocklist_position, lifted_at__isnull=True)


def _days(span: timedelta) -> str:
    return "1 day" if span.days == 1 else f"{span.days} days"
