"""What people type when they look for themselves: an account, ``owner/repository``, or the web address of either."""

import unicodedata
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from core.errors import InvalidInput
from datasets_app.pipeline.sources.forges import FORGES, NOT_OWNERS, is_gitlab, place

LONGEST = 400
_UNSEEN = {
    "Cc",
    "Cf",
    "Co",
    "Cs",
    "Cn",
    "Zl",
    "Zp",
}  # control, format (zero width, direction), private, unassigned, line breaks


@dataclass(frozen=True)
class Query:
    """A name to look up; all parts folded to lower case.

    Attributes:
        text: As it was typed, without spaces around.
        login: Of the account.
        repository: Its name, or empty where the whole account is meant.
        forge: Host name where an address was given, else empty: every forge.
    """

    text: str
    login: str
    repository: str = ""
    forge: str = ""

    @property
    def kind(self) -> str:
        """``account`` or ``repository``."""
        return "repository" if self.repository else "account"

    @property
    def unusual(self) -> list[str]:
        """Characters that are easily taken for others, each with its Unicode name: forges have names of plain letters, so who
        sees one of these has perhaps not typed what they meant. At most three."""
        strange = dict.fromkeys(letter for letter in self.text if not letter.isascii())
        return [f"{letter} ({unicodedata.name(letter, 'unnamed').lower()})" for letter in strange][:3]


def parse(text: str) -> Query:
    """Understand a search for an account or repository.

    Raises:
        InvalidInput: There is nothing to look for, or far too much.
    """
    text = unicodedata.normalize("NFC", text).strip()
    if not text:
        raise InvalidInput(
            "Type the name of an account, such as django, or of a repository, such as django/django.", "q"
        )
    if len(text) > LONGEST:
        raise InvalidInput(f"This is longer than any name on a forge. Use at most {LONGEST} characters.", "q")
    for place_of, letter in enumerate(text, 1):
        if unicodedata.category(letter) in _UNSEEN:
            name = unicodedata.name(letter, f"U+{ord(letter):04X}").lower()
            raise InvalidInput(
                f"Character {place_of} of it cannot be seen ({name}). It perhaps came along when it was copied: type the name.",
                "q",
            )
    if found := place(text):
        return Query(text, found.owner.casefold(), found.repository.casefold(), found.forge)
    if account := _account_address(text):
        return Query(text, account[1].casefold(), "", account[0])
    login, _, repository = text.strip("/").removeprefix("@").partition("/")
    login = login.strip().removeprefix("@")
    if not login:
        raise InvalidInput(
            "Type the name of an account, such as django, or of a repository, such as django/django.", "q"
        )
    return Query(text, login.casefold(), repository.strip().removesuffix(".git").casefold())


def _account_address(text: str) -> tuple[str, str] | None:
    """Forge and login of an address such as ``https://github.com/django``; None where it is none."""
    try:
        split = urlsplit(text if "://" in text else f"https://{text}")
        host = (split.hostname or "").lower().removeprefix("www.")
    except ValueError:
        return None
    parts = [unquote(part) for part in split.path.split("/") if part]
    if (host not in FORGES and not is_gitlab(host) and host != "pypi.org") or not parts:
        return None
    if host == "pypi.org":  # packages without a repository stand under the index, each under its own name
        return (host, parts[1]) if len(parts) > 1 and parts[0] in ("project", "user") else (host, parts[0])
    if len(parts) == 2 and parts[0].lower() in ("orgs", "users", "groups"):
        return host, parts[1]
    return (host, parts[0]) if len(parts) == 1 and parts[0].lower() not in NOT_OWNERS else None
