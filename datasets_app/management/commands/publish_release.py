"""``manage.py publish_release``: approve and publish a built release as a person of the staff."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.models import User
from datasets_app.console import find_release, run_job, telling
from datasets_app.services import releases


class Command(BaseCommand):
    """Thin over ``services.releases``."""

    help = "Approve a release in somebody's name and publish it; with --approve-only, approve alone."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which release, and who approves."""
        parser.add_argument("version", nargs="?", default="", help="Such as v1.1; the newest built one where left out.")
        parser.add_argument("--name", default="", help="Of the data set; the site's own where left out.")
        parser.add_argument("--as", dest="user", required=True, metavar="USER", help="Who approves and publishes.")
        parser.add_argument("--approve-only", action="store_true", help="Leave publishing to somebody else.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Approve, publish, purge."""
        user = User.objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['user']}.")
        with telling():
            release = find_release(options["name"], options["version"], "built")
            releases.approve(release, user)
            if options["approve_only"]:
                missing = releases.approvals_missing(release)
                self.stdout.write(f"{release} is approved by {user}; approvals missing: {missing}.")
                return
            job = releases.publish(release, user)
            if job is not None:
                done = run_job(job, self.stderr)
                self.stdout.write(
                    f"Purged: {done['blobs']:,} blobs; {done['rows_checked']:,} published files read again."
                )
        self.stdout.write(f"{release} is published.")
