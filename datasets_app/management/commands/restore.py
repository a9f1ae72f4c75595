"""``manage.py restore FOLDER``: put a backup in the place of what is here, then do again what was erased since."""

from argparse import ArgumentParser
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from core.errors import FairstackError
from core.models import Job
from datasets_app import backups


class Command(BaseCommand):
    """Stop web server and workers first. What was blocked and erased after the backup is erased again before anything is served."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", help="What manage.py backup has made.")

    def handle(self, *args: Any, folder: str, **options: Any) -> None:
        source = Path(folder).absolute()
        alive = timezone.now() - timedelta(seconds=2 * settings.FAIRSTACK_JOB_SILENCE)
        if Job.objects.filter(state__in=("running", "cancelling"), heartbeat_at__gte=alive).exists():
            raise CommandError("A job is running. Stop web server and workers, wait a minute, then restore.")
        try:
            backups.put_back(source)
        except FairstackError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{source} was put back.")
        call_command("migrate", verbosity=0, interactive=False, stdout=self.stdout)
        call_command("replay_purges", stdout=self.stdout)
