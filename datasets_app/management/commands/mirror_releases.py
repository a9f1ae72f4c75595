"""``manage.py mirror_releases``: copy what is published to the mirror, where it is not there yet, and read it back."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.permissions import SYSTEM
from datasets_app import mirroring
from datasets_app.console import Terminal, run_job, telling
from datasets_app.models import Release
from datasets_app.pipeline.verify import verify


class Command(BaseCommand):
    """Thin over ``mirroring``: one job a release."""

    help = (
        "Copy every published release to the mirror (FAIRSTACK_RELEASE_MIRROR): for a mirror that is new or was away."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Whether to read all of it."""
        parser.add_argument("--verify", action="store_true", help="Then read every byte of them in the mirror.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Copy; a problem ends the command with an error."""
        with telling():
            place = mirroring.place()
            if place is None:
                raise CommandError("FAIRSTACK_RELEASE_MIRROR is not set: there is no mirror.")
            for release in Release.objects.filter(state="published").order_by("pk"):
                done = run_job(mirroring.start(release, SYSTEM), self.stderr)
                self.stdout.write(f"{release}: {done['copied']:,} files copied, {done['bytes']:,} bytes.")
                if options["verify"]:
                    terminal = Terminal(self.stderr)
                    report = verify(place, release.name, release.version, terminal)
                    terminal.finish()
                    if not report.ok:
                        raise CommandError(f"{release} is damaged in the mirror: {report.problems[0]}")
                    self.stdout.write(f"{release}: {report.rows:,} files read back and whole.")
