"""The files of a revision as folders: ``/tree/{rev}[/{path}]`` and ``/paths-info/{rev}``. Section 2.2 of the wire notes."""

import hashlib
import json
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from modelzoo.hub.errors import HubError, entry_not_found, hub_view
from modelzoo.hub.info import lfs_of
from modelzoo.hub.lookup import find_model, find_revision, split
from modelzoo.models import RevisionFile

PAGE = 1000  # entries


@hub_view("GET", "HEAD")
def tree(request: HttpRequest, org: str, name: str, rest: str) -> HttpResponse:
    """The entries of a folder; with ``recursive`` those below it too."""
    model = find_model(org, name)
    revision, folder = split(model, rest)
    folder = folder.strip("/")
    every = entries_of(list(revision.files.all()))
    prefix = folder + "/" if folder else ""
    below = [entry for path, entry in every.items() if path.startswith(prefix)]
    if folder and not below:
        raise entry_not_found(folder, revision)
    if request.GET.get("recursive", "").lower() != "true":
        below = [entry for entry in below if "/" not in entry["path"][len(prefix) :]]
    after = request.GET.get("cursor", "")
    limit = request.GET.get("limit", "")
    size = min(int(limit), PAGE) if limit.isascii() and limit.isdigit() and int(limit[:9]) > 0 else PAGE
    page = [entry for entry in below if entry["path"] > after][: size + 1]
    response = JsonResponse(page[:size], safe=False, headers={"X-Repo-Commit": revision.sha})
    if len(page) > size:
        query = request.GET.copy()
        query["cursor"] = page[size - 1]["path"]
        # The sub-path's own form (%2F or /) is not known any more; the plain form reads the same.
        response["Link"] = f'<{request.build_absolute_uri(request.path)}?{query.urlencode()}>; rel="next"'
    return response


@csrf_exempt
@hub_view("POST")
def paths_info(request: HttpRequest, org: str, name: str, rev: str) -> HttpResponse:
    """The entries at the given paths; those that do not exist are left out."""
    revision = find_revision(find_model(org, name), rev)
    every = entries_of(list(revision.files.all()))
    wanted = dict.fromkeys(path.strip("/") for path in _paths(request))
    return JsonResponse([every[path] for path in wanted if path in every], safe=False)


def entries_of(files: list[RevisionFile]) -> dict[str, dict[str, Any]]:
    """Every file and folder by its path, in order of the path."""
    entries: dict[str, dict[str, Any]] = {}
    folders: dict[str, list[str]] = {}
    for file in files:
        said: dict[str, Any] = {"type": "file", "path": file.path, "size": file.size, "oid": file.sha1}
        if file.lfs:
            said["lfs"] = lfs_of(file, "oid")
        entries[file.path] = said
        folder = file.path
        while "/" in folder:
            folder = folder.rsplit("/", 1)[0]
            folders.setdefault(folder, []).append(f"{file.sha256} {file.path}")
    for folder, lines in folders.items():
        oid = hashlib.sha1("\n".join(sorted(lines)).encode(), usedforsecurity=False).hexdigest()
        entries[folder] = {"type": "directory", "path": folder, "oid": oid, "size": 0}
    return dict(sorted(entries.items()))


def _paths(request: HttpRequest) -> list[str]:
    """The paths asked for: huggingface_hub sends a form, other clients JSON."""
    if request.content_type != "application/json":
        return request.POST.getlist("paths")
    try:
        paths = json.loads(request.body)["paths"]
    except (ValueError, KeyError, TypeError):
        paths = None
    paths = [paths] if isinstance(paths, str) else paths
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        raise HubError(400, "", 'The body must be JSON such as {"paths": ["config.json"]}.')
    return paths
