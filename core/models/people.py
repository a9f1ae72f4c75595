"""Accounts and the tokens by which their programs speak."""

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models

from core.models.append_only import now


class User(AbstractUser):
    """A person with an account here. A name and a password suffice; an address is optional."""

    class Meta(AbstractUser.Meta):
        permissions = [("manage_roles", "Can give and take roles")]


class ApiToken(models.Model):
    """A token for the API and the Hub protocol. Only its SHA-256 is kept: 34 random characters need no slow hash."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=80)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    start = models.CharField(max_length=7, editable=False, help_text="The first characters, to tell tokens apart.")
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=now, editable=False)
    last_used_on = models.DateField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.start}…)"
