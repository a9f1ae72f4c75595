"""The portal's part of the API: search, and one's own requests. Objections and notices: ``portal.replies_api``."""

from typing import Literal

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema, Status

from core import limits
from core.api_auth import user_of
from core.errors import InvalidInput
from datasets_app import lookup, prefixes
from portal import catalogue, look_ups
from portal.catalogue.question import parse
from portal.catalogue_out import CatalogueFound
from portal.catalogue_out import out as out_catalogue
from portal.models import OptOutRequest
from portal.request_out import RequestOut, out, visible
from portal.services import appeals, drafts, questions, requests, verification
from portal.texts import LONGEST

router = Router(tags=["requests"])


class Question(Schema):
    """What to look up: an account, ``owner/name`` or a web address."""

    q: str = Field(max_length=400)


class HeldRepository(Schema):
    """One repository in a release."""

    name: str
    files: int
    copies: int
    bytes: int
    licences: list[str]


class HeldRelease(Schema):
    """What one release holds."""

    release: str
    files: int
    copies: int
    bytes: int
    licences: list[str]
    repositories: list[HeldRepository]
    more: int


class Held(Schema):
    """An account that is held."""

    forge: str
    account: str
    releases: list[HeldRelease]


class Found(Schema):
    """The answer. Removed, hidden and never held look the same."""

    held: bool
    accounts: list[Held]
    formerly: bool = Field(description="Code is held of an account that bore this name before; which one is not said.")
    near: list[str]


@router.post("search", response=Found, auth=None, summary="Am I in The Stack?")
def search(request: HttpRequest, question: Question) -> Found:
    """By POST, so that the name stands in no address. What is asked is neither logged nor kept."""
    look_ups.count(request)
    found = lookup.search(question.q)
    accounts = []
    for match in found.matches:
        releases = [
            HeldRelease(
                release=f"{held.release.name} {held.release.version}",
                files=held.files,
                copies=held.copies,
                bytes=held.bytes,
                licences=held.licences,
                more=held.more,
                repositories=[
                    HeldRepository(
                        name=one.name, files=one.files, copies=one.copies, bytes=one.bytes, licences=one.licences
                    )
                    for one in held.repositories
                ],
            )
            for held in match.releases
        ]
        accounts.append(Held(forge=match.owner.forge, account=match.owner.login, releases=releases))
    return Found(
        held=found.held, accounts=accounts, formerly=found.formerly, near=[near.text for near in found.suggestions]
    )


@router.get("search", response=CatalogueFound, auth=None, summary="Search the whole site")
def search_catalogue(
    request: HttpRequest,
    q: str = "",
    kind: str = "",
    licence: str = "",
    language: str = "",
    release: str = "",
    page: int = Query(1, ge=1, le=99_999),
) -> CatalogueFound:
    """Releases, models, recipes, data cards, training content, licences, documents and runs by their words, ten a page, best first;
    beside them accounts and repositories whose names begin so.

    ``q`` takes words, ``"phrases"``, ``-without`` and the fields ``kind:``, ``licence:``, ``language:``, ``release:``, ``owner:`` and
    ``title:``; at most 400 characters and 16 of these. The other parameters narrow the answer as the facets do. Limited like look-ups.
    422 where there is nothing in it to look for.
    """
    look_ups.count(request)
    question = parse(q, {"kind": kind, "licence": licence, "language": language, "release": release})
    if not question.text and not question.chosen:
        raise InvalidInput("Say what to look for, such as q=python.", "q")
    answer = catalogue.find(question, page)
    places = prefixes.beginning(question.name) if question.name and answer.page == 1 else prefixes.Places()
    return out_catalogue(answer, places, question.unknown)


class NewRequest(Schema):
    """A request to leave."""

    forge: str = Field("", max_length=200)
    account: str = Field(max_length=500)
    scope: Literal["", "account", "repositories", "authored"] = ""
    repositories: list[str] = Field(default_factory=list, max_length=drafts.MOST_REPOSITORIES)
    organisation: bool = False
    commits: bool = False
    issues: bool = False
    copies: bool = False
    contest: bool = Field(
        False, description="Send it although somebody else declared that the account stays in: see /docs/proofs."
    )
    message: str = Field("", max_length=drafts.LONGEST_MESSAGE)


class Repository(Schema):
    """Where the challenge file is."""

    repository: str = Field(max_length=200)


@router.get("requests", response=list[RequestOut], summary="Your requests, newest first")
def own_requests(request: HttpRequest) -> list[RequestOut]:
    """At most 100."""
    rows = OptOutRequest.objects.filter(requester=user_of(request)).exclude(state="draft").order_by("-submitted_at")
    return [out(row, user_of(request).pk) for row in rows.prefetch_related("repositories")[:100]]


@router.post("requests", response={201: RequestOut}, summary="Ask to leave")
def send_request(request: HttpRequest, body: NewRequest) -> Status[RequestOut]:
    """Without ``scope`` it is ``repositories`` where some are named, else the whole account, now and in future. ``authored`` is what
    you wrote alone in other people's repositories. See ``/docs/scopes``. 409 where the same is under way, or the account is declared to
    stay in.

    A draft that you began on the pages is left as it is.
    """
    limits.hit("send", limits.account(user_of(request)), limits.network(request))
    made = requests.send_at_once(
        user_of(request),
        forge=body.forge,
        account=body.account,
        scope=body.scope,
        repositories=body.repositories,
        message=body.message,
        organisation=body.organisation,
        commits=body.commits,
        issues=body.issues,
        copies=body.copies,
        contest=body.contest,
    )
    return Status(201, out(made, user_of(request).pk))


@router.get("requests/{reference}", response=RequestOut, summary="One request")
def one_request(request: HttpRequest, reference: str) -> RequestOut:
    """404 where there is none that you may see."""
    return out(visible(request, reference), user_of(request).pk)


@router.post("requests/{reference}/challenge", response=RequestOut, summary="Get a new challenge")
def new_challenge(request: HttpRequest, reference: str) -> RequestOut:
    """The one before counts no more."""
    found = visible(request, reference)
    verification.issue_challenge(found, user_of(request))
    return out(found, user_of(request).pk)


@router.post("requests/{reference}/check", response={202: RequestOut}, summary="Check the challenge file")
def check(request: HttpRequest, reference: str, body: Repository) -> Status[RequestOut]:
    """Runs as a job; ask for the request again to see what was found."""
    found = visible(request, reference)
    verification.start_check(found, user_of(request), body.repository)
    return Status(202, out(found, user_of(request).pk))


@router.post("requests/{reference}/withdraw", response=RequestOut, summary="Take a request back")
def withdraw(request: HttpRequest, reference: str) -> RequestOut:
    """409 once it is decided."""
    found = visible(request, reference)
    requests.withdraw(found, user_of(request))
    return out(found, user_of(request).pk)


class Words(Schema):
    """What you write."""

    text: str = Field(max_length=LONGEST)


@router.post("requests/{reference}/answer", response=RequestOut, summary="Answer a reviewer's question")
def answer(request: HttpRequest, reference: str, body: Words) -> RequestOut:
    """409 where no question waits."""
    found = visible(request, reference)
    questions.answer(found, user_of(request), body.text)
    return out(found, user_of(request).pk)


@router.post("requests/{reference}/appeal", response=RequestOut, summary="Appeal against a rejection")
def appeal(request: HttpRequest, reference: str, body: Words) -> RequestOut:
    """Once, and for some time after the rejection; another reviewer decides."""
    found = visible(request, reference)
    appeals.appeal(found, user_of(request), body.text)
    return out(found, user_of(request).pk)
