"""The long work of the data floor. Thin: the engine does it, the services decided it. Each may be run again after a kill."""

from pathlib import Path
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from core import audit, stores
from core.errors import Conflict
from core.jobs import ExpectedFailure, JobContext, JobTakenOver, job_kind
from core.permissions import SYSTEM
from datasets_app import backups, catalogue, data_engine, figures, purging, readers, reissuing, scanning, undoing
from datasets_app.models import Release, Source
from datasets_app.pending import PendingPurge
from datasets_app.pipeline import attribute_tasks, build, corpus, manifest
from datasets_app.pipeline.errors import PipelineError
from datasets_app.pipeline.manifest import Manifest
from datasets_app.pipeline.recipe import Recipe
from datasets_app.pipeline.release_errors import ReleaseExists
from datasets_app.services import blocklist, journalling
from datasets_app.signals import purge_finished, purge_started
from datasets_app.states import RELEASE
from datasets_app.turns import wait_for_earlier


@job_kind("datasets.ingest", queue="data", title="Ingest a source", expected=(PipelineError,))
def ingest(ctx: JobContext) -> dict[str, Any]:
    """Read a source into the corpus, then make the rows of its owners and repositories."""
    source = Source.objects.filter(pk=ctx.params["source"]).first()
    if source is None:
        raise ExpectedFailure("The source was deleted meanwhile.")
    wait_for_earlier(ctx, "datasets.ingest", "datasets.purge")
    owners, repositories = blocklist.blocked_keys()
    contents = blocklist.blocked_contents()
    with stores.temporary_folder("ingest") as scratch:
        report = corpus.ingest(
            readers.open_source(source.name, source.kind, source.params, scratch),
            purging.corpus_folder(),
            blocked_owners=owners,
            blocked_repositories=repositories,
            blocked_blobs=contents.blobs,
            blocked_authors=contents.authors,
            aliases=owners.aliases | repositories.aliases,
            progress=ctx.progress,
        )
    ctx.progress("listing repositories", 0, len(report.repositories))
    owner_count, repository_count = catalogue.load_repositories(source, report.repositories)
    ctx.progress("listing repositories", repository_count, repository_count)
    figures = {
        "owners": owner_count,
        "repositories": repository_count,
        "files": report.files,
        "blobs": report.blobs,
        "new_blobs": report.new_blobs,
        "bytes": report.bytes,
        "skipped": report.skipped,
        "notes": len(report.notes),
    }
    source.figures, source.last_ingested_at = figures, timezone.now()
    source.save(update_fields=["figures", "last_ingested_at"])
    ctx.log(f"{report.files} files of {repository_count} repositories; {report.new_blobs} blobs are new.")
    return figures | {"url": reverse("datasets:source", args=[source.name])}


@job_kind("datasets.build", queue="data", title="Build a release", expected=(PipelineError,))
def build_release(ctx: JobContext) -> dict[str, Any]:
    """Attributes, decisions, shards and index by the engine; then figures and holdings into the database."""
    release = Release.objects.select_related("parent").filter(pk=ctx.params["release"]).first()
    if release is None:
        raise ExpectedFailure("The release was deleted meanwhile.")
    if release.state == "building":
        try:
            made = _make(ctx, release)
            _load(ctx, release, made)
        except JobTakenOver:
            raise
        except BaseException:
            RELEASE.move(release, "failed")
            raise
    if release.state != "built":
        raise Conflict(f"{release} is {release.state} and cannot be built.")
    return {
        "release": str(release),
        "files": release.files,
        "bytes": release.bytes,
        "shards": release.shards,
        "url": reverse("datasets:desk-release", args=[release.name, release.version]),
    }


def _make(ctx: JobContext, release: Release) -> Manifest:
    wait_for_earlier(ctx, "datasets.purge")
    # The position first: what is added between the two lines is then honoured, and counted as not yet honoured.
    position = blocklist.position()
    blocks = blocklist.blocks()
    recipe = Recipe.from_dict(release.recipe)
    attribute_tasks.compute(purging.corpus_folder(), recipe, data_engine.executor(), ctx.progress)
    spec = build.BuildSpec(
        name=release.name,
        version=release.version,
        recipe=recipe,
        blocked_owners=blocks.owners,
        blocked_repositories=blocks.repositories,
        blocked_blobs=blocks.blobs,
        blocked_authors=blocks.authors,
        blocklist_position=position,
        parent=(release.parent.name, release.parent.version) if release.parent else None,
    )
    try:
        return build.build(
            purging.corpus_folder(),
            purging.releases_folder(),
            spec,
            progress=ctx.progress,
            executor=data_engine.executor(),
        )
    except ReleaseExists:
        # An earlier attempt of this job may have committed it and died, and corpus or block-list moved on since.
        there = manifest.load(purging.releases_folder(), release.name, release.version)
        ours = there.created_at >= release.created_at.replace(microsecond=0).isoformat(timespec="seconds")
        if ctx.job.attempt < 2 or not ours or there.withdrawn or there.recipe_digest != release.recipe_digest:
            raise
        return there


def _load(ctx: JobContext, release: Release, made: Manifest) -> None:
    ctx.progress("listing holdings", 0, 2)
    rows, funnel = figures.holdings(made), figures.funnel(made)
    ctx.progress("listing holdings", 1, 2)
    with transaction.atomic():
        figures.take_over(release, made, rows, funnel)
    ctx.progress("listing holdings", 2, 2)


@job_kind("datasets.purge", queue="data", title="Purge", expected=(PipelineError,))
def purge(ctx: JobContext) -> dict[str, Any]:
    """Issue again what waits for it; erase blocked content from every store, and withdrawn releases; read the published bytes
    again; tell the floors above."""
    position = blocklist.position()
    wait_for_earlier(ctx, "datasets.ingest", "datasets.build", "datasets.mirror", "datasets.purge")
    reissuing.issue_waiting(ctx, data_engine.executor())
    release = _published(ctx)
    pending = PendingPurge(purging.corpus_folder(), ctx.job.pk)
    markers = scanning.begin(pending, ctx.progress)
    blobs = pending.blobs
    ctx.log(
        f"{len(blobs)} blobs have to go; {len(markers.windows)} windows of {markers.marked} of them tell if they are left."
    )
    purge_started.send(sender=Release, job=ctx.job, blobs=blobs, windows=markers.windows)
    if not ctx.params.get("replay"):  # what a restored backup brought back was sealed when it was erased first
        sealed = undoing.seal_all(ctx.job, ctx.progress)
        ctx.log(f"{len(sealed)} bundles sealed, for as many undos.")
    cleared = stores.purge_everywhere(blobs, ctx.progress)
    for one in cleared:
        ctx.log(f"{one.store}: {one.items} removed, {one.files} files rewritten or deleted.")
    rows = purging.check_published(blobs, ctx.progress)
    ctx.log(f"{rows} published files read again; none of the {len(blobs)} blobs is among them.")
    scanned = scanning.scan(pending, ctx.progress) if blobs else []
    journalling.purged(blobs)
    purge_finished.send(sender=Release, release=release, cleared=cleared, blobs=len(blobs), job=ctx.job)
    pending.finish()
    result = {
        "blobs": len(blobs),
        "rows_checked": rows,
        "windows_looked_for": len(markers.windows),
        "blocklist_position": position,
        "cleared": [{"store": one.store, "items": one.items, "files": one.files} for one in cleared],
        "scanned": [
            {"store": one.store, "files": one.files, "bytes": one.bytes, "hits": len(one.hits)} for one in scanned
        ],
    }
    if release is not None:
        audit.record(SYSTEM, "purge", release, **result)
    return result


@job_kind("datasets.backup", queue="data", title="Back up", expected=(backups.BackupRefused,))
def back_up(ctx: JobContext) -> dict[str, Any]:
    """Write a backup, while nobody writes to the corpus."""
    wait_for_earlier(ctx, "datasets.ingest", "datasets.build", "datasets.mirror", "datasets.purge")
    ctx.progress("copying", 0, 1)
    figures = backups.make(Path(ctx.params["folder"]))
    ctx.progress("copying", 1, 1)
    return figures


def _published(ctx: JobContext) -> Release | None:
    """The release that this purge follows: the one that was published, else the newest that the job issued again."""
    published: int | None = ctx.params["release"]
    if published is not None:
        return Release.objects.filter(pk=published).first()
    issued = Release.objects.filter(job=ctx.job, reissue_of__isnull=False, state="published")
    return issued.order_by("-published_at", "-pk").first()
