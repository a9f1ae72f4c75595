"""The desk's part in declarations to stay in, by API."""

from datetime import datetime

from django.http import Http404, HttpRequest
from ninja import Field, Query, Router, Schema

from core.api_auth import user_of
from core.permissions import require
from portal.models import Declaration
from portal.services import contesting
from portal.services.reviewing import REVIEW
from portal.texts import LONGEST

router = Router(tags=["desk"])


class Chosen(Schema):
    """Which declarations. ``q`` is part of an account's name, or who declared."""

    q: str = Field("", max_length=200)
    limit: int = Field(50, ge=1, le=200)
    offset: int = Field(0, ge=0)


class Ending(Schema):
    """Why one is ended: a code of ``portal.stay_rules``, and words that its declarer reads."""

    code: str = Field(max_length=16)
    text: str = Field(max_length=LONGEST)


class StandingOut(Schema):
    """A declaration as the desk sees it. ``contested_by`` has the references of requests that contest it."""

    id: int
    forge: str
    account: str
    declared_by: str
    declared_at: datetime | None
    proof: str
    contested_by: list[str]
    ended_at: datetime | None
    end_code: str


@router.get("desk/declarations", response=list[StandingOut], summary="Declarations to stay in that stand")
def declarations(request: HttpRequest, chosen: Query[Chosen]) -> list[StandingOut]:
    """The contested ones on top."""
    require(user_of(request), "portal.view_desk")
    rows = contesting.declarations(chosen.q).prefetch_related("contested_by")
    return [_out(one) for one in rows[chosen.offset : chosen.offset + chosen.limit]]


@router.post("desk/declarations/{pk}/end", response=StandingOut, summary="End somebody's declaration to stay in")
def end(request: HttpRequest, pk: int, body: Ending) -> StandingOut:
    """409 where it does not stand any more."""
    require(user_of(request), REVIEW)
    found = Declaration.objects.filter(pk=pk, declared_at__isnull=False).first()
    if found is None:
        raise Http404("There is no such declaration.")
    contesting.end(found, user_of(request), body.code, body.text)
    return _out(found)


def _out(one: Declaration) -> StandingOut:
    return StandingOut(
        id=one.pk,
        forge=one.forge,
        account=one.account,
        declared_by=one.person.username,
        declared_at=one.declared_at,
        proof=one.kind,
        contested_by=sorted(request.reference for request in one.contested_by.all()),
        ended_at=one.ended_at,
        end_code=one.end_code,
    )
