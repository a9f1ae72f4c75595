"""Search by API: code, and lists of accounts. By POST, so that nothing of it stands in an address; nothing is logged or kept."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest
from ninja import Field, Router, Schema

from core.api_auth import user_of
from core.errors import InvalidInput
from datasets_app import code_lookup, lookup_many
from datasets_app.lookup_many import Asked
from datasets_app.models import Owner
from portal import look_ups, matrix
from portal.may_see import may_see

router = Router(tags=["search"])


class CodeIn(Schema):
    """The text of a source file."""

    code: str = Field(max_length=code_lookup.LARGEST)


class PlaceOut(Schema):
    """A file that published releases show."""

    how: str = Field(
        description="same, line_ends (the same but for these), published (as it is published here) or near."
    )
    alike: float = Field(description="Share of common runs of five words, estimated, 0 to 1.")
    forge: str
    account: str
    repository: str
    path: str
    licence: str
    language: str
    blob: str
    origin: bool = Field(description="Whether it is the named origin; else its content is held under another one.")
    releases: list[str]


class CodeFound(Schema):
    """The answer. Removed, hidden and never held look the same."""

    held: bool
    blob: str = Field(description="The git blob id of the text.")
    places: list[PlaceOut]
    more: int
    complete: bool = Field(description="False while a part of the releases is still being indexed: ask again later.")


@router.post("search/code", response=CodeFound, auth=None, summary="Is this code in The Stack?")
def search_code(request: HttpRequest, body: CodeIn) -> CodeFound:
    """Exact copies first, then near copies, the most alike first."""
    look_ups.count(request)
    found = code_lookup.search(body.code.encode("utf-8", "surrogatepass"))
    return CodeFound(
        held=found.held,
        blob=found.blob_id,
        more=found.more,
        complete=not found.unready,
        places=[
            PlaceOut(
                how=one.how, alike=round(one.alike, 3), forge=one.forge, account=one.owner, repository=one.repository,
                path=one.path, licence=one.licence, language=one.language, blob=one.blob_id, origin=one.origin,
                releases=[str(release) for release in one.releases],
            )
            for one in found.places
        ],
    )  # fmt: skip


class Standing(Schema):
    """How a repository stands in a release; figures are of that release."""

    standing: str = Field(description="in, masked, removed or never.")
    files: int
    copies: int


class ExposureRow(Schema):
    """One repository by release and by model."""

    repository: str
    releases: dict[str, Standing]
    models: dict[str, str] = Field(description="trained before, excluded or unknown.")


class ExposureOut(Schema):
    """A page of an account's repositories."""

    forge: str
    account: str
    count: int
    repositories: list[ExposureRow]


@router.get("exposure", response=list[ExposureOut], summary="What is known of an account that is yours")
def exposure(request: HttpRequest, account: str, forge: str = "", page: int = 1) -> list[ExposureOut]:
    """Fifty repositories a page, by name, of each account of that name which you may see. Nothing of others, as if there were none."""
    rows = Owner.objects.filter(login_folded=account.strip().casefold()).order_by("pk")
    owners = [one for one in (rows.filter(forge=forge) if forge else rows) if may_see(user_of(request), one)]
    found = []
    for owner in owners:
        known = matrix.of(owner)
        pages = Paginator(matrix.repositories_of(owner), matrix.ROWS)
        listed = list(pages.page(page).object_list) if 1 <= page <= pages.num_pages else []
        parts = [ExposureRow(**matrix.to_dict(known, row)) for row in known.rows(listed)]
        found.append(ExposureOut(forge=owner.forge, account=owner.login, count=pages.count, repositories=parts))
    return found


class ListIn(Schema):
    """Accounts, repositories or addresses."""

    names: list[str] = Field(max_length=lookup_many.MOST_NAMES)


class AnswerOut(Schema):
    """What became of the name at place ``line`` of the list, from 1. Figures are of the newest release that holds it."""

    line: int
    asked: str
    answer: str = Field(description="held, not held, held under another name now, or error.")
    forge: str
    account: str
    repositories: int
    files: int
    copies: int
    bytes: int
    releases: list[str]
    error: str


@router.post("search/accounts", response=list[AnswerOut], auth=None, summary="Which of these are in The Stack?")
def search_accounts(request: HttpRequest, body: ListIn) -> list[dict[str, Any]]:
    """In the order of the list; a name that is held on two forges is answered twice."""
    look_ups.count(request, "list")
    if not body.names:
        raise InvalidInput("The list has no names.", "names")
    names = [Asked(number, name) for number, name in enumerate(body.names, 1)]
    return [answer.to_dict() for answer in lookup_many.search_many(names)]
