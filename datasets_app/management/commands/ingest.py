"""``manage.py ingest [source]``: read a source into the corpus, here and now."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from core.permissions import SYSTEM
from datasets_app.console import run_job, telling
from datasets_app.services import sources


class Command(BaseCommand):
    """Thin over ``services.sources``."""

    help = "Read a source into the corpus. Without a name: the packages installed in this Python."

    def add_arguments(self, parser: CommandParser) -> None:
        """The source, and where it lies."""
        parser.add_argument("source", nargs="?", default=sources.INSTALLED)
        parser.add_argument("--path", action="append", help="A site-packages folder; names a new source of that kind.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Ingest with progress on the terminal."""
        with telling():
            if options["path"]:
                sources.add_source(SYSTEM, options["source"], sources.INSTALLED, {"paths": options["path"]})
            figures = run_job(sources.start_ingest(SYSTEM, options["source"]), self.stderr)
        self.stdout.write(
            f"{options['source']}: {figures['files']:,} files of {figures['repositories']:,} repositories "
            f"by {figures['owners']:,} owners; {figures['new_blobs']:,} blobs are new."
        )
