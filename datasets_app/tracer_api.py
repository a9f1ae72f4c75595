"""Tracing by API, and in the form of the editor extension llm-vscode. By POST: no text stands in an address, and nothing is kept."""

import json
from typing import Any

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from ninja import Router, Schema
from pydantic import Field

from core import limits
from core.errors import InvalidInput, TooMany
from datasets_app.api_shapes import ErrorOut
from datasets_app.tracer import service
from datasets_app.tracer.notice import by_licence
from datasets_app.tracer.service import Source, Span, Traced
from datasets_app.tracer.text import LEAST, MOST, SHORTEST, utf16

ACT = "trace"
router = Router(tags=["tracing"])


class TraceIn(Schema):
    """A text, and where to look for it."""

    text: str = Field(description=f"Source code, {SHORTEST} to {MOST:,} characters.")
    least: int = Field(LEAST, description=f"Characters of the shortest span to look for, from {SHORTEST}.")
    release: str = Field(
        "", description="name/version of one published release; empty for the newest of each name.", max_length=200
    )


class SourceOut(Schema):
    """A file that holds a span, and the lines where it stands in it."""

    forge: str
    owner: str
    repository: str
    url: str = Field(description="Of the repository; empty where it is not known.")
    path: str
    first_line: int = Field(description="From 1, in the published file.")
    last_line: int
    language: str
    licence: str = Field(description="SPDX expression; empty where none was recognised.")
    copies: int = Field(description="Other files that hold the same content.")
    blob: str = Field(description="Git blob id of the source.")
    release: str
    commit: str | None = Field(
        description="At which the lines count; null: they count in the file as the release publishes it."
    )
    opt_out: str = Field(description="Always “none”: what its owner has opted out, or is masked, is not shown at all.")
    address: str = Field(description="Permanent, on this site; it holds no text.")


class SpanOut(Schema):
    """A stretch of the text that stands in files, and cannot be made longer."""

    start: int = Field(description="In code points.")
    end: int = Field(description="Exclusive.")
    start_utf16: int = Field(description="In UTF-16 units, as editors count.")
    end_utf16: int
    form: str = Field(description="exact, or collapsed: the same but for white space.")
    files: int = Field(description="In how many files it stands.")
    at_least: bool = Field(description="Whether there may be more: the search stops at a number of files.")
    common: bool = Field(
        description=f"Whether {service.COMMON} files or more hold it: it says little of where it comes from."
    )
    sources: list[SourceOut] = Field(description=f"At most {service.LISTED}.")


class LicenceDue(Schema):
    """Under a licence, the files that hold spans; those that hold common ones alone are not counted."""

    licence: str
    files: int


class TraceOut(Schema):
    """All maximal spans, by where they begin. Removed, hidden and never held look the same."""

    characters: int
    least: int
    releases: list[str]
    complete: bool = Field(description="False while a part of the releases is still being indexed: ask again later.")
    spans: list[SpanOut]
    covered: int = Field(description="Characters that stand in a span.")
    licences: list[LicenceDue]


@router.post(
    "trace", response={200: TraceOut, 422: ErrorOut}, auth=None, summary="Which parts of this text stand in a release?"
)
def trace(request: HttpRequest, body: TraceIn) -> Any:
    """Every maximal span of at least ``least`` characters, byte for byte or but for white space, with its sources."""
    limits.hit(ACT, limits.caller(request))
    return 200, to_dict(service.trace(body.text, least=body.least, release=body.release))


def to_dict(traced: Traced) -> dict[str, Any]:
    """The answer as ``TraceOut`` has it."""
    offsets = utf16(traced.text, [place for span in traced.spans for place in (span.start, span.end)])
    pairs = zip(traced.spans, offsets[::2], offsets[1::2], strict=True)
    return {
        "characters": len(traced.text),
        "least": traced.least,
        "releases": [str(release) for release in traced.releases],
        "complete": not traced.unready,
        "covered": traced.covered,
        "spans": [_span(span, start, end) for span, start, end in pairs],
        "licences": [{"licence": group.licence, "files": len(group.due)} for group in by_licence(traced) if group.due],
    }


def _span(span: Span, start: int, end: int) -> dict[str, Any]:
    return {
        "start": span.start,
        "end": span.end,
        "start_utf16": start,
        "end_utf16": end,
        "form": span.form,
        "files": span.files,
        "at_least": span.at_least,
        "common": span.common,
        "sources": [_source(source) for source in span.sources],
    }


def _source(source: Source) -> dict[str, Any]:
    return {
        "forge": source.forge, "owner": source.owner, "repository": source.repository, "url": source.url,
        "path": source.path, "first_line": source.first_line, "last_line": source.last_line,
        "language": source.language, "licence": source.licence, "copies": source.copies, "blob": source.blob_id,
        "release": str(source.release), "commit": None, "opt_out": "none",
        "address": f"{settings.FAIRSTACK_SITE_URL}{source.address}",
    }  # fmt: skip


@csrf_exempt
@require_POST
def overlap(request: HttpRequest) -> JsonResponse:
    """``POST /overlap`` of Data Portraits, as the llm-vscode extension sends and reads it: ``{"document"}`` to ``{"spans"}``.

    The spans are pairs of offsets in UTF-16 units, sorted, with overlaps joined. A document too short to hold a span has none.
    """
    try:
        limits.hit(ACT, limits.caller(request))
        traced = service.attribute(_document(request.body))
    except InvalidInput as error:
        return JsonResponse({"error": str(error)}, status=422)
    except TooMany as error:
        return JsonResponse({"error": str(error)}, status=429, headers={"Retry-After": str(error.wait)})
    offsets = utf16(traced.text, [place for one in traced.passages for place in (one.start, one.end)])
    return JsonResponse({"spans": [list(pair) for pair in zip(offsets[::2], offsets[1::2], strict=True)]})


def _document(body: bytes) -> str:
    try:
        document = json.loads(body)["document"]
    except (ValueError, KeyError, TypeError, RecursionError):
        document = None
    if not isinstance(document, str):
        raise InvalidInput("Send JSON with the text as “document”.", "document")
    return document
