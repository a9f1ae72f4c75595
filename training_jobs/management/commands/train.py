"""``manage.py train``: launch a run from the command line, for a worker or in this process."""

import json
import time
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.management.base import BaseCommand, CommandError

from core import jobs
from core.errors import FairstackError
from core.models import Job, User
from core.permissions import SYSTEM, Actor
from training_jobs import services
from training_jobs.models import Run
from training_jobs.naming import base_of, release_of
from training_jobs.trainer.config import PRESETS

LOOK_EVERY = 0.5  # seconds


class Command(BaseCommand):
    """Without ``--here`` a worker of the queue ``gpu`` does the work; ``--follow`` tells how it goes."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--release", required=True, help="name:version of a published release")
        parser.add_argument("--model", required=True, help="The model's name in the zoo, without the organisation.")
        parser.add_argument("--preset", default="demo", choices=sorted(PRESETS))
        parser.add_argument("--base", help="org/name or org/name@revision to fine-tune; none trains from scratch.")
        parser.add_argument("--steps", type=int, help="End after so many steps of the optimizer.")
        parser.add_argument("--seconds", type=float, help="End after so many seconds of the loop.")
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="FIELD=VALUE",
            help="Another field of the config, such as lr=0.001; may be given several times.",
        )
        parser.add_argument("--as", dest="username", help="The account that launches it; none is the site itself.")
        parser.add_argument("--here", action="store_true", help="Do the work in this process, without a worker.")
        parser.add_argument("--follow", action="store_true", help="Wait for its end and tell how it goes.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            run = services.launch(
                _actor(options["username"]),
                release=release_of(options["release"]),
                preset=options["preset"],
                model_name=options["model"],
                base=base_of(options["base"]) if options["base"] else None,
                overrides=dict(_field(text) for text in options["set"]),
                steps=options["steps"],
                seconds=options["seconds"],
            )
        except (FairstackError, PermissionDenied) as error:
            raise CommandError(str(error)) from error
        assert run.job is not None
        self.stdout.write(f"Run {run.pk} makes {run.name} from {run.release}: {run.get_absolute_url()}")
        if options["here"]:
            job = jobs.execute_here(run.job)
            for line in job.log_lines.all():
                self.stdout.write(f"  {line.text}")
        elif options["follow"]:
            job = self._follow(run.job)
        else:
            return
        self._tell_end(Run.objects.select_related("revision__model").get(pk=run.pk), job)

    def _follow(self, job: Job) -> Job:
        told = begun = 0
        while True:
            job.refresh_from_db()
            for line in job.log_lines.filter(pk__gt=told):
                told = line.pk
                self.stdout.write(f"  {line.text}")
            if len(job.stages) < begun:  # another attempt
                begun = 0
            for stage in job.stages[begun:]:
                self.stdout.write(f"{stage['stage']} …")
            begun = len(job.stages)
            if not job.active:
                return job
            time.sleep(LOOK_EVERY)

    def _tell_end(self, run: Run, job: Job) -> None:
        if job.state != "succeeded" or run.revision is None:
            raise CommandError(f"The run has {job.state}. {job.error}\n{job.crash}".strip())
        loss = f", loss {run.loss:.3f} nats a token" if run.loss is not None else ""
        self.stdout.write(f"Published {run.revision.model.repo_id}@{run.revision.sha}{loss}.")


def _actor(username: str | None) -> Actor:
    if username is None:
        return SYSTEM
    user = User.objects.filter(username=username, is_active=True).first()
    if user is None:
        raise CommandError(f"There is no account “{username}”.")
    return user


def _field(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise CommandError(f"--set {text}: write it as FIELD=VALUE.")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
