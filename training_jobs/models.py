"""Runs: one training of one model on one release."""

from typing import Any

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

from core.models import Job


class Run(models.Model):
    """One training. Its state is its job's; what it learnt is its ``revision`` in the zoo.

    ``config`` holds the fields of ``trainer.config.TrainConfig`` but ``base``, which is a folder of the machine that trains.
    ``summary`` holds what the finished run gave: steps, tokens, losses, seconds, versions, digests. No text of the corpus.
    """

    org = models.CharField(max_length=96)
    model_name = models.CharField(max_length=96)
    release = models.ForeignKey("datasets_app.Release", on_delete=models.PROTECT, related_name="runs")
    base = models.ForeignKey(
        "modelzoo.Revision",
        null=True,
        on_delete=models.PROTECT,
        related_name="fine_tuning_runs",
        help_text="What it starts from; empty where it starts from scratch.",
    )
    preset = models.CharField(max_length=40)
    config = models.JSONField(default=dict)
    job = models.OneToOneField(
        Job,
        null=True,
        on_delete=models.PROTECT,
        related_name="run",
        help_text="The job that works on it; one that goes on after a cancel gets a new job.",
    )
    summary = models.JSONField(default=dict)
    revision = models.OneToOneField(
        "modelzoo.Revision",
        null=True,
        on_delete=models.PROTECT,
        related_name="run",
        help_text="What it published.",
    )
    request_token = models.CharField(
        max_length=64,
        null=True,
        unique=True,
        help_text="What the form or the program sent, so that sending twice makes one run.",
    )
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="runs")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        permissions = [("launch_run", "Can launch runs")]

    def __str__(self) -> str:
        return f"Run {self.pk}: {self.name}"

    def get_absolute_url(self) -> str:
        """The run's page."""
        return reverse("runs:run", args=[self.pk])

    @property
    def name(self) -> str:
        """The model that it makes: ``org/name``."""
        return f"{self.org}/{self.model_name}"

    @property
    def state(self) -> str:
        """The state of its job."""
        return self.job.state if self.job else "queued"

    @property
    def active(self) -> bool:
        """Whether anything can still happen to it by itself."""
        return self.job is not None and self.job.active

    @property
    def kind(self) -> str:
        """What kind of training it is, in words."""
        return "fine-tuning" if self.base_id else "from scratch"

    @property
    def loss(self) -> float | None:
        """Nats a token: on held-out documents where it was measured, else on what it learnt from; None before the end."""
        value: Any = self.summary.get("validation_loss")
        return value if value is not None else self.summary.get("loss")
