"""``manage.py verify_release``: read a release again and compare it with its manifest and its row."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from datasets_app.console import Terminal, find_release, telling
from datasets_app.pipeline import manifest
from datasets_app.pipeline.verify import verify
from datasets_app.purging import releases_folder


class Command(BaseCommand):
    """Thin over the engine's ``verify``."""

    help = "Read every byte of a release and compare it with what its manifest, its row and the ledger say."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which release."""
        parser.add_argument(
            "version", nargs="?", default="", help="Such as v1.1; the newest published one where left out."
        )
        parser.add_argument("--name", default="", help="Of the data set; the site's own where left out.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Verify; a problem ends the command with an error."""
        with telling():
            release = find_release(options["name"], options["version"], "published")
            terminal = Terminal(self.stderr)
            report = verify(releases_folder(), release.name, release.version, terminal)
            terminal.finish()
            stands = manifest.load(releases_folder(), release.name, release.version)
        problems = list(report.problems)
        if (stands.digest_bytes, stands.tree_root) != (release.digest_bytes, release.tree_root):
            problems.append("The manifest has other digests than were published.")
        for problem in problems:
            self.stderr.write(problem)
        if problems:
            raise CommandError(f"{release} is not what it says: {len(problems)} problems.")
        self.stdout.write(
            f"{release} is whole: {report.rows:,} files in {report.shards:,} shards, root {stands.tree_root}."
        )
