"""What goes when a request has ended long ago, and what stays.

Gone: who asked, the account, what people wrote, proofs, notices, and the key of the ledger's entry, without which nobody can tell what
the entry meant. Stays: the reference, dates, counts, and the keyed entries of the block-list, without which the code could come back.
"""

from datetime import datetime, timedelta

from django.db.models import QuerySet

from core import audit
from core.keyed import keyed_hash
from core.permissions import SYSTEM
from portal.models import Notice, OptOutRequest, TargetDecision
from portal.policies import promises
from portal.services import notices
from portal.signals import personal_data_erased
from portal.states import FINAL


def due(now: datetime) -> QuerySet[OptOutRequest]:
    """Requests that ended so long ago that their personal data goes."""
    limit = now - timedelta(days=promises().erase)
    return OptOutRequest.objects.filter(state__in=FINAL, erased_at=None, ended_at__lt=limit)


def erase(request: OptOutRequest, now: datetime) -> bool:
    """Erase it, in the caller's transaction. Gives whether this call did so."""
    rows = OptOutRequest.objects.filter(pk=request.pk, state__in=FINAL, erased_at=None)
    before = rows.select_for_update(of=("self",)).select_related("requester").first()
    if before is None:
        return False
    personal_data_erased.send(sender=OptOutRequest, request=before)
    person = before.requester
    request.events.filter(actor=person).update(actor=None)
    request.events.update(note="")
    request.repositories.all().delete()
    request.proofs.all().delete()
    request.decisions.update(text="", remark="")
    TargetDecision.objects.filter(decision__request=request).delete()
    request.enquiries.update(question="", answer="")
    request.objections.update(text="", standing="", weighed_note="", by=None)
    request.appeals.update(text="")
    Notice.objects.filter(request=request).delete()
    rows.update(
        erased_at=now,
        requester=None,
        forge="",
        account="",
        owner_key=keyed_hash("erased request", before.owner_key),
        message="",
        decision_note="",
        extension_note="",
        ledger_key=None,
        ledger_record={},
    )
    audit.record(SYSTEM, "erase personal data", request)
    if person is not None:
        notices.tell_user(person, "erased", None)
    return True
