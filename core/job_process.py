"""The process of one job: ``python -m core.job_process <id> <claim>``. Started by ``core.supervisor`` only."""

import sys


def main(job_id: str, claim: str) -> int:
    """Run the job that was claimed for us."""
    import django

    django.setup()
    from core.jobs import perform
    from core.models import Job
    from core.supervisor import die_with_parent

    die_with_parent()
    job = Job.objects.filter(pk=job_id, claim=claim, state="running").first()
    if job is None:
        return 3
    perform(job, claim)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
