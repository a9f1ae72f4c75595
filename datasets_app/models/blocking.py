"""What may not be held, and what is hidden at once."""

from django.db import models
from django.utils import timezone

from datasets_app.models.catalogue import Owner, Repository


class BlockEntry(models.Model):
    """An entry of the block-list. Builds honour all entries up to a position.

    The key of the account or repository stands here as a keyed hash alone, so that what comes back can be recognised
    after every other trace of it has gone. The rows beside it serve as long as they exist.
    """

    OWNER, REPOSITORY = "owner", "repository"

    position = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=10, choices=[(OWNER, "account"), (REPOSITORY, "repository")])
    keyed = models.CharField(max_length=64)
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
            models.Index(
                fields=["repository"], condition=models.Q(repository__isnull=False), name="block_by_repository"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "keyed"], condition=models.Q(lifted_at__isnull=True), name="one_live_block_a_key"
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
