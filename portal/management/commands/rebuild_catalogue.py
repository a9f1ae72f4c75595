"""``manage.py rebuild_catalogue``: make the index of releases, models, licences and documents anew."""

from typing import Any

from django.core.management.base import BaseCommand

from portal import catalogue


class Command(BaseCommand):
    """Harmless at any time: readers keep the old index until the new one is whole."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"The catalogue index holds {catalogue.rebuild()} entries.")
