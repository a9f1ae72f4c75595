"""What the data floor's part of the API takes and gives."""

from datetime import datetime
from typing import Any
from uuid import UUID

from ninja import Schema
from pydantic import Field

from datasets_app.models import Release


class ErrorOut(Schema):
    """What went wrong, in words."""

    error: str


class GoneOut(Schema):
    """A release that was withdrawn."""

    error: str
    withdrawn_at: datetime
    reason: str
    reissued_as: str = Field(description="The version that holds the same without what was taken out; empty if none.")


class LanguageOut(Schema):
    """What a release holds of one language; bytes of source."""

    language: str
    files: int
    bytes: int


class LicenceOut(Schema):
    """What a release holds under one SPDX expression."""

    licence: str
    files: int
    bytes: int


class FunnelOut(Schema):
    """How many files share an outcome."""

    reason: str
    text: str
    files: int
    bytes: int


class ReleaseOut(Schema):
    """A release in short; bytes of source."""

    name: str
    version: str
    state: str
    files: int
    bytes: int
    shards: int
    blocklist_position: int
    digest_bytes: str
    digest_logical: str
    tree_root: str
    created_at: datetime
    built_at: datetime | None
    published_at: datetime | None
    withdrawn_at: datetime | None
    withdrawn_reason: str
    job_id: UUID | None
    reissue_of: str = Field(description="The version that this one is, issued again without what was blocked since.")

    @staticmethod
    def resolve_reissue_of(release: Release) -> str:
        """The original's version, or empty."""
        return release.reissue_of.version if release.reissue_of else ""


class ReleaseDetailOut(ReleaseOut):
    """A release with its recipe and figures."""

    parent: str
    recipe: dict[str, Any]
    recipe_digest: str
    languages: list[LanguageOut]
    licences: list[LicenceOut]

    @staticmethod
    def resolve_parent(release: Release) -> str:
        """The parent's version, or empty."""
        return release.parent.version if release.parent else ""


class FileOut(Schema):
    """A file of a release: the named origin of its content."""

    blob_id: str
    path: str
    forge: str
    owner: str
    repository: str
    repository_id: int
    language: str
    licence: str
    size: int
    copies: int


class FilesOut(Schema):
    """Part of a list of files; ``total`` counts all that match."""

    total: int
    files: list[FileOut]


class SuggestionOut(Schema):
    """A near name that is held."""

    text: str
    forge: str


class HeldOut(Schema):
    """What one release holds of one account."""

    release: str
    forge: str
    owner: str
    repositories: list[str]
    files: int
    copies: int
    bytes: int
    licences: list[str]
    languages: list[str]


class LookupOut(Schema):
    """Whether an account or repository is held, and where."""

    held: bool
    kind: str
    releases: list[HeldOut]
    suggestions: list[SuggestionOut]


class BuildIn(Schema):
    """What to build."""

    name: str = Field("", description="Of the data set; this site's own where empty.")
    version: str = Field("", description="Such as v1.1; the next minor one where empty.")
    recipe: str | dict[str, Any] | None = Field(None, description="A preset or a recipe; the parent's where null.")
    benchmarks: list[str] | None = Field(
        None, description="Names of the benchmarks to decontaminate from; those of the recipe where null."
    )


class IngestIn(Schema):
    """What to ingest."""

    source: str


class ReasonIn(Schema):
    """Why."""

    reason: str


class JobRef(Schema):
    """A job to follow at ``/api/jobs/{id}``."""

    id: UUID
    kind: str
    state: str


class ActOut(Schema):
    """A release after an act, and the job that follows it."""

    release: ReleaseOut
    approvals_missing: int
    job: JobRef | None
