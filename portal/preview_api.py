"""The preview of a request before it is sent, and its copies elsewhere, by the API."""

from typing import Any, Literal

from django.db import transaction
from django.http import Http404, HttpRequest
from ninja import Field, Router, Schema

from core.api_auth import user_of
from core.permissions import may_any, require
from datasets_app.pipeline.copies import RULES
from portal import look_ups, previews
from portal.models import Copy, OptOutRequest
from portal.references import is_reference
from portal.services import copies, drafts

router = Router(tags=["requests"])
PAGE = 200


class Planned(Schema):
    """A request as it would be sent, without its message."""

    forge: str = Field("", max_length=200)
    account: str = Field(max_length=500)
    scope: Literal["", "account", "repositories", "authored"] = ""
    repositories: list[str] = Field(default_factory=list, max_length=drafts.MOST_REPOSITORIES)
    copies: bool = False


class HeldIn(Schema):
    """A release that holds some of it."""

    release: str
    files: int


class Elsewhere(Schema):
    """A file of another owner. ``mine`` is the blob id of the file that it is like; ``verdict`` is empty before a request is sent."""

    id: int | None = None
    ring: str
    forge: str
    owner: str
    repository: str
    path: str
    blob: str
    mine: str
    similarity: float
    why: str
    verdict: str


class PreviewOut(Schema):
    """What is published of it now, and not hidden; of each list the first 50 or 200."""

    files: int
    bytes: int
    held_elsewhere: int
    repositories: list[dict[str, Any]]
    more_repositories: int
    releases: list[HeldIn]
    models: list[str]
    ring_a: int
    ring_b: int
    copies: list[Elsewhere]


class CopiesOut(Schema):
    """The copies of a proven request: counts by ring, and one page of them."""

    searched: bool
    rings: list[dict[str, Any]]
    copies: list[Elsewhere]


class Verdict(Schema):
    """What a reviewer decides on these copies, or on a group: the key of a repository, or ``A`` or ``B`` for what is open of a ring."""

    verdict: Literal["block", "leave"]
    ids: list[int] = Field(default_factory=list, max_length=500)
    group: str = Field("", max_length=600)


@router.post("opt-out/preview", response=PreviewOut, summary="What a request would concern")
def preview(request: HttpRequest, body: Planned) -> PreviewOut:
    """As far as anybody can see it. Nothing is sent and nothing is kept. Whoever compares two downloaded releases, or reads the feed
    of removals, can see what a request took out.
    """
    look_ups.count(request)
    with transaction.atomic():
        draft = drafts.at_once(
            user_of(request), body.forge, body.account, body.scope, body.repositories, copies=body.copies
        )
        shown, elsewhere = previews.of_draft(draft), previews.copies_of(draft)
        transaction.set_rollback(True)
    return PreviewOut(
        files=shown.files,
        bytes=shown.bytes,
        held_elsewhere=shown.copied,
        repositories=shown.repositories,
        more_repositories=shown.more,
        releases=[HeldIn(release=str(one["release"]), files=one["files"]) for one in shown.releases],
        models=[one["model"].repo_id for one in shown.models],
        ring_a=elsewhere.exact,
        ring_b=elsewhere.near,
        copies=[
            Elsewhere(
                blob=row["blob_id"],
                mine=row.get("mine") or row["blob_id"],
                similarity=row.get("similarity", 1.0),
                why=RULES[row["why"]].text,
                verdict="",
                **{key: row[key] for key in ("ring", "forge", "owner", "repository", "path")},
            )
            for row in elsewhere.rows[:PAGE]
        ],
    )


@router.get("requests/{reference}/copies", response=CopiesOut, summary="Copies of a request under other owners")
def found(request: HttpRequest, reference: str, offset: int = 0) -> CopiesOut:
    """200 at a time. For the requester once the request is proven, and for reviewers."""
    user, opt_out = user_of(request), _request(reference)
    mine = opt_out.requester_id == user.pk and opt_out.shows_what_is_held
    if not mine and not may_any(user, copies.REVIEW, "portal.view_desk"):
        raise Http404("There is no such request, or it is not proven yet.")
    return _copies(opt_out, offset)


@router.post("desk/requests/{reference}/copies", response=CopiesOut, summary="Decide copies", tags=["desk"])
def decide(request: HttpRequest, reference: str, body: Verdict) -> CopiesOut:
    """Block them, or let them stay. 409 where the request waits for no decision."""
    require(user_of(request), copies.REVIEW)
    opt_out = _request(reference)
    copies.decide(opt_out, user_of(request), body.verdict, ids=body.ids, group=body.group)
    return _copies(opt_out, 0)


def _request(reference: str) -> OptOutRequest:
    rows = OptOutRequest.objects.exclude(state="draft")
    opt_out = rows.filter(reference=reference).first() if is_reference(reference) else None
    if opt_out is None:
        raise Http404("There is no such request, or it is not proven yet.")
    return opt_out


def _copies(opt_out: OptOutRequest, offset: int) -> CopiesOut:
    summary, start = copies.summary(opt_out), max(0, min(offset, 10_000_000))
    return CopiesOut(
        searched=summary.search is not None,
        rings=[vars(ring) | {"files": ring.files} for ring in summary.rings],
        copies=[
            Elsewhere(
                id=one.pk,
                why=RULES[one.why].text if one.why in RULES else one.why,
                **{
                    key: getattr(one, key)
                    for key in ("ring", "forge", "owner", "repository", "path", "blob", "mine", "similarity", "verdict")
                },
            )
            for one in Copy.objects.filter(request=opt_out)[start : start + PAGE]
        ],
    )
