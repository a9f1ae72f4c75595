"""``manage.py apply_removals``: take out of a local copy of a release what the removal feed says."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core import signing
from datasets_app.pipeline import removal_feed, removals
from datasets_app.pipeline.errors import PipelineError
from portal.receipts import feed


class Command(BaseCommand):
    """Thin over ``datasets_app.pipeline.removals``, which needs no site: ``python -m datasets_app.pipeline apply-removals``."""

    help = "Take out of a downloaded copy of a release what the removal feed says, and check the copy afterwards."

    def add_arguments(self, parser: CommandParser) -> None:
        """The copy; the feed and the key of another site where it is not this one's."""
        parser.add_argument("folder", type=Path, help="Holds manifest.json and Parquet files of one release.")
        parser.add_argument("--feed", default="", help="Address or file of a feed; this site's own where left out.")
        parser.add_argument(
            "--fingerprint", default="", help="Of the key that signed it; this site's own where left out."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Apply it and say what was done."""
        if options["feed"] and not options["fingerprint"]:
            raise CommandError("Give --fingerprint too: a feed is worth what the key is worth that signed it.")
        read = (
            removal_feed.pages(options["feed"])
            if options["feed"]
            else lambda after: json.dumps(feed.page(after)).encode()
        )
        try:
            items = removal_feed.read_feed(read, options["fingerprint"] or signing.fingerprint())
            done = removals.apply(items, options["folder"])
        except PipelineError as error:
            raise CommandError(str(error)) from error
        self.stdout.write("\n".join(removals.tell(done)))
