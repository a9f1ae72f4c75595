"""What the desk does about “My code stays in”: who contests a declaration, and ending one with a reason that its declarer reads."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from core import audit, ledger
from core.errors import Conflict, InvalidInput, PermissionDenied
from core.models import User
from core.permissions import require
from portal.models import Declaration, OptOutRequest
from portal.policies import promises
from portal.services import notices
from portal.services.reviewing import REVIEW
from portal.states import UNDECIDED
from portal.stay_rules import GROUNDS
from portal.texts import written


def declarations(search: str = "") -> QuerySet[Declaration]:
    """The declarations that stand, those that an undecided request contests first; each with ``contested``, how many do.

    Args:
        search: Part of an account's name, or the name of who declared; empty for all.
    """
    rows = Declaration.objects.filter(declared_at__isnull=False, ended_at=None).select_related("person")
    if search:
        rows = rows.filter(Q(account__icontains=search) | Q(person__username__iexact=search))
    contested = Count("contested_by", filter=Q(contested_by__state__in=UNDECIDED))
    return rows.annotate(contested=contested).order_by("-contested", "-declared_at", "-pk")


def contesting(declaration: Declaration) -> QuerySet[OptOutRequest]:
    """The requests that contest it, the newest first."""
    return declaration.contested_by.exclude(state="draft").select_related("requester").order_by("-submitted_at")


def must_not_stand(request: OptOutRequest) -> None:
    """Raise :class:`Conflict` where the declaration that a request contests still stands: it has to be decided first."""
    if request.contests is not None and request.contests.stands:
        raise Conflict(
            "It contests a declaration that the account stays in, and that still stands. End the declaration with a reason, or "
            "reject the request."
        )


def end(declaration: Declaration, actor: User, code: str, text: str) -> None:
    """End somebody's declaration. Its declarer is told why; requests about the account can be sent again. The act enters the ledger.

    Args:
        declaration: One that stands.
        actor: A reviewer, who neither declared it nor sent a request that contests it.
        code: A key of ``portal.stay_rules.GROUNDS``.
        text: The reason in the reviewer's words, which the declarer reads.

    Raises:
        PermissionDenied: The actor may not review, or is a party to it.
        InvalidInput: There is no such ground, no text, or too much of it.
        Conflict: It does not stand (any more).
    """
    require(actor, REVIEW)
    if code not in GROUNDS:
        raise InvalidInput(f"There is no ground “{code[:40]}”. There are: {', '.join(GROUNDS)}.", "code")
    text = written(text, "text", missing="Give the reason: who declared it will read it.")
    if declaration.person_id == actor.pk or contesting(declaration).filter(requester=actor).exists():
        raise PermissionDenied("You declared this yourself, or contest it. Another reviewer has to decide.")
    with transaction.atomic():
        now = timezone.now()
        standing = Declaration.objects.filter(pk=declaration.pk, declared_at__isnull=False, ended_at=None)
        if not standing.update(ended_at=now, ended_by=actor, end_code=code, end_text=text):
            raise Conflict("The declaration does not stand any more.")
        declaration.refresh_from_db()
        declaration.ledger_record = _record(declaration, now)
        declaration.ledger_entry, declaration.ledger_key = ledger.append_personal(
            "declaration ended", declaration.ledger_record
        )
        declaration.save(update_fields=["ledger_record", "ledger_entry", "ledger_key"])
        audit.record(actor, "end declaration of another", declaration, code=code)
        notices.tell_user(declaration.person, "stay_ended", None)


def ended_lately(user: User) -> list[Declaration]:
    """A person's declarations that the desk ended, as long as they are kept."""
    return list(Declaration.objects.filter(person=user).exclude(end_code="").order_by("-ended_at"))


def forget(now: datetime | None = None) -> int:
    """Delete declarations that ended, or were never proven, so long ago that personal data goes. Gives how many. By the clock."""
    limit = (now or timezone.now()) - timedelta(days=promises().erase)
    over = Q(ended_at__lt=limit) | Q(declared_at=None, expires_at__lt=limit)
    waited_for = OptOutRequest.objects.filter(contests__isnull=False, state__in=UNDECIDED).values("contests")
    return Declaration.objects.filter(over).exclude(pk__in=waited_for).delete()[1].get("portal.Declaration", 0)


def _record(declaration: Declaration, now: datetime) -> dict[str, Any]:
    """What the ledger commits to."""
    return {
        "forge": declaration.forge,
        "account": declaration.account,
        "owner_key": declaration.owner_key,
        "declared_at": declaration.declared_at.isoformat() if declaration.declared_at else "",
        "proof": declaration.kind,
        "ended_at": now.isoformat(),
        "ground": declaration.end_code,
    }
