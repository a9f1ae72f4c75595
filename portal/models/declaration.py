"""A verified owner's declaration that their code stays in."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from core.models import Job, LedgerEntry
from portal.models.proof import Proof
from portal.models.request import NAME_LENGTH
from portal.reasons import Reason
from portal.stay_rules import GROUND_CHOICES, GROUNDS


class Declaration(models.Model):
    """“My code stays in”, for one account. While it stands, requests of others about the account are refused.

    It waits for its proof until ``declared_at`` is set, and stands until ``ended_at`` is set. Where the staff ended it,
    ``end_code`` and ``end_text`` say why, and the act stands in the ledger.
    """

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="declarations")
    forge = models.CharField(max_length=NAME_LENGTH)
    account = models.CharField(max_length=NAME_LENGTH)
    owner_key = models.CharField(max_length=400)
    account_id = models.CharField(max_length=80, blank=True, help_text="The forge's number of the account.")
    kind = models.CharField(max_length=16, blank=True, help_text="The kind of proof that it stands on.")
    challenge = models.CharField(max_length=80)
    repository = models.CharField(
        max_length=NAME_LENGTH, blank=True, help_text="Where the challenge was looked for last."
    )
    outcome = models.CharField(max_length=24, blank=True, help_text="A key of portal.proofs.outcomes.")
    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+")
    issued_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    declared_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", help_text="Of the staff."
    )
    end_code = models.CharField(max_length=16, blank=True, choices=GROUND_CHOICES)
    end_text = models.TextField(blank=True, help_text="Read by who declared it.")
    ledger_entry = models.ForeignKey(LedgerEntry, null=True, on_delete=models.PROTECT, related_name="+")
    ledger_key = models.BinaryField(null=True, help_text="Opens the ledger's commitment to ledger_record.")
    ledger_record = models.JSONField(default=dict)

    class Meta:
        ordering = ["-issued_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["owner_key"],
                condition=models.Q(declared_at__isnull=False, ended_at__isnull=True),
                name="one_declaration_stands_an_account",
            )
        ]

    def __str__(self) -> str:
        return f"{self.owner_key} ({'stands' if self.stands else 'waits' if self.ended_at is None else 'ended'})"

    @property
    def stands(self) -> bool:
        """Whether it is in force."""
        return self.declared_at is not None and self.ended_at is None

    @property
    def kind_label(self) -> str:
        """The kind of its proof, for people."""
        return dict(Proof.KINDS).get(self.kind, "")

    @property
    def ground(self) -> Reason | None:
        """Why the staff ended it; None where they did not."""
        return GROUNDS.get(self.end_code)

    @property
    def waiting(self) -> bool:
        """Whether a look for its challenge is under way."""
        return not self.outcome and self.job is not None and self.job.active

    @property
    def expired(self) -> bool:
        """Whether its challenge counts no more."""
        return self.declared_at is None and self.expires_at <= timezone.now()

    @property
    def words(self) -> str:
        """What the last look found."""
        from portal.proofs.outcomes import OUTCOMES

        return OUTCOMES[self.outcome].words if self.outcome else ""
