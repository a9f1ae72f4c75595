"""Bring the licence terms of a folder into the database, for a licence of one's own. The built-in ones come with ``migrate``."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.errors import FairstackError
from modelzoo import licence_data
from modelzoo.services import load_licences


class Command(BaseCommand):
    """``manage.py load_licences [folder]``"""

    help = "Load licence terms from a folder laid out as modelzoo/data/licences. Doing it again changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The folder."""
        parser.add_argument("folder", nargs="?", type=Path, default=licence_data.FOLDER)

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        """Load, and say what is new."""
        if not any(folder.glob("*/licence.json")):
            raise CommandError(f"{folder} holds no <key>/licence.json.")
        try:
            added = load_licences(folder)
        except FairstackError as error:
            raise CommandError(str(error)) from error
        for terms in added:
            self.stdout.write(f"{terms.key} version {terms.version}: {terms.title}")
        self.stdout.write(f"{len(added)} new.")
