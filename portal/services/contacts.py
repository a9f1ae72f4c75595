"""Who else is concerned by a request: people who have shown, here, that the same account is theirs, or one that holds copies, in a
request of theirs or to declare that it stays in.

They are told, and can object.
"""

from django.core import signing
from django.db.models import Q

from core.models import User
from portal.models import Copy, Declaration, Notice, OptOutRequest, Proof
from portal.services import notices

SALT = "portal.objection"
MOST_HOLDERS = 5000  # repositories with copies whose owners are looked for


def of_request(request: OptOutRequest) -> list[User]:
    """Others who have proven the account of a request, or one under which copies were found."""
    holders = Copy.objects.filter(request=request).exclude(verdict=Copy.LEAVE).order_by("repository_key")
    keys = {
        key.rpartition("/")[0] for key in holders.values_list("repository_key", flat=True).distinct()[:MOST_HOLDERS]
    }
    keys.add(request.owner_key)
    proven = Proof.objects.filter(owner_key__in=keys, passed_at__isnull=False).exclude(request=request)
    declared = Declaration.objects.filter(declared_at__isnull=False, ended_at=None)
    declared = declared.filter(Q(owner_key__in=keys) | Q(pk=request.contests_id))
    people = User.objects.filter(Q(opt_out_requests__proofs__in=proven) | Q(declarations__in=declared), is_active=True)
    return list(people.exclude(pk=request.requester_id or 0).distinct())


def tell(request: OptOutRequest) -> int:
    """Tell them, once a request. Gives how many."""
    until = ""
    if request.objection_until:
        until = f" before {request.objection_until:%d %b %Y}"
    told = [
        notices.tell_user(user, "about_your_account", request, once="contact", until=until)
        for user in of_request(request)
    ]
    return sum(notice is not None for notice in told)


def may_object(request: OptOutRequest, user: User) -> bool:
    """Whether the account's holder was told of the request, or has proven the account."""
    if user.pk == request.requester_id:
        return False
    told = Notice.objects.filter(user=user, request=request, kind="about_your_account", for_staff=False)
    return told.exists() or any(one.pk == user.pk for one in of_request(request))


def link_key(request: OptOutRequest) -> str:
    """A key with which somebody without an account can object: for a link that the staff give to whom it concerns."""
    return signing.dumps(request.reference, salt=SALT)


def of_key(key: str) -> OptOutRequest | None:
    """The request of such a key, or None."""
    try:
        reference = signing.loads(key, salt=SALT)
    except signing.BadSignature:
        return None
    return OptOutRequest.objects.exclude(state="draft").filter(reference=reference).first()
