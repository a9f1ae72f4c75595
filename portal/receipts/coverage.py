"""What a request covers, as it stands in the rows of a published release."""

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from core.keyed import keyed_hash
from datasets_app.models import BlockEntry, Owner
from datasets_app.pipeline import held
from datasets_app.pipeline.decide import Blocks
from datasets_app.pipeline.release import Release
from datasets_app.pipeline.sources.base import owner_key, repository_key
from portal.models import Copy, OptOutRequest
from portal.services.accounts import authors_of, targets_of

PLACE = 8  # bytes of a place


@dataclass(frozen=True)
class Coverage:
    """Keys and blobs by which rows of a release fall under a request.

    Attributes:
        owners: Owner keys: every row of theirs.
        repositories: Repository keys.
        authors: Keyed hashes of people: what they wrote alone, wherever it lies.
        ring_a: Blob ids that go under every owner: the same files elsewhere.
        ring_b: Blob ids that go as near-duplicates.
    """

    owners: frozenset[str] = frozenset()
    repositories: frozenset[str] = frozenset()
    authors: frozenset[str] = frozenset()
    ring_a: frozenset[str] = frozenset()
    ring_b: frozenset[str] = frozenset()

    @property
    def own(self) -> pl.Expr:
        """Rows under the requester's own name."""
        by_owner = pl.col("owner_key").is_in(sorted(self.owners))
        return by_owner | pl.col("repository_key").is_in(sorted(self.repositories))

    @property
    def rows(self) -> pl.Expr:
        """Rows under the requester's own name, and those that go whoever holds them."""
        return self.own | pl.col("blob_id").is_in(sorted(self.ring_a | self.ring_b))


def of_request(request: OptOutRequest) -> Coverage:
    """What the request covers now."""
    owners: set[str] = set()
    repositories: set[str] = set()
    for owner, repository in targets_of(request):
        if repository is None:
            owners |= _keys(owner)
        else:
            repositories.add(repository.key)
            repositories |= {repository_key(key, repository.name_folded) for key in _keys(owner)}
    contents = BlockEntry.objects.filter(reference=request.reference, kind=BlockEntry.BLOB, lifted_at=None)
    blocked = frozenset(contents.values_list("keyed", flat=True))
    near = Copy.objects.filter(request=request, ring=Copy.NEAR, verdict=Copy.BLOCK).values_list("blob", flat=True)
    ring_b = blocked & frozenset(near)
    authors = authors_of(request) if request.scope == OptOutRequest.AUTHORED else frozenset()
    return Coverage(frozenset(owners), frozenset(repositories), authors, blocked - ring_b, ring_b)


def of_all(coverages: Iterable[Coverage]) -> Coverage:
    """What any of them covers."""
    total = Coverage()
    for one in coverages:
        total = Coverage(
            total.owners | one.owners,
            total.repositories | one.repositories,
            total.authors | one.authors,
            total.ring_a | one.ring_a,
            total.ring_b | one.ring_b,
        )
    return total


def authored(release: Release, covered: Coverage) -> pl.DataFrame:
    """The rows of a release that the people of ``covered`` wrote alone: ``repository_key`` and ``path``."""
    return held.rows(release, Blocks(authors=covered.authors)).select("repository_key", "path")


def place_of(repository: str, path: str) -> bytes:
    """A keyed hash of where a file stood: it is known again by it, and cannot be read from it."""
    return bytes.fromhex(keyed_hash("removed place", f"{repository}\n{path}"))[:PLACE]


def _keys(owner: Owner) -> set[str]:
    """The keys of an account: a source that knows no numbers calls it by its login."""
    former = owner.former_logins.values_list("login_folded", flat=True)
    logins = {owner.login_folded, *former} if owner.account_id else set()
    return {owner.key} | {owner_key(owner.forge, None, login) for login in logins if login}
