"""What all pages of one model have in common: the head, the tabs, the facts at the side."""

from typing import Any

from django.http import Http404, HttpRequest
from django.urls import reverse

from core.models import User
from modelzoo.hub.resolve import recent_downloads
from modelzoo.lineage import changed_since
from modelzoo.models import Revision, ZooModel
from modelzoo.models.zoo import MAIN
from modelzoo.services.licences import acceptance_of, current_terms


def model_or_404(org: str, name: str) -> ZooModel:
    """The model of an address."""
    model = ZooModel.objects.filter(org=org, name=name).first()
    if model is None:
        raise Http404(f"There is no model “{org}/{name}” in the zoo.")
    return model


def revision_or_404(model: ZooModel, rev: str) -> Revision:
    """The revision that a branch, a tag or a sha names; ``main`` where ``rev`` is empty."""
    found = None if "\0" in rev else model.at(rev or MAIN) or model.revisions.filter(sha=rev).first()
    if found is None:
        raise Http404(f"{model} has no revision “{rev[:60]}”.")
    return found


def viewer(request: HttpRequest) -> User | None:
    """Who looks, where they are signed in."""
    return request.user if isinstance(request.user, User) else None


def model_context(request: HttpRequest, org: str, name: str, tab: str) -> dict[str, Any]:
    """Model, revision and facts for one tab of the model's pages."""
    model = model_or_404(org, name)
    head = revision_or_404(model, "")
    revision = revision_or_404(model, request.GET.get("revision", ""))
    acceptance = acceptance_of(viewer(request), model)
    query = f"?revision={revision.sha}" if revision != head else ""
    tabs = [("model", "Card"), ("files", "Files"), ("data", "Data it saw"), ("use", "Use it")]
    files = list(revision.files.all())
    return {
        "model": model,
        "revision": revision,
        "is_head": revision == head,
        "files": files,
        "size": sum(file.size for file in files),
        "terms": current_terms(model.licence_key),
        "acceptance": acceptance,
        "open": not model.gated or acceptance is not None,
        "since": changed_since(revision),
        "downloads": recent_downloads(model),
        "tab": tab,
        "tabs": [(key, words, reverse(f"zoo:{key}", args=[org, name]) + query) for key, words in tabs],
        "endpoint": f"{request.scheme}://{request.get_host()}",
    }


def file_address(model: ZooModel, revision: Revision, path: str) -> str:
    """Where a file is downloaded."""
    return reverse("hub:resolve", args=[model.org, model.name, f"{revision.sha}/{path}"])
