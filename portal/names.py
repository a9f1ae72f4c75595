"""Names of accounts and repositories as people type them: a bare name, ``owner/name`` or a web address, in any case."""

import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from core.errors import InvalidInput
from portal.policies import forges

LONGEST = 100  # characters of one segment; no forge allows more
DEEPEST = 6  # segments of an account: groups within groups
_SEGMENT = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_-])?")
_SSH = re.compile(r"(?:ssh://)?git@(?P<forge>[^:/]+)[:/](?P<path>.+)")


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
    segments = text.split("/")
    if not text:
        raise InvalidInput("Enter the name of the account.", "account")
    if len(segments) > DEEPEST or not all(_plain(segment) for segment in segments):
        raise InvalidInput(_complaint("account"), "account")
    return text


def repository_name(text: str, field: str = "repository") -> str:
    """A well-formed repository name.

    Raises:
        InvalidInput: It is no name that a forge could have given.
    """
    text = text.strip().strip("/").removesuffix(".git")
    if not text:
        raise InvalidInput("Enter the name of the repository.", field)
    if not _plain(text, dots=True):
        raise InvalidInput(_complaint("repository"), field)
    return text


def read(text: str) -> Named:
    """What a person typed as an account: a name, ``owner/name`` or an address on a forge that we know.

    Raises:
        InvalidInput: It is none of these, or the forge is unknown.
    """
    text = unicodedata.normalize("NFC", text).strip()
    if len(text) > 500:
        raise InvalidInput("That is longer than any name or address. Enter the name of the account.", "account")
    host, path = None, text
    if ssh := _SSH.fullmatch(text):
        host, path = ssh["forge"], ssh["path"]
    elif "://" in text or text.split("/")[0].lower().removeprefix("www.") in forges():
        try:
            parts = urlsplit(text if "://" in text else f"https://{text}")
            host, path = parts.hostname or "", unquote(parts.path)
        except ValueError:
            raise InvalidInput(_complaint("account"), "account") from None
    if host is not None:
        host = host.lower().removeprefix("www.")
        if host not in forges():
            raise InvalidInput(f"We only know accounts on {', '.join(forges())}.", "account")
    segments = [segment for segment in path.split("/") if segment]
    if "-" in segments[2:]:  # GitLab's pages of a repository lie below /-/
        segments = segments[: segments.index("-", 2)]
    elif host != "gitlab.com":
        segments = segments[:2]
    if not segments:
        raise InvalidInput("Enter the name of the account.", "account")
    if len(segments) == 1:
        return Named(host, account_name(segments[0]), None)
    return Named(host, account_name("/".join(segments[:-1])), repository_name(segments[-1]))


def _plain(segment: str, *, dots: bool = False) -> bool:
    if len(segment) > LONGEST or segment.startswith("-") or ".." in segment:
        return False
    if dots:  # ".github" is a repository
        segment = segment.removeprefix(".")
    return _SEGMENT.fullmatch(segment) is not None


def _complaint(what: str) -> str:
    article = "an" if what == "account" else "a"
    return f"This is not the name of {article} {what}: names have letters, digits, dots, hyphens and underscores only."
