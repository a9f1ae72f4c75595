"""What the portal does when something happens on the floors below."""

from typing import Any

from django.db import transaction
from django.db.models.signals import post_save

from core.stores import Cleared
from datasets_app.models import Release
from datasets_app.signals import purge_finished, release_published
from modelzoo.models import Revision
from portal import catalogue, entries
from portal.services import removal


def connect() -> None:
    """Listen. Called once, at the start."""
    release_published.connect(_published, dispatch_uid="portal.published")
    purge_finished.connect(_purged, dispatch_uid="portal.purged")
    post_save.connect(_revision_saved, sender=Revision, dispatch_uid="portal.revision")


def _published(release: Release, **kwargs: Any) -> None:
    release.refresh_from_db()
    removal.release_published(release)
    catalogue.put([entries.of_release(release)])


def _purged(release: Release | None, cleared: list[Cleared], **kwargs: Any) -> None:
    if release is not None:
        removal.purge_finished(release, cleared)


def _revision_saved(instance: Revision, created: bool, **kwargs: Any) -> None:
    """A model was published: its branch has moved when the transaction commits."""

    def look() -> None:
        if entry := entries.of_model(instance.model):
            catalogue.put([entry])

    if created:
        transaction.on_commit(look, robust=True)
