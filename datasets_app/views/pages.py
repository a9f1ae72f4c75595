"""What everybody may see: the releases, their files, and the bytes."""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from datasets_app import browsing
from datasets_app.browsing import FileFilter, Withdrawn
from datasets_app.models import Release
from datasets_app.pipeline.format import shard_path
from datasets_app.purging import releases_folder

View = Callable[..., HttpResponseBase]
PER_PAGE = 20
_LINES = re.compile(r"([0-9]{1,9})-([0-9]{1,9})")
RETRY_AFTER = "600"  # seconds until somebody who found a release being issued again may ask once more


def gone_if_withdrawn(view: View) -> View:
    """Answer 410 with the reason for every address below a release that was withdrawn."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except Withdrawn as error:
            later = Release.objects.filter(name=error.release.name, state="published").order_by("-published_at").first()
            again = error.release.issued_again
            context = {"release": error.release, "again": again, "later": later if later != again else None}
            return render(request, "datasets_app/withdrawn.html", context, status=410)

    return guarded


@require_safe
def release_list(request: HttpRequest) -> HttpResponse:
    """Published releases, newest first, and those that were withdrawn."""
    rows = (
        Release.objects.filter(state__in=("published", "withdrawn"))
        .select_related("reissue_of")
        .only(
            "name", "version", "state", "files", "bytes", "shards", "published_at", "withdrawn_at",
            "reissue_of__name", "reissue_of__version",
        )
        .order_by("-published_at", "-pk")
    )  # fmt: skip
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "curator": browsing.is_curator(request.user)}
    return render(request, "datasets_app/releases.html", context)


@require_safe
@gone_if_withdrawn
def release_page(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """What a release is and what it is made of."""
    release = browsing.visible_release(name, version, request.user)
    files = reverse("datasets:files", args=[name, version])
    languages = browsing.language_bars(release)
    for row in languages:
        if "language" in row:
            row["url"] = f"{files}?{urlencode({'language': row['language']})}"
    context = {
        "release": release,
        "languages": languages,
        "licences": browsing.licence_bars(release),
        "funnel": browsing.funnel(release, request.GET.get("measure", "")),
        "owners": browsing.owners_shown(release),
        "language_count": len(release.languages),
        "licence_count": len(release.licences),
        "read": reading_example(release),
        "curator": browsing.is_curator(request.user),
        "pending": release.reissue_pending,
        "beside": browsing.beside_parent(release),
    }
    return render(request, "datasets_app/release.html", context)


def reading_example(release: Release) -> str:
    """A few lines that read the release's largest language."""
    base = f"{settings.FAIRSTACK_SITE_URL}{release.get_absolute_url()}"
    language = release.languages[0]["language"] if release.languages else "Python"
    served = next(
        (
            name
            for name, shard in browsing.open_release(release).served_names().items()
            if shard["language"] == language
        ),
        "",
    )
    address = f"{base}{served.replace(' ', '%20')}"
    return f'import polars as pl\n\nfiles = pl.read_parquet("{address}")\nprint(files.select("owner", "path", "licence"))\n'


@require_safe
@gone_if_withdrawn
def file_list(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """Files, narrowed by language, account and repository; everything stands in the address."""
    release = browsing.visible_release(name, version, request.user)
    wanted = FileFilter(**{key: request.GET.get(key, "").strip()[:400] for key in ("language", "owner", "repository")})
    try:
        number = max(1, int(request.GET.get("page", "1")))
    except ValueError:
        number = 1
    number = min(number, browsing.DEEPEST // browsing.PAGE)
    found = browsing.list_files(release, wanted, (number - 1) * browsing.PAGE, browsing.PAGE)
    reachable = min(found.total, browsing.DEEPEST)
    page = Paginator(range(reachable), browsing.PAGE).get_page(number)
    context = {
        "release": release,
        "wanted": wanted,
        "narrowed": wanted.as_query(),
        "files": found,
        "page": page,
        "reachable": reachable,
        "languages": [row["language"] for row in release.languages],
    }
    return render(request, "datasets_app/files.html", context)


@require_safe
@gone_if_withdrawn
def file_page(request: HttpRequest, name: str, version: str, repository_id: int, path: str) -> HttpResponse:
    """One file as it was published; ``?lines=10-20`` marks these lines."""
    release = browsing.visible_release(name, version, request.user, large=False)
    repository, row = browsing.read_file(release, repository_id, path)
    context = {
        "release": release,
        "repository": repository,
        "file": row,
        "filename": path.rsplit("/", 1)[-1],
        "marked": _lines(request.GET.get("lines", "")),
    }
    return render(request, "datasets_app/file.html", context)


def _lines(text: str) -> range:
    """``10-20`` as numbers of lines; none for what is none."""
    found = _LINES.fullmatch(text)
    return range(int(found[1]), int(found[2]) + 1) if found else range(0)


@require_safe
@gone_if_withdrawn
def manifest(request: HttpRequest, name: str, version: str) -> HttpResponseBase:
    """The manifest: shards, figures and digests, no account's name."""
    release = browsing.visible_release(name, version, request.user, large=False)
    opened = browsing.open_release(release)
    return FileResponse((opened.folder / "manifest.json").open("rb"), content_type="application/json")


@require_safe
@gone_if_withdrawn
def shard(request: HttpRequest, name: str, version: str, served: str) -> HttpResponseBase:
    """One Parquet file of a release, ``data/<language>/part-NNNNN.parquet``. None while it is being issued again (503)."""
    release = browsing.visible_release(name, version, request.user, large=False)
    if release.reissue_pending:
        paused = render(request, "datasets_app/paused.html", {"release": release}, status=503)
        paused["Retry-After"] = RETRY_AFTER
        return paused
    entry = browsing.open_release(release).served_names().get(served)
    if entry is None:
        raise Http404("The release has no shard at this address.")
    path = shard_path(releases_folder(), entry["digest"])
    response = FileResponse(
        path.open("rb"), content_type="application/vnd.apache.parquet", filename=served.rsplit("/", 1)[-1]
    )
    response["ETag"] = f'"{entry["digest"]}"'
    return response
