"""The ground floor."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """Accounts, tokens, jobs, ledger, storage."""

    name = "core"
    verbose_name = "Ground floor"

    def ready(self) -> None:
        from core import checks, stores, tasks  # noqa: F401

        stores.register_own()
