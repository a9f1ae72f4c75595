"""``manage.py honour_blocklist``: take what is blocked out of all retained releases, here and now."""

from typing import Any

from django.core.management.base import BaseCommand

from core.permissions import SYSTEM
from datasets_app.console import run_job, telling
from datasets_app.services import reissues


class Command(BaseCommand):
    """Thin over ``services.reissues``."""

    help = "Issue again, or withdraw (FAIRSTACK_OLD_RELEASES), every release that holds what is blocked, and purge."

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it with progress on the terminal."""
        with telling():
            job = reissues.honour_now(SYSTEM)
            if job is None:
                self.stdout.write("No release holds anything that is blocked.")
                return
            done = run_job(job, self.stderr)
        self.stdout.write(
            f"Purged: {done['blobs']:,} blobs; {done['rows_checked']:,} published files read again; "
            f"{done['windows_looked_for']:,} windows of their texts looked for and not found."
        )
