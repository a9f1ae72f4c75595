"""What reviewers decided, what they asked, and what others said against it."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from portal.models.request import NAME_LENGTH, OptOutRequest
from portal.reasons import CHOICES, REASONS, Reason


class Decision(models.Model):
    """One act of a reviewer upon a request. The request itself carries the last one that stands.

    A request that covers many files needs two who agree: the first one's is kept as ``FIRST``.
    """

    ACCEPT, PARTIAL, REJECT, FIRST, EXTEND = "accept", "partial", "reject", "first", "extend"
    KINDS = [
        (ACCEPT, "Accepted"),
        (PARTIAL, "Accepted in part"),
        (REJECT, "Rejected"),
        (FIRST, "Approved by a first reviewer"),
        (EXTEND, "Extended"),
    ]

    request = models.ForeignKey(OptOutRequest, on_delete=models.CASCADE, related_name="decisions")
    kind = models.CharField(max_length=8, choices=KINDS)
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    code = models.CharField(max_length=16, blank=True, choices=CHOICES)
    text = models.TextField(blank=True, help_text="Read by the requester.")
    remark = models.TextField(blank=True, help_text="For the desk alone.")
    on_appeal = models.BooleanField(default=False)

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.at:%Y-%m-%d %H:%M}"

    @property
    def reason(self) -> Reason | None:
        """The reason of its code."""
        return REASONS.get(self.code)


class TargetDecision(models.Model):
    """What a decision says of one repository or file that the request covers."""

    decision = models.ForeignKey(Decision, on_delete=models.CASCADE, related_name="targets")
    name = models.CharField(max_length=NAME_LENGTH * 2)
    granted = models.BooleanField()
    code = models.CharField(max_length=16, blank=True, choices=CHOICES)
    text = models.TextField(blank=True, help_text="Read by the requester.")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.name} {'granted' if self.granted else 'refused'}"

    @property
    def reason(self) -> Reason | None:
        """The reason of its code."""
        return REASONS.get(self.code)


class Enquiry(models.Model):
    """A question of a reviewer, and the requester's answer."""

    request = models.ForeignKey(OptOutRequest, on_delete=models.CASCADE, related_name="enquiries")
    asked_at = models.DateTimeField(default=timezone.now)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    question = models.TextField()
    until = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    answer = models.TextField(blank=True)

    class Meta:
        ordering = ["asked_at", "id"]
        verbose_name_plural = "enquiries"

    def __str__(self) -> str:
        return f"Question of {self.asked_at:%Y-%m-%d %H:%M}"


class Objection(models.Model):
    """What somebody who is affected says against a request: the owner of a copy, or a member of an organisation."""

    OPEN, UPHELD, DISMISSED = "open", "upheld", "dismissed"
    STATES = [(OPEN, "To be weighed"), (UPHELD, "Upheld"), (DISMISSED, "Dismissed")]

    request = models.ForeignKey(OptOutRequest, on_delete=models.CASCADE, related_name="objections")
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    standing = models.CharField(max_length=NAME_LENGTH, help_text="How the person is affected, in their words.")
    text = models.TextField()
    late = models.BooleanField(default=False, help_text="It came after the decision.")
    state = models.CharField(max_length=10, choices=STATES, default=OPEN)
    weighed_at = models.DateTimeField(null=True)
    weighed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    weighed_note = models.TextField(blank=True, help_text="Why; read by both sides.")

    class Meta:
        ordering = ["at", "id"]
        indexes = [models.Index(fields=["request", "state"], name="objections_to_weigh")]

    def __str__(self) -> str:
        return f"Objection of {self.at:%Y-%m-%d %H:%M} ({self.state})"


class Appeal(models.Model):
    """The requester's appeal against a rejection, and what another reviewer found."""

    OPEN, GRANTED, DENIED, DROPPED = "open", "granted", "denied", "dropped"
    STATES = [(OPEN, "Open"), (GRANTED, "Granted"), (DENIED, "Denied"), (DROPPED, "Withdrawn")]

    request = models.ForeignKey(OptOutRequest, on_delete=models.CASCADE, related_name="appeals")
    at = models.DateTimeField(default=timezone.now)
    text = models.TextField()
    against = models.ForeignKey(Decision, null=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField(max_length=8, choices=STATES, default=OPEN)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["request"], condition=models.Q(state="open"), name="one_open_appeal"),
        ]

    def __str__(self) -> str:
        return f"Appeal of {self.at:%Y-%m-%d %H:%M} ({self.state})"
