"""What may not be held, and what is hidden at once."""

from django.db import models
from django.utils import timezone

from datasets_app.models.catalogue import Owner, Repository


class BlockEntry(models.Model):
    """An entry of the block-list. Builds honour all entries up to a position.

    The key of the account or repository stands here as a keyed hash alone, so that what comes back can be recognised
    after every other trace of it has gone. The rows beside it serve as long as they exist. Of a person whose lone work is
    blocked, ``keyed`` is the hash of the address that the corpus has; of content, the git blob id, which says nothing to
    whoever has not the content. Each request has entries of its own, so that undoing one leaves the others.
    """

    OWNER, REPOSITORY, BLOB, AUTHOR = "owner", "repository", "blob", "author"
    KINDS = [(OWNER, "account"), (REPOSITORY, "repository"), (BLOB, "content"), (AUTHOR, "what one person wrote alone")]

    position = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=10, choices=KINDS)
    keyed = models.CharField(max_length=64)
    covers_commits = models.BooleanField(default=False, help_text="Commits are kept out, too, should any be taken in.")
    covers_issues = models.BooleanField(default=False, help_text="Issues are kept out, too, should any be taken in.")
    owner = models.ForeignKey(Owner, null=True, on_delete=models.SET_NULL, related_name="block_entries", db_index=False)
    repository = models.ForeignKey(
        Repository, null=True, on_delete=models.SET_NULL, related_name="block_entries", db_index=False
    )
    reference = models.CharField(max_length=40, blank=True, db_index=True, help_text="The request that asked for it.")
    created_at = models.DateTimeField(default=timezone.now)
    lifted_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["position"]
        verbose_name_plural = "block-list"
        # Without the rows where they are empty: else a planner takes the many empty ones for the usual case, and scans.
        indexes = [
            models.Index(fields=["owner"], condition=models.Q(owner__isnull=False), name="block_by_owner"),
            models.Index(fields=["lifted_at"], name="block_by_lifting"),
            models.Index(
                fields=["repository"], condition=models.Q(repository__isnull=False), name="block_by_repository"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "keyed", "reference"],
                condition=models.Q(lifted_at__isnull=True),
                name="one_live_block_a_key_and_request",
            )
        ]

    def __str__(self) -> str:
        return f"{self.position} {self.kind} {self.keyed[:8]}"


class Mask(models.Model):
    """Hides an account, or one repository of it, from search, lists and file pages at once, until it is lifted."""

    owner = models.ForeignKey(Owner, on_delete=models.CASCADE, related_name="masks")
    repository = models.ForeignKey(
        Repository, null=True, on_delete=models.CASCADE, related_name="masks", help_text="Empty: the whole account."
    )
    reference = models.CharField(max_length=40, blank=True, db_index=True)
    since = models.DateTimeField(default=timezone.now)
    lifted_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["since"]

    def __str__(self) -> str:
        return f"{self.repository or self.owner} since {self.since:%Y-%m-%d}"


class ContentMask(models.Model):
    """Hides content from lists, file pages and search at once, until it is lifted: a blob wherever it lies, or one file.

    ``repository`` and ``path`` are empty where the blob is hidden wherever it lies.
    """

    blob = models.CharField(max_length=40, help_text="Git blob SHA-1 in hex.")
    repository = models.ForeignKey(Repository, null=True, on_delete=models.CASCADE, related_name="+")
    path = models.CharField(max_length=1024, blank=True)
    reference = models.CharField(max_length=40, blank=True, db_index=True)
    since = models.DateTimeField(default=timezone.now)
    lifted_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["pk"]
        indexes = [
            models.Index(fields=["blob"], condition=models.Q(lifted_at__isnull=True), name="content_mask_by_blob"),
            models.Index(fields=["lifted_at"], name="content_mask_by_lifting"),
        ]

    def __str__(self) -> str:
        return f"{self.blob[:12]} since {self.since:%Y-%m-%d}"
