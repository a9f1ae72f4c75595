"""Releases, who approved them, and what each holds of a repository."""

from pathlib import Path

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

from core import stores
from core.models import Job
from datasets_app.models.catalogue import Owner, Repository
from datasets_app.states import RELEASE_STATES


class Release(models.Model):
    """What a recipe made of the corpus at one time. Figures come from the manifest; the bytes lie in the releases folder."""

    name = models.SlugField(max_length=80, db_index=False)
    version = models.CharField(max_length=20, help_text="Such as v1.0.")
    state = models.CharField(max_length=10, default="building", choices=RELEASE_STATES, db_index=True)
    recipe = models.JSONField(default=dict)
    recipe_digest = models.CharField(max_length=64, blank=True)
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="children")
    reissue_of = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="reissues",
        help_text="The release that this one is, issued again without what was blocked since; parent is what it was made from.",
    )
    blocklist_position = models.PositiveBigIntegerField(
        default=0, help_text="Block-list entries up to here are honoured."
    )
    files = models.PositiveBigIntegerField(default=0)
    bytes = models.PositiveBigIntegerField(default=0)
    shards = models.PositiveIntegerField(default=0)
    digest_bytes = models.CharField(max_length=64, blank=True)
    digest_logical = models.CharField(max_length=64, blank=True)
    tree_root = models.CharField(max_length=64, blank=True)
    funnel = models.JSONField(default=list, help_text="[{reason, files, bytes}], every reason: for the staff.")
    languages = models.JSONField(default=list, help_text="[{language, files, bytes}]")
    licences = models.JSONField(default=list, help_text="[{licence, files, bytes}]")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+", help_text="The last build.")
    created_at = models.DateTimeField(default=timezone.now)
    built_at = models.DateTimeField(null=True)
    published_at = models.DateTimeField(
        null=True, help_text="Of a re-issue: when the release was in whose place it is."
    )
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_reason = models.TextField(blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["name", "version"], name="one_release_a_name_and_version")]
        permissions = [
            ("build_release", "Can build releases"),
            ("approve_release", "Can approve, publish, reject and withdraw releases"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    def get_absolute_url(self) -> str:
        """The release's page."""
        return reverse("datasets:release", args=[self.name, self.version])

    @property
    def folder(self) -> Path:
        """Where its manifest lies."""
        return stores.folder("releases") / self.name / self.version

    @property
    def published(self) -> bool:
        """Whether the public may see and download it."""
        return self.state == "published"

    @property
    def reissue_pending(self) -> "Release | None":
        """The re-issue that is to take its place and is not there yet: until then its bytes are not served."""
        return Release.objects.filter(parent=self, reissue_of__isnull=False, state__in=("building", "failed")).first()

    @property
    def issued_again(self) -> "Release | None":
        """The published re-issue that took its place, if any."""
        root = self.reissue_of_id or self.pk
        return Release.objects.filter(reissue_of=root, state="published").exclude(pk=self.pk).order_by("-pk").first()

    @property
    def stalled(self) -> bool:
        """Whether it says ``building`` though its job has ended: cancelled while it waited, or killed too often."""
        return self.state == "building" and (self.job is None or not self.job.active)


class ReleaseApproval(models.Model):
    """That one person approved a release."""

    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="approvals")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["at"]
        constraints = [models.UniqueConstraint(fields=["release", "user"], name="one_approval_a_person")]

    def __str__(self) -> str:
        return f"{self.release} by {self.user}"


class Holding(models.Model):
    """What one release holds of one repository."""

    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="holdings", db_index=False)
    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="holdings")
    owner = models.ForeignKey(Owner, on_delete=models.CASCADE, related_name="holdings")
    files = models.PositiveBigIntegerField(default=0, help_text="Rows whose named origin lies in the repository.")
    copies = models.PositiveBigIntegerField(default=0, help_text="Files whose content is held under another origin.")
    bytes = models.PositiveBigIntegerField(default=0)
    licence = models.CharField(max_length=400, blank=True, help_text="The commonest.")
    licences = models.JSONField(default=list)
    languages = models.JSONField(default=list, help_text="Commonest first.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["release", "repository"], name="one_holding_a_repository")]

    def __str__(self) -> str:
        return f"{self.repository} in {self.release}"
