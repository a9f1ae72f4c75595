"""The kinds of long work of this floor. Thin: see ``training_jobs.training``."""

from typing import Any

from core.jobs import JobContext, job_kind
from datasets_app.pipeline.errors import PipelineError
from training_jobs.models import Run
from training_jobs.trainer.errors import TrainerError


@job_kind("training.run", queue="gpu", title="Train a model", expected=(TrainerError, PipelineError))
def train_run(ctx: JobContext) -> dict[str, Any]:
    """Train, and publish to the zoo."""
    ctx.progress("starting the trainer", 0, 0)
    from training_jobs.training import work  # torch: seconds, and only where a run is worked on

    run = Run.objects.select_related("release", "base__model", "base__terms", "revision").get(pk=ctx.params["run"])
    return work(run, ctx)
