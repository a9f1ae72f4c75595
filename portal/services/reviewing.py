"""What every act of a reviewer asks first: may they, is it not their own, and does the request still stand where they saw it."""

from django.conf import settings
from django.utils import timezone

from core import formats
from core.errors import Conflict, InvalidTransition, PermissionDenied
from core.models import User
from core.permissions import require
from portal import exposure
from portal.models import Decision, Objection, OptOutRequest
from portal.states import OPT_OUT, UNDECIDED

REVIEW = "portal.review_request"


def locked(request: OptOutRequest, actor: User) -> OptOutRequest:
    """The request's row, held until the transaction ends; the given object is brought up to date.

    Raises:
        PermissionDenied: The actor may not review, or it is their own request.
    """
    require(actor, REVIEW)
    OptOutRequest.objects.select_for_update(of=("self",)).get(pk=request.pk)
    request.refresh_from_db()
    if request.requester_id == actor.pk:
        raise PermissionDenied("This is your own request. Another reviewer has to decide it.")
    return request


def may_be_decided(request: OptOutRequest, actor: User, to: str) -> None:
    """Whether the actor may decide it, either way.

    Raises:
        InvalidTransition: It does not wait for that decision.
        PermissionDenied: The actor took the decision that it appeals against.
    """
    if to not in OPT_OUT.transitions[request.state]:
        raise InvalidTransition(OPT_OUT.name, request.state, to)
    if request.state == "appeal" and deciders(request) & {actor.pk}:
        raise PermissionDenied("You took the decision that this appeals against. Another reviewer has to look at it.")


def may_be_granted(request: OptOutRequest, *, whole: bool) -> None:
    """Whether nothing that others said or asked first stands in the way.

    Raises:
        Conflict: It says what has to be done first.
    """
    if request.verified_at is None:
        raise InvalidTransition(OPT_OUT.name, request.state, "accepted")
    if request.objection_until and request.objection_until > timezone.now():
        raise Conflict(f"Others can object until {formats.absolute(request.objection_until)}. Decide after that.")
    objections = set(request.objections.values_list("state", flat=True))
    if Objection.OPEN in objections:
        raise Conflict("An objection has not been weighed yet. Weigh it first.")
    if whole and Objection.UPHELD in objections:
        raise Conflict("An objection was upheld. Reject the request, or accept the part that it does not concern.")
    if earlier := verified_before(request):
        raise Conflict(f"{earlier.reference} asks for the same account and was verified first. Decide that one first.")


def verified_before(request: OptOutRequest) -> OptOutRequest | None:
    """An undecided request of another person about the same account that was verified earlier: the first verified one counts."""
    others = OptOutRequest.objects.filter(
        owner_key=request.owner_key, state__in=UNDECIDED, verified_at__lt=request.verified_at
    )
    return others.exclude(pk=request.pk).exclude(requester=request.requester_id).order_by("verified_at").first()


def deciders(request: OptOutRequest) -> set[int]:
    """Who has decided the request, an approval by a first reviewer included; under appeal, who took what it appeals against."""
    found = request.decisions.exclude(kind=Decision.EXTEND)
    if request.state == "appeal":  # a first approval of the appeal itself bars nobody
        found = found.filter(on_appeal=False)
    return {pk for pk in (*found.values_list("by", flat=True), request.decided_by_id) if pk is not None}


def files_of(request: OptOutRequest) -> int:
    """How many files it covers: of the release that holds most, copies included."""
    return max((one.files + one.copies for one in exposure.of_request(request)), default=0)


def needs_two(request: OptOutRequest) -> bool:
    """Whether it covers so many files that two reviewers have to agree (``FAIRSTACK_FOUR_EYES_FILES``; 0: never)."""
    least = settings.FAIRSTACK_FOUR_EYES_FILES
    return bool(least) and files_of(request) >= least


def first_approval(request: OptOutRequest) -> Decision | None:
    """The approval that waits for a second one, or None."""
    taken = [one for one in request.decisions.all() if one.kind != Decision.EXTEND]  # few, in the order of time
    return taken[-1] if taken and taken[-1].kind == Decision.FIRST else None
