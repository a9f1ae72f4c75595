"""Who may see everything that is known of an account: the one rule, for pages and API alike."""

from django.db.models import Q, QuerySet

from core.forge_accounts import linked
from core.models import User
from core.permissions import may_any
from datasets_app.models import FormerLogin, Owner
from portal import states
from portal.models import OptOutRequest, Proof

NOT_THE_ACCOUNT = ("author_mail",)
"""Proofs that show who wrote files, and not whose account it is."""


def may_see(user: User, owner: Owner) -> bool:
    """Whether ``user`` may see what every release and model holds or held of ``owner``, hidden content included.

    Those who read the desk may; those who have linked this very account of the forge, by its number; and those who proved that the
    account is theirs in a request that was not rejected. The proof counts
    for the account that it was given for: whoever takes over a name that was freed sees nothing of who had it before.
    """
    if may_any(user, "portal.review_request", "portal.view_desk"):
        return True
    return owner.key in _linked(user) or _proved(user).filter(_is(owner)).exists()


def owners_of(user: User) -> list[Owner]:
    """The accounts that somebody linked, or proved to be theirs."""
    proved = _proved(user).values_list("owner_key", "request__forge", "request__account")
    names = Q(key__in=_linked(user))
    for key, forge, account in proved:
        names |= Q(key=key) | Q(forge=forge, login_folded=account.casefold())
    return [owner for owner in Owner.objects.filter(names).order_by("login_folded", "forge") if may_see(user, owner)]


def _linked(user: User) -> set[str]:
    """The keys of the accounts that somebody has linked."""
    return {account.key for _, account in linked(user)}


def _proved(user: User) -> QuerySet[Proof]:
    return (
        Proof.objects.filter(request__requester=user, request__verified_at__isnull=False, passed_at__isnull=False)
        .filter(request__state__in=states.SHOWN)
        .exclude(request__scope=OptOutRequest.AUTHORED)
        .exclude(kind__in=NOT_THE_ACCOUNT)
    )


def _is(owner: Owner) -> Q:
    """Proofs of this very account. A proof under a login alone counts as long as the name is not known to have changed hands."""
    same = Q(owner_key=owner.key)
    taken = FormerLogin.objects.filter(login_folded=owner.login_folded, owner__forge=owner.forge)
    if owner.account_id and (taken.exists() or owner.former_logins.exists()):
        return same
    by_login = f"{owner.forge}/{owner.login_folded}"
    return same | Q(owner_key=by_login)
