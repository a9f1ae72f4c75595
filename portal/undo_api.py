"""The API for undoing one's own removal."""

from datetime import datetime

from django.http import Http404, HttpRequest
from ninja import Router, Schema, Status

from core.api_auth import user_of
from portal.models import OptOutRequest
from portal.references import is_reference
from portal.services import undo

router = Router(tags=["requests"])


class UndoOut(Schema):
    """Whether a removal can be undone, and what would come back. ``why_not`` is empty where it can."""

    reference: str
    possible: bool
    why_not: str
    under_way: bool
    files: int
    repositories: int
    bytes: int
    until: datetime | None
    last_error: str


class Destroyed(Schema):
    """How many bundles were destroyed by this call."""

    bundles: int


@router.get("requests/{reference}/undo", response=UndoOut, summary="Whether your removal can be undone")
def one(request: HttpRequest, reference: str) -> UndoOut:
    """For the requester alone; 404 to everybody else."""
    return _out(_own(request, reference))


@router.post("requests/{reference}/undo", response={202: UndoOut}, summary="Undo your removal")
def start(request: HttpRequest, reference: str) -> Status[UndoOut]:
    """Runs as a job; ask again to see how it stands. 409 where it cannot be undone or is being undone already."""
    found = _own(request, reference)
    undo.undo(found, user_of(request))
    return Status(202, _out(found))


@router.delete("requests/{reference}/undo", response=Destroyed, summary="Destroy what is kept for an undo")
def destroy(request: HttpRequest, reference: str) -> Destroyed:
    """At once and for good: the removal cannot be undone afterwards."""
    return Destroyed(bundles=undo.destroy(_own(request, reference), user_of(request)))


def _own(request: HttpRequest, reference: str) -> OptOutRequest:
    rows = OptOutRequest.objects.filter(requester=user_of(request)).exclude(state="draft")
    found = rows.filter(reference=reference).first() if is_reference(reference) else None
    if found is None:
        raise Http404("There is no such request, or it is not yours.")
    return found


def _out(request: OptOutRequest) -> UndoOut:
    now = undo.standing(request)
    return UndoOut(
        reference=request.reference,
        possible=now.possible and not now.under_way,
        why_not=now.why_not,
        under_way=now.under_way,
        files=now.files,
        repositories=now.repositories,
        bytes=now.bytes,
        until=now.until,
        last_error=now.job.error if now.job else "",
    )
