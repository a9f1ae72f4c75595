"""The data floor's part of the API: releases to read, and the acts of curators."""

from typing import Any

from django.db.models import Q
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router

from core import tokens
from core.api_auth import user_of
from core.models import Job
from datasets_app import browsing, lookup
from datasets_app.api_shapes import (
    ActOut,
    BuildIn,
    ErrorOut,
    FilesOut,
    FunnelOut,
    GoneOut,
    IngestIn,
    JobRef,
    LookupOut,
    ReasonIn,
    ReleaseDetailOut,
    ReleaseOut,
)
from datasets_app.browsing import FileFilter, Withdrawn
from datasets_app.models import Release
from datasets_app.pipeline.reasons import PUBLIC_TEXTS, public_funnel
from datasets_app.services import reissues, releases, sources

router = Router(tags=["datasets"])
LARGE = ("recipe", "funnel", "languages", "licences")  # columns that a list does without


@router.get("lookup", response=LookupOut, auth=None, summary="Is an account or repository held?")
def look_up(request: HttpRequest, q: str) -> dict[str, Any]:
    """``q`` is an account, ``owner/repository`` or a web address, in any case. 422 where it is neither."""
    found = lookup.search(q)
    return {
        "held": found.held,
        "kind": found.query.kind,
        "suggestions": found.suggestions,
        "releases": [
            {
                "release": str(held.release),
                "forge": match.owner.forge,
                "owner": match.owner.login,
                "repositories": [repository.name for repository in held.repositories],
                "files": held.files,
                "copies": held.copies,
                "bytes": held.bytes,
                "licences": held.licences,
                "languages": held.languages,
            }
            for match in found.matches
            for held in match.releases
        ],
    }


@router.get("releases", response=list[ReleaseOut], auth=None, summary="Releases, newest first")
def list_releases(request: HttpRequest, state: str = "", limit: int = 50, offset: int = 0) -> Any:
    """Published and withdrawn ones; curators see all. At most 200."""
    rows = Release.objects.select_related("reissue_of").defer(*LARGE, *(f"reissue_of__{column}" for column in LARGE))
    if not browsing.is_curator(_caller(request)):
        rows = rows.filter(Q(state="published") | Q(state="withdrawn"))
    if state:
        rows = rows.filter(state=state)
    offset = max(0, offset)
    return rows[offset : offset + max(1, min(limit, 200))]


@router.get(
    "releases/{name}/{version}",
    response={200: ReleaseDetailOut, 404: ErrorOut, 410: GoneOut},
    auth=None,
    summary="One release",
)
def get_release(request: HttpRequest, name: str, version: str) -> Any:
    """410 with the reason where it was withdrawn."""
    try:
        return 200, browsing.visible_release(name, version, _caller(request))
    except Withdrawn as error:
        return 410, gone(error)


@router.get(
    "releases/{name}/{version}/funnel",
    response={200: list[FunnelOut], 404: ErrorOut, 410: GoneOut},
    auth=None,
    summary="What became of each file",
)
def get_funnel(request: HttpRequest, name: str, version: str) -> Any:
    """The public buckets: in none of them can an opt-out be told apart."""
    try:
        release = browsing.visible_release(name, version, _caller(request))
    except Withdrawn as error:
        return 410, gone(error)
    return 200, [dict(row) | {"text": PUBLIC_TEXTS[row["reason"]]} for row in public_funnel(release.funnel)]


@router.get(
    "releases/{name}/{version}/files",
    response={200: FilesOut, 404: ErrorOut, 410: GoneOut},
    auth=None,
    summary="Files of a release",
)
def list_files(
    request: HttpRequest,
    name: str,
    version: str,
    language: str = "",
    owner: str = "",
    repository: str = "",
    offset: int = 0,
    limit: int = 50,
) -> Any:
    """In the order of the shards; the first 10,000 that match can be reached. At most 200 at once."""
    try:
        release = browsing.visible_release(name, version, _caller(request))
    except Withdrawn as error:
        return 410, gone(error)
    wanted = FileFilter(language, owner, repository)
    found = browsing.list_files(release, wanted, max(0, offset), max(1, min(limit, 200)))
    return 200, {"total": found.total, "files": found.rows}


@router.post(
    "sources/ingest", response={202: JobRef, 403: ErrorOut, 422: ErrorOut}, summary="Read a source into the corpus"
)
def start_ingest(request: HttpRequest, body: IngestIn) -> Any:
    """While one runs for the source, that one is given."""
    return 202, sources.start_ingest(user_of(request), body.source)


@router.post(
    "releases", response={202: ReleaseOut, 403: ErrorOut, 409: ErrorOut, 422: ErrorOut}, summary="Build a release"
)
def start_build(request: HttpRequest, body: BuildIn) -> Any:
    """Follow its job at ``job_id``. 409 where the version is taken or a build is under way."""
    return 202, releases.start_build(user_of(request), body.name, body.version, body.recipe, body.benchmarks)


@router.post(
    "releases/{name}/{version}/approve",
    response={200: ActOut, 403: ErrorOut, 404: ErrorOut, 409: ErrorOut},
    summary="Approve a release",
)
def approve(request: HttpRequest, name: str, version: str) -> Any:
    """Once a person; again does nothing."""
    release = _any_release(request, name, version)
    releases.approve(release, user_of(request))
    return 200, _act(release, None)


@router.post(
    "releases/{name}/{version}/publish",
    response={200: ActOut, 403: ErrorOut, 404: ErrorOut, 409: ErrorOut},
    summary="Publish a release",
)
def publish(request: HttpRequest, name: str, version: str) -> Any:
    """Ends the releases that hold what is blocked; ``job`` issues them again without it where that is the policy, and purges."""
    release = _any_release(request, name, version)
    return 200, _act(release, releases.publish(release, user_of(request)))


@router.post(
    "releases/{name}/{version}/reject",
    response={200: ActOut, 403: ErrorOut, 404: ErrorOut, 409: ErrorOut},
    summary="Reject a built release",
)
def reject(request: HttpRequest, name: str, version: str, body: ReasonIn) -> Any:
    """It is never published and its bytes are deleted."""
    release = _any_release(request, name, version)
    return 200, _act(release, releases.reject(release, user_of(request), body.reason))


@router.post(
    "releases/{name}/{version}/withdraw",
    response={200: ActOut, 403: ErrorOut, 404: ErrorOut, 409: ErrorOut, 422: ErrorOut},
    summary="Withdraw a published release",
)
def withdraw(request: HttpRequest, name: str, version: str, body: ReasonIn) -> Any:
    """Its pages answer 410 with the reason, and its bytes are deleted."""
    release = _any_release(request, name, version)
    return 200, _act(release, releases.withdraw(release, user_of(request), body.reason))


@router.post(
    "blocklist/honour",
    response={202: JobRef, 204: None, 403: ErrorOut},
    summary="Take what is blocked out of all retained releases now",
)
def honour_blocklist(request: HttpRequest) -> Any:
    """The job issues them again, or they are withdrawn, as is the policy. 204 where none holds anything that is blocked."""
    job = reissues.honour_now(user_of(request))
    return (202, job) if job else (204, None)


def _caller(request: HttpRequest) -> Any:
    """Who asks, where nobody has to sign in: by token, by session, or nobody."""
    return tokens.caller(request, "read") or request.user


def _any_release(request: HttpRequest, name: str, version: str) -> Release:
    if not browsing.is_curator(user_of(request)):
        release = Release.objects.filter(name=name, version=version, state="published").first()
        if release is None:
            raise Http404(browsing.NO_RELEASE)
        return release
    return get_object_or_404(Release.objects.select_related("parent", "reissue_of"), name=name, version=version)


def _act(release: Release, job: Job | None) -> dict[str, Any]:
    release.refresh_from_db()
    return {"release": release, "approvals_missing": releases.approvals_missing(release), "job": job}


def gone(error: Withdrawn) -> dict[str, Any]:
    """What the API says of a release that was withdrawn."""
    release = error.release
    return {
        "error": f"{release} was withdrawn.",
        "withdrawn_at": release.withdrawn_at,
        "reason": release.withdrawn_reason,
        "reissued_as": again.version if (again := release.issued_again) else "",
    }
