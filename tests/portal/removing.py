"""From an accepted request to its receipt, with the real engine and real jobs run in this process."""

import shutil
import tempfile
from pathlib import Path

from core.jobs import execute_here
from core.models import Job
from portal.models import OptOutRequest
from tests.datasets_app.floor import FloorMixin
from tests.portal import people


class RemovalMixin(FloorMixin):
    """Adds ``self.request`` where asked for, and ways to carry it on."""

    def accepted(self, account: str = "Alpha", *repositories: str, user: str = "ada") -> OptOutRequest:
        """A request about an account of the default packages, accepted."""
        return people.scheduled(people.requester(user), account, *repositories)

    def purged(self) -> Job:
        """Build and publish the next release, and purge; the check that follows waits."""
        self.publish()
        return Job.objects.filter(kind="datasets.purge").latest("created_at")

    def run_jobs(self, *kinds: str) -> list[Job]:
        """Run what waits, of these kinds or of all."""
        done = []
        while True:
            waiting = Job.objects.filter(state="queued")
            job = (waiting.filter(kind__in=kinds) if kinds else waiting).order_by("created_at").first()
            if job is None:
                return done
            done.append(execute_here(job))
            assert done[-1].state == "succeeded", f"{job.kind}: {done[-1].error} {done[-1].crash}"

    def receipted(self, account: str = "Alpha", *repositories: str) -> OptOutRequest:
        """The whole way."""
        request = self.accepted(account, *repositories)
        self.purged()
        self.run_jobs()
        request.refresh_from_db()
        return request

    def work_folder(self) -> Path:
        folder = Path(tempfile.mkdtemp(prefix="fairstack-receipt-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)  # type: ignore[attr-defined]
        return folder
