"""Acts of governance, in order, for anyone to follow; and the tree over them.

An entry is written in the transaction of its act and touches nothing that another entry touches. The sequencer
(``core.ledger_sequencer``) gives it its place later: ``LedgerPlace``, tiles and a checkpoint. All but ``LedgerPending`` are
append-only.
"""

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


class LedgerPending(models.Model):
    """An entry that waits for its place. The database puts it here when the entry is written (a trigger of migration 0004)."""

    entry = models.OneToOneField(
        LedgerEntry, primary_key=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )

    def __str__(self) -> str:
        return f"entry {self.entry_id}"


class LedgerPlace(AppendOnly):
    """Where an entry stands in the tree: its number, from 0, without gaps."""

    number = models.BigIntegerField(primary_key=True)
    entry = models.OneToOneField(LedgerEntry, on_delete=models.DO_NOTHING, related_name="place")

    class Meta:
        ordering = ["number"]

    def __str__(self) -> str:
        return f"{self.number}: entry {self.entry_id}"


class LedgerTile(AppendOnly):
    """A full tile: 256 hashes of 32 bytes, and their root, which is a hash of the level above. Partial tiles are put together
    when they are asked for: from the leaf hashes of the last entries, or from the roots of the tiles below."""

    level = models.PositiveSmallIntegerField()
    number = models.BigIntegerField()
    hashes = models.BinaryField()
    root = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["level", "number"], name="one_tile_a_level_and_number")]

    def __str__(self) -> str:
        return f"tile {self.level}/{self.number}"


class LedgerCheckpoint(AppendOnly):
    """A size of the tree with its root (hex), signed by the key that ``signer`` names (a vkey). ``note`` is the signed note."""

    at = models.DateTimeField(default=now)
    size = models.BigIntegerField()
    root = models.CharField(max_length=64)
    signer = models.CharField(max_length=400)
    note = models.TextField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["size", "signer"], name="one_checkpoint_a_size_and_key"),
        ]

    def __str__(self) -> str:
        return f"checkpoint of {self.size}"


class LedgerCosignature(AppendOnly):
    """A witness's signature line for the tree of ``size``, verified. ``witness`` is the witness's vkey."""

    at = models.DateTimeField(default=now)
    size = models.BigIntegerField()
    witness = models.CharField(max_length=400)
    line = models.TextField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["size", "witness"], name="one_cosignature_a_size_and_witness"),
        ]

    def __str__(self) -> str:
        return f"cosignature of {self.size}"
