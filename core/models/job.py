"""Long work. The row is the truth; the broker only carries wake-ups."""

import uuid

from django.conf import settings
from django.db import models

from core.models.append_only import now
from core.states import JOB_ACTIVE


class Job(models.Model):
    """One piece of long work and all that is known of it.

    ``stages`` is a list of ``{"stage", "done", "total", "started", "finished"}`` in the order in which they began.
    ``claim`` is the right to work on the row: every write by a worker is conditional on it, so a worker that was given up
    for dead cannot write any more.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=60, db_index=True)
    title = models.CharField(max_length=200)
    queue = models.CharField(max_length=20, default="default")
    params = models.JSONField(default=dict)
    result = models.JSONField(default=dict)
    state = models.CharField(max_length=12, default="queued", db_index=True)
    stages = models.JSONField(default=list)
    attempt = models.PositiveIntegerField(default=0)
    claim = models.CharField(max_length=32, blank=True)
    heartbeat_at = models.DateTimeField(null=True)
    woken_at = models.DateTimeField(null=True)
    dedupe_key = models.CharField(max_length=200, blank=True)
    error = models.TextField(blank=True, help_text="What went wrong, for the person who asked.")
    crash = models.TextField(blank=True, help_text="A traceback, where it was a crash and not an expected failure.")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="jobs"
    )
    parent = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="children")
    created_at = models.DateTimeField(default=now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["dedupe_key"],
                condition=models.Q(state__in=JOB_ACTIVE) & ~models.Q(dedupe_key=""),
                name="one_active_job_a_dedupe_key",
            )
        ]
        permissions = [("view_all_jobs", "Can see everybody's jobs")]

    def __str__(self) -> str:
        return f"{self.title} ({self.state})"

    @property
    def active(self) -> bool:
        """Whether anything can still happen to it."""
        return self.state in JOB_ACTIVE

    @property
    def current_stage(self) -> dict[str, object] | None:
        """The stage begun last, or None."""
        return self.stages[-1] if self.stages else None


class JobLogLine(models.Model):
    """One line of a job's log. Never text of the corpus, never a name."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="log_lines")
    at = models.DateTimeField(default=now)
    text = models.TextField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.text


class JobMetric(models.Model):
    """One figure of a job at one step, such as the loss of a training run."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="metrics")
    step = models.PositiveIntegerField()
    name = models.CharField(max_length=60)
    value = models.FloatField()

    class Meta:
        ordering = ["step"]
        constraints = [models.UniqueConstraint(fields=["job", "name", "step"], name="one_value_a_job_name_step")]

    def __str__(self) -> str:
        return f"{self.name}[{self.step}] = {self.value:g}"
