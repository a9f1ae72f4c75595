"""Releases: building, approving, publishing, rejecting and withdrawing them."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from core import audit, ledger, stores
from core.errors import Conflict, InvalidInput
from core.jobs import enqueue
from core.models import Job
from core.permissions import Actor, require, row
from datasets_app.models import BlockEntry, Release, ReleaseApproval
from datasets_app.pipeline.errors import PipelineError
from datasets_app.pipeline.format import manifest_path
from datasets_app.pipeline.manifest import check_name
from datasets_app.pipeline.recipe import Recipe, preset
from datasets_app.services import blocklist, reissues, retiring
from datasets_app.services.benchmarks import check_names
from datasets_app.signals import release_published
from datasets_app.states import RELEASE

BUILD = "datasets_app.build_release"
APPROVE = "datasets_app.approve_release"
VERSION = re.compile(r"v(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})")


def start_build(
    actor: Actor,
    name: str = "",
    version: str = "",
    recipe: Recipe | dict[str, Any] | str | None = None,
    benchmarks: Sequence[str] | None = None,
) -> Release:
    """Build a release of the corpus as it stands, without what is on the block-list. The job is on ``.job``.

    Args:
        actor: Who asks.
        name: Of the data set; the site's own (``FAIRSTACK_DATASET_NAME``) where empty.
        version: Such as ``v1.1``; the next minor one where empty.
        recipe: A recipe, its dictionary, or the name of a preset. Where None, the parent's, or else ``demo``.
        benchmarks: Names of the benchmarks of which no file may hold a text; those of the recipe where None.

    Raises:
        PermissionDenied: The actor may not build.
        InvalidInput: A name, version or recipe cannot be, or a benchmark is not there.
        Conflict: The version is taken, or (with ``version`` empty) a build of this data set is under way.
    """
    require(actor, BUILD)
    name = name or settings.FAIRSTACK_DATASET_NAME
    if version and not VERSION.fullmatch(version):
        raise InvalidInput("A version is a “v” and two numbers, such as v1.1.", "version")
    if name == "desk":
        raise InvalidInput("“desk” is an address of this site and cannot name a data set.", "name")
    with transaction.atomic():
        asked = version
        version = version or next_version(name)
        try:
            check_name(name, version)
        except PipelineError as error:
            raise InvalidInput(str(error), "name") from error
        parent = parent_of(name)
        chosen = _recipe(recipe, parent)
        if benchmarks is not None:
            chosen = replace(chosen, benchmarks=tuple(benchmarks))
        check_names(chosen.benchmarks)
        if not asked and (same := _under_way(name)):
            raise Conflict(f"{same} is being built already. Wait for it, or cancel its job first.")
        release, new = Release.objects.select_for_update(of=("self",)).get_or_create(
            name=name,
            version=version,
            defaults={"parent": parent, "created_by": row(actor)},
        )
        if not new:
            _begin_again(release)
        job = enqueue(
            "datasets.build",
            {"release": release.pk},
            actor=actor,
            title=f"Build {name} {version}",
            dedupe_key=f"datasets.build:{name}:{version}",
        )
        release.recipe, release.recipe_digest = chosen.to_dict(), chosen.digest()
        release.parent, release.job = parent if parent != release else None, job
        release.save(update_fields=["recipe", "recipe_digest", "parent", "job"])
        audit.record(actor, "build release", release, recipe=chosen.digest())
    return release


def _begin_again(release: Release) -> None:
    """Let a build that failed start once more under the same version."""
    if release.stalled:
        RELEASE.move(release, "failed")
    if release.state == "building":
        raise Conflict(f"{release} is being built already. Wait for it, or cancel its job first.")
    if release.state != "failed":
        raise Conflict(
            f"{release} is there already ({release.state}), and releases never change. Choose another version."
        )
    RELEASE.move_or_raise(release, "building")


def _under_way(name: str) -> Release | None:
    for release in Release.objects.select_related("job").filter(name=name, state="building"):
        if not release.stalled:
            return release
    return None


def next_version(name: str) -> str:
    """The version that the next build gets: that of the newest build where it failed and left nothing, else the next minor one."""
    numbered = [
        (int(match[1]), int(match[2]), release)
        for release in Release.objects.select_related("job").filter(name=name).defer("funnel", "languages", "licences")
        if (match := VERSION.fullmatch(release.version))
    ]
    if not numbered:
        return "v1.0"
    major, minor, release = max(numbered, key=lambda entry: entry[:2])
    left = manifest_path(stores.folder("releases"), release.name, release.version)
    if (release.state == "failed" or release.stalled) and not left.exists():
        return release.version
    return f"v{major}.{minor + 1}"


def parent_of(name: str) -> Release | None:
    """The release that the next build of a data set goes on from: the newest published one, else the newest withdrawn one."""
    for state in ("published", "withdrawn"):
        found = Release.objects.filter(name=name, state=state).order_by("-published_at", "-pk").first()
        if found is not None:
            return found
    return None


def _recipe(recipe: Recipe | dict[str, Any] | str | None, parent: Release | None) -> Recipe:
    try:
        if isinstance(recipe, Recipe):
            return recipe
        if isinstance(recipe, dict):
            return Recipe.from_dict(recipe)
        if recipe is None and parent is not None:
            return Recipe.from_dict(parent.recipe)
        return preset(recipe or "demo")
    except ValueError as error:
        raise InvalidInput(f"The recipe cannot be: {error}.", "recipe") from error


def approvals_missing(release: Release) -> int:
    """How many more people must approve before it may be published."""
    return max(0, settings.FAIRSTACK_APPROVALS - release.approvals.count())


def approve(release: Release, actor: Actor) -> ReleaseApproval | None:
    """Approve a built release; once a person, again does nothing. The system's approval leaves an audit row alone.

    Raises:
        PermissionDenied: The actor may not approve.
        Conflict: It is not waiting for approval.
    """
    require(actor, APPROVE)
    with transaction.atomic():
        held = Release.objects.select_for_update(of=("self",)).get(pk=release.pk)
        if held.state != "built":
            raise Conflict(
                f"{held} is {held.state}: only a release that was built and not yet published can be approved."
            )
        user = row(actor)
        if user is None:
            audit.record(actor, "approve release", held)
            return None
        approval, new = ReleaseApproval.objects.get_or_create(release=held, user=user)
        if new:
            audit.record(actor, "approve release", held)
    return approval


def publish(release: Release, actor: Actor) -> Job | None:
    """Publish a built release. Others that hold anything blocked end with it, and their bytes are purged by a job.

    By ``FAIRSTACK_OLD_RELEASES`` the job first issues the published ones again without it, or they are withdrawn at once.

    Returns:
        The purge job, or None where there is nothing to purge. A release that is published already is left alone.

    Raises:
        PermissionDenied: The actor may not publish.
        Conflict: Approvals are missing, it is not built, or the block-list grew over it.
    """
    require(actor, APPROVE)
    with transaction.atomic():
        held = Release.objects.select_for_update(of=("self",)).get(pk=release.pk)
        if held.state == "published":
            release.refresh_from_db()
            return None
        if missing := approvals_missing(held):
            people = "one more person" if missing == 1 else f"{missing} more people"
            raise Conflict(f"{held} needs the approval of {people} before it can be published.")
        if held.state == "built" and blocklist.holds_blocked(held):
            raise Conflict(
                f"{held} holds content that was put on the block-list since it was built. Build the next release."
            )
        RELEASE.move_or_raise(release, "published", published_at=timezone.now())
        audit.record(actor, "publish release", release)
        ledger.append("release published", retiring.ledger_body(release))
        ended = ended_with(release)
        begun = reissues.end_all(ended, actor, f"{release.version} takes its place.")
        job = None
        if ended or BlockEntry.objects.filter(lifted_at=None).exists():
            job = retiring.start_purge(actor, release)
            reissues.given_to(job, begun)
        transaction.on_commit(lambda: release_published.send_robust(sender=Release, release=release))
    return job


def ended_with(release: Release) -> list[Release]:
    """The other releases, published or waiting, that hold something blocked: publishing ``release`` ends them."""
    return [other for other in reissues.concerned() if other.pk != release.pk]


def withdraw(release: Release, actor: Actor, reason: str) -> Job | None:
    """Take a published release back. Its pages say why (HTTP 410), and a job deletes its bytes. Again does nothing.

    Raises:
        PermissionDenied: The actor may not.
        InvalidInput: There is no reason given.
        Conflict: It is not published.
    """
    require(actor, APPROVE)
    reason = reason.replace("\x00", "").strip()
    if not reason:
        raise InvalidInput("Say why: the release's page will show it.", "reason")
    with transaction.atomic():
        release.refresh_from_db()
        if release.state == "withdrawn":
            return None
        retiring.withdraw(release, actor, reason)
        return retiring.start_purge(actor, None, subject=release)


def reject(release: Release, actor: Actor, reason: str = "") -> Job | None:
    """Decide against publishing a built release; a job deletes its bytes. Its version is not used again. Again does nothing.

    Raises:
        PermissionDenied: The actor may not.
        Conflict: It is not waiting for approval.
    """
    require(actor, APPROVE)
    with transaction.atomic():
        release.refresh_from_db()
        if release.state == "rejected":
            return None
        retiring.reject(release, actor, reason.replace("\x00", "").strip() or "It was not approved.")
        return retiring.start_purge(actor, None, subject=release)
