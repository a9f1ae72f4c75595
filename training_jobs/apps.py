"""The app's start."""

from django.apps import AppConfig


class TrainingJobsConfig(AppConfig):
    """Runs."""

    name = "training_jobs"

    def ready(self) -> None:
        from training_jobs import folders, tasks  # noqa: F401

        folders.register_stores()
