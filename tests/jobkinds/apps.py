"""Registers the kinds where the tests' own settings are used (``tests.job_settings``)."""

from django.apps import AppConfig


class JobKindsConfig(AppConfig):
    name = "tests.jobkinds"
    label = "jobkinds"

    def ready(self) -> None:
        from tests.jobkinds import kinds  # noqa: F401
