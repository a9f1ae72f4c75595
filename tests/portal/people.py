"""Requests in every state, and a small release, for the portal's tests: made by the services that the pages call."""

import itertools
from datetime import timedelta

from django.utils import timezone

from core.jobs import execute_here
from core.models import User
from datasets_app.models import Holding, Owner, Release, Repository
from portal.models import OptOutRequest
from portal.services import decisions, drafts, requests, verification
from tests.base import make_staff, make_user

_numbers = itertools.count(1)


def hold(login: str, *names: str, forge: str = "github.com", release: Release | None = None, files: int = 3) -> Owner:
    """An account with repositories that a release holds."""
    owner, _ = Owner.objects.get_or_create(
        key=f"{forge}/{login.casefold()}", defaults={"forge": forge, "login": login, "login_folded": login.casefold()}
    )
    release = release or publish()
    for name in names:
        repository, _ = Repository.objects.get_or_create(
            key=f"{owner.key}/{name.casefold()}",
            defaults={
                "owner": owner,
                "name": name,
                "name_folded": name.casefold(),
                "licence": "MIT",
                "permissive": True,
            },
        )
        Holding.objects.create(
            release=release, repository=repository, owner=owner, files=files, bytes=files * 100, licence="MIT",
            licences=["MIT"], languages=["Python"],
        )  # fmt: skip
    return owner


def publish(version: str = "", state: str = "published", position: int = 0, **fields: object) -> Release:
    """A row of a release; its bytes are made elsewhere."""
    now = timezone.now()
    return Release.objects.create(
        name="the-stack-demo",
        version=version or f"v1.{next(_numbers)}",
        state=state,
        published_at=now if state in ("published", "withdrawn") else None,
        built_at=now,
        blocklist_position=position,
        files=3,
        bytes=300,
        languages=[{"language": "Python", "files": 3, "bytes": 300}],
        licences=[{"licence": "MIT", "files": 3, "bytes": 300}],
        **fields,
    )


def draft(user: User, account: str = "Alpha", *repositories: str, forge: str = "github.com") -> OptOutRequest:
    """A complete draft."""
    made = drafts.start(user)
    drafts.set_account(made, user, account, forge)
    if repositories:
        drafts.set_repositories(made, user, list(repositories))
    else:
        drafts.set_scope(made, user, OptOutRequest.ACCOUNT)
    return made


def sent(user: User, account: str = "Alpha", *repositories: str, forge: str = "github.com") -> OptOutRequest:
    """A request that waits for proof."""
    return requests.submit(draft(user, account, *repositories, forge=forge), user)


def verified(user: User, account: str = "Alpha", *repositories: str) -> OptOutRequest:
    """A request that is with the reviewers."""
    return vouch(sent(user, account, *repositories))


def vouch(made: OptOutRequest) -> OptOutRequest:
    """Let as many reviewers verify a request by hand as its rule asks for."""
    for one in (reviewer(), another_reviewer()):
        if one.pk != made.requester_id and made.state == "verifying":
            verification.verify_by_hand(made, one, "By telephone.")
            made.refresh_from_db()
    return made


def another_reviewer() -> User:
    """A second superuser, made once a test."""
    return User.objects.filter(username="barbara").first() or make_staff("barbara")


def scheduled(user: User, account: str = "Alpha", *repositories: str) -> OptOutRequest:
    """A request that was accepted."""
    made = verified(user, account, *repositories)
    decisions.accept(made, reviewer())
    made.refresh_from_db()
    return made


def reviewer() -> User:
    """A superuser, made once a test."""
    return User.objects.filter(username="grace").first() or make_staff("grace")


def requester(name: str = "ada") -> User:
    """A person."""
    return User.objects.filter(username=name).first() or make_user(name)


def run(check: object) -> object:
    """Carry out the job of a check here and give the check as it is afterwards."""
    execute_here(check.job)
    check.refresh_from_db()
    return check


def backdate(request: OptOutRequest, **days: int) -> None:
    """Move dates of a request into the past."""
    OptOutRequest.objects.filter(pk=request.pk).update(
        **{field: timezone.now() - timedelta(days=number) for field, number in days.items()}
    )
    request.refresh_from_db()
