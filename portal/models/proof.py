"""How a requester shows that the account is theirs."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from core.models import Job
from portal.models.request import NAME_LENGTH, OptOutRequest


class Proof(models.Model):
    """One proof, bound to one request, its scope, and the key and number of one account.

    Attributes:
        owner_key: The account's key when the proof was begun; a proof counts for that key alone.
        fingerprint: The request's scope then, as a keyed hash.
        account_id: The forge's number of the account that was proven, where the forge told it.
        by_account: ``forge:number`` of the person's own account that spoke for it (a sign-in, a co-signature).
        author_key: The keyed hash of a commit author's address, as the corpus keeps it; the address is kept nowhere.
        subject: The domain of a DNS record.
        token: A keyed hash of the code or link that went out; empty where none did.
        evidence: What it was checked against and when, such as the published keys of that moment. Goes with the request.
    """

    CHALLENGE_FILE, BY_HAND = "challenge_file", "by_hand"
    FORGE, SSH, MAIL, DNS, CO_OWNER = "forge_account", "ssh_signature", "author_mail", "dns_record", "co_owner"
    KINDS = [
        (FORGE, "Sign-in with the account"),
        (CHALLENGE_FILE, "A challenge in a repository"),
        (SSH, "A signature with a published SSH key"),
        (MAIL, "Mail to the author of commits"),
        (DNS, "A record of the domain"),
        (CO_OWNER, "A second owner confirms"),
        (BY_HAND, "Verified by a reviewer"),
    ]

    request = models.ForeignKey(OptOutRequest, on_delete=models.CASCADE, related_name="proofs")
    kind = models.CharField(max_length=16, choices=KINDS)
    owner_key = models.CharField(max_length=400)
    fingerprint = models.CharField(max_length=64, blank=True)
    account_id = models.CharField(max_length=80, blank=True)
    by_account = models.CharField(max_length=300, blank=True)
    author_key = models.CharField(max_length=64, blank=True)
    subject = models.CharField(max_length=253, blank=True)
    challenge = models.CharField(
        max_length=80, blank=True, help_text="The line that the requester has to place or sign."
    )
    token = models.CharField(max_length=64, blank=True)
    tries = models.PositiveSmallIntegerField(default=0, help_text="Wrong codes that were entered.")
    evidence = models.JSONField(default=dict)
    outcome = models.CharField(max_length=24, blank=True, help_text="The last answer: a key of portal.proofs.outcomes.")
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

    @property
    def words(self) -> str:
        """The last answer, for the requester; empty where there is none."""
        from portal.proofs.outcomes import OUTCOMES

        return OUTCOMES[self.outcome].words if self.outcome else ""


class ProofCheck(models.Model):
    """One look at what a proof is about: a repository, the published keys, the domain's records, the authors of commits.

    ``given`` is what the look needs and is emptied by it: a signature, or a mail address under lock.
    """

    proof = models.ForeignKey(Proof, on_delete=models.CASCADE, related_name="checks")
    repository = models.CharField(max_length=NAME_LENGTH, blank=True)
    given = models.TextField(blank=True)
    asked_at = models.DateTimeField(default=timezone.now)
    checked_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=24, blank=True, help_text="A key of portal.proofs.outcomes.")
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
        from portal.proofs.outcomes import LOOKING, OUTCOMES

        if self.outcome:
            return OUTCOMES[self.outcome].words
        if self.waiting:
            return LOOKING[self.proof.kind]
        return "The check was stopped before it had an answer. Nothing is lost: check again."


class AccountPin(models.Model):
    """The number of an account that the corpus knows by its name alone, as the first verified request told it.

    A name that is given up can be taken by a newcomer; the number cannot. What a newcomer proves does not count for the account
    whose code is held.
    """

    owner_key = models.CharField(max_length=400, unique=True)
    account_id = models.CharField(max_length=80)
    pinned_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.owner_key} is {self.account_id}"
