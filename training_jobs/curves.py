"""The figures of a run for its curves."""

from collections.abc import Sequence

from django.db.models import OuterRef, QuerySet, Subquery

from core.models import Job, JobMetric
from training_jobs.models import Run

MOST_POINTS = 2000  # of one curve in one reading
LABELS = {
    "loss": "Training",
    "validation_loss": "Held-out documents",
    "unigram_entropy": "Guessing by frequency alone",
    "lr": "Learning rate",
    "grad_norm": "Norm of the gradient",
    "tokens_per_second": "Tokens a second",
}
CURVES = {
    "loss": ("Loss, nats a token", ("loss", "validation_loss", "unigram_entropy")),
    "pace": ("Tokens a second", ("tokens_per_second",)),
    "rate": ("Learning rate", ("lr",)),
    "gradient": ("Norm of the gradient", ("grad_norm",)),
}

Series = dict[str, list[list[float]]]


def series_of(job: Job | None, names: Sequence[str] = tuple(LABELS), after: int = -1) -> Series:
    """``{name: [[step, value], ...]}`` of a job's figures above the step ``after``, in the order of ``names``.

    A curve of more than ``MOST_POINTS`` is thinned evenly; its last point stays.
    """
    if job is None:
        return {}
    found: Series = {}
    rows = job.metrics.filter(name__in=names, step__gt=after).order_by("step")
    for name, step, value in rows.values_list("name", "step", "value").iterator():
        found.setdefault(name, []).append([step, value])
    return {name: _thinned(found[name]) for name in names if name in found}


def with_loss(runs: QuerySet[Run]) -> QuerySet[Run]:
    """Each run with ``latest_loss``, the last that its job told: for runs that have not ended."""
    latest = JobMetric.objects.filter(job=OuterRef("job"), name="loss").order_by("-step").values("value")[:1]
    return runs.annotate(latest_loss=Subquery(latest))


def _thinned(points: list[list[float]]) -> list[list[float]]:
    if len(points) <= MOST_POINTS:
        return points
    stride = (len(points) - 1) / (MOST_POINTS - 1)
    return [points[round(index * stride)] for index in range(MOST_POINTS)]
