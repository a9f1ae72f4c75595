"""The app's start."""

from django.apps import AppConfig


class DatasetsAppConfig(AppConfig):
    """Data."""

    name = "datasets_app"
