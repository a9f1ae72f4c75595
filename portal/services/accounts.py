"""From the account and repositories that a request names to the rows of the data floor, whether or not anything is held.

A request is bound to an account by its number where one is known. Another account that took the same name later, or had it before, has
another number, and is not covered.
"""

from core.keyed import keyed_hash
from datasets_app.models import Owner, Repository
from datasets_app.pipeline.decide import Blocks
from datasets_app.pipeline.sources.base import owner_key, repository_key
from portal.models import OptOutRequest


def key_of(forge: str, account: str) -> str:
    """The key of an account: that of the row that we know it by, else the one that a later ingest would give it.

    A number goes before a name; of several numbers that bore the name, the one that was seen with it last counts.
    """
    named = Owner.objects.filter(forge=forge, login_folded=account.casefold())
    known = named.exclude(account_id="").order_by("-pk").first() or named.order_by("key").first()
    return known.key if known else owner_key(forge, None, account)


def owners_of(request: OptOutRequest) -> list[Owner]:
    """The rows of the account: that of its number, and those that know it by its name alone. One is made where there is none."""
    found = held_owners(request)
    if found:
        return found
    owner, _ = Owner.objects.get_or_create(
        key=owner_key(request.forge, None, request.account),
        defaults={
            "forge": request.forge,
            "login": request.account,
            "login_folded": request.account.casefold(),
        },
    )
    return [owner]


def held_owners(request: OptOutRequest) -> list[Owner]:
    """The rows of the account that are there; none where nothing is known of it. Makes none."""
    named = Owner.objects.filter(forge=request.forge, login_folded=request.account.casefold()).order_by("key")
    key = request.owner_key or key_of(request.forge, request.account)
    if not key.startswith(f"{request.forge}:"):
        return list(named)
    found = [owner for owner in named if not owner.account_id or owner.key == key]
    if all(owner.key != key for owner in found):  # it was renamed since
        found += Owner.objects.filter(key=key)
    return found


def targets_of(request: OptOutRequest) -> list[tuple[Owner, Repository | None]]:
    """What the request covers: whole accounts, or repositories, made where there is no row so that they can be blocked ahead.

    Nothing where it is about what a person wrote alone: see ``portal.services.targets``.
    """
    if request.scope == OptOutRequest.AUTHORED:
        return []
    owners = owners_of(request)
    if request.scope == OptOutRequest.ACCOUNT:
        return [(owner, None) for owner in owners]
    targets: list[tuple[Owner, Repository | None]] = []
    for named in request.repositories.all():
        held = list(Repository.objects.filter(owner__in=owners, name_folded=named.name_folded).select_related("owner"))
        if not held:
            owner = owners[0]
            made, _ = Repository.objects.get_or_create(
                key=repository_key(owner.key, named.name),
                defaults={"owner": owner, "name": named.name, "name_folded": named.name_folded},
            )
            held = [made]
        targets += [(repository.owner, repository) for repository in held]
    return targets


def covered_by(request: OptOutRequest) -> Blocks:
    """What the request covers, as the engine takes it. Makes no rows: what is not held has none."""
    if request.scope == OptOutRequest.AUTHORED:
        return Blocks(authors=authors_of(request))
    owners = held_owners(request)
    if request.scope == OptOutRequest.ACCOUNT:
        return Blocks(owners=frozenset(owner.key for owner in owners))
    named = request.repositories.values("name_folded")
    held = Repository.objects.filter(owner__in=owners, name_folded__in=named)
    return Blocks(repositories=frozenset(held.values_list("key", flat=True)))


def authors_of(request: OptOutRequest) -> frozenset[str]:
    """The keyed hashes of the commit authors that the requester has proven to be."""
    passed = request.proofs.filter(passed_at__isnull=False)
    return frozenset(key for proof in passed if (key := getattr(proof, "author_key", "")))


def fingerprint_of(request: OptOutRequest) -> str:
    """A keyed hash of account and scope, by which the same request is known again."""
    names = (
        sorted(request.repositories.values_list("name_folded", flat=True))
        if request.scope == OptOutRequest.REPOSITORIES
        else []
    )
    scope = f"{request.scope} and copies" if request.copies else request.scope
    return keyed_hash("request", "\n".join([request.owner_key, scope, *names]))
