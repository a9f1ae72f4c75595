"""The app's part of the API. What Hub clients ask lies beside it at ``/api/models``; this is ours, at ``/api/zoo``."""

from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest
from ninja import Router, Schema

from core.api_auth import user_of
from modelzoo.lineage import changed_since
from modelzoo.models import Ref, Revision, ZooModel
from modelzoo.models.zoo import MAIN
from modelzoo.services import withdraw_revision

router = Router(tags=["zoo"])


class ModelOut(Schema):
    """A model at its branch ``main``."""

    model: str
    licence: str
    gated: bool
    revision: str
    message: str
    published_at: datetime
    withdrawn_reason: str
    release: str | None
    base: str | None
    parameters: int
    bytes: int


class LineageOut(ModelOut):
    """The same with what it came from, and what happened since."""

    files: list[dict[str, Any]]
    lineage: dict[str, Any]
    training: dict[str, Any]
    opt_outs_since: int | None


class WithdrawIn(Schema):
    """Why a revision is taken back."""

    reason: str


@router.get("zoo/models", response=list[ModelOut], summary="Models, newest first")
def list_models(request: HttpRequest, limit: int = 50, offset: int = 0) -> list[dict[str, Any]]:
    """At most 200 at a time."""
    refs = Ref.objects.filter(name=MAIN).select_related("model", "revision__release", "revision__base__model")
    refs = refs.order_by("-revision__created_at", "-pk")
    start = max(0, offset)
    return [_told(ref.revision, ref.model) for ref in refs[start : start + max(1, min(limit, 200))]]


@router.get("zoo/models/{org}/{name}", response=LineageOut, summary="One model with its lineage")
def get_model(request: HttpRequest, org: str, name: str, revision: str = MAIN) -> dict[str, Any]:
    """At a branch, a tag or a revision's sha. 404 where there is none."""
    model, found = _find(org, name, revision)
    since = changed_since(found)
    return _told(found, model) | {
        "files": [{"path": file.path, "size": file.size, "sha256": file.sha256} for file in found.files.all()],
        "lineage": found.lineage,
        "training": found.training,
        "opt_outs_since": since.accounts + since.repositories if since else None,
    }


@router.post("zoo/models/{org}/{name}/revisions/{sha}/withdraw", response=ModelOut, summary="Withdraw a revision")
def withdraw(request: HttpRequest, org: str, name: str, sha: str, body: WithdrawIn) -> dict[str, Any]:
    """For people who may publish. 409 where it was withdrawn before."""
    model, found = _find(org, name, sha)
    return _told(withdraw_revision(user_of(request), found, body.reason), model)


def _find(org: str, name: str, revision: str) -> tuple[ZooModel, Revision]:
    model = ZooModel.objects.filter(org=org, name=name).first()
    if model is None:
        raise Http404(f"There is no model {org}/{name}.")
    found = None if "\0" in revision else model.at(revision) or model.revisions.filter(sha=revision).first()
    if found is None:
        raise Http404(f"{model} has no revision {revision}.")
    return model, found


def _told(revision: Revision, model: ZooModel) -> dict[str, Any]:
    return {
        "model": model.repo_id,
        "licence": model.licence_key,
        "gated": model.gated,
        "revision": revision.sha,
        "message": revision.message,
        "published_at": revision.created_at,
        "withdrawn_reason": revision.withdrawn_reason,
        "release": str(revision.release) if revision.release else None,
        "base": str(revision.base) if revision.base else None,
        "parameters": revision.parameter_count,
        "bytes": revision.size,
    }
