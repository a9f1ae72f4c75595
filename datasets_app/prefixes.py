"""Accounts and repositories whose names begin as something that was typed, among those that the public may know of.

A range of an index over folded names, read in its order until enough are found. Hidden accounts and those that were never held are
passed over alike.
"""

from dataclasses import dataclass, field

from django.db.models import Exists, OuterRef, Q

from core.errors import InvalidInput
from datasets_app import lookup
from datasets_app.models import Owner, Repository
from datasets_app.query import parse

MOST = 6  # of each that are given
LOOKED_AT = 3 * MOST  # before those are passed over of which only hidden files are held
SHORTEST = 2  # characters
_LAST = "\U0010ffff"


@dataclass(frozen=True)
class Place:
    """An account, or with ``repository`` a repository, whose code published releases show."""

    forge: str
    account: str
    repository: str = ""

    @property
    def text(self) -> str:
        """What can be looked up."""
        return f"{self.account}/{self.repository}" if self.repository else self.account


@dataclass(frozen=True)
class Places:
    """What was found, by name."""

    accounts: list[Place] = field(default_factory=list)
    repositories: list[Place] = field(default_factory=list)


def beginning(text: str) -> Places:
    """Accounts and repositories by the beginning of their names: ``dja``, or ``django/dja`` for repositories of one account.

    What can be no name finds nothing.
    """
    try:
        query = parse(text)
    except InvalidInput:
        return Places()
    if query.repository:
        return Places(repositories=_repositories(query.repository, query.forge, query.login))
    if len(query.login) < SHORTEST:
        return Places()
    return Places(_accounts(query.login, query.forge), _repositories(query.login, query.forge))


def _accounts(start: str, forge: str) -> list[Place]:
    rows = Owner.objects.filter(Exists(lookup.held_by_public().filter(owner=OuterRef("pk"))), **_from(start, "login"))
    if forge:
        rows = rows.filter(forge=forge)
    found = list(rows.order_by("login_folded", "forge").values_list("pk", "forge", "login")[:LOOKED_AT])
    shown = lookup.holding_any([0, *(row[0] for row in found)])
    return [Place(forge, login) for pk, forge, login in found if pk in shown][:MOST]


def _repositories(start: str, forge: str, login: str = "") -> list[Place]:
    wanted = Q(**_from(start, "name"))
    if login:
        wanted &= Q(owner__login_folded=login)
    if forge:
        wanted &= Q(owner__forge=forge)
    rows = Repository.objects.filter(wanted, Exists(lookup.held_by_public().filter(repository=OuterRef("pk"))))
    order = ("name_folded", "owner__login_folded", "pk")
    found = list(rows.order_by(*order).values_list("pk", "owner__forge", "owner__login", "name")[:LOOKED_AT])
    shown = lookup.repositories_shown([0, *(row[0] for row in found)])
    return [Place(forge, login, name) for pk, forge, login, name in found if pk in shown][:MOST]


def _from(start: str, column: str) -> dict[str, str]:
    return {f"{column}_folded__gte": start, f"{column}_folded__lt": start + _LAST}
