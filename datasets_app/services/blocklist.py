"""The block-list: which accounts and repositories may not enter a release, nor the corpus."""

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from core import audit
from core.errors import InvalidInput
from core.keyed import keyed_hash
from core.permissions import Actor
from datasets_app.models import BlockEntry, Holding, Owner, Release, Repository
from datasets_app.pipeline.sources.base import owner_key, repository_key

PURPOSE = "block-list"
_ACCOUNT = ("forge", "account_id", "login_folded", "former_logins__login_folded")
_BLOCKED = (
    *("kind", "keyed", "owner__key", "repository__key", "repository__name_folded"),
    *(f"owner__{column}" for column in _ACCOUNT),
    *(f"repository__owner__{column}" for column in _ACCOUNT),
)


class KeyedKeys(frozenset[str]):
    """A set of keys that also knows, by their keyed hashes, keys that stand nowhere in clear any more.

    Iterating gives the keys in clear only.
    """

    hashes: frozenset[str]

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or (isinstance(key, str) and keyed_hash(PURPOSE, key) in self.hashes)


def add(actor: Actor, owner: Owner, repository: Repository | None = None, reference: str = "") -> BlockEntry:
    """Put a whole account, or one repository of it, on the block-list. Doing so again gives the entry that is there.

    Whether the request behind it may be granted is the caller's affair (the portal's review). Honoured by the next build.

    Raises:
        InvalidInput: The repository is not the owner's.
    """
    if repository is not None and repository.owner_id != owner.pk:
        raise InvalidInput("This repository belongs to another account.", "repository")
    kind = BlockEntry.OWNER if repository is None else BlockEntry.REPOSITORY
    keyed = keyed_hash(PURPOSE, owner.key if repository is None else repository.key)
    with transaction.atomic():
        _one_at_a_time()
        entry, new = BlockEntry.objects.get_or_create(
            kind=kind,
            keyed=keyed,
            lifted_at=None,
            defaults={
                "owner": owner if repository is None else None,
                "repository": repository,
                "reference": reference,
            },
        )
        if new:
            audit.record(actor, "add to block-list", entry, kind=kind, reference=reference)
    return entry


def lift(actor: Actor, reference: str) -> int:
    """Take the entries of a request off the block-list. Gives how many this call lifted; later builds may hold them again."""
    with transaction.atomic():
        lifted = 0
        for entry in BlockEntry.objects.select_for_update().filter(reference=reference, lifted_at=None):
            entry.lifted_at = timezone.now()
            entry.save(update_fields=["lifted_at"])
            audit.record(actor, "lift from block-list", entry, reference=reference)
            lifted += 1
    return lifted


def position() -> int:
    """The position of the newest entry; 0 where there is none."""
    return BlockEntry.objects.order_by("-position").values_list("position", flat=True).first() or 0


def blocked_keys() -> tuple[KeyedKeys, KeyedKeys]:
    """The owner keys and the repository keys that are blocked now.

    A numbered account is blocked under each login that it has or had, too: a source that knows no numbers calls it so.
    """
    live = BlockEntry.objects.filter(lifted_at=None)
    keys = {BlockEntry.OWNER: set[str](), BlockEntry.REPOSITORY: set[str]()}
    hashes = {BlockEntry.OWNER: set[str](), BlockEntry.REPOSITORY: set[str]()}
    for kind, keyed, owner, repository, name, *accounts in live.values_list(*_BLOCKED):
        hashes[kind].add(keyed)
        if key := owner or repository:
            keys[kind].add(key)
        forge, number, *logins = accounts[:4] if owner else accounts[4:]
        for login in logins if number else ():
            if login:
                alias = owner_key(forge, None, login)
                keys[kind].add(alias if owner else repository_key(alias, name))
    found = []
    for kind in (BlockEntry.OWNER, BlockEntry.REPOSITORY):
        known = KeyedKeys(keys[kind])
        known.hashes = frozenset(hashes[kind])
        found.append(known)
    return found[0], found[1]


def blocked_holdings() -> Q:
    """A filter for the holdings of what is blocked now; correlated, see ``masks.hidden_filter``."""
    live = BlockEntry.objects.filter(lifted_at=None)
    return Q(Exists(live.filter(owner=OuterRef("owner")))) | Q(Exists(live.filter(repository=OuterRef("repository"))))


def holds_blocked(release: Release) -> bool:
    """Whether a release holds anything that is blocked now."""
    return Holding.objects.filter(blocked_holdings(), release=release).exists()


def _one_at_a_time() -> None:
    """On PostgreSQL two writers could commit their positions out of order, and a build would miss the lower one."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {BlockEntry._meta.db_table} IN SHARE ROW EXCLUSIVE MODE")
