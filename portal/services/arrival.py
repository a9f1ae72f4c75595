"""What follows from a passed proof: the request moves on, and everything that it covers is hidden at once."""

from django.utils import timezone

from core import audit
from core.permissions import Actor
from datasets_app.services import masks
from portal.models import OptOutRequest
from portal.services.accounts import targets_of
from portal.services.timeline import note
from portal.states import OPT_OUT


def verified(request: OptOutRequest, actor: Actor) -> None:
    """The proofs that the request needs have passed; in the caller's transaction.

    Raises:
        InvalidTransition: The request waits for no proof any more.
    """
    OPT_OUT.move_or_raise(request, "triage", verified_at=timezone.now())
    for owner, repository in targets_of(request):
        masks.mask(actor, owner, repository, request.reference)
    note(request, "triage")
    audit.record(actor, "verify request", request)
