"""A small real data floor for tests: made-up packages, the real engine, real jobs run in this process."""

import shutil
from pathlib import Path

from core.jobs import execute_here
from core.models import Job, User
from datasets_app.models import Owner, Release, Source
from datasets_app.services import blocklist, masks, releases, sources
from tests.base import DataFolderMixin, make_staff
from tests.pipeline.fakes import FakePackage, default_packages, make_site_packages

MARKER = b"zq4w-alpha-one-only-zq4w"  # stands in one file of Alpha/one alone


class FloorMixin(DataFolderMixin):
    """Adds ``self.staff``, a source named ``fakes`` and short ways to ingest, build and publish."""

    staff: User

    def setUp(self) -> None:
        super().setUp()
        self.staff = make_staff()

    def make_source(self, packages: list[FakePackage] | None = None, name: str = "fakes") -> Source:
        root = self.data.parent / f"{self.data.name}-site-packages"
        shutil.rmtree(root, ignore_errors=True)
        self.addCleanup(shutil.rmtree, root, ignore_errors=True)  # type: ignore[attr-defined]
        root.mkdir()
        make_site_packages(root, default_packages() if packages is None else packages)
        return sources.add_source(self.staff, name, "installed-packages", {"paths": [str(root)]})

    def ingest(self, packages: list[FakePackage] | None = None) -> Job:
        source = self.make_source(packages)
        return execute_here(sources.start_ingest(self.staff, source.name))

    def build(self, **arguments: object) -> Release:
        release = releases.start_build(self.staff, **arguments)  # type: ignore[arg-type]
        assert release.job is not None
        execute_here(release.job)
        release.refresh_from_db()
        return release

    def publish(self, release: Release | None = None) -> Release:
        """Build where none is given, approve, publish and purge."""
        release = release or self.build()
        releases.approve(release, self.staff)
        job = releases.publish(release, self.staff)
        if job is not None:
            done = execute_here(job)
            assert done.state == "succeeded", done.error + done.crash
        release.refresh_from_db()
        return release

    def published(self) -> Release:
        """The default packages, ingested, built and published as v1.0."""
        assert self.ingest().state == "succeeded"
        return self.publish()

    def opt_out(self, login: str, repository: str = "") -> Owner:
        owner = Owner.objects.get(login_folded=login)
        found = owner.repositories.get(name_folded=repository) if repository else None
        masks.mask(self.staff, owner, found, reference="R-1")
        blocklist.add(self.staff, owner, found, reference="R-1")
        return owner


def files_below(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]
