"""Deployment mistakes of the data floor; see ``core.checks``."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from datasets_app import mirroring
from datasets_app.pipeline import ray_executor
from datasets_app.pipeline.errors import StorageError


@register(Tags.compatibility)
def data_engine_can_work(**kwargs: Any) -> list[CheckMessage]:
    """E003, W004: the engine of the data jobs is there, and somebody may be called."""
    if settings.FAIRSTACK_DATA_ENGINE == "ray" and not ray_executor.is_installed():
        return [
            Error(
                "FAIRSTACK_DATA_ENGINE is ray, and Ray is not installed.",
                hint="pip install -c requirements/constraints.txt -r requirements/ray.txt",
                id="fairstack.E003",
            )
        ]
    if settings.FAIRSTACK_DATA_ENGINE == "celery" and settings.FAIRSTACK_SHARD_WORKERS == 0:
        return [
            Warning(
                "FAIRSTACK_DATA_ENGINE is celery, and FAIRSTACK_SHARD_WORKERS is 0: each data job works alone, on one core.",
                hint="Set FAIRSTACK_SHARD_WORKERS to the number of slots of your shard workers, or use the engine threads.",
                id="fairstack.W004",
            )
        ]
    return []


@register(Tags.files)
def mirror_has_an_address(**kwargs: Any) -> list[CheckMessage]:
    """E004: the mirror's address can be one."""
    try:
        mirroring.place()
    except StorageError as error:
        return [Error(f"FAIRSTACK_RELEASE_MIRROR cannot be: {error}", id="fairstack.E004")]
    return []


@register(Tags.files)
def source_roots_are_folders(**kwargs: Any) -> list[CheckMessage]:
    """E005: a folder below which sources may be named is one."""
    return [
        Error(
            f"FAIRSTACK_SOURCE_ROOTS names {root!r}, which is no folder with an absolute path.",
            hint="Name folders that every worker sees under the same path, such as /srv/mirrors.",
            id="fairstack.E005",
        )
        for root in settings.FAIRSTACK_SOURCE_ROOTS
        if not (Path(root).is_absolute() and Path(root).is_dir())
    ]


@register(Tags.compatibility, deploy=True)
def data_engine_reaches_further(**kwargs: Any) -> list[CheckMessage]:
    """W005: a public site that says ray most likely means a cluster."""
    if settings.FAIRSTACK_DATA_ENGINE == "ray" and not settings.FAIRSTACK_RAY_ADDRESS:
        return [
            Warning(
                "FAIRSTACK_DATA_ENGINE is ray without FAIRSTACK_RAY_ADDRESS: each job starts a cluster on its own machine.",
                hint="Name the cluster, such as ray://head:10001.",
                id="fairstack.W005",
            )
        ]
    return []
