"""From the account and repositories that a request names to the rows of the data floor, whether or not anything is held."""

from core.keyed import keyed_hash
from datasets_app.models import Owner, Repository
from datasets_app.pipeline.sources.base import owner_key, repository_key
from portal.models import OptOutRequest


def key_of(forge: str, account: str) -> str:
    """The key of an account: that of the row that we know it by, else the one that a later ingest would give it."""
    known = Owner.objects.filter(forge=forge, login_folded=account.casefold()).order_by("key").first()
    return known.key if known else owner_key(forge, None, account)


def owners_of(request: OptOutRequest) -> list[Owner]:
    """The rows of the account: every one that bears its name on the forge. One is made where there is none."""
    folded = request.account.casefold()
    found = list(Owner.objects.filter(forge=request.forge, login_folded=folded).order_by("key"))
    if found:
        return found
    owner, _ = Owner.objects.get_or_create(
        key=owner_key(request.forge, None, request.account),
        defaults={"forge": request.forge, "login": request.account, "login_folded": folded},
    )
    return [owner]


def targets_of(request: OptOutRequest) -> list[tuple[Owner, Repository | None]]:
    """What the request covers: whole accounts, or repositories, made where there is no row so that they can be blocked ahead."""
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


def fingerprint_of(request: OptOutRequest) -> str:
    """A keyed hash of account and scope, by which the same request is known again."""
    names = (
        sorted(request.repositories.values_list("name_folded", flat=True)) if request.scope != request.ACCOUNT else []
    )
    return keyed_hash("request", "\n".join([request.owner_key, request.scope, *names]))
