"""Rows of releases, models and runs for tests that read no bytes."""

from typing import Any

from django.utils import timezone

from core.models import Job, User
from core.permissions import SYSTEM
from datasets_app.models import Release
from modelzoo.models import LicenceTerms, Ref, Revision, ZooModel
from training_jobs import services
from training_jobs.models import Run


def make_release(version: str = "v1.0", state: str = "published", **fields: Any) -> Release:
    """A release as the data floor would have left it."""
    given: dict[str, Any] = {
        "files": 120,
        "bytes": 2_000_000,
        "languages": [{"language": "Python", "files": 100, "bytes": 1_800_000}],
        "digest_logical": "ab" * 32,
        "published_at": timezone.now() if state in ("published", "withdrawn") else None,
        "withdrawn_at": timezone.now() if state == "withdrawn" else None,
    }
    return Release.objects.create(name="the-stack-demo", version=version, state=state, **(given | fields))


def make_revision(release: Release, name: str = "old-coder", licence_key: str = "bigcode-openrail-m") -> Revision:
    """A model of the zoo with one revision, its bytes left out."""
    terms = LicenceTerms.objects.filter(key=licence_key).order_by("-version").first()
    if terms is None:
        terms = LicenceTerms.objects.create(
            key=licence_key, version=1, title=licence_key, text="terms", sha256="0" * 64, notice=""
        )
    model = ZooModel.objects.create(org="fairstack", name=name, licence_key=licence_key)
    revision = Revision.objects.create(
        model=model,
        sha="c0ffee" + "0" * 34,
        message="first",
        release=release,
        terms=terms,
        config={"n_positions": 48},
        parameters={"F32": 41_792},
    )
    Ref.objects.create(model=model, name="main", kind=Ref.Kind.BRANCH, revision=revision)
    return revision


def make_run(
    release: Release, actor: User | None = None, name: str = "coder", state: str = "queued", **fields: Any
) -> Run:
    """A run launched by the service, its job then moved to ``state``."""
    run = services.launch(actor or SYSTEM, release=release, preset="tiny", model_name=name, **fields)
    assert run.job is not None
    if state != "queued":
        ended = {"finished_at": timezone.now()} if state in ("succeeded", "failed", "cancelled") else {}
        Job.objects.filter(pk=run.job.pk).update(
            state=state, started_at=timezone.now(), heartbeat_at=timezone.now(), claim="claimed", **ended
        )
        run.job.refresh_from_db()
    return run
