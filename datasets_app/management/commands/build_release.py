"""``manage.py build_release``: build the next release, here and now."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.permissions import SYSTEM
from datasets_app.console import run_job, telling
from datasets_app.services import releases


class Command(BaseCommand):
    """Thin over ``services.releases``."""

    help = "Build a release of the corpus. It has to be approved and published afterwards."

    def add_arguments(self, parser: CommandParser) -> None:
        """Name, version, recipe."""
        parser.add_argument("--name", default="", help="Of the data set; the site's own where left out.")
        parser.add_argument(
            "--release", default="", metavar="VERSION", help="Such as v1.1; the next minor one where left out."
        )
        parser.add_argument("--recipe", default=None, help="A preset; the parent's recipe where left out.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Build with progress on the terminal."""
        with telling():
            release = releases.start_build(SYSTEM, options["name"], options["release"], options["recipe"])
            if release.job is None:
                raise CommandError(f"{release} has no job.")
            figures = run_job(release.job, self.stderr)
        self.stdout.write(
            f"{figures['release']}: {figures['files']:,} files, {figures['bytes']:,} bytes, {figures['shards']:,} shards. "
            "Publish it with publish_release."
        )
