"""Sources: naming them, and reading them into the corpus."""

import re
from typing import Any

from django.db import transaction

from core import audit
from core.errors import Conflict, InvalidInput
from core.jobs import enqueue
from core.models import Job
from core.permissions import Actor, require
from datasets_app import readers
from datasets_app.models import Source

INSTALLED = readers.INSTALLED
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


def add_source(actor: Actor, name: str, kind: str, params: dict[str, Any] | None = None) -> Source:
    """Name a source, or change how it is read: for commands and code on this machine, which may name any path.

    Raises:
        PermissionDenied: The actor may not ingest.
        InvalidInput: The name is no slug, or the reader does not know the kind or its parameters.
    """
    require(actor, "datasets_app.ingest_source")
    _check_name(name)
    readers.open_source(name, kind, params or {})
    with transaction.atomic():
        source, new = Source.objects.update_or_create(name=name, defaults={"kind": kind, "params": params or {}})
        audit.record(actor, "add source" if new else "change source", source, kind=kind)
    return source


def register_source(actor: Actor, name: str, kind: str, params: dict[str, Any], *, change: bool = False) -> Source:
    """Name a new source, or change one, from a page or the API: its paths lie below the folders that this site allows.

    Raises:
        PermissionDenied: The actor may not ingest.
        InvalidInput: As for :func:`add_source`; or a path is not allowed or not there.
        Conflict: A new one has a name that is taken, or the one to be changed is not there.
    """
    require(actor, "datasets_app.ingest_source")
    _check_name(name)
    with transaction.atomic():
        there = Source.objects.select_for_update().filter(name=name).exists()
        if there and not change:
            raise Conflict(f"There is a source “{name}” already. Choose another name, or change that one.")
        if change and not there:
            raise Conflict(f"There is no source “{name}” any more.")
        readers.check_params(kind, params)
        readers.check_roots(kind, params)
        return add_source(actor, name, kind, params)


def start_ingest(actor: Actor, source_name: str) -> Job:
    """Read a source into the corpus, as a job. While one runs for the source, asking again gives that one.

    The source ``installed-packages`` needs no setting up.

    Raises:
        PermissionDenied: The actor may not ingest.
        InvalidInput: There is no such source.
    """
    require(actor, "datasets_app.ingest_source")
    with transaction.atomic():
        source = Source.objects.filter(name=source_name).first() if NAME.fullmatch(source_name) else None
        if source is None and source_name == INSTALLED:
            source = add_source(actor, INSTALLED, INSTALLED)
        if source is None:
            known = ", ".join(Source.objects.values_list("name", flat=True)) or INSTALLED
            raise InvalidInput(f"There is no source “{source_name}”. There are: {known}.", "source")
        return enqueue(
            "datasets.ingest",
            {"source": source.pk},
            actor=actor,
            title=f"Ingest {source.name}",
            dedupe_key=f"datasets.ingest:{source.name}",
        )


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise InvalidInput("Name the source with lower-case letters, digits and hyphens, at most 64.", "name")
