"""Facts of a model: ``/api/models`` and below. Sections 2 and 2.1 of the wire notes."""

from datetime import UTC, datetime
from typing import Any

from django.db.models import Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse, JsonResponse

from modelzoo.hub.access import pass_gate
from modelzoo.hub.errors import HubError, hub_view, repo_not_found
from modelzoo.hub.lookup import find_model, find_revision
from modelzoo.models import Ref, Revision, RevisionFile, ZooModel
from modelzoo.models.zoo import MAIN

POINTER_SIZE = 134  # bytes of the pointer file that git-lfs would keep; clients require a figure
PAGE = 100
MOST = 1000
SORTS = {
    "lastModified": "-revision__created_at",
    "last_modified": "-revision__created_at",
    "createdAt": "-model__created_at",
    "created_at": "-model__created_at",
    "downloads": "-downloads",
}


@hub_view("GET", "HEAD")
def model_info(request: HttpRequest, org: str, name: str, rev: str = MAIN) -> HttpResponse:
    """One model at a branch, tag or commit."""
    model = find_model(org, name)
    revision = find_revision(model, rev)
    described = describe(model, revision, blobs=request.GET.get("blobs", "").lower() == "true")
    return JsonResponse(_only(described, request.GET.getlist("expand")))


@hub_view("GET", "HEAD")
def model_list(request: HttpRequest) -> HttpResponse:
    """Models by words of their name, author, tags; in pages by ``Link``."""
    refs = Ref.objects.filter(name=MAIN, revision__withdrawn_at=None).select_related("model", "revision__release")
    refs = _filtered(refs, request).annotate(downloads=Sum("model__downloads__count", default=0))
    refs = refs.order_by(SORTS.get(request.GET.get("sort", ""), "model__org"), "model__name", "pk")
    limit, start = _number(request, "limit", PAGE, most=MOST), _number(request, "cursor", 0)
    tags = set(request.GET.getlist("filter"))
    if pipeline := request.GET.get("pipeline_tag"):
        tags.add(pipeline)
    found = [ref for ref in refs if tags <= {*tags_of(ref.revision), str(ref.revision.card.get("pipeline_tag"))}]
    expand, page = request.GET.getlist("expand"), found[start : start + limit]
    response = JsonResponse([_only(describe(ref.model, ref.revision), expand) for ref in page], safe=False)
    if start + limit < len(found):
        query = request.GET.copy()
        query["cursor"] = str(start + limit)
        response["Link"] = f'<{request.build_absolute_uri(request.path)}?{query.urlencode()}>; rel="next"'
    return response


@hub_view("GET", "HEAD")
def refs(request: HttpRequest, org: str, name: str) -> HttpResponse:
    """Branches and tags with the commits they name."""
    model = find_model(org, name)
    rows = list(model.refs.select_related("revision"))
    said: dict[str, list[dict[str, str]]] = {
        "branches": [_ref(ref, "heads") for ref in rows if ref.kind == Ref.Kind.BRANCH],
        "tags": [_ref(ref, "tags") for ref in rows if ref.kind == Ref.Kind.TAG],
        "converts": [],
    }
    if request.GET.get("include_prs"):
        said["pullRequests"] = []
    return JsonResponse(said)


@hub_view("GET", "HEAD")
def auth_check(request: HttpRequest, org: str, name: str) -> HttpResponse:
    """Whether the caller may have the model's files."""
    pass_gate(request, find_model(org, name))
    return JsonResponse({"ok": True})


@hub_view("GET", "HEAD", "POST")
def no_such_model(request: HttpRequest, name: str, rest: str = "") -> HttpResponse:
    """A name without an organisation: none of ours."""
    raise repo_not_found(name)


def describe(model: ZooModel, revision: Revision, *, blobs: bool = False) -> dict[str, Any]:
    """What clients get to know of a model at a revision."""
    files = list(revision.files.all())
    said: dict[str, Any] = {
        "_id": f"{model.pk:024x}",
        "id": model.repo_id,
        "modelId": model.repo_id,
        "author": model.org,
        "sha": revision.sha,
        "lastModified": moment(revision.created_at),
        "createdAt": moment(model.created_at),
        "private": False,
        "gated": "auto" if model.gated else False,
        "disabled": False,
        "downloads": downloads_of(model),
        "likes": 0,
        "tags": tags_of(revision),
        "pipeline_tag": revision.card.get("pipeline_tag"),
        "library_name": revision.card.get("library_name"),
        "config": {key: revision.config[key] for key in ("architectures", "model_type") if key in revision.config},
        "cardData": revision.card,
        "siblings": [_sibling(file, blobs=blobs) for file in files],
        "usedStorage": sum(file.size for file in files),
    }
    if revision.parameters:
        said["safetensors"] = {"parameters": revision.parameters, "total": revision.parameter_count}
    return said


def tags_of(revision: Revision) -> list[str]:
    """What the model can be found by."""
    card = revision.card
    tags = [str(tag) for tag in ("transformers", "safetensors", *card.get("tags", []), card.get("pipeline_tag", ""))]
    tags += [f"dataset:{name}" for name in card.get("datasets") or []]
    tags += [f"base_model:{card['base_model']}"] if card.get("base_model") else []
    return [tag for tag in dict.fromkeys([*tags, f"license:{card.get('license', '')}"]) if tag]


def downloads_of(model: ZooModel) -> int:
    """How often the model was loaded, over all days."""
    return int(model.downloads.aggregate(total=Sum("count", default=0))["total"])


def moment(at: datetime) -> str:
    """``2026-01-02T03:04:05.000Z``."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def lfs_of(file: RevisionFile, digest_key: str) -> dict[str, Any]:
    """The part of an entry that clients need for a file known by its SHA-256."""
    return {digest_key: file.sha256, "size": file.size, "pointerSize": POINTER_SIZE}


def _sibling(file: RevisionFile, *, blobs: bool) -> dict[str, Any]:
    said: dict[str, Any] = {"rfilename": file.path}
    if blobs:
        said |= {"size": file.size, "blobId": file.sha1}
        if file.lfs:
            said["lfs"] = lfs_of(file, "sha256")
    return said


def _ref(ref: Ref, kind: str) -> dict[str, str]:
    return {"name": ref.name, "ref": f"refs/{kind}/{ref.name}", "targetCommit": ref.revision.sha}


def _filtered(rows: QuerySet[Ref], request: HttpRequest) -> QuerySet[Ref]:
    for word in request.GET.get("search", "").replace("/", " ").replace("\0", " ").split():
        rows = rows.filter(Q(model__org__icontains=word) | Q(model__name__icontains=word))
    if author := request.GET.get("author", "").replace("\0", " "):
        rows = rows.filter(model__org=author)
    if (gated := request.GET.get("gated", "").lower()) in ("true", "false"):
        rows = rows.filter(model__gated=gated == "true")
    return rows


def _only(said: dict[str, Any], expand: list[str]) -> dict[str, Any]:
    return {key: value for key, value in said.items() if key in {"_id", "id", *expand}} if expand else said


def _number(request: HttpRequest, key: str, default: int, most: int | None = None) -> int:
    text = request.GET.get(key, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise HubError(400, "", f"{key} must be a whole number, not {text[:40]!r}.")
    return min(int(text), most) if most else int(text)
