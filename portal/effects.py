"""What granting a request would change, for the desk: the engine's preview over every row of the account."""

from dataclasses import dataclass

from datasets_app.models import Owner, Repository
from datasets_app.services import preview
from portal.models import OptOutRequest


@dataclass
class Effects:
    """Figures over all rows of the account; see ``datasets_app.services.preview.Effects``."""

    files: int = 0
    bytes: int = 0
    releases: int = 0
    repositories: int = 0
    shards: int = 0
    promoted: int = 0
    gone: int = 0
    newest: object | None = None


def of_request(request: OptOutRequest) -> Effects:
    """The effects. Makes no rows: what is not held has none."""
    total = Effects()
    for owner in Owner.objects.filter(forge=request.forge, login_folded=request.account.casefold()):
        repositories = None
        if request.scope == OptOutRequest.REPOSITORIES:
            named = request.repositories.values("name_folded")
            repositories = list(Repository.objects.filter(owner=owner, name_folded__in=named))
        one = preview.effects(owner, repositories)
        for field in ("files", "bytes", "repositories", "shards", "promoted", "gone"):
            setattr(total, field, getattr(total, field) + getattr(one, field))
        total.releases = max(total.releases, one.releases)
        total.newest = total.newest or one.newest
    return total
