"""What proves a removal: evidence from before the erasure, what to look for after it, the receipt, and the removal feed."""

import uuid
import zlib

from django.db import models
from django.utils import timezone

from core.models import LedgerEntry
from portal.models.request import OptOutRequest


class RemovalEvidence(models.Model):
    """What one published release held of a request, with proofs in its tree: taken before the purge erased it.

    ``tree`` is the proof of ``portal.receipts.proofs``, deflated JSON: blob ids and digests, no path and no text.
    """

    request = models.ForeignKey(OptOutRequest, on_delete=models.CASCADE, related_name="evidence")
    name = models.CharField(max_length=80)
    version = models.CharField(max_length=20)
    tree = models.BinaryField()
    places = models.BinaryField(default=b"", help_text="Keyed hashes of where its own files stood, 8 bytes each.")
    own = models.PositiveBigIntegerField(default=0, help_text="Files under the requester's own name.")
    ring_a = models.PositiveBigIntegerField(default=0, help_text="The same blob under other owners.")
    ring_b = models.PositiveBigIntegerField(default=0, help_text="Near-duplicates under other owners.")
    bytes = models.PositiveBigIntegerField(default=0, help_text="Of their source.")
    taken_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["request", "name", "version"], name="one_evidence_a_release_and_request")
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class RemovalMarks(models.Model):
    """The blobs that one purge erased, and fingerprints of text that stood in them alone: what the check looks for.

    Made when a purge begins, deleted when a check that looked for them has found nothing.
    """

    purge = models.UUIDField(unique=True, default=uuid.uuid4, help_text="The job that erased the text.")
    multiplier = models.BinaryField(help_text="Random, 8 bytes: fingerprints of two purges cannot be compared.")
    fingerprints = models.BinaryField(help_text="8 bytes each.")
    blobs = models.BinaryField(help_text="Ids of the erased blobs, 20 bytes each.")
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "removal marks"

    def __str__(self) -> str:
        return f"{len(self.fingerprints) // 8} marks of {self.made_at:%Y-%m-%d %H:%M}"


class Receipt(models.Model):
    """A signed receipt, as the owner downloads it. It goes with the request's personal data; the owner's copy stays valid."""

    request = models.OneToOneField(OptOutRequest, on_delete=models.CASCADE, related_name="receipt")
    body = models.BinaryField(help_text="The file, deflated.")
    size = models.PositiveBigIntegerField(help_text="Bytes of the file.")
    sha256 = models.CharField(max_length=64)
    fingerprint = models.CharField(max_length=64, help_text="Of the key that signed it.")
    ledger_size = models.PositiveBigIntegerField(help_text="Of the ledger's checkpoint in it.")
    blobs = models.PositiveBigIntegerField(help_text="Files that it proves to be gone.")
    signed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-signed_at"]

    def __str__(self) -> str:
        return f"receipt {self.sha256[:12]}"

    @property
    def file(self) -> bytes:
        """The file's bytes."""
        return zlib.decompress(self.body)


class FeedItem(models.Model):
    """One item of the removal feed: blobs that left one published release. Names no owner, no request and no reason.

    ``digest`` is SHA-256 over the RFC 8785 form of ``document`` (see ``portal.receipts.feed``), which holds the digest before it.
    """

    sequence = models.PositiveBigIntegerField(unique=True)
    at = models.DateTimeField()
    name = models.CharField(max_length=80)
    version = models.CharField(max_length=20)
    part = models.PositiveIntegerField(default=1)
    replaced_by = models.CharField(
        max_length=20, blank=True, help_text="Version of the re-issue; empty: taken back whole."
    )
    blobs = models.BinaryField(help_text="Blob ids, 20 bytes each, sorted.")
    parts = models.PositiveIntegerField(default=1)
    rows_before = models.PositiveBigIntegerField()
    rows_after = models.PositiveBigIntegerField()
    root_before = models.CharField(max_length=64)
    root_after = models.CharField(max_length=64, blank=True)
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)
    ledger_entry = models.ForeignKey(LedgerEntry, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["sequence"]
        constraints = [models.UniqueConstraint(fields=["name", "version", "part"], name="one_feed_item_a_part")]

    def __str__(self) -> str:
        return f"{self.sequence}: {self.name} {self.version}"
