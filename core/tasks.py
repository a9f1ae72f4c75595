"""The ground floor's Celery tasks. Thin: the row is the truth."""

from celery import shared_task

from core import jobs, ledger_sequencer
from core.models import Job


@shared_task(name="core.tasks.run_job")
def run_job(job_id: str) -> None:
    """Run a job if it still waits."""
    from core.supervisor import supervise

    job = Job.objects.filter(pk=job_id, state="queued").first()
    if job is not None:
        supervise(job)


@shared_task(name="core.tasks.find_lost_jobs")
def find_lost_jobs() -> None:
    """Sweep: see ``core.jobs.find_lost``."""
    jobs.find_lost()


@shared_task(name="core.tasks.sequence_ledger")
def sequence_ledger() -> None:
    """Give places to entries that wait: see ``core.ledger_sequencer``."""
    ledger_sequencer.sequence(wait=False)
