"""Benchmarks in the API: which there are, and adding one. For curators."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from ninja import File, Router, Schema
from ninja.files import UploadedFile
from pydantic import Field

from core.api_auth import user_of
from datasets_app import browsing
from datasets_app.api_shapes import ErrorOut
from datasets_app.services import benchmarks

router = Router(tags=["datasets"])


class BenchmarkOut(Schema):
    """A benchmark that releases can be decontaminated from."""

    name: str
    items: int
    texts: int = Field(..., description="Texts that are looked for; an item may have several.")
    digest: str = Field(..., description="SHA-256 of name and texts, in hex.")
    shipped: bool = Field(..., description="Whether it comes with this program.")
    problem: str = Field(..., description="Why its file cannot be used; empty where it can.")


@router.get("benchmarks", response={200: list[BenchmarkOut], 403: ErrorOut}, summary="Benchmarks")
def list_benchmarks(request: HttpRequest) -> Any:
    """For curators."""
    if not browsing.is_curator(user_of(request)):
        raise PermissionDenied(
            "Benchmarks are shown to those who ingest, build or approve. Ask the staff of this site."
        )
    return 200, benchmarks.listed()


@router.post(
    "benchmarks",
    response={200: BenchmarkOut, 201: BenchmarkOut, 403: ErrorOut, 409: ErrorOut, 422: ErrorOut},
    summary="Add a benchmark",
)
def add_benchmark(request: HttpRequest, file: File[UploadedFile]) -> Any:
    """JSON Lines: the first names it (``{"name": "mbpp"}``), each other is an item (``{"id": "11", "text": "..."}``).

    200 where it is there already; 409 where another one has its name: none is ever replaced.
    """
    found, new = benchmarks.add(user_of(request), file.read(benchmarks.MOST_BYTES + 1))
    return (201 if new else 200), found
