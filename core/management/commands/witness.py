"""``manage.py witness``: check a ledger from outside, and cosign it. ``python -m core.witnessing`` does the same without settings."""

from argparse import ArgumentParser, Namespace
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core import witnessing
from core.ledger_site import Refused, Unreachable


class Command(BaseCommand):
    """Visits a ledger over HTTP; touches no database."""

    help = "Check that a ledger only grew since the last visit, and cosign it. Exit code 1: refused; 2: nothing can be said."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        witnessing.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            witnessing.run(Namespace(**options), self.stdout.write)
        except Refused as refused:
            raise CommandError(f"REFUSED. {refused}", returncode=1) from None
        except Unreachable as error:
            raise CommandError(str(error), returncode=2) from None
