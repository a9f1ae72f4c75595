"""``manage.py grant_role ADA administrator``: give a role, or take it with ``--take``, on the machine itself."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core import roles
from core.errors import FairstackError
from core.models import User
from core.permissions import SYSTEM


class Command(BaseCommand):
    """Makes the first administrator; everything else can be done on the page of roles. The audit trail has it as the system's act."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="The account's name.")
        parser.add_argument("role", help=f"One of {', '.join(roles.ROLES)}.")
        parser.add_argument("--take", action="store_true", help="Take the role away.")

    def handle(self, *args: Any, name: str, role: str, take: bool, **options: Any) -> None:
        user = User.objects.filter(username=name).first()
        if user is None:
            raise CommandError(f"There is no account called {name}.")
        try:
            done = (roles.take if take else roles.give)(SYSTEM, user, role)
        except FairstackError as error:
            raise CommandError(str(error)) from error
        if not done:
            self.stdout.write(
                f"{name} did not have the role {role}." if take else f"{name} had the role {role} already."
            )
            return
        self.stdout.write(f"{name} {'lost' if take else 'has'} the role {role} now.")
