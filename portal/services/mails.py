"""Sending the mails of notices: each claimed by one sender, tried again when it fails, given up after some days."""

from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import F
from django.template.loader import render_to_string
from django.utils import timezone

from portal.models import Notice
from portal.services import notices

CLAIM = timedelta(minutes=5)  # one sender's time for one mail
MOST_TRIES = 12
AT_ONCE = 500
log = structlog.get_logger(__name__)


def send_due(now: datetime | None = None) -> dict[str, int]:
    """Send what waits.

    Returns:
        How many were ``sent``, ``failed`` (to be tried again) and ``given_up``.
    """
    done = {"sent": 0, "failed": 0, "given_up": 0}
    waiting = Notice.objects.filter(mail=Notice.DUE, mail_after__lte=now or timezone.now())
    for pk in list(waiting.order_by("mail_after", "pk").values_list("pk", flat=True)[:AT_ONCE]):
        moment = now or timezone.now()  # of this mail: a slow server must not let a claim end before it begins
        claimed = Notice.objects.filter(pk=pk, mail=Notice.DUE, mail_after__lte=moment).update(
            mail_after=moment + CLAIM, mail_tries=F("mail_tries") + 1
        )
        if claimed:
            done[_send(Notice.objects.select_related("user", "request").get(pk=pk), moment)] += 1
    return done


def message_of(notice: Notice) -> EmailMessage:
    """The mail. Its subject and text name no account."""
    values = {
        "title": notices.title_of(notice),
        "words": notices.words_of(notice),
        "address": settings.FAIRSTACK_SITE_URL + notices.page_of(notice),
        "site": settings.FAIRSTACK_SITE_NAME,
        "contact": settings.FAIRSTACK_CONTACT,
    }
    subject = f"[{settings.FAIRSTACK_SITE_NAME}] {values['title']}".replace("\n", " ")
    return EmailMessage(
        subject,
        render_to_string("portal/mail/notice.txt", values),
        to=[notice.user.email],
        headers={"Auto-Submitted": "auto-generated"},
    )


def _send(notice: Notice, now: datetime) -> str:
    if not notice.user.email or not notice.user.is_active:
        Notice.objects.filter(pk=notice.pk).update(mail=Notice.NONE)
        return "given_up"
    try:
        message_of(notice).send()
    except Exception as error:  # whatever a mail server can do; the type alone is told, the text may hold the address
        over = notice.mail_tries >= MOST_TRIES
        log.warning("mail not sent", kind=notice.kind, tries=notice.mail_tries, error=type(error).__name__)
        Notice.objects.filter(pk=notice.pk).update(
            mail=Notice.FAILED if over else Notice.DUE,
            mail_after=now + timedelta(minutes=min(2**notice.mail_tries, 720)),
        )
        return "given_up" if over else "failed"
    Notice.objects.filter(pk=notice.pk).update(mail=Notice.SENT)
    return "sent"
