"""Hiding at once: what is masked or blocked vanishes from search, lists and file pages, long before a build removes it."""

from collections.abc import Mapping

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from core import audit
from core.errors import InvalidInput
from core.permissions import SYSTEM, Actor
from datasets_app.models import Mask, Owner, Repository
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


def unmask(actor: Actor, reference: str) -> int:
    """Show again what the masks of a request hide, unless another mask or the block-list hides it too. Gives how many ended."""
    with transaction.atomic():
        ended = 0
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
    """A filter for holdings that the public may not see: masked, or blocked.

    Correlated, so that a look-up asks the indexes for one account and never reads all masks.
    """
    live = Mask.objects.filter(Q(repository=None) | Q(repository=OuterRef("repository")), lifted_at=None)
    return Q(Exists(live.filter(owner=OuterRef("owner")))) | blocklist.blocked_holdings()


def hidden_keys() -> tuple[frozenset[str], frozenset[str]]:
    """The owner keys and repository keys that the public may not see, for filtering rows of a release."""
    live = Mask.objects.filter(lifted_at=None)
    owners, repositories = blocklist.blocked_keys()
    return (
        frozenset(owners) | set(live.filter(repository=None).values_list("owner__key", flat=True)),
        frozenset(repositories) | set(live.filter(repository__isnull=False).values_list("repository__key", flat=True)),
    )
