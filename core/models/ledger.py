"""Acts of governance, in order, for anyone to follow."""

from django.db import models

from core.models.append_only import AppendOnly, now


class LedgerEntry(AppendOnly):
    """One act. A plain entry shows its body; a personal one only a commitment to it.

    ``leaf_hash`` is SHA-256(0x00 || entry bytes) as in RFC 6962 section 2.1, where the entry bytes are the RFC 8785 form
    of ``{"at", "kind", "body"}`` or ``{"at", "kind", "commitment"}``; a tree over the entries needs nothing else.
    """

    at = models.DateTimeField(default=now, db_index=True)
    kind = models.CharField(max_length=60)
    body = models.JSONField(null=True, help_text="Empty in a personal entry.")
    commitment = models.CharField(max_length=64, blank=True, help_text="HMAC-SHA-256 of a personal record, in hex.")
    leaf_hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "ledger entries"

    def __str__(self) -> str:
        return f"{self.pk} {self.kind}"
