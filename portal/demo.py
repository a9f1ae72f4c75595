"""The demo: real code, a release of it, and a small model, made by the same services that the pages call.

Every step looks first whether its result is there already, so the demo can be run again after any interruption.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings

from core.errors import FairstackError
from core.models import Job, User
from core.states import JOB_ACTIVE
from datasets_app import shard_indexes
from datasets_app.models import Release, Source
from datasets_app.services import releases, sources
from modelzoo.models import Revision
from training_jobs import services as training

SOURCE = "installed-packages"
STAFF = "staff"
MODEL = "demo-coder"

Watch = Callable[[Job], None]


@dataclass(frozen=True)
class Staff:
    """The first staff account.

    Attributes:
        user: The account.
        password: Its password where it was made just now: shown once, kept nowhere.
    """

    user: User
    password: str | None


def first_staff() -> Staff:
    """The staff account that acts in the demo; made where there is no superuser."""
    user = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
    if user is not None:
        return Staff(user, None)
    password = secrets.token_urlsafe(12)
    return Staff(User.objects.create_superuser(STAFF, password=password), password)


def ingest(actor: User, watch: Watch) -> None:
    """Ingest the packages installed in this environment."""
    source = Source.objects.filter(name=SOURCE).first()
    if source is None or source.last_ingested_at is None:
        _see_through(sources.start_ingest(actor, SOURCE), watch)


def first_release(actor: User, watch: Watch) -> Release:
    """Build, approve and publish v1.0. Gives the newest published release where there is one already."""
    name = settings.FAIRSTACK_DATASET_NAME
    published = Release.objects.filter(name=name, state="published").order_by("-published_at").first()
    if published is not None:
        return published
    release = Release.objects.filter(name=name, version="v1.0", state="built").first()
    if release is None:
        release = releases.start_build(actor, name, version="v1.0")
        assert release.job is not None
        _see_through(release.job, watch)
        release.refresh_from_db()
    if not release.approvals.filter(user=actor).exists():
        releases.approve(release, actor)
    if release.approvals.count() >= settings.FAIRSTACK_APPROVALS:
        releases.publish(release, actor)
        kinds = [kind.job for kind in shard_indexes.kinds()]
        for job in Job.objects.filter(kind__in=kinds, state__in=JOB_ACTIVE):
            _see_through(job, watch)
    release.refresh_from_db()
    return release


def first_model(actor: User, release: Release, preset: str, watch: Watch) -> Revision:
    """Train a small model on the release; its run publishes it to the zoo."""
    revisions = Revision.objects.filter(model__org=settings.FAIRSTACK_ORGANISATION, model__name=MODEL)
    there = revisions.order_by("-created_at").first()
    if there is not None:
        return there
    run = training.launch(actor, release=release, preset=preset, model_name=MODEL)
    assert run.job is not None
    _see_through(run.job, watch)
    return revisions.latest("created_at")


def _see_through(job: Job, watch: Watch) -> None:
    watch(job)
    job.refresh_from_db()
    if job.state != "succeeded":
        raise FairstackError(f"{job.title}: {job.state}. {job.error}")
