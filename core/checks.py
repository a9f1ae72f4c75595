"""Deployment mistakes, told before they hurt. Ids ``fairstack.E…`` and ``fairstack.W…``; run by ``manage.py check --deploy``."""

import os
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from core import stores


@register(Tags.files)
def data_folder_is_writable(**kwargs: Any) -> list[CheckMessage]:
    """E001: everything of worth lies in the data folder."""
    try:
        root = stores.data_root()
    except OSError as error:
        return [Error(f"The data folder {settings.FAIRSTACK_DATA} cannot be made: {error}.", id="fairstack.E001")]
    if not os.access(root, os.W_OK):
        return [Error(f"The data folder {root} is not writable by this process.", id="fairstack.E001")]
    return []


@register(Tags.security)
def keys_lie_outside_the_data_folder(**kwargs: Any) -> list[CheckMessage]:
    """E002: a backup of the data folder must not carry the keys that protect it."""
    if settings.FAIRSTACK_KEYS.resolve().is_relative_to(settings.FAIRSTACK_DATA.resolve()):
        return [
            Error(
                "FAIRSTACK_KEYS lies inside FAIRSTACK_DATA.",
                hint="Put the keys where backups of the data do not reach.",
                id="fairstack.E002",
            )
        ]
    return []


@register(Tags.security, deploy=True)
def deployed_by_policy(**kwargs: Any) -> list[CheckMessage]:
    """W001 to W003: what a public site should not be without."""
    found: list[CheckMessage] = []
    if not settings.FAIRSTACK_DEPLOYED:
        found.append(
            Warning("FAIRSTACK_DEPLOYED is not set.", hint="Set it to 1 on a public site.", id="fairstack.W001")
        )
    if settings.FAIRSTACK_APPROVALS < 2:
        found.append(
            Warning("One person alone can publish a release.", hint="FAIRSTACK_APPROVALS=2.", id="fairstack.W002")
        )
    if not settings.REDIS_URL:
        found.append(
            Warning("The broker is a folder.", hint="Set REDIS_URL: several machines need it.", id="fairstack.W003")
        )
    return found
