"""What a granted request puts on the block-list: accounts or repositories, lone authors, and contents. In one transaction."""

from django.db import transaction

from core.errors import Conflict
from core.permissions import Actor
from datasets_app.models import BlockEntry, ContentMask
from datasets_app.services import blocklist
from portal.models import OptOutRequest
from portal.services import copies
from portal.services.accounts import authors_of, targets_of


def block(request: OptOutRequest, actor: Actor) -> int:
    """Put everything that a request covers on the block-list, every kind of entry in one transaction.

    Contents are those that the request hides by their blob ids: its own whose origin is beyond doubt, and the copies that a rule or a
    reviewer decided to block.

    Returns:
        How far a release must have honoured the block-list to honour the request.

    Raises:
        Conflict: Its copies are not looked for or not compared yet, or nothing of it can be blocked.
    """
    copies.ready(request)
    with transaction.atomic():
        covers = {"commits": request.covers_commits, "issues": request.covers_issues}
        for owner, repository in targets_of(request):
            blocklist.add(actor, owner, repository, request.reference, **covers)
        if request.scope == OptOutRequest.AUTHORED:
            blocklist.add_contents(actor, BlockEntry.AUTHOR, authors_of(request), request.reference)
        if request.copies:
            hidden = ContentMask.objects.filter(reference=request.reference, lifted_at=None, repository=None)
            blocklist.add_contents(actor, BlockEntry.BLOB, hidden.values_list("blob", flat=True), request.reference)
        position = blocklist.position_of(request.reference)
    if not position:
        raise Conflict("Nothing of this request can be blocked: it names no repository and no proven author.")
    return position
