"""What the portal does when something happens on the floors below."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models.signals import post_save

from core.models import Job
from core.stores import Cleared
from datasets_app.models import Release
from datasets_app.signals import purge_finished, purge_started, release_published, release_withdrawn
from modelzoo.models import LicenceTerms, Revision, ZooModel
from modelzoo.signals import revision_withdrawn
from portal import catalogue, entries
from portal.models import OptOutRequest
from portal.receipts import evidence
from portal.services import copies, receipts, removal
from portal.signals import personal_data_erased
from training_jobs.models import Run


def connect() -> None:
    """Listen. Called once, at the start."""
    release_published.connect(_published, dispatch_uid="portal.published")
    release_withdrawn.connect(_withdrawn, dispatch_uid="portal.withdrawn")
    purge_started.connect(_purging, dispatch_uid="portal.purging")
    purge_finished.connect(_purged, dispatch_uid="portal.purged")
    personal_data_erased.connect(_erased, dispatch_uid="portal.erased")
    revision_withdrawn.connect(_revision_withdrawn, dispatch_uid="portal.revision-withdrawn")
    post_save.connect(_revision_saved, sender=Revision, dispatch_uid="portal.revision")
    post_save.connect(_terms_saved, sender=LicenceTerms, dispatch_uid="portal.terms")
    post_save.connect(_run_saved, sender=Run, dispatch_uid="portal.run")


def _published(release: Release, **kwargs: Any) -> None:
    release.refresh_from_db()
    removal.release_published(release)
    catalogue.change([*entries.of_release(release), *entries.of_recipes(), *entries.of_code_licences()])


def _withdrawn(release: Release, **kwargs: Any) -> None:
    catalogue.change([*entries.of_recipes(), *entries.of_code_licences()], entries.ids_of_release(release))


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
    if created:
        transaction.on_commit(lambda: _model_changed(instance.model), robust=True)


def _revision_withdrawn(revision: Revision, **kwargs: Any) -> None:
    _model_changed(revision.model)


def _model_changed(model: ZooModel) -> None:
    entry = entries.of_model(model)
    catalogue.change([entry] if entry else [], [] if entry else [entries.model_id(model)])


def _terms_saved(instance: LicenceTerms, created: bool, **kwargs: Any) -> None:
    if created:
        transaction.on_commit(lambda: catalogue.change([entries.of_terms(instance)]), robust=True)


def _run_saved(instance: Run, created: bool, **kwargs: Any) -> None:
    if created:
        transaction.on_commit(lambda: catalogue.change([entries.of_run(instance)]), robust=True)
