"""The block-list: which accounts, repositories, contents and lone authors may not enter a release, nor the corpus."""

from collections.abc import Iterable

from django.db import connection, transaction
from django.db.models import Exists, Max, Min, OuterRef, Q
from django.utils import timezone

from core import audit, stores
from core.errors import InvalidInput
from core.keyed import keyed_hash
from core.permissions import Actor
from datasets_app.models import BlockEntry, ContentMask, Holding, Owner, Release, Repository
from datasets_app.pipeline import copies, held, state
from datasets_app.pipeline.decide import Blocks
from datasets_app.pipeline.release import Release as OpenRelease
from datasets_app.pipeline.release_errors import ReleaseError
from datasets_app.pipeline.sources.base import owner_key, repository_key
from datasets_app.services import journalling

PURPOSE = "block-list"
BATCH = 5000  # rows written, or asked for, at a time
CONTENTS = (BlockEntry.BLOB, BlockEntry.AUTHOR)
_ACCOUNT = ("forge", "account_id", "login_folded", "former_logins__login_folded")
_BLOCKED = (
    *("kind", "keyed", "owner__key", "repository__key", "repository__name_folded"),
    *(f"owner__{column}" for column in _ACCOUNT),
    *(f"repository__owner__{column}" for column in _ACCOUNT),
)


class KeyedKeys(frozenset[str]):
    """A set of keys that also knows, by their keyed hashes, keys that stand nowhere in clear any more.

    Iterating gives the keys in clear only.

    Attributes:
        hashes: Of all that is blocked.
        aliases: Keys that are blocked as names of a numbered account alone: they say nothing of an account with a number.
    """

    hashes: frozenset[str]
    aliases: frozenset[str]

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or (isinstance(key, str) and keyed_hash(PURPOSE, key) in self.hashes)


def add(
    actor: Actor,
    owner: Owner,
    repository: Repository | None = None,
    reference: str = "",
    *,
    commits: bool = False,
    issues: bool = False,
) -> BlockEntry:
    """Put a whole account, or one repository of it, on the block-list. Doing so again under the same reference gives the entry
    that is there.

    Whether the request behind it may be granted is the caller's affair (the portal's review). Honoured by the next build.

    Args:
        actor: Who does it.
        owner: The account.
        repository: One of its repositories; None for all.
        reference: The request that asked for it.
        commits: Whether the entry keeps out commits as well, should a source ever give any.
        issues: Likewise issues.

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
            reference=reference,
            lifted_at=None,
            defaults={
                "owner": owner if repository is None else None,
                "repository": repository,
                "covers_commits": commits,
                "covers_issues": issues,
            },
        )
        if new:
            audit.record(actor, "add to block-list", entry, kind=kind, reference=reference)
            journalling.blocked(kind, [keyed], reference, commits=commits, issues=issues)
    return entry


def add_contents(actor: Actor, kind: str, values: Iterable[str], reference: str = "") -> int:
    """Put blobs, or what certain people wrote alone, on the block-list: any number at once. Gives how many are new.

    Args:
        actor: Who does it.
        kind: ``BlockEntry.BLOB`` or ``BlockEntry.AUTHOR``.
        values: Git blob ids in hex, or keyed hashes of authors as the corpus has them.
        reference: The request that asked for it.
    """
    if kind not in CONTENTS:
        raise ValueError(f"kind: {kind!r} names no content")
    with transaction.atomic():
        _one_at_a_time()
        live = BlockEntry.objects.filter(kind=kind, reference=reference, lifted_at=None)
        new = sorted(set(values) - set(live.values_list("keyed", flat=True)))
        rows = [BlockEntry(kind=kind, keyed=value, reference=reference) for value in new]
        BlockEntry.objects.bulk_create(rows, batch_size=BATCH)
        if new:
            audit.record_named(
                actor, "add to block-list", "datasets_app.blockentry", reference, kind=kind, entries=len(new)
            )
            journalling.blocked(kind, new, reference)
    return len(new)


def lift(actor: Actor, reference: str) -> int:
    """Take the entries of a request off the block-list. Gives how many this call lifted; later builds may hold them again."""
    with transaction.atomic():
        now, live = timezone.now(), BlockEntry.objects.filter(reference=reference, lifted_at=None)
        contents = live.filter(kind__in=CONTENTS).update(lifted_at=now)
        if contents:
            audit.record_named(actor, "lift from block-list", "datasets_app.blockentry", reference, entries=contents)
        lifted = 0
        for entry in live.select_for_update():
            entry.lifted_at = now
            entry.save(update_fields=["lifted_at"])
            audit.record(actor, "lift from block-list", entry, reference=reference)
            lifted += 1
        if lifted or contents:
            journalling.lifted(reference)
    return lifted + contents


def position() -> int:
    """The position of the newest entry; 0 where there is none."""
    return BlockEntry.objects.order_by("-position").values_list("position", flat=True).first() or 0


def content_position() -> int:
    """The position of the newest entry of content or a lone author; 0 where there is none."""
    return BlockEntry.objects.filter(kind__in=CONTENTS).aggregate(last=Max("position"))["last"] or 0


def position_of(reference: str) -> int:
    """How far a release must have honoured the block-list to honour all entries of a request; 0 where it has none.

    What another request had blocked before counts from then on.
    """
    live = BlockEntry.objects.filter(lifted_at=None)
    same = live.filter(kind=OuterRef("kind"), keyed=OuterRef("keyed"), reference=reference)
    first = live.filter(Exists(same)).values("kind", "keyed").annotate(first=Min("position"))
    return first.aggregate(last=Max("first"))["last"] or 0


def blocked_keys() -> tuple[KeyedKeys, KeyedKeys]:
    """The owner keys and the repository keys that are blocked now.

    A numbered account is blocked under each login that it has or had, too: a source that knows no numbers calls it so. A source
    that does know them tells it from a newcomer who took a freed login: see ``KeyedKeys.aliases``.
    """
    live = BlockEntry.objects.filter(lifted_at=None, kind__in=(BlockEntry.OWNER, BlockEntry.REPOSITORY))
    keys = {BlockEntry.OWNER: set[str](), BlockEntry.REPOSITORY: set[str]()}
    aliases = {BlockEntry.OWNER: set[str](), BlockEntry.REPOSITORY: set[str]()}
    hashes = {BlockEntry.OWNER: set[str](), BlockEntry.REPOSITORY: set[str]()}
    for kind, keyed, owner, repository, name, *accounts in live.values_list(*_BLOCKED):
        hashes[kind].add(keyed)
        if key := owner or repository:
            keys[kind].add(key)
        forge, number, *logins = accounts[:4] if owner else accounts[4:]
        for login in logins if number else ():
            if login:
                alias = owner_key(forge, None, login)
                aliases[kind].add(alias if owner else repository_key(alias, name))
    found = []
    for kind in (BlockEntry.OWNER, BlockEntry.REPOSITORY):
        known = KeyedKeys(keys[kind] | aliases[kind])
        known.hashes = frozenset(hashes[kind])
        known.aliases = frozenset(
            one for one in aliases[kind] - keys[kind] if keyed_hash(PURPOSE, one) not in known.hashes
        )
        found.append(known)
    return found[0], found[1]


def blocked_contents(after: int = 0) -> Blocks:
    """The blobs and the authors that are blocked now; only those of entries after a position, where one is given."""
    live = BlockEntry.objects.filter(lifted_at=None, kind__in=CONTENTS, position__gt=after)
    found: dict[str, set[str]] = {kind: set() for kind in CONTENTS}
    for kind, keyed in live.values_list("kind", "keyed").iterator(chunk_size=BATCH):
        found[kind].add(keyed)
    return Blocks(blobs=frozenset(found[BlockEntry.BLOB]), authors=frozenset(found[BlockEntry.AUTHOR]))


def blocks() -> Blocks:
    """Everything that is blocked now, as the engine takes it."""
    owners, repositories = blocked_keys()
    return Blocks(frozenset(owners), frozenset(repositories)) | blocked_contents()


def blocked_blobs(blobs: Iterable[str]) -> set[str]:
    """Those of these blobs that are blocked now."""
    live = BlockEntry.objects.filter(lifted_at=None, kind=BlockEntry.BLOB)
    wanted, found = list(blobs), set[str]()
    for start in range(0, len(wanted), BATCH):
        found.update(live.filter(keyed__in=wanted[start : start + BATCH]).values_list("keyed", flat=True))
    return found


def blocked_holdings() -> Q:
    """A filter for the holdings of accounts and repositories that are blocked now, for whole releases: PostgreSQL reads the
    block-list once for each of the two questions, and keeps it."""
    live = BlockEntry.objects.filter(lifted_at=None)
    return Q(Exists(live.filter(owner=OuterRef("owner")))) | Q(Exists(live.filter(repository=OuterRef("repository"))))


def blocked_among_few() -> Q:
    """The same for few holdings: one question with an OR, which PostgreSQL cannot answer by reading the whole block-list into memory,
    so that it asks both indexes for each holding."""
    asked = Q(owner=OuterRef("owner")) | Q(repository=OuterRef("repository"))
    return Q(Exists(BlockEntry.objects.filter(asked, lifted_at=None)))


def holds_blocked(release: Release) -> bool:
    """Whether a release holds anything that is blocked now, content and lone authors among it."""
    return Holding.objects.filter(blocked_holdings(), release=release).exists() or holds_contents(release)


def holds_contents(release: Release) -> bool:
    """Whether a release holds content that was blocked since it was decided. Asks the database alone where nothing was."""
    more = blocked_contents(after=release.blocklist_position)
    if not more.blobs and not more.authors:
        return False
    try:
        opened = OpenRelease.open(stores.folder("releases"), release.name, release.version)
    except ReleaseError:
        return False  # its bytes are gone
    return bool(len(held.rows(opened, more))) or holds_untold(release)


def holds_untold(release: Release) -> bool:
    """Whether a release whose decisions tell no authors holds what somebody wrote alone who was blocked since.

    It cannot be issued again without that. Which files those are, the request's masks tell, and the corpus as long as it has them.
    """
    decisions = state.decisions(release.folder)
    live = BlockEntry.objects.filter(lifted_at=None, kind=BlockEntry.AUTHOR, position__gt=release.blocklist_position)
    entries = list(live.values_list("keyed", "reference"))
    if not entries or not decisions.paths() or decisions.tells("sole_author"):
        return False
    masks = ContentMask.objects.filter(lifted_at=None, reference__in={one for _, one in entries} - {""})
    places = set(masks.exclude(repository=None).values_list("repository__key", "path", "blob"))
    known = copies.files_of(stores.folder("corpus"), Blocks(authors=frozenset(author for author, _ in entries)))
    places.update(known.select("repository_key", "path", "blob_id").iter_rows())
    opened = OpenRelease.open(stores.folder("releases"), release.name, release.version)
    rows = held.rows(opened, Blocks(blobs=frozenset(blob for *_, blob in places)))
    return any(place in places for place in rows.select("repository_key", "path", "blob_id").iter_rows())


def one_at_a_time(table: str) -> None:
    """On PostgreSQL two writers could commit their numbers out of order, and who reads up to a number would miss the lower one."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")


def _one_at_a_time() -> None:
    one_at_a_time(BlockEntry._meta.db_table)
