"""Bundles that allow a removal to be undone: sealed before a purge erases, opened by an undo, destroyed when their time is over.

A bundle is a row, a file in the data folder (``undo/``) and a key outside it (``FAIRSTACK_UNDO_KEYS``), which no backup of the data
holds. Destroying takes the key first: from then on the bytes say nothing to anybody, wherever a copy of them lies.
"""

import contextlib
import os
from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from core import stores
from core.models import Job
from core.states import JOB_ACTIVE
from core.stores import Cleared, Store
from datasets_app.models import UndoBundle
from datasets_app.pipeline import bundles, restoring, sealing
from datasets_app.pipeline.atomic import TEMPORARY, is_full
from datasets_app.pipeline.errors import PipelineError, StorageError
from datasets_app.pipeline.progress import Progress
from datasets_app.pipeline.restoring import Restored
from datasets_app.purging import corpus_folder, releases_folder
from datasets_app.services import asked

FOLDER = "undo"


class BundleLost(PipelineError):
    """A bundle, or its key, is not there or is damaged: what it held cannot come back."""


def register_store() -> None:
    """The place of the bundles. A purge removes what belongs to none; a scan reads them, and finds nothing, since they are sealed."""
    stores.register(Store("undo bundles", (FOLDER,), purge=_purge))


def seal_all(job: Job, progress: Progress) -> list[UndoBundle]:
    """Seal, for each request, what the purge is about to erase for it. To be called before anything is erased.

    A purge that is run again seals what is still there once more, beside what it had sealed before: opening both gives all.

    Raises:
        StorageError: The disk is full. Nothing was erased.
        CorpusDamaged: A file of the corpus cannot be read.
    """
    _clear_unfinished(job)
    by_request = asked.blocks_by_reference()
    going = asked.together(by_request.values())
    there = bundles.keys_of(corpus_folder(), going)
    made = []
    for reference, blocks in sorted(by_request.items()):
        if reference and there.any_of(blocks):
            bundle = UndoBundle.objects.create(reference=reference, job=job.pk)
            try:
                sealed = bundles.seal(corpus_folder(), path_of(bundle), _make_key(bundle.key), blocks, going, progress)
            except OSError as error:
                if is_full(error):
                    raise StorageError(
                        "The disk is full: what is to be removed could not be sealed first, so nothing was removed. Make room, "
                        "then start the purge again."
                    ) from error
                raise
            if sealed is None:
                _forget(bundle)
                continue
            figures = {name: value for name, value in asdict(sealed).items() if name != "read"}
            UndoBundle.objects.filter(pk=bundle.pk).update(sealed_at=timezone.now(), **figures)
            bundle.refresh_from_db()
            made.append(bundle)
    return made


def of_request(reference: str) -> list[UndoBundle]:
    """The bundles of a request that were sealed, destroyed ones included; oldest first."""
    return list(UndoBundle.objects.filter(reference=reference, sealed_at__isnull=False))


def open_bundles(reference: str) -> list[UndoBundle]:
    """Those that have not been destroyed and are not about to be."""
    return [bundle for bundle in of_request(reference) if bundle.ending_at is None]


def check(reference: str, progress: Progress) -> None:
    """Read every bundle of a request to its end. Changes nothing.

    Raises:
        BundleLost: One is not there or damaged, or its key is.
    """
    for bundle in open_bundles(reference):
        try:
            bundles.check(path_of(bundle), _key_of(bundle), progress)
        except FileNotFoundError:
            raise BundleLost(f"The bundle of {_when(bundle)} is not in the data folder. Nothing was changed.") from None
        except PipelineError as error:
            raise BundleLost(
                f"The bundle of {_when(bundle)} cannot be opened ({error}). Nothing was changed."
            ) from error


def bring_back(reference: str, progress: Progress) -> tuple[Restored, list[str]]:
    """Put back into the corpus what the bundles of a request hold, apart from what others have blocked. May be done again.

    Gives what came back, and the requests that keep the rest out.

    The block-list is left as it is. Call :func:`check` first.
    """
    blocked = asked.BlockedApartFrom(reference)
    total = Restored()
    restoring.mark_releases(releases_folder())
    for bundle in open_bundles(reference):
        done = restoring.restore(corpus_folder(), path_of(bundle), _key_of(bundle), blocked, progress)
        total.files += done.files
        total.blobs += done.blobs
        total.left_out += done.left_out
        total.blob_ids |= done.blob_ids
    return total, sorted(blocked.keepers)


def end(reference: str) -> int:
    """Decide, in the caller's transaction, that the bundles of a request are destroyed; :func:`destroy_ended` does it. How many."""
    return UndoBundle.objects.filter(reference=reference, ending_at=None).update(ending_at=timezone.now())


def hand_over(reference: str, other: str) -> int:
    """Let the bundles of a request serve another, which still keeps out some of what they hold. Gives how many."""
    return UndoBundle.objects.filter(reference=reference, ending_at=None).update(reference=other)


def expire(sealed_before: datetime, spared: Collection[str] = ()) -> int:
    """Decide that bundles older than this are destroyed, apart from those of the spared requests, and do it. Gives how many were."""
    over = UndoBundle.objects.filter(ending_at=None, sealed_at__lt=sealed_before).exclude(reference__in=spared)
    over.update(ending_at=timezone.now())
    return destroy_ended()


def destroy_ended() -> int:
    """Destroy the bundles of which that was decided: the key first, then the bytes, then the row says so. Gives how many.

    Whoever is killed in between leaves it to the next call.
    """
    destroyed = 0
    for bundle in UndoBundle.objects.filter(ending_at__isnull=False, destroyed_at=None):
        _destroy_key(bundle.key)
        path_of(bundle).unlink(missing_ok=True)
        destroyed += UndoBundle.objects.filter(pk=bundle.pk, destroyed_at=None).update(destroyed_at=timezone.now())
    return destroyed


def path_of(bundle: UndoBundle) -> Path:
    """Where its bytes lie. The name says nothing of the request."""
    return stores.folder(FOLDER) / f"{bundle.key.hex}.sealed"


def key_path(key: UUID) -> Path:
    """Where the key of a bundle lies."""
    return Path(settings.FAIRSTACK_UNDO_KEYS) / f"{key.hex}.key"


def _purge(blob_ids: set[str], progress: Progress) -> Cleared:
    """Leftovers of killed writers, bundles that no row knows, and those that have ended."""
    cleared = Cleared("undo bundles", items=destroy_ended())
    known = {bundle.key.hex for bundle in UndoBundle.objects.filter(destroyed_at=None)}
    for path in stores.folder(FOLDER).iterdir():
        if path.name.startswith(TEMPORARY) or path.stem not in known:
            path.unlink(missing_ok=True)
            cleared.files += 1
    return cleared


def _clear_unfinished(job: Job) -> None:
    """Bundles whose writing was cut off, by an earlier attempt or by a job that has ended: nothing was erased after them."""
    others = Job.objects.filter(state__in=JOB_ACTIVE).exclude(pk=job.pk).values("pk")
    for bundle in UndoBundle.objects.filter(sealed_at=None).exclude(job__in=others):
        _forget(bundle)


def _forget(bundle: UndoBundle) -> None:
    _destroy_key(bundle.key)
    path_of(bundle).unlink(missing_ok=True)
    bundle.delete()


def _make_key(name: UUID) -> bytes:
    path = key_path(name)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = sealing.new_key()
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(made)
        file.flush()
        os.fsync(file.fileno())
    _flush_folder(path.parent)
    return made


def _key_of(bundle: UndoBundle) -> bytes:
    try:
        return key_path(bundle.key).read_bytes()
    except FileNotFoundError:
        raise BundleLost(f"The key of the bundle of {_when(bundle)} is not there.") from None


def _destroy_key(name: UUID) -> None:
    """Overwrite and delete a key. What a disk keeps of overwritten blocks is beyond a program."""
    path = key_path(name)
    with contextlib.suppress(FileNotFoundError):
        with path.open("r+b") as file:
            file.write(bytes(sealing.KEY))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
        _flush_folder(path.parent)


def _flush_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _when(bundle: UndoBundle) -> str:
    return f"{bundle.created_at:%Y-%m-%d %H:%M} UTC"
