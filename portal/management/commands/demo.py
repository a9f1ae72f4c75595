"""``manage.py demo``: make the demo's corpus, release and model with the workers that run, showing how far it is."""

import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from core import jobs
from core.errors import FairstackError
from core.models import Job
from portal import demo

WIDTH = 30  # characters of a progress bar
SAY_EVERY = 10.0  # seconds between two lines where the output is no terminal


class Command(BaseCommand):
    """Needs workers (``manage.py up``), or ``--here`` to do the work in this process."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--here", action="store_true", help="Do the work in this process, without workers.")

        parser.add_argument("--preset", default="demo", help="How large a model to train: demo (two minutes) or tiny.")

    def handle(self, *args: Any, here: bool, preset: str, **options: Any) -> None:
        watch = self._do if here else self._watch
        staff = demo.first_staff()
        if staff.password:
            self.stdout.write(
                f"\nFirst staff account: {staff.user.username}   password (shown this once): {staff.password}\n"
            )
        try:
            demo.ingest(staff.user, watch)
            release = demo.first_release(staff.user, watch)
            if release.state != "published":
                raise CommandError(
                    f"{release} waits for {settings.FAIRSTACK_APPROVALS} approvals: sign in as staff and approve it."
                )
            revision = demo.first_model(staff.user, release, preset, watch)
        except FairstackError as error:
            raise CommandError(str(error)) from error
        model = f"{revision.model.org}/{revision.model.name}"
        site = settings.FAIRSTACK_SITE_URL
        self.stdout.write(
            f"\nReady on {site}\n\n"
            "Three things to try:\n"
            f"  1. Ask “Am I in The Stack?” for django:      {site}/search?q=django\n"
            f"  2. Look at the model and what it was fed:    {site}/models/{model}\n"
            f"  3. Accept its licence there, make a token on your account page, then:\n"
            f"     HF_ENDPOINT={site} HF_TOKEN=hf_… hf download {model}\n\n"
            "Ctrl-C stops everything."
        )

    def _do(self, job: Job) -> None:
        self.stdout.write(job.title)
        jobs.execute_here(job)

    def _watch(self, job: Job) -> None:
        """Follow a job until it has ended."""
        terminal = sys.stdout.isatty()
        last, said_at = "", 0.0
        self.stdout.write(job.title)
        while True:
            job.refresh_from_db()
            line = self._line(job)
            # A terminal gets one moving bar; a file gets a line a stage, and one every few seconds.
            new_stage = line.partition("[")[0] != last.partition("[")[0]
            if line != last and (terminal or new_stage or not job.active or time.monotonic() - said_at > SAY_EVERY):
                start, end = ("\n" if new_stage and last else "\r\033[K", "") if terminal else ("", "\n")
                self.stdout.write(start + line, ending=end)
                self.stdout.flush()
                last, said_at = line, time.monotonic()
            if not job.active:
                if terminal:
                    self.stdout.write("")
                return
            time.sleep(0.5)

    def _line(self, job: Job) -> str:
        stage = job.current_stage
        if stage is None:
            return "  waiting for a worker"
        done, total = int(str(stage["done"])), int(str(stage["total"]))
        if not total:
            return f"  {stage['stage']:<28} {done:,}"
        filled = WIDTH * min(done, total) // total
        return f"  {stage['stage']:<28} [{'#' * filled}{'.' * (WIDTH - filled)}] {done:,} of {total:,}"
