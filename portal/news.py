"""What the portal does when something happens on the floors below."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models.signals import post_save

from core.models import Job
from core.stores import Cleared
from datasets_app.models import Release
from datasets_app.signals import purge_finished, purge_started, release_published
from modelzoo.models import Revision
from portal import catalogue, entries
from portal.models import OptOutRequest
from portal.receipts import evidence
from portal.services import copies, receipts, removal
from portal.signals import personal_data_erased


def connect() -> None:
    """Listen. Called once, at the start."""
    release_published.connect(_published, dispatch_uid="portal.published")
    purge_started.connect(_purging, dispatch_uid="portal.purging")
    purge_finished.connect(_purged, dispatch_uid="portal.purged")
    personal_data_erased.connect(_erased, dispatch_uid="portal.erased")
    post_save.connect(_revision_saved, sender=Revision, dispatch_uid="portal.revision")


def _published(release: Release, **kwargs: Any) -> None:
    release.refresh_from_db()
    removal.release_published(release)
    catalogue.put([entries.of_release(release)])


def _purging(job: Job, blobs: set[str], windows: Sequence[bytes], **kwargs: Any) -> None:
    evidence.take(blobs, windows, job.pk)


def _purged(release: Release | None, cleared: list[Cleared], job: Job | None = None, **kwargs: Any) -> None:
    if release is not None:
        removal.purge_finished(release, cleared, job.pk if job else None)


def _erased(request: OptOutRequest, **kwargs: Any) -> None:
    receipts.forget(request)
    copies.forget(request)


def _revision_saved(instance: Revision, created: bool, **kwargs: Any) -> None:
    """A model was published: its branch has moved when the transaction commits."""

    def look() -> None:
        if entry := entries.of_model(instance.model):
            catalogue.put([entry])

    if created:
        transaction.on_commit(look, robust=True)
