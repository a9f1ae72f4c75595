"""Licence terms as versioned text, and who accepted which version for which model."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from modelzoo.models.zoo import ZooModel


class LicenceTerms(models.Model):
    """One version of a licence's full text, with our own summary. Loaded from ``modelzoo/data/licences``; never changed."""

    key = models.CharField(max_length=80, help_text="As the Hub's tag: bigcode-openrail-m.")
    version = models.PositiveIntegerField()
    title = models.CharField(max_length=200)
    text = models.TextField()
    sha256 = models.CharField(max_length=64)
    notice = models.TextField(help_text="Where the text comes from and under which terms it is passed on.")
    address = models.URLField(blank=True)
    restrictions = models.JSONField(default=list, help_text="Our summary of what the model may not be used for.")
    duties = models.JSONField(default=list, help_text="Our summary of what to do when sharing.")
    loaded_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["key", "-version"]
        constraints = [models.UniqueConstraint(fields=["key", "version"], name="one_text_a_version")]
        verbose_name_plural = "licence terms"

    def __str__(self) -> str:
        return f"{self.title} (version {self.version})"


class LicenceAcceptance(models.Model):
    """A person accepted one version of the terms for one model; it counts until it is withdrawn."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="licence_acceptances")
    model = models.ForeignKey(ZooModel, on_delete=models.CASCADE, related_name="acceptances")
    terms = models.ForeignKey(LicenceTerms, on_delete=models.PROTECT, related_name="acceptances")
    at = models.DateTimeField(default=timezone.now)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-at"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "model", "terms"],
                condition=models.Q(withdrawn_at__isnull=True),
                name="one_acceptance_at_a_time",
            )
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.at:%Y-%m-%d}"
