"""The app's start."""

from django.apps import AppConfig


class TrainingJobsConfig(AppConfig):
    """Runs."""

    name = "training_jobs"
