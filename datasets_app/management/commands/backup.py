"""``manage.py backup FOLDER``: the database and the data folder, without keys and journal, which belong elsewhere."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.errors import FairstackError
from core.jobs import enqueue, execute_here
from core.permissions import SYSTEM
from datasets_app import backups


class Command(BaseCommand):
    """May run while the site does: it waits for ingests, builds and purges under way, and those that come wait for it."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", help="Where to: a folder that is new or empty.")

    def handle(self, *args: Any, folder: str, **options: Any) -> None:
        target = Path(folder).absolute()
        try:
            backups.check_target(target)
        except FairstackError as error:
            raise CommandError(str(error)) from error
        job = execute_here(enqueue("datasets.backup", {"folder": str(target)}, actor=SYSTEM))
        if job.state != "succeeded":
            raise CommandError(job.error)
        self.stdout.write(f"{job.result['files']} files, {job.result['bytes']:,} bytes in {target}")
