"""``manage.py expire_requests``: let unproven requests expire, delete forgotten drafts, close finished requests."""

from typing import Any

from django.core.management.base import BaseCommand

from portal.services.clock import keep_time


class Command(BaseCommand):
    """The same as the scheduled task ``portal.tasks.expire_requests``; harmless at any time."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        done = keep_time()
        self.stdout.write(
            f"{done['expired']} requests expired, {done['drafts']} drafts were deleted, {done['closed']} requests were closed."
        )
