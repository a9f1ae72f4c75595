"""Which owner and repository on which forge a web address names."""

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

# Hosts whose addresses begin /owner/repository. Any host named gitlab.<something> is taken for a GitLab as well.
FORGES = frozenset(
    {
        "bitbucket.org",
        "code.videolan.org",
        "codeberg.org",
        "framagit.org",
        "git.sr.ht",
        "gitea.com",
        "gitee.com",
        "github.com",
        "gitlab.com",
        "invent.kde.org",
        "notabug.org",
        "salsa.debian.org",
    }
)
# First path parts of forges' own pages, where an owner would stand.
NOT_OWNERS = frozenset(
    {
        "about",
        "apps",
        "collections",
        "customer-stories",
        "dashboard",
        "enterprise",
        "events",
        "explore",
        "features",
        "groups",
        "help",
        "issues",
        "join",
        "login",
        "marketplace",
        "new",
        "notifications",
        "organizations",
        "orgs",
        "pricing",
        "projects",
        "pulls",
        "search",
        "security",
        "sessions",
        "settings",
        "site",
        "snippets",
        "sponsors",
        "stars",
        "topics",
        "trending",
        "user",
        "users",
    }
)
# GitLab groups nest; these end the path of a repository there.
_GITLAB_PAGES = frozenset(
    {"-", "issues", "merge_requests", "blob", "tree", "raw", "wikis", "tags", "releases", "commits"}
)
LONGEST_HOST, LONGEST_OWNER, LONGEST_REPOSITORY = (
    100,
    150,
    200,
)  # characters; no forge has longer ones, no table takes them
_NAME = re.compile(r"^[\w~][\w.~+-]*$", re.ASCII)
_SCP = re.compile(r"^(?:[\w.-]+@)?(?P<host>[\w.-]+\.[a-z]+):(?P<path>[^/].*)$", re.I)


@dataclass(frozen=True)
class Place:
    """A repository on a forge, as an address wrote it. In a GitLab sub-group the repository is named ``sub/name``."""

    forge: str
    owner: str
    repository: str

    @property
    def url(self) -> str:
        """The web address of the repository."""
        return f"https://{self.forge}/{self.owner}/{self.repository}"


def is_gitlab(host: str) -> bool:
    """Whether groups nest on this host."""
    return host.startswith("gitlab.") or host in {
        "code.videolan.org",
        "framagit.org",
        "invent.kde.org",
        "salsa.debian.org",
    }


def place(address: str) -> Place | None:
    """The repository that a web or clone address lies in; None where it names none.

    Everything below the repository (``/issues``, ``/blob/main/...``) is left off. The owner of a repository in a GitLab
    sub-group is the top group: whoever speaks for the group speaks for what is in it.
    """
    address = address.strip().removeprefix("git+")
    if (scp := _SCP.match(address)) and "://" not in address:
        address = f"ssh://{scp['host']}/{scp['path']}"
    elif "://" not in address:
        address = f"https://{address}"
    try:
        split = urlsplit(address)
        host = (split.hostname or "").lower().removeprefix("www.")
    except ValueError:  # such as an unclosed [ of an IPv6 address
        return None
    if host not in FORGES and not host.startswith("gitlab."):
        return None
    parts = [unquote(part) for part in split.path.split("/") if part]
    if len(parts) < 2 or parts[0].lower() in NOT_OWNERS:
        return None
    if is_gitlab(host):
        end = next((at for at, part in enumerate(parts) if at >= 2 and part in _GITLAB_PAGES), len(parts))
        parts = parts[:end]
    else:
        parts = parts[:2]
    parts[-1] = parts[-1].removesuffix(".git")
    if not all(_NAME.match(part) or (at and re.match(r"^\.[\w.-]+$", part)) for at, part in enumerate(parts)):
        return None
    if any(set(part) == {"."} for part in parts):
        return None
    return _fitting(host, parts)


def place_of_clone(address: str) -> Place | None:
    """The repository that a clone address names, on a forge that we know or on any other host; None where it names none.

    On a host that we do not know, the first part of the path is the owner and the rest the repository, as on a GitLab.
    """
    if found := place(address):
        return found
    if (scp := _SCP.match(address)) and "://" not in address:
        address = f"ssh://{scp['host']}/{scp['path']}"
    try:
        split = urlsplit(address)
        host = (split.hostname or "").lower().removeprefix("www.")
    except ValueError:
        return None
    parts = [unquote(part) for part in split.path.removesuffix("/").removesuffix(".git").split("/") if part]
    if split.scheme not in ("https", "http", "ssh", "git") or not host or host in FORGES or len(parts) < 2:
        return None
    if not all(_NAME.match(part) or re.match(r"^\.[\w-][\w.-]*$", part) for part in parts):
        return None
    return _fitting(host, parts)


def _fitting(host: str, parts: list[str]) -> Place | None:
    found = Place(host, parts[0], "/".join(parts[1:]))
    fits = (
        len(host) <= LONGEST_HOST and len(found.owner) <= LONGEST_OWNER and len(found.repository) <= LONGEST_REPOSITORY
    )
    return found if fits else None
