"""What granting a request would change, for the desk: the engine's preview over every row of the account, and the copies by ring."""

from dataclasses import dataclass, field

from datasets_app.models import ContentMask, Release, Repository
from datasets_app.pipeline.copies import RULES
from datasets_app.pipeline.decide import Blocks
from datasets_app.services import preview
from portal.models import OptOutRequest
from portal.services import copies
from portal.services.accounts import authors_of, held_owners
from portal.services.copies import Ring


@dataclass(frozen=True)
class Effects:
    """Figures over all rows of the account; see ``datasets_app.services.preview.Effects``.

    Attributes:
        rings: Files of others by ring and by what becomes of them; empty where copies are not asked for.
        searched: Whether the copies were looked for yet.
        own_blobs: Contents of the request's own that would be kept out by their blob ids.
        trivial: Files of others that stay by a rule: how many, and why.
    """

    files: int = 0
    bytes: int = 0
    releases: int = 0
    repositories: int = 0
    shards: int = 0
    promoted: int = 0
    gone: int = 0
    newest: Release | None = None
    rings: list[Ring] = field(default_factory=list)
    searched: bool = False
    own_blobs: int = 0
    trivial: list[tuple[int, str]] = field(default_factory=list)

    @property
    def open(self) -> int:
        """Copies that have to be compared before the request can be granted."""
        return sum(ring.open for ring in self.rings)


def of_request(request: OptOutRequest) -> Effects:
    """The effects. Makes no rows: what is not held has none."""
    authored = request.scope == OptOutRequest.AUTHORED
    owners = [] if authored else held_owners(request)
    repositories = None
    if request.scope == OptOutRequest.REPOSITORIES:
        named = request.repositories.values("name_folded")
        repositories = list(Repository.objects.filter(owner__in=owners, name_folded__in=named))
    hidden = ContentMask.objects.filter(reference=request.reference, lifted_at=None, repository=None)
    contents = Blocks(
        blobs=frozenset(hidden.values_list("blob", flat=True)) if request.copies else frozenset(),
        authors=authors_of(request) if authored else frozenset(),
    )
    found = preview.effects(owners, repositories, contents)
    summary = copies.summary(request) if copies.needed(request) else copies.Summary(None)
    search = summary.search
    return Effects(
        **vars(found),
        rings=summary.rings if request.copies else [],
        searched=search is not None,
        own_blobs=search.blocked if search else 0,
        trivial=[(files, RULES[why].text) for why, files in search.trivial.items()] if search else [],
    )
