"""The app's start."""

from django.apps import AppConfig


class ModelzooConfig(AppConfig):
    """Zoo."""

    name = "modelzoo"
