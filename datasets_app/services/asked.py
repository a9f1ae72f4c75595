"""What each request has put on the block-list, and what is blocked apart from one request."""

from collections.abc import Iterable

import polars as pl

from core.keyed import keyed_hash
from datasets_app.models import BlockEntry
from datasets_app.pipeline.decide import Blocks, is_blocked
from datasets_app.pipeline.sources.base import owner_key, repository_key
from datasets_app.services.blocklist import PURPOSE

_FIELDS = {BlockEntry.OWNER: "owners", BlockEntry.REPOSITORY: "repositories"}
_FIELDS |= {BlockEntry.BLOB: "blobs", BlockEntry.AUTHOR: "authors"}
_ACCOUNT = ("forge", "account_id", "login_folded", "former_logins__login_folded")
_COLUMNS = (
    *("reference", "kind", "keyed", "owner__key", "repository__key", "repository__name_folded"),
    *(f"owner__{column}" for column in _ACCOUNT),
    *(f"repository__owner__{column}" for column in _ACCOUNT),
)


def blocks_by_reference() -> dict[str, Blocks]:
    """What is blocked now, by the request that asked for it; the staff's own entries stand under an empty reference."""
    found: dict[str, dict[str, set[str]]] = {}
    live = BlockEntry.objects.filter(lifted_at=None)
    for reference, kind, keyed, owner, repository, name, *accounts in live.values_list(*_COLUMNS).iterator(2000):
        keys = found.setdefault(reference, {}).setdefault(_FIELDS[kind], set())
        if kind not in (BlockEntry.OWNER, BlockEntry.REPOSITORY):
            keys.add(keyed)
        if key := owner or repository:
            keys.add(key)
        forge, number, *logins = accounts[:4] if owner else accounts[4:]
        for login in logins if number else ():
            if login:
                alias = owner_key(forge, None, login)
                keys.add(alias if owner else repository_key(alias, name))
    return {
        reference: Blocks(**{field: frozenset(keys) for field, keys in fields.items()})
        for reference, fields in found.items()
    }


def together(blocks: Iterable[Blocks]) -> Blocks:
    """All of these as one."""
    whole = Blocks()
    for one in blocks:
        whole |= one
    return whole


class BlockedApartFrom:
    """Tells of rows of files which would still be blocked if one request had blocked nothing.

    Attributes:
        keepers: The other requests that keep out a row that it was asked of.
    """

    def __init__(self, reference: str) -> None:
        """Take the block-list of now."""
        self.keepers: set[str] = set()
        self._others = {other: blocks for other, blocks in blocks_by_reference().items() if other != reference}
        self._all = together(self._others.values())
        live = BlockEntry.objects.filter(lifted_at=None).exclude(reference=reference)
        self._hashes = {
            column: set(live.filter(kind=kind).values_list("keyed", flat=True))
            for column, kind in (("owner_key", BlockEntry.OWNER), ("repository_key", BlockEntry.REPOSITORY))
        }

    def __call__(self, rows: pl.DataFrame) -> pl.Series:
        """One flag a row."""
        by_hash = [
            pl.col(column).is_in(_named(key for key in rows[column].unique() if keyed_hash(PURPOSE, key) in keyed))
            for column, keyed in self._hashes.items()
        ]
        flags = rows.select(pl.any_horizontal(is_blocked(self._all), *by_hash).fill_null(False).alias("blocked"))[
            "blocked"
        ]
        for reference, blocks in self._others.items():
            if reference and rows.filter(flags).select(is_blocked(blocks).fill_null(False).any()).item():
                self.keepers.add(reference)
        return flags


def _named(keys: Iterable[str]) -> pl.Series:
    return pl.Series(list(keys), dtype=pl.String).implode()
