"""Sources in the API: what there is, what its last reading left out, and how it is read. For curators."""

from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router, Schema
from pydantic import Field

from core.api_auth import user_of
from datasets_app import browsing
from datasets_app.api_shapes import ErrorOut
from datasets_app.models import Source
from datasets_app.pipeline.sources.base import SKIP_REASONS
from datasets_app.services import sources

router = Router(tags=["datasets"])


class SourceIn(Schema):
    """How a source is read."""

    kind: str = Field(..., description="installed-packages, git-folder, git-addresses, parquet or archives.")
    params: dict[str, Any] = Field(default_factory=dict, description="By kind: see docs/sources.md.")


class NewSourceIn(SourceIn):
    """A new source."""

    name: str = Field(..., description="Lower-case letters, digits and hyphens.")


class SkippedOut(Schema):
    """How many files the last reading left out for one reason."""

    reason: str
    text: str
    files: int


class SourceOut(Schema):
    """A source, and the figures of its last reading; zeros before the first. Bytes of source."""

    name: str
    kind: str
    params: dict[str, Any]
    last_ingested_at: datetime | None
    owners: int
    repositories: int
    files: int
    bytes: int
    new_blobs: int
    skipped: list[SkippedOut]


@router.get("sources", response={200: list[SourceOut], 403: ErrorOut}, summary="Sources")
def list_sources(request: HttpRequest) -> Any:
    """For curators."""
    _curators_only(request)
    return 200, [_source(source) for source in Source.objects.all()]


@router.post(
    "sources",
    response={201: SourceOut, 403: ErrorOut, 409: ErrorOut, 422: ErrorOut},
    summary="Name a new source",
)
def add_source(request: HttpRequest, body: NewSourceIn) -> Any:
    """Nothing is read yet. Paths lie below the folders that this site allows. 409 where the name is taken."""
    return 201, _source(sources.register_source(user_of(request), body.name, body.kind, body.params))


@router.get(
    "sources/{name}", response={200: SourceOut, 403: ErrorOut, 404: ErrorOut}, summary="One source and what it left out"
)
def get_source(request: HttpRequest, name: str) -> Any:
    """For curators."""
    _curators_only(request)
    return 200, _source(get_object_or_404(Source, name=name))


@router.put(
    "sources/{name}",
    response={200: SourceOut, 403: ErrorOut, 409: ErrorOut, 422: ErrorOut},
    summary="Change how a source is read",
)
def change_source(request: HttpRequest, name: str, body: SourceIn) -> Any:
    """From the next reading on. 409 where there is none of this name."""
    return 200, _source(sources.register_source(user_of(request), name, body.kind, body.params, change=True))


def _curators_only(request: HttpRequest) -> None:
    if not browsing.is_curator(user_of(request)):
        raise PermissionDenied("Sources are shown to those who ingest, build or approve. Ask the staff of this site.")


def _source(source: Source) -> dict[str, Any]:
    figures: dict[str, Any] = source.figures
    counts = ("owners", "repositories", "files", "bytes", "new_blobs")
    return {
        "name": source.name,
        "kind": source.kind,
        "params": source.params,
        "last_ingested_at": source.last_ingested_at,
        **{count: figures.get(count, 0) for count in counts},
        "skipped": [
            {"reason": reason, "text": SKIP_REASONS.get(reason, reason), "files": files}
            for reason, files in figures.get("skipped", {}).items()
        ],
    }
