"""The ground floor."""

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class CoreConfig(AppConfig):
    """Accounts, tokens, jobs, ledger, storage."""

    name = "core"
    verbose_name = "Ground floor"

    def ready(self) -> None:
        from core import checks, roles, stores, tasks  # noqa: F401

        stores.register_own()
        # When Django's own auth app is through, all permissions of the floors are there.
        post_migrate.connect(roles.synchronise, sender=apps.get_app_config("auth"), dispatch_uid="fairstack.roles")
