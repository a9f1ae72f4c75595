"""How a requester shows that the account is theirs."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from core.models import Job
from portal.models.request import NAME_LENGTH, OptOutRequest


class Proof(models.Model):
    """One proof, bound to one request and to the key of one account.

    A challenge file is checked by :class:`ProofCheck` until it passes or expires; a proof by hand is a reviewer's word.
    """

    CHALLENGE_FILE, BY_HAND = "challenge_file", "by_hand"
    KINDS = [(CHALLENGE_FILE, "A challenge file in a repository"), (BY_HAND, "Verified by a reviewer")]

    request = models.ForeignKey(OptOutRequest, on_delete=models.CASCADE, related_name="proofs")
    kind = models.CharField(max_length=16, choices=KINDS)
    owner_key = models.CharField(max_length=400)
    challenge = models.CharField(max_length=80, blank=True, help_text="The line that the file must hold.")
    issued_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True)
    passed_at = models.DateTimeField(null=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["-issued_at", "-id"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} for {self.request_id}"

    @property
    def expired(self) -> bool:
        """Whether its time is over and it did not pass."""
        return self.passed_at is None and self.expires_at is not None and self.expires_at <= timezone.now()


class ProofCheck(models.Model):
    """One look for the challenge file in one repository."""

    proof = models.ForeignKey(Proof, on_delete=models.CASCADE, related_name="checks")
    repository = models.CharField(max_length=NAME_LENGTH)
    asked_at = models.DateTimeField(default=timezone.now)
    checked_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=16, blank=True, help_text="A key of portal.proofs.outcomes.")
    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["-asked_at", "-id"]

    def __str__(self) -> str:
        return f"{self.asked_at:%Y-%m-%d %H:%M} {self.outcome or 'waiting'}"

    @property
    def waiting(self) -> bool:
        """Whether its answer is still to come."""
        return not self.outcome and self.job is not None and self.job.active

    @property
    def words(self) -> str:
        """What was found, for the requester."""
        from portal.proofs.outcomes import OUTCOMES

        if self.outcome:
            return OUTCOMES[self.outcome].words
        if self.waiting:
            return "We are looking for the file now."
        return "The check was stopped before it had an answer. Nothing is lost: check again."
