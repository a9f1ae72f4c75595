"""The journal's lines as the database has them: what may have to be done again when a backup is restored."""

import uuid

from django.db import models

from core.models.append_only import now


class JournalLine(models.Model):
    """One line, written in the transaction of what it tells of, and copied to the journal's file after the commit.

    A database that lacks the file's last line is older than the file.
    """

    number = models.BigAutoField(primary_key=True)
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    at = models.DateTimeField(default=now)
    kind = models.CharField(max_length=20)
    body = models.JSONField(default=dict, help_text="Keyed hashes, blob ids, references. No name of an account.")
    written = models.BooleanField(default=False, db_index=True)

    class Meta:
        ordering = ["number"]

    def __str__(self) -> str:
        return f"{self.number} {self.kind}"
