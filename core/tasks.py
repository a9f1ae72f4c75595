"""The ground floor's Celery tasks. Thin: the row is the truth."""

import contextlib
import logging

from celery import shared_task

from core import jobs, journal, ledger_sequencer
from core.models import Job

log = logging.getLogger(__name__)


@shared_task(name="core.tasks.run_job")
def run_job(job_id: str) -> None:
    """Run a job if it still waits. Nothing runs on a restored backup before its purges were done again: the row waits."""
    from core.supervisor import supervise

    if journal.behind():
        log.error("A job waits: this site is older than its journal. Run manage.py replay_purges.")
        return

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


@shared_task(name="core.tasks.write_journal")
def write_journal() -> None:
    """Copy to the journal's file what a killed process left: see ``core.journal.flush``."""
    with contextlib.suppress(journal.JournalBehind):
        journal.flush()
