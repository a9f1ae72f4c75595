"""The app's start."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from core import stores


class ModelzooConfig(AppConfig):
    """Models: their files, licences, the Hub protocol."""

    name = "modelzoo"
    verbose_name = "Zoo"

    def ready(self) -> None:
        from modelzoo.services.licences import load_after_migrate

        # Weights, tokenizers and cards; no text of the corpus, so nothing that a purge could remove.
        stores.register(stores.Store("zoo", ("zoo",)))
        post_migrate.connect(load_after_migrate, sender=self, dispatch_uid="modelzoo.licences")
