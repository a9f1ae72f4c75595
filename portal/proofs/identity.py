"""Whose account a name is now: a forge's number, login and website of an account, asked at the time of a check.

Code is held under an account's number where a source told it. A name can be given up and taken by a newcomer, so whatever is found
under a name (a repository, published keys) counts only if the forge says that the name is that number's.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.conf import settings

from portal.models import AccountPin
from portal.proofs import web


@dataclass(frozen=True)
class Account:
    """An account as its forge describes it.

    Attributes:
        number: The forge's number; empty where it was not told.
        login: Its present name.
        website: What its profile gives as website; empty where nothing.
    """

    number: str
    login: str
    website: str = ""


class Unsure(Exception):
    """It cannot be said whose the name is.

    Attributes:
        outcome: A key of ``portal.proofs.outcomes``.
    """

    def __init__(self, outcome: str) -> None:
        super().__init__(outcome)
        self.outcome = outcome


def number_of(forge: str, owner_key: str) -> str:
    """The number in an account's key, or the one that an earlier proof pinned to it; empty where neither is known."""
    prefix = f"{forge}:"
    if owner_key.startswith(prefix):
        return owner_key.removeprefix(prefix)
    return AccountPin.objects.filter(owner_key=owner_key).values_list("account_id", flat=True).first() or ""


def present(forge: str, login: str, owner_key: str) -> Account:
    """The account with this key as it is now, under whatever name: where repositories and keys are to be looked for.

    Raises:
        Unsure: The name is somebody else's now, the account is gone, or the forge does not say.
    """
    number = number_of(forge, owner_key)
    by_number = settings.FAIRSTACK_ACCOUNT_NUMBERS.get(forge)
    if number and by_number:
        return _same(number, _ask(by_number.format(number=quote(number, safe=""))))
    by_name = settings.FAIRSTACK_ACCOUNTS.get(forge)
    if number and not by_name:
        raise Unsure("number_unknown")
    if not by_name:
        return Account("", login)
    try:
        found = _ask(by_name.format(owner=quote(login, safe="")))
    except Unsure as unsure:
        if number or unsure.outcome == "account_gone":
            raise
        return Account("", login)  # we know no number, so there is none to compare
    if number:
        return _same(number, found)
    return found


def _same(number: str, found: Account) -> Account:
    if found.number != number:
        raise Unsure("newcomer")
    return found


def _ask(address: str) -> Account:
    try:
        return read(web.fetch_json(address))
    except web.WebRefused as refused:
        raise Unsure("account_gone" if refused.status in (404, 410) else "number_unknown") from refused


def read(answer: Any) -> Account:
    """An account out of a forge's JSON: an object, a list of one, or an object whose ``data`` is a list of one.

    Raises:
        Unsure: There is no account in it.
    """
    if isinstance(answer, dict) and isinstance(answer.get("data"), list):
        answer = answer["data"]
    if isinstance(answer, list):
        if not answer:
            raise Unsure("account_gone")
        answer = answer[0]
    if not isinstance(answer, dict):
        raise Unsure("number_unknown")
    number = answer.get("id")
    login = answer.get("login") or answer.get("username") or answer.get("path")
    if not isinstance(number, int | str) or isinstance(number, bool) or not isinstance(login, str) or not login:
        raise Unsure("number_unknown")
    website = answer.get("blog") or answer.get("website_url") or answer.get("website") or ""
    return Account(str(number), login, website if isinstance(website, str) else "")
