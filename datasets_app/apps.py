"""The app's start."""

from django.apps import AppConfig


class DatasetsAppConfig(AppConfig):
    """Data: sources, releases, the block-list, look-up."""

    name = "datasets_app"
    verbose_name = "Data"

    def ready(self) -> None:
        from datasets_app import checks, code_indexes, mirroring, purging, tasks, undoing  # noqa: F401

        purging.register_stores()
        mirroring.register_store()
        code_indexes.register()
        undoing.register_store()
