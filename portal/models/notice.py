"""What people are told: on their page of notices, and by mail where they gave an address."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from portal.models.request import OptOutRequest


class Notice(models.Model):
    """One notice for one person. Its texts stand in ``portal.notice_texts``, by ``kind``.

    ``once`` makes a notice that is told again by a second beat the same notice. The mail is sent after the commit, and again
    by the beat until ``mail`` says otherwise.
    """

    NONE, DUE, SENT, FAILED = "none", "due", "sent", "failed"
    MAIL = [(NONE, "No mail"), (DUE, "To be sent"), (SENT, "Sent"), (FAILED, "Given up")]

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices")
    request = models.ForeignKey(OptOutRequest, null=True, on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=24)
    facts = models.JSONField(default=dict, help_text="Plain values for its texts: dates and counts, never a name.")
    for_staff = models.BooleanField(default=False)
    once = models.CharField(max_length=80, blank=True)
    at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True)
    mail = models.CharField(max_length=6, choices=MAIL, default=NONE)
    mail_tries = models.PositiveSmallIntegerField(default=0)
    mail_after = models.DateTimeField(null=True, help_text="Not before this; also the claim of the one who sends it.")

    class Meta:
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["user", "read_at"], name="notices_unread"),
            models.Index(fields=["mail_after"], name="notices_to_mail", condition=models.Q(mail="due")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["user", "once"], condition=~models.Q(once=""), name="told_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%Y-%m-%d %H:%M}"
