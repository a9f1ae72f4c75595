"""What releases hold of an account: everything, masked content included. For the verified owner and reviewers alone."""

from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import F, Q

from datasets_app.models import BlockEntry, Holding, Mask, Owner
from portal.models import OptOutRequest
from portal.services.accounts import held_owners

STATES = ("published", "built", "withdrawn")


@dataclass
class Exposure:
    """What one release holds, or held, of what a request covers.

    Attributes:
        name: Of the data set.
        version: Of the release.
        state: Of the release now.
        date: When it was published or, before that, built: ISO 8601.
        repositories: How many are in it.
        files: Files whose named origin lies in them.
        copies: Files of theirs whose content is held under another origin.
        bytes: Of the files.
        standing: ``in``, ``masked`` (held, but hidden) or ``removed``.
    """

    name: str
    version: str
    state: str
    date: str
    repositories: int
    files: int
    copies: int
    bytes: int
    standing: str

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON."""
        return asdict(self)


def of_request(request: OptOutRequest) -> list[Exposure]:
    """By release, newest first: what they hold of what the request covers. Nothing is made or changed."""
    if request.scope == OptOutRequest.AUTHORED:  # it is about files in the repositories of others
        return []
    owners = Owner.objects.filter(pk__in=[owner.pk for owner in held_owners(request)])
    rows = Holding.objects.filter(owner__in=owners, release__state__in=STATES)
    if request.scope == OptOutRequest.REPOSITORIES:
        rows = rows.filter(repository__name_folded__in=request.repositories.values("name_folded"))
    rows = rows.select_related("release").only(
        "files", "copies", "bytes", "owner_id", "repository_id", "release__name", "release__version", "release__state",
        "release__published_at", "release__built_at", "release__created_at",
    )  # fmt: skip
    hidden = _hidden(owners)
    found: dict[int, Exposure] = {}
    # A re-issue is made later than others and yet stands in the place of its original.
    newest = F("release__published_at").desc(nulls_first=True)
    for row in rows.order_by(newest, "-release_id"):
        release = row.release
        date = release.published_at or release.built_at or release.created_at
        entry = found.setdefault(
            row.release_id,
            Exposure(release.name, release.version, release.state, date.isoformat(), 0, 0, 0, 0, "masked"),
        )
        entry.repositories += 1
        entry.files += row.files
        entry.copies += row.copies
        entry.bytes += row.bytes
        if release.state == "withdrawn":
            entry.standing = "removed"
        elif ("owner", row.owner_id) not in hidden and ("repository", row.repository_id) not in hidden:
            entry.standing = "in"
    return list(found.values())


def _hidden(owners: Any) -> set[tuple[str, int]]:
    found: set[tuple[str, int]] = set()
    live = Mask.objects.filter(lifted_at=None, owner__in=owners)
    blocked = BlockEntry.objects.filter(Q(owner__in=owners) | Q(repository__owner__in=owners), lifted_at=None)
    for owner, repository in [
        *live.values_list("owner_id", "repository_id"),
        *blocked.values_list("owner_id", "repository_id"),
    ]:
        found.add(("repository", repository) if repository else ("owner", owner))
    return found
