"""Deployment mistakes, told before they hurt. Ids ``fairstack.E…`` and ``fairstack.W…``; run by ``manage.py check --deploy``."""

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured

from core import ledger_witnesses, limits, notes, signing, stores


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
    return [
        Error(
            f"{name} lies inside FAIRSTACK_DATA.",
            hint="Put it where backups of the data do not reach.",
            id="fairstack.E002",
        )
        for name in ("FAIRSTACK_KEYS", "FAIRSTACK_UNDO_KEYS", "FAIRSTACK_JOURNAL")
        if Path(getattr(settings, name)).resolve().is_relative_to(Path(settings.FAIRSTACK_DATA).resolve())
    ]


@register(Tags.security)
def limits_can_be_read(**kwargs: Any) -> list[CheckMessage]:
    """E006: a limit that nobody can read would be found by the first visitor."""
    try:
        limits.check_settings()
    except ImproperlyConfigured as error:
        return [Error(str(error), hint="docs/operations.md tells how they are written.", id="fairstack.E006")]
    return []


@register(Tags.security)
def keys_are_keys(**kwargs: Any) -> list[CheckMessage]:
    """E007: a signing key, a former key, the ledger's name or a witness that cannot be would be noticed by a signature that fails."""
    try:
        notes.Verifier(settings.FAIRSTACK_LEDGER_ORIGIN, signing.public_key())
        signing.former_keys()
        ledger_witnesses.known()
    except (ImproperlyConfigured, notes.NoteError) as error:
        return [Error(str(error), hint="docs/ledger.md tells how keys are written.", id="fairstack.E007")]
    return []


@register(Tags.security, deploy=True)
def deployed_by_policy(**kwargs: Any) -> list[CheckMessage]:
    """W001 to W003 and W006: what a public site should not be without."""
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
    if settings.FAIRSTACK_DEPLOYED and not settings.FAIRSTACK_PROXIES:
        found.append(
            Warning(
                "No proxy is named: behind one, all visitors would share one rate limit.",
                hint="Set FAIRSTACK_PROXIES to the addresses of the proxy before this site.",
                id="fairstack.W006",
            )
        )
    return found
