"""Bundles that allow a removal to be undone: what is known of each without opening it."""

import uuid

from django.db import models
from django.utils import timezone


class UndoBundle(models.Model):
    """What one purge erased from the corpus for one request, sealed. The bytes lie in the data folder, the key outside it.

    The figures stay when the bundle is destroyed; they name nobody.
    """

    key = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    reference = models.CharField(max_length=40, db_index=True, help_text="The request that asked for the removal.")
    job = models.UUIDField(null=True, help_text="The purge that made it.")
    created_at = models.DateTimeField(default=timezone.now)
    sealed_at = models.DateTimeField(null=True, help_text="Empty while it is being written, or where that was cut off.")
    files = models.PositiveBigIntegerField(default=0)
    repositories = models.PositiveBigIntegerField(default=0)
    blobs = models.PositiveBigIntegerField(default=0)
    bytes = models.PositiveBigIntegerField(default=0, help_text="Of source.")
    ending_at = models.DateTimeField(null=True, help_text="When it was decided to destroy it: no way back.")
    destroyed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["created_at"]
        indexes = [models.Index(fields=["sealed_at"], condition=models.Q(destroyed_at=None), name="undo_bundles_there")]

    def __str__(self) -> str:
        return f"{self.reference} {self.created_at:%Y-%m-%d}"
