"""``manage.py replay_purges``: do again what was blocked and erased after the backup that was put back."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.errors import FairstackError
from datasets_app import replaying


class Command(BaseCommand):
    """Until this has ended well, a site that is older than its journal serves nothing."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = replaying.replay(self.stdout.write)
        except FairstackError as error:
            raise CommandError(str(error)) from error
        if done is None:
            self.stdout.write("Nothing to do again: database and data folder are as new as the journal.")
            return
        self.stdout.write(f"Done again: {done.lines} lines, {done.blocks} blocks; {done.blobs} blobs were looked for.")
