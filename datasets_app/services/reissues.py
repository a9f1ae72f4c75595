"""Old releases that hold what was blocked since: issued again without it, or withdrawn, as ``FAIRSTACK_OLD_RELEASES`` says.

A re-issue takes what is blocked out of what was approved; a copy that stood aside for a blocked file may take its place, nothing
that was ingested since enters. So it needs no approval of its own. From the moment it is asked for, the bytes of
the release are not served; when it is made, one transaction publishes it and withdraws the release. So whenever
something breaks off, there is either the old one, unserved, or the new one, and the work can be asked for again.
"""

from collections.abc import Iterable, Sequence

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from core import audit, ledger, stores
from core.errors import Conflict
from core.jobs import enqueue
from core.models import Job
from core.permissions import Actor, require, row
from datasets_app.models import Holding, Release
from datasets_app.pipeline.format import manifest_path
from datasets_app.pipeline.reissue import next_version
from datasets_app.services import blocklist, retiring
from datasets_app.signals import release_published
from datasets_app.states import RELEASE

APPROVE = "datasets_app.approve_release"
HELD = "It held files that the data set holds no more."


def by_policy() -> bool:
    """Whether old releases are issued again; otherwise they are withdrawn."""
    return bool(settings.FAIRSTACK_OLD_RELEASES == "reissue")


def concerned() -> list[Release]:
    """The releases, published or waiting for approval, that hold something blocked now."""
    standing = Release.objects.filter(state__in=("published", "built")).order_by("pk")
    holding = Holding.objects.filter(blocklist.blocked_holdings(), release__in=standing)
    named = set(holding.values_list("release", flat=True))
    rows = standing.defer("recipe", "funnel", "languages", "licences")
    newest = blocklist.content_position()
    return [
        one for one in rows if one.pk in named or (one.blocklist_position < newest and blocklist.holds_contents(one))
    ]


def honour_now(actor: Actor) -> Job | None:
    """Honour the block-list now in every release that is retained, without waiting for the next build. The job follows it.

    Asking again while the work is under way gives that job; where nothing holds anything blocked, there is none.

    Raises:
        PermissionDenied: The actor may not.
    """
    require(actor, APPROVE)
    with transaction.atomic():
        ended = concerned()
        if not ended:
            return None
        begun = end_all(ended, actor, "")
        for one in begun:
            if one.job is not None and one.job.active:
                return one.job
        job = enqueue(
            retiring.PURGE,
            {"release": None},
            actor=actor,
            title="Honour the block-list",
            dedupe_key=f"datasets.honour:{blocklist.position()}",
        )
        given_to(job, begun)
        audit.record(actor, "honour block-list", ended[-1], releases=len(ended))
    return job


def end_all(releases: Iterable[Release], actor: Actor, instead: str) -> list[Release]:
    """End releases by policy, in the caller's transaction: reject what waits, withdraw or begin to issue again what is
    published. One whose decisions do not tell whose files it has to leave out is withdrawn whatever the policy. Gives the
    re-issues that were begun. ``instead`` ends the reason that pages show.
    """
    begun = []
    for release in releases:
        if release.state != "published":
            retiring.reject(release, actor, f"{HELD} {instead}".strip())
        elif by_policy() and not blocklist.holds_untold(release):
            begun.append(begin(release, actor))
        else:
            retiring.withdraw(release, actor, f"{HELD} {instead}".strip())
    return begun


def begin(original: Release, actor: Actor) -> Release:
    """The row of the re-issue that is to take a published release's place, in the caller's transaction.

    One that is begun already is given; one that failed begins once more, under a new version if it left anything.

    Raises:
        Conflict: The release is not published.
    """
    held = Release.objects.select_for_update(of=("self",)).select_related("reissue_of").get(pk=original.pk)
    if held.state != "published":
        raise Conflict(f"{held} is {held.state}: only a published release is issued again.")
    pending = held.reissue_pending
    if pending is not None and pending.state == "building":
        return pending
    if pending is not None and not manifest_path(stores.folder("releases"), pending.name, pending.version).exists():
        RELEASE.move_or_raise(pending, "building")
        return pending
    root = held.reissue_of or held
    version = next_version(root.version, Release.objects.filter(name=root.name).values_list("version", flat=True))
    made = Release.objects.create(
        name=held.name,
        version=version,
        recipe=held.recipe,
        recipe_digest=held.recipe_digest,
        parent=held,
        reissue_of=root,
        created_by=row(actor),
    )
    audit.record(actor, "issue release again", made, original=held.version)
    return made


def given_to(job: Job, begun: Sequence[Release]) -> None:
    """Remember which job makes these re-issues."""
    Release.objects.filter(pk__in=[one.pk for one in begun]).update(job=job)


def take_its_place(reissue: Release, original: Release, actor: Actor) -> None:
    """Publish a re-issue that was made and withdraw the release in whose place it is, in the caller's transaction.

    It keeps that release's date of publication, and so its place among the others.

    Raises:
        InvalidTransition: The re-issue is not built, or the release is published no more.
    """
    RELEASE.move_or_raise(reissue, "published", published_at=original.published_at or timezone.now())
    audit.record(actor, "publish release", reissue, reissue_of=original.version)
    ledger.append("release published", retiring.ledger_body(reissue))
    retiring.withdraw(original, actor, f"{HELD} It was issued again without them, as {reissue.version}.")
    transaction.on_commit(lambda: release_published.send_robust(sender=Release, release=reissue))
