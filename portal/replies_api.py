"""Objections to requests of others, and one's own notices, by API."""

from datetime import datetime

from django.http import Http404, HttpRequest
from ninja import Field, Router, Schema, Status

from core import limits
from core.api_auth import user_of
from portal.models import Objection, OptOutRequest
from portal.references import is_reference
from portal.services import contacts, notices, objections
from portal.texts import LONGEST

router = Router(tags=["requests"])


class NewObjection(Schema):
    """An objection: how you are affected, and what speaks against the request."""

    standing: str = Field(max_length=200)
    text: str = Field(max_length=LONGEST)


class ObjectionOut(Schema):
    """An objection of yours. ``state`` is ``open``, ``upheld`` or ``dismissed``; ``found`` is what the reviewer wrote."""

    reference: str
    at: datetime
    standing: str
    text: str
    late: bool
    state: str
    found: str


class NoticeOut(Schema):
    """What you were told."""

    number: int
    at: datetime
    title: str
    words: str
    page: str
    read: bool
    desk: bool


@router.get("requests/{reference}/objections", response=list[ObjectionOut], summary="Your objections to a request")
def own_objections(request: HttpRequest, reference: str) -> list[ObjectionOut]:
    """404 where the request is not open to you."""
    rows = _open_to(request, reference).objections.filter(by=user_of(request))
    return [_objection(row, reference) for row in rows]


@router.post("requests/{reference}/objections", response={201: ObjectionOut}, summary="Object to a request")
def object_to(request: HttpRequest, reference: str, body: NewObjection) -> Status[ObjectionOut]:
    """For whoever was told of it: others who have proven the same account."""
    found = _open_to(request, reference)
    limits.hit("object", limits.network(request))
    return Status(201, _objection(objections.file(found, user_of(request), body.standing, body.text), reference))


@router.get("notices", response=list[NoticeOut], summary="What you were told, newest first")
def own_notices(request: HttpRequest, unread: bool = False) -> list[NoticeOut]:
    """At most 100."""
    rows = notices.of_user(user_of(request))
    if unread:
        rows = rows.filter(read_at=None)
    return [
        NoticeOut(
            number=one.pk,
            at=one.at,
            title=notices.title_of(one),
            words=notices.words_of(one),
            page=notices.page_of(one),
            read=one.read_at is not None,
            desk=one.for_staff,
        )
        for one in rows[:100]
    ]


@router.post("notices/read", response=dict[str, int], summary="Mark your notices as read")
def read_notices(request: HttpRequest) -> dict[str, int]:
    """Gives how many were not read before."""
    return {"read": notices.mark_read(user_of(request))}


def _open_to(request: HttpRequest, reference: str) -> OptOutRequest:
    rows = OptOutRequest.objects.exclude(state="draft")
    found = rows.filter(reference=reference).first() if is_reference(reference) else None
    if found is None or not contacts.may_object(found, user_of(request)):
        raise Http404("There is no such request, or it is not open to you.")
    return found


def _objection(row: Objection, reference: str) -> ObjectionOut:
    return ObjectionOut(
        reference=reference,
        at=row.at,
        standing=row.standing,
        text=row.text,
        late=row.late,
        state=row.state,
        found=row.weighed_note,
    )
