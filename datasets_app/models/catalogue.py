"""Sources, and the owners and repositories that were found in them."""

from django.db import models
from django.utils import timezone

NAME_LENGTH = 200


class Source(models.Model):
    """A place that code is ingested from, such as the packages installed in this Python."""

    name = models.SlugField(max_length=80, unique=True, db_index=False)
    kind = models.CharField(max_length=40, help_text="Which reader of the engine reads it.")
    params = models.JSONField(default=dict, blank=True, help_text="What the reader needs to know.")
    last_ingested_at = models.DateTimeField(null=True, editable=False)
    figures = models.JSONField(default=dict, editable=False, help_text="Counts of the last ingest.")

    class Meta:
        ordering = ["name"]
        permissions = [("ingest_source", "Can ingest sources")]

    def __str__(self) -> str:
        return self.name


class Owner(models.Model):
    """An account on a forge. Keyed by the forge's numeric account id where it gives one, so that a rename moves nothing."""

    key = models.CharField(max_length=400, unique=True, editable=False)
    forge = models.CharField(max_length=NAME_LENGTH, help_text="Host name, such as github.com.")
    account_id = models.CharField(max_length=80, blank=True, help_text="The forge's own number of the account.")
    login = models.CharField(max_length=NAME_LENGTH, help_text="As the forge writes it.")
    login_folded = models.CharField(max_length=NAME_LENGTH, editable=False)

    class Meta:
        ordering = ["login_folded", "forge"]
        # The column has the collation "C" on PostgreSQL (migration 0002), so that prefixes are range scans of this index.
        indexes = [models.Index(fields=["login_folded", "forge"], name="owner_by_login")]

    def __str__(self) -> str:
        return f"{self.forge}/{self.login}"


class FormerLogin(models.Model):
    """A login that an account bore before, so that whoever looks for it finds the account. Only numbered accounts can have one."""

    owner = models.ForeignKey(Owner, on_delete=models.CASCADE, related_name="former_logins", db_index=False)
    login = models.CharField(max_length=NAME_LENGTH, help_text="As the forge wrote it.")
    login_folded = models.CharField(max_length=NAME_LENGTH, editable=False)
    replaced_at = models.DateTimeField(default=timezone.now, help_text="When an ingest first saw another login.")

    class Meta:
        ordering = ["login_folded"]
        indexes = [models.Index(fields=["login_folded"], name="former_login_by_login")]
        constraints = [models.UniqueConstraint(fields=["owner", "login_folded"], name="one_former_login_an_owner")]

    def __str__(self) -> str:
        return f"{self.login}, now {self.owner.login}"


class Repository(models.Model):
    """A repository of an owner."""

    key = models.CharField(max_length=600, unique=True, editable=False)
    owner = models.ForeignKey(Owner, on_delete=models.CASCADE, related_name="repositories")
    name = models.CharField(max_length=NAME_LENGTH)
    name_folded = models.CharField(max_length=NAME_LENGTH, editable=False)
    url = models.CharField(max_length=500, blank=True)
    licence = models.CharField(
        max_length=400, blank=True, help_text="SPDX expression; empty where none was recognised."
    )
    permissive = models.BooleanField(default=False)
    source = models.ForeignKey(Source, null=True, on_delete=models.SET_NULL, related_name="repositories")

    class Meta:
        ordering = ["name_folded"]
        verbose_name_plural = "repositories"
        indexes = [models.Index(fields=["name_folded"], name="repository_by_name")]

    def __str__(self) -> str:
        return f"{self.owner.login}/{self.name}"
