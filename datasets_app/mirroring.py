"""The mirror of published releases (``FAIRSTACK_RELEASE_MIRROR``): copied when they are published, cleared by every purge."""

import shutil
from typing import Any

from django.conf import settings
from django.dispatch import receiver

from core import stores
from core.jobs import ExpectedFailure, JobContext, enqueue, job_kind
from core.models import Job
from core.permissions import SYSTEM, Actor
from core.stores import Cleared, Markers, Store
from datasets_app.models import Release
from datasets_app.pipeline import mirror, storage
from datasets_app.pipeline.errors import PipelineError
from datasets_app.pipeline.storage import Storage, StoredFile
from datasets_app.signals import release_published
from datasets_app.turns import wait_for_earlier


def place() -> Storage | None:
    """The storage of the mirror, or None where the site has none.

    Raises:
        StorageError: Its address cannot be.
    """
    return storage.at(settings.FAIRSTACK_RELEASE_MIRROR) if settings.FAIRSTACK_RELEASE_MIRROR else None


def register_store() -> None:
    """The mirror holds content, if outside the data folder: a purge reaches it too."""
    stores.register(Store("release mirror", (), purge=_purge, scan=_scan))


def start(release: Release, actor: Actor) -> Job:
    """Copy a published release to the mirror, in a job."""
    return enqueue(
        "datasets.mirror",
        {"release": release.pk},
        actor=actor,
        title=f"Copy {release} to the mirror",
        dedupe_key=f"datasets.mirror:{release.pk}",
    )


@receiver(release_published, dispatch_uid="datasets.mirror")
def _on_published(sender: object, release: Release, **kwargs: Any) -> None:
    if settings.FAIRSTACK_RELEASE_MIRROR:
        start(release, SYSTEM)


@job_kind("datasets.mirror", queue="data", title="Copy a release to the mirror", expected=(PipelineError,))
def copy(ctx: JobContext) -> dict[str, Any]:
    """Copy one release. A purge that begins later waits for this, and clears what was withdrawn meanwhile."""
    target = place()
    if target is None:
        raise ExpectedFailure("FAIRSTACK_RELEASE_MIRROR is not set: there is no mirror.")
    wait_for_earlier(ctx, "datasets.purge", "datasets.mirror")
    release = Release.objects.filter(pk=ctx.params["release"]).first()
    if release is None or not release.published:
        raise ExpectedFailure("The release is not published (any more): it is not copied.")
    report = mirror.push(stores.folder("releases"), target, release.name, release.version, ctx.progress)
    ctx.log(f"{report.copied} files copied, {report.bytes} bytes; {report.shards} shards stand in the mirror.")
    return {"release": str(release), "copied": report.copied, "bytes": report.bytes, "shards": report.shards}


def _purge(blob_ids: set[str], progress: stores.Progress) -> Cleared:
    """Withdraw from the mirror what is published no more, and delete what nothing lists."""
    target = place()
    if target is None:
        return Cleared("release mirror")
    going = Release.objects.exclude(state="published").values_list("name", "version")
    report = mirror.clear(target, list(going), progress)
    return Cleared("release mirror", items=report.withdrawn, files=report.deleted)


def _scan(markers: Markers, progress: stores.Progress) -> list[str]:
    """The files of the mirror in which removed text stands. Those that are the site's own, byte by byte, were read there."""
    target = place()
    if target is None:
        return []
    found = []
    files = list(target.files())
    with stores.temporary_folder("mirror") as work:
        copied = work / "file"
        for number, file in enumerate(files):
            progress("reading the mirror", number, len(files))
            if _is_ours(target, file):
                continue
            with target.open(file.name) as source, copied.open("wb") as copy:
                shutil.copyfileobj(source, copy, 1 << 20)
            if markers.in_file(copied):
                found.append(f"{target.address}/{file.name}")
    progress("reading the mirror", len(files), len(files))
    return found


def _is_ours(target: Storage, file: StoredFile) -> bool:
    """Whether the site has the same bytes in the same place; a shard is named by its bytes and was read back when it was copied."""
    own = stores.folder("releases") / file.name
    if not own.is_file() or own.stat().st_size != file.size:
        return False
    return file.name.startswith("shards/") or storage.read_bytes(target, file.name) == own.read_bytes()
