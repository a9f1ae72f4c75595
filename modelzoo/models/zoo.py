"""Models and their revisions. A revision never changes; branches and tags point at revisions."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone

MAIN = "main"


class ZooModel(models.Model):
    """A model by its name ``org/name``, as Hub clients ask for it."""

    org = models.CharField(max_length=96)
    name = models.CharField(max_length=96)
    licence_key = models.CharField(max_length=80, help_text="The key of its licence's terms.")
    gated = models.BooleanField(default=True, help_text="Whether the licence must be accepted before files are served.")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["org", "name"]
        constraints = [models.UniqueConstraint(Lower("org"), Lower("name"), name="one_model_a_name")]
        permissions = [("publish_model", "Can publish and withdraw models")]

    def __str__(self) -> str:
        return self.repo_id

    @property
    def repo_id(self) -> str:
        """The name by which clients ask for it: ``org/name``."""
        return f"{self.org}/{self.name}"

    def get_absolute_url(self) -> str:
        """The model's page."""
        return reverse("zoo:model", args=[self.org, self.name])

    def at(self, ref: str = MAIN) -> "Revision | None":
        """The revision at a branch or tag, or None."""
        found = self.refs.filter(name=ref).select_related("revision").first()
        return found.revision if found else None


class Revision(models.Model):
    """One immutable state of a model's files.

    ``sha`` is computed from the files, the parent, the message and the date, as git does for a commit; see ``modelzoo.address``.
    A withdrawn revision keeps its row (lineage never breaks) and serves nothing.
    """

    model = models.ForeignKey(ZooModel, on_delete=models.PROTECT, related_name="revisions")
    sha = models.CharField(max_length=40)
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="children")
    message = models.CharField(max_length=500)
    created_at = models.DateTimeField(default=timezone.now)
    release = models.ForeignKey(
        "datasets_app.Release",
        null=True,
        on_delete=models.PROTECT,
        related_name="revisions",
        help_text="The release it was trained on.",
    )
    base = models.ForeignKey(
        "self",
        null=True,
        on_delete=models.PROTECT,
        related_name="derived",
        help_text="The revision whose weights it started from, where it is a fine-tune.",
    )
    terms = models.ForeignKey("modelzoo.LicenceTerms", on_delete=models.PROTECT, related_name="+")
    lineage = models.JSONField(default=dict, help_text="What it came from: run, tokenizer, digests.")
    training = models.JSONField(default=dict, help_text="How it was trained: steps, tokens, losses.")
    card = models.JSONField(default=dict, help_text="The front matter of its README.md.")
    config = models.JSONField(default=dict, help_text="Its config.json.")
    parameters = models.JSONField(
        default=dict, help_text="Number of parameters by type, as in safetensors: {'F32': n}."
    )
    published_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_reason = models.TextField(blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["model", "sha"], name="one_revision_a_sha")]

    def __str__(self) -> str:
        return f"{self.model.repo_id}@{self.sha[:10]}"

    @property
    def parameter_count(self) -> int:
        """The number of parameters of every type together."""
        return sum(self.parameters.values())

    @property
    def size(self) -> int:
        """The bytes of all its files together."""
        return sum(file.size for file in self.files.all())


class RevisionFile(models.Model):
    """One file of a revision: its path, and its content by digest (see ``modelzoo.storage``)."""

    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="files")
    path = models.CharField(max_length=500)
    size = models.PositiveBigIntegerField()
    sha1 = models.CharField(max_length=40, help_text="Git blob id.")
    sha256 = models.CharField(max_length=64)
    lfs = models.BooleanField(help_text="Whether clients know it by its SHA-256 (weights) or its git blob id.")

    class Meta:
        ordering = ["path"]
        constraints = [models.UniqueConstraint(fields=["revision", "path"], name="one_file_a_path")]

    def __str__(self) -> str:
        return self.path

    @property
    def etag(self) -> str:
        """The digest by which clients cache the file, without quotes."""
        return self.sha256 if self.lfs else self.sha1


class Ref(models.Model):
    """A branch or a tag."""

    class Kind(models.TextChoices):
        """What may happen to it: a branch moves on, a tag stays."""

        BRANCH = "branch"
        TAG = "tag"

    model = models.ForeignKey(ZooModel, on_delete=models.CASCADE, related_name="refs")
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=6, choices=Kind.choices)
    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="refs")

    class Meta:
        ordering = ["kind", "name"]
        constraints = [models.UniqueConstraint(fields=["model", "name"], name="one_ref_a_name")]

    def __str__(self) -> str:
        return self.name
