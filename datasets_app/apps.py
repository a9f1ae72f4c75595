"""The app's start."""

from django.apps import AppConfig


class DatasetsAppConfig(AppConfig):
    """Data: sources, releases, the block-list, look-up."""

    name = "datasets_app"
    verbose_name = "Data"

    def ready(self) -> None:
        from datasets_app import checks, mirroring, purging, shard_indexes, tasks, undoing  # noqa: F401
        from datasets_app.code_indexes import CODE
        from datasets_app.tracer.indexes import VERBATIM

        purging.register_stores()
        mirroring.register_store()
        shard_indexes.register()
        shard_indexes.add(CODE)
        shard_indexes.add(VERBATIM)
        undoing.register_store()
