"""The process of one job: ``python -m core.job_process <id> <claim> <parent>``. Started by ``core.supervisor`` only."""

import sys

from core.orphans import die_with_parent


def main(job_id: str, claim: str, parent: str) -> int:
    """Run the job that the process ``parent`` claimed for us."""
    die_with_parent(int(parent))
    import django

    django.setup()
    from core.jobs import perform
    from core.models import Job

    job = Job.objects.filter(pk=job_id, claim=claim, state="running").first()
    if job is None:
        return 3
    perform(job, claim)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
