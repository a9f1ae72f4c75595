"""Telling people what happened: on their page of notices, and by mail where they gave an address.

A notice is written in the caller's transaction and its mail is sent after the commit, so that neither can say what did not
happen, and no mail server can stop a decision.
"""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from core import formats
from core.models import User
from portal.models import Notice, OptOutRequest
from portal.notice_texts import STAFF, TEXTS, NoticeText

REVIEW = "portal.review_request"


def tell(request: OptOutRequest, kind: str, *, once: str = "", **facts: Any) -> Notice | None:
    """Tell the requester, in the caller's transaction.

    Args:
        request: What it is about.
        kind: A key of ``portal.notice_texts.TEXTS``.
        once: A mark; told again with the same mark, nothing happens.
        facts: Dates and counts for the text. Never a name or an address.

    Returns:
        The notice, or None where it was told before or there is nobody to tell any more.
    """
    assert kind in TEXTS, kind
    return tell_user(request.requester, kind, request, once=once, **facts) if request.requester else None


def tell_staff(kind: str, request: OptOutRequest | None = None, *, once: str = "", **facts: Any) -> int:
    """Tell everybody who may review, but not of a request of their own. ``kind`` is a key of ``portal.notice_texts.STAFF``.

    Returns:
        How many were told.
    """
    assert kind in STAFF, kind
    told = 0
    for user in reviewers():
        if request is None or user.pk != request.requester_id:
            told += tell_user(user, kind, request, once=once, staff=True, **facts) is not None
    return told


def tell_user(
    user: User, kind: str, request: OptOutRequest | None, *, once: str = "", staff: bool = False, **facts: Any
) -> Notice | None:
    """Tell one person; see :func:`tell`."""
    known = (STAFF if staff else TEXTS)[kind]
    mark = f"{kind}:{request.pk if request else ''}:{int(staff)}:{once}" if once else ""
    plain = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in facts.items()}
    try:
        with transaction.atomic():
            notice = Notice.objects.create(
                user=user,
                request=request,
                kind=kind,
                facts=plain,
                for_staff=staff,
                once=mark,
                mail=Notice.DUE if known.mail and user.email and mail_is_sent() else Notice.NONE,
                mail_after=timezone.now(),
            )
    except IntegrityError:  # told before, or by another at this moment
        return None
    if notice.mail == Notice.DUE:
        transaction.on_commit(_wake, robust=True)
    return notice


def reviewers() -> list[User]:
    """Everybody who may review."""
    found = User.objects.with_perm(REVIEW, backend="django.contrib.auth.backends.ModelBackend")
    return list(found.filter(is_active=True))


def unread(user: User) -> int:
    """How many notices the person has not read."""
    return Notice.objects.filter(user=user, read_at=None).count()


def of_user(user: User) -> QuerySet[Notice]:
    """The person's notices, newest first."""
    return Notice.objects.filter(user=user).select_related("request")


def mark_read(user: User, now: datetime | None = None, notice: int | None = None) -> int:
    """Mark the person's notices as read, or one of them. Gives how many were not read before."""
    rows = Notice.objects.filter(user=user, read_at=None)
    if notice is not None:
        rows = rows.filter(pk=notice)
    return rows.update(read_at=now or timezone.now())


def title_of(notice: Notice) -> str:
    """Its line, with dates and reference filled in."""
    return _text(notice).title.format_map(_values(notice))


def words_of(notice: Notice) -> str:
    """Its text, likewise."""
    return _text(notice).words.format_map(_values(notice))


def page_of(notice: Notice) -> str:
    """The address of the page that it leads to, without the site's name."""
    request, page = notice.request, _text(notice).page
    if page == "stay":
        return reverse("portal:stay")
    if request is None or page == "requests":
        return reverse("portal:desk") if notice.for_staff else reverse("portal:requests")
    if notice.for_staff:
        return reverse("portal:desk-request", args=[request.reference])
    return reverse(f"portal:{page}", args=[request.reference])


def mail_is_sent() -> bool:
    """Whether this site sends mail at all."""
    return not settings.EMAIL_BACKEND.endswith("dummy.EmailBackend")


def _text(notice: Notice) -> NoticeText:
    return (STAFF if notice.for_staff else TEXTS)[notice.kind]


class _Values(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return ""


def _values(notice: Notice) -> _Values:
    values = _Values(notice.facts, contact=settings.FAIRSTACK_CONTACT)
    for name, value in notice.facts.items():
        if isinstance(value, str) and name in ("by", "due"):
            values[name] = formats.absolute(datetime.fromisoformat(value))
    if notice.request is not None:
        values["reference"] = notice.request.reference
    return values


def _wake() -> None:
    """Have the mails sent now. A lost message costs a minute: the beat looks for them too."""
    from portal.tasks import send_mails

    send_mails.apply_async(queue="default", retry=False)
