"""Bytes: ``HEAD|GET /{org}/{name}/resolve/{rev}/{path}``. Section 3 of the wire notes.

Checked in this order: token (the middleware), model, licence, revision, file. Digests come from rows; nothing is hashed here and
nothing is compressed.
"""

import logging
import os
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from modelzoo.hub import ranges
from modelzoo.hub.access import pass_gate
from modelzoo.hub.errors import HubError, hub_view
from modelzoo.hub.lookup import find_file, find_model, split
from modelzoo.models import DownloadCount, RevisionFile, ZooModel
from modelzoo.storage import object_path

logger = logging.getLogger(__name__)

TYPES = {".json": "application/json", ".md": "text/markdown; charset=utf-8", ".safetensors": "application/octet-stream"}
COUNTED = "config.json"  # asked for once a load, whatever the client


class Part:
    """A stretch of a file, as WSGI servers read it: by ``read``, or by its descriptor and the length in the headers."""

    def __init__(self, path: "os.PathLike[str]", start: int, length: int) -> None:
        self._file = open(path, "rb", buffering=0)  # noqa: PTH123, SIM115 - closed with the response
        self._file.seek(start)
        self._left = length

    def read(self, size: int = -1) -> bytes:
        """Up to ``size`` bytes of what is left of the stretch."""
        take = self._left if size < 0 else min(size, self._left)
        chunk = self._file.read(take) or b""
        self._left -= len(chunk)
        return chunk

    def fileno(self) -> int:
        """The descriptor, standing at the first byte: servers that use sendfile take it from here."""
        return self._file.fileno()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class PartResponse(FileResponse):
    """Streams a stretch in chunks of 256 KiB, or by the server's sendfile."""

    block_size = 1 << 18


@hub_view("GET", "HEAD")
def resolve(request: HttpRequest, org: str, name: str, rest: str) -> HttpResponseBase:
    """A file of a model at a branch, tag or commit, whole or a range of it."""
    model = find_model(org, name)
    try:
        pass_gate(request, model)
    except HubError as refusal:
        if refusal.code == "GatedRepo" and _is_browser(request):
            return HttpResponseRedirect(_licence_page(model, request))
        raise
    revision, path = split(model, rest)
    file = find_file(revision, path)
    headers = _headers(file, revision.sha)
    if_none_match = request.headers.get("If-None-Match", "")
    if if_none_match and ranges.matches(if_none_match, file.etag):
        return HttpResponse(status=304, headers=headers)
    if request.method == "HEAD":
        return HttpResponse(headers=headers | {"Content-Length": str(file.size)}, content_type=_type(file))
    try:
        stretch = ranges.wanted(
            request.headers.get("Range", ""), request.headers.get("If-Range", ""), file.etag, file.size
        )
    except ranges.Unsatisfiable:
        beyond = f"The file has {file.size} bytes; the range asked for lies beyond its end."
        raise HubError(416, "", beyond, Content_Range=f"bytes */{file.size}", X_Repo_Commit=revision.sha) from None
    start, end = stretch or (0, file.size)
    if path == COUNTED and start == 0:
        count_download(model)
    return _send(file, start, end, partial=stretch is not None, headers=headers)


def count_download(model: ZooModel) -> None:
    """One more load today."""
    today = timezone.now().date()
    if DownloadCount.objects.filter(model=model, day=today).update(count=F("count") + 1):
        return
    try:
        with transaction.atomic():
            DownloadCount.objects.create(model=model, day=today, count=1)
    except IntegrityError:  # the first of the day, twice at once
        DownloadCount.objects.filter(model=model, day=today).update(count=F("count") + 1)


def recent_downloads(model: ZooModel, days: int = 30) -> int:
    """Loads in the last ``days`` days."""
    since = timezone.now().date() - timedelta(days=days)
    return sum(model.downloads.filter(day__gt=since).values_list("count", flat=True))


def _send(file: RevisionFile, start: int, end: int, *, partial: bool, headers: dict[str, str]) -> HttpResponseBase:
    try:
        part = Part(object_path(file.sha256), start, end - start)
    except FileNotFoundError:
        logger.exception("The bytes of a published file are missing from zoo/objects")
        raise HubError(500, "", f"The bytes of {file.path} are missing here: the staff must restore them.") from None
    response = PartResponse(part, status=206 if partial else 200, content_type=_type(file))
    for key, value in headers.items():
        response[key] = value
    response["Content-Length"] = str(end - start)
    if partial:
        response["Content-Range"] = f"bytes {start}-{end - 1}/{file.size}"
    return response


def _headers(file: RevisionFile, sha: str) -> dict[str, str]:
    name = file.path.rsplit("/", 1)[-1]  # letters, digits, dots, dashes: see modelzoo.scan
    headers = {
        "X-Repo-Commit": sha,
        "ETag": f'"{file.etag}"',
        "Accept-Ranges": "bytes",
        "Content-Disposition": f'{"attachment" if file.lfs else "inline"}; filename="{name}"',
        "Cache-Control": "private, no-cache",
        "Vary": "Authorization, Cookie",
    }
    if file.lfs:
        headers |= {"X-Linked-Etag": f'"{file.sha256}"', "X-Linked-Size": str(file.size)}
    return headers


def _type(file: RevisionFile) -> str:
    _, dot, ending = file.path.rpartition(".")
    return TYPES.get(dot + ending, "text/plain; charset=utf-8")


def _is_browser(request: HttpRequest) -> bool:
    token: Any = getattr(request, "api_token", None)
    return request.method == "GET" and token is None and "text/html" in request.headers.get("Accept", "")


def _licence_page(model: ZooModel, request: HttpRequest) -> str:
    page = reverse("zoo:licence", args=[model.org, model.name])
    return f"{page}?{urlencode({'next': request.path})}"
