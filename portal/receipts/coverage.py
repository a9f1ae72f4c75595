"""What a request covers, as it stands in the rows of a published release."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import polars as pl

from datasets_app.models import Owner
from datasets_app.pipeline.sources.base import owner_key, repository_key
from portal.models import OptOutRequest
from portal.services.accounts import targets_of


@dataclass(frozen=True)
class Coverage:
    """Keys and blobs by which rows of a release fall under a request.

    Attributes:
        owners: Owner keys: every row of theirs.
        repositories: Repository keys.
        ring_a: Blob ids that go under every owner: the same files elsewhere.
        ring_b: Blob ids that go as near-duplicates.
    """

    owners: frozenset[str] = frozenset()
    repositories: frozenset[str] = frozenset()
    ring_a: frozenset[str] = field(default=frozenset())
    ring_b: frozenset[str] = field(default=frozenset())

    @property
    def own(self) -> pl.Expr:
        """Rows under the requester's own name."""
        by_owner = pl.col("owner_key").is_in(sorted(self.owners))
        return by_owner | pl.col("repository_key").is_in(sorted(self.repositories))

    @property
    def rows(self) -> pl.Expr:
        """All rows that the request covers."""
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
    return Coverage(frozenset(owners), frozenset(repositories))


def of_all(coverages: Iterable[Coverage]) -> Coverage:
    """What any of them covers."""
    total = Coverage()
    for one in coverages:
        total = Coverage(
            total.owners | one.owners,
            total.repositories | one.repositories,
            total.ring_a | one.ring_a,
            total.ring_b | one.ring_b,
        )
    return total


def _keys(owner: Owner) -> set[str]:
    """The keys of an account: a source that knows no numbers calls it by its login."""
    logins = (
        {owner.login_folded, *owner.former_logins.values_list("login_folded", flat=True)} if owner.account_id else set()
    )
    return {owner.key} | {owner_key(owner.forge, None, login) for login in logins if login}
