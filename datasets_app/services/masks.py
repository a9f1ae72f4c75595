"""Hiding at once: what is masked or blocked vanishes from search, lists and file pages, long before a build removes it."""

from collections.abc import Iterable, Mapping

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from core import audit
from core.errors import InvalidInput
from core.permissions import SYSTEM, Actor
from datasets_app.models import ContentMask, Mask, Owner, Release, Repository
from datasets_app.services import blocklist

BATCH = 2000


def mask(actor: Actor, owner: Owner, repository: Repository | None = None, reference: str = "") -> Mask:
    """Hide a whole account, or one repository of it. Doing so again under the same reference gives the mask that is there.

    Raises:
        InvalidInput: The repository is not the owner's.
    """
    if repository is not None and repository.owner_id != owner.pk:
        raise InvalidInput("This repository belongs to another account.", "repository")
    with transaction.atomic():
        same = Mask.objects.filter(owner=owner, repository=repository, reference=reference, lifted_at=None).first()
        if same is not None:
            return same
        made = Mask.objects.create(owner=owner, repository=repository, reference=reference)
        audit.record(actor, "mask", made, reference=reference)
    return made


def mask_contents(
    actor: Actor, reference: str, blobs: Iterable[str] = (), files: Iterable[tuple[str, str, str]] = ()
) -> int:
    """Hide blobs wherever they lie, and certain files: any number at once. Gives how many were not hidden under the reference yet.

    Args:
        actor: Who does it.
        reference: The request that asked for it.
        blobs: Git blob ids in hex.
        files: The key of a repository, a path in it and the blob there. Files of repositories that have no row are left out.
    """
    wanted = set(files)
    keys = sorted({key for key, _, _ in wanted})
    rows: dict[str, int] = {}
    for start in range(0, len(keys), BATCH):
        rows |= dict(Repository.objects.filter(key__in=keys[start : start + BATCH]).values_list("key", "pk"))
    asked: set[tuple[str, int | None, str]] = {(blob, None, "") for blob in blobs}
    asked |= {(blob, rows[key], path) for key, path, blob in wanted if key in rows}
    with transaction.atomic():
        blocklist.one_at_a_time(ContentMask._meta.db_table)
        live = ContentMask.objects.filter(reference=reference, lifted_at=None)
        new = asked - set(live.values_list("blob", "repository", "path"))
        ContentMask.objects.bulk_create(
            [
                ContentMask(blob=blob, repository_id=repository, path=path, reference=reference)
                for blob, repository, path in sorted(new, key=lambda one: (one[0], one[1] or 0, one[2]))
            ],
            batch_size=BATCH,
        )
        if new:
            audit.record_named(actor, "mask contents", "datasets_app.contentmask", reference, masks=len(new))
    return len(new)


def unmask_blobs(actor: Actor, reference: str, blobs: Iterable[str]) -> int:
    """Show some of the blobs again that a request hides wherever they lie. Gives how many masks ended."""
    wanted, ended = sorted(set(blobs)), 0
    with transaction.atomic():
        for start in range(0, len(wanted), BATCH):
            live = ContentMask.objects.filter(reference=reference, lifted_at=None, repository=None)
            ended += live.filter(blob__in=wanted[start : start + BATCH]).update(lifted_at=timezone.now())
        if ended:
            audit.record_named(actor, "unmask contents", "datasets_app.contentmask", reference, masks=ended)
    return ended


def hidden_blobs(blobs: Iterable[str]) -> set[str]:
    """Those of these blobs that the public may see nowhere: masked as such, or blocked."""
    wanted = list(blobs)
    found = blocklist.blocked_blobs(wanted)
    live = ContentMask.objects.filter(lifted_at=None, repository=None)
    for start in range(0, len(wanted), BATCH):
        found.update(live.filter(blob__in=wanted[start : start + BATCH]).values_list("blob", flat=True))
    return found


def every_hidden_blob(release: Release) -> frozenset[str]:
    """All blobs that are masked as such, or were blocked since a release was decided."""
    live = ContentMask.objects.filter(lifted_at=None, repository=None)
    return frozenset(live.values_list("blob", flat=True)) | blocklist.blocked_contents(release.blocklist_position).blobs


def unmask(actor: Actor, reference: str) -> int:
    """Show again what the masks of a request hide, unless another mask or the block-list hides it too. Gives how many ended."""
    with transaction.atomic():
        ended = ContentMask.objects.filter(reference=reference, lifted_at=None).update(lifted_at=timezone.now())
        if ended:
            audit.record_named(actor, "unmask contents", "datasets_app.contentmask", reference, masks=ended)
        for found in Mask.objects.select_for_update(of=("self",)).filter(reference=reference, lifted_at=None):
            found.lifted_at = timezone.now()
            found.save(update_fields=["lifted_at"])
            audit.record(actor, "unmask", found, reference=reference)
            ended += 1
    return ended


def carry_over(keys: Mapping[str, str]) -> int:
    """Hide under an account's number what is hidden under its login: a source told the number only now. Gives how many masks.

    Args:
        keys: The key by login (``forge/login``) to the key by number of each account, both with their rows.
    """
    logins = list(keys)
    made = 0
    for start in range(0, len(logins), BATCH):
        live = Mask.objects.filter(lifted_at=None, owner__key__in=logins[start : start + BATCH])
        for old in live.select_related("owner", "repository"):
            owner = Owner.objects.get(key=keys[old.owner.key])
            repository = None
            if old.repository is not None:
                repository = owner.repositories.filter(name_folded=old.repository.name_folded).first()
                if repository is None:
                    continue
            mask(SYSTEM, owner, repository, reference=old.reference)
            made += 1
    return made


def hidden_filter() -> Q:
    """A filter for holdings that the public may not see, among those of whole releases: masked, or blocked."""
    return _masked() | blocklist.blocked_holdings()


def hidden_among_few() -> Q:
    """The same among the holdings of few accounts or repositories: the indexes are asked for each, and the block-list is never read."""
    return _masked() | blocklist.blocked_among_few()


def _masked() -> Q:
    live = Mask.objects.filter(Q(repository=None) | Q(repository=OuterRef("repository")), lifted_at=None)
    return Q(Exists(live.filter(owner=OuterRef("owner"))))


def hidden_keys() -> tuple[frozenset[str], frozenset[str]]:
    """The owner keys and repository keys that the public may not see, for filtering rows of a release."""
    live = Mask.objects.filter(lifted_at=None)
    owners, repositories = blocklist.blocked_keys()
    return (
        frozenset(owners) | set(live.filter(repository=None).values_list("owner__key", flat=True)),
        frozenset(repositories) | set(live.filter(repository__isnull=False).values_list("repository__key", flat=True)),
    )
