"""Copies of a request's files under other owners, as they were found once the request was proven, and what was decided on each.

Shown to the requester and to reviewers alone; goes with the other personal data of the request.
"""

from django.conf import settings
from django.db import models
from django.utils import timezone

from portal.models.request import NAME_LENGTH, OptOutRequest


class CopySearch(models.Model):
    """That the copies of a request were looked for, and the counts of what has no row of its own.

    Attributes:
        blocked: Contents of the request's own that are kept out by their blob ids.
        trivial: Files of others with content that stays whoever asks, by key of ``copies.TRIVIAL``.
    """

    request = models.OneToOneField(OptOutRequest, on_delete=models.CASCADE, related_name="copy_search")
    found_at = models.DateTimeField(default=timezone.now)
    release = models.CharField(max_length=120, blank=True, help_text="In which near copies were looked for.")
    blocked = models.PositiveBigIntegerField(default=0)
    trivial = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.request} at {self.found_at:%Y-%m-%d %H:%M}"


class Copy(models.Model):
    """A file of another owner with the same content (ring A) or nearly the same text (ring B)."""

    EXACT, NEAR = "A", "B"
    RINGS = [(EXACT, "Ring A: the same content"), (NEAR, "Ring B: nearly the same text")]
    BLOCK, OPEN, LEAVE = "block", "open", "leave"
    VERDICTS = [(OPEN, "Not compared yet"), (BLOCK, "Blocked"), (LEAVE, "Stays")]

    request = models.ForeignKey(OptOutRequest, on_delete=models.CASCADE, related_name="found_copies")
    ring = models.CharField(max_length=1, choices=RINGS)
    blob = models.CharField(max_length=40)
    mine = models.CharField(max_length=40, help_text="The requester's blob: the same in ring A.")
    similarity = models.FloatField(default=1.0, help_text="Estimated, 0 to 1.")
    forge = models.CharField(max_length=NAME_LENGTH)
    owner = models.CharField(max_length=NAME_LENGTH)
    repository = models.CharField(max_length=NAME_LENGTH)
    repository_key = models.CharField(max_length=600)
    path = models.CharField(max_length=1024)
    language = models.CharField(max_length=100, blank=True)
    licence = models.CharField(max_length=400, blank=True)
    size = models.PositiveBigIntegerField(default=0)
    why = models.CharField(max_length=24, help_text="A key of datasets_app.pipeline.copies.RULES.")
    verdict = models.CharField(max_length=5, choices=VERDICTS, default=OPEN)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    decided_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-similarity", "repository_key", "path", "pk"]
        verbose_name_plural = "copies"
        indexes = [
            models.Index(fields=["request", "verdict"], name="copy_by_verdict"),
            models.Index(fields=["request", "blob"], name="copy_by_blob"),
            models.Index(fields=["request", "repository_key"], name="copy_by_repository"),
        ]

    def __str__(self) -> str:
        return f"{self.ring} {self.repository_key}/{self.path}"
