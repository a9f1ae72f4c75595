"""The app's start."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """Search, requests, proofs, the desk, transparency, the catalogue."""

    name = "portal"
    verbose_name = "Portal"

    def ready(self) -> None:
        from portal import catalogue, forge_returns, news, tasks  # noqa: F401

        catalogue.register_store()
        news.connect()
