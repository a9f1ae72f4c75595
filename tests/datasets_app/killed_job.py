"""The process of a job that is killed for good when a stage reaches a point: ``python -m tests.datasets_app.killed_job``.

Arguments: job, claim, stage, and the number of finished units at which SIGKILL comes (``any``: at once).
"""

import os
import signal
import sys


def main(job_id: str, claim: str, stage: str, done: str) -> None:
    import django

    django.setup()
    from core import job_process, jobs

    told = jobs.JobContext.progress

    def progress(self, at: str, finished: int, total: int, message: str = "") -> None:
        told(self, at, finished, total, message)
        if at == stage and done in ("any", str(finished)):
            os.kill(os.getpid(), signal.SIGKILL)

    jobs.JobContext.progress = progress
    job_process.main(job_id, claim, str(os.getppid()))


if __name__ == "__main__":
    main(*sys.argv[1:])
