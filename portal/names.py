"""Names of accounts and repositories as people type them: a bare name, ``owner/name`` or a web address, in any case."""

import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from core.errors import InvalidInput
from datasets_app.pipeline.sources.forges import NOT_OWNERS, place
from portal.policies import places

LONGEST = 100  # characters of one part of a name; no forge allows more
DEEPEST = 8  # parts of a repository's name in nested groups
_PART = re.compile(r"[A-Za-z0-9_~](?:[A-Za-z0-9_.~+-]*[A-Za-z0-9_+-])?")
ALLOWED = "names have letters, digits, dots, hyphens and underscores only"


@dataclass(frozen=True)
class Named:
    """What was named: the forge where the address told it, the account, and a repository where one was named."""

    forge: str | None
    account: str
    repository: str | None


def account_name(text: str) -> str:
    """A well-formed account name.

    Raises:
        InvalidInput: It is no name that a forge could have given.
    """
    text = text.strip().strip("/").removeprefix("@")
    if not text:
        raise InvalidInput("Enter the name of the account.", "account")
    if not _plain(text):
        raise InvalidInput(f"This is not the name of an account: {ALLOWED}.", "account")
    return text


def repository_name(text: str, field: str = "repository") -> str:
    """A well-formed repository name, without its owner. In a group within a group it is ``group/name``.

    Raises:
        InvalidInput: It is no name that a forge could have given.
    """
    text = text.strip().strip("/").removesuffix(".git")
    if not text:
        raise InvalidInput("Enter the name of the repository.", field)
    parts = text.split("/")
    if len(parts) > DEEPEST or not all(_plain(part.removeprefix(".")) for part in parts):
        raise InvalidInput(f"This is not the name of a repository: {ALLOWED}.", field)
    return text


def read(text: str) -> Named:
    """What a person typed as an account: a name, ``owner/name``, or the address of either on a forge that we know.

    Raises:
        InvalidInput: It is none of these, or the forge is unknown.
    """
    text = unicodedata.normalize("NFC", text).strip()
    if len(text) > 500:
        raise InvalidInput("That is longer than any name or address. Enter the name of the account.", "account")
    if found := place(text):
        return Named(_known(found.forge), account_name(found.owner), repository_name(found.repository))
    host, path = _address(text)
    parts = [part for part in path.split("/") if part]
    if host is not None:
        _known(host)
        if parts and parts[0].lower() in NOT_OWNERS | {"project"}:  # .../orgs/<name>, pypi.org/project/<name>
            parts = parts[1:2]
        return Named(host, account_name("/".join(parts[:1])), None)
    if len(parts) < 2:
        return Named(None, account_name(path), None)
    return Named(None, account_name(parts[0]), repository_name("/".join(parts[1:])))


def _address(text: str) -> tuple[str | None, str]:
    """Host and path of a web address; None and the text where it is no address."""
    if "://" not in text and text.split("/")[0].lower().removeprefix("www.") not in places():
        return None, text
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        return (parts.hostname or "").lower().removeprefix("www."), unquote(parts.path)
    except ValueError:  # such as an unclosed [ of an IPv6 address
        raise InvalidInput("This is not a web address. Enter the name of the account.", "account") from None


def _known(forge: str) -> str:
    if forge not in places():
        raise InvalidInput(f"We do not know accounts on {forge[:80]}. We know {', '.join(places())}.", "account")
    return forge


def _plain(part: str) -> bool:
    return len(part) <= LONGEST and ".." not in part and _PART.fullmatch(part) is not None
