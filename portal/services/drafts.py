"""The draft of a request: kept here from the first page on, so that a form is never lost to a session's end."""

from django.db import IntegrityError, transaction
from django.utils import timezone

from core import audit
from core.errors import Conflict, InvalidInput, PermissionDenied
from core.models import User
from portal import names
from portal.models import OptOutRequest, RequestedRepository
from portal.policies import places
from portal.references import new_reference

MOST_REPOSITORIES = 500
LONGEST_MESSAGE = 4000  # characters


def current(user: User, origin: str = OptOutRequest.PAGES) -> OptOutRequest | None:
    """The person's draft, or None."""
    return OptOutRequest.objects.filter(requester=user, state="draft", origin=origin).first()


def start(user: User, origin: str = OptOutRequest.PAGES) -> OptOutRequest:
    """The person's draft; made where there is none. A person has one at a time on the pages."""
    if draft := current(user, origin):
        return draft
    try:
        with transaction.atomic():
            draft = OptOutRequest.objects.create(requester=user, origin=origin, reference=new_reference())
            audit.record(user, "start request", draft)
    except IntegrityError:  # the same form, sent twice at once
        draft = current(user, origin)
        if draft is None:
            raise
    return draft


def set_account(draft: OptOutRequest, actor: User, text: str, forge: str) -> None:
    """Say which account it is about. An address names its forge by itself; one of a repository proposes that repository.

    Raises:
        InvalidInput: It is no account, or the forge is unknown or differs from the one in the address.
    """
    named = names.read(text)
    if named.forge is None and forge not in places():
        raise InvalidInput("Choose where the account is.", "forge")
    found = named.forge or forge
    with transaction.atomic():
        same = (draft.forge, draft.account.casefold()) == (found, named.account.casefold())
        values: dict[str, str | bool] = {"forge": found, "account": named.account}
        _change(draft, actor, **values, **({} if same else {"scope": ""}))
        if not same:
            draft.repositories.all().delete()
        if named.repository and not draft.scope:
            _change(draft, actor, scope=OptOutRequest.REPOSITORIES)
            RequestedRepository.objects.get_or_create(
                request=draft, name_folded=named.repository.casefold(), defaults={"name": named.repository}
            )


def set_scope(draft: OptOutRequest, actor: User, scope: str) -> None:
    """Say whether it is about the whole account, certain repositories, or what the person wrote alone elsewhere."""
    if scope not in dict(OptOutRequest.SCOPES):
        raise InvalidInput("Choose what the request is about.", "scope")
    _change(draft, actor, scope=scope)


def set_repositories(draft: OptOutRequest, actor: User, wanted: list[str]) -> None:
    """Name the repositories.

    Raises:
        InvalidInput: There is none, one is no repository's name or another account's, or there are too many.
    """
    chosen: dict[str, str] = {}
    for text in wanted:
        name = _own_repository(draft, text)
        chosen.setdefault(name.casefold(), name)
    if not chosen:
        raise InvalidInput("Choose or enter at least one repository.", "more")
    if len(chosen) > MOST_REPOSITORIES:
        raise InvalidInput(
            f"That is more than {MOST_REPOSITORIES}. Opt out the whole account, or split the request.", "more"
        )
    with transaction.atomic():
        _change(draft, actor, scope=OptOutRequest.REPOSITORIES)
        draft.repositories.exclude(name_folded__in=chosen).delete()
        there = set(draft.repositories.values_list("name_folded", flat=True))
        RequestedRepository.objects.bulk_create(
            [
                RequestedRepository(request=draft, name=name, name_folded=folded)
                for folded, name in chosen.items()
                if folded not in there
            ]
        )


def set_extent(
    draft: OptOutRequest,
    actor: User,
    *,
    organisation: bool | None = None,
    commits: bool | None = None,
    issues: bool | None = None,
    copies: bool | None = None,
) -> None:
    """Say what else it covers; None leaves an answer as it is.

    Args:
        draft: The draft.
        actor: Its owner.
        organisation: Whether the account is an organisation's.
        commits: Whether commits are to be kept out, should any be taken in.
        issues: Likewise issues.
        copies: Whether copies under other owners are meant, too.
    """
    answers = {"organisation": organisation, "covers_commits": commits, "covers_issues": issues, "copies": copies}
    _change(draft, actor, **{field: value for field, value in answers.items() if value is not None})


def set_message(draft: OptOutRequest, actor: User, message: str) -> None:
    """Add what the reviewers should know, or nothing."""
    message = message.replace("\x00", "").strip()
    if len(message) > LONGEST_MESSAGE:
        raise InvalidInput(f"Shorten this to {LONGEST_MESSAGE:,} characters; it has {len(message):,}.", "message")
    _change(draft, actor, message=message)


def at_once(
    actor: User, forge: str, account: str, scope: str, repositories: list[str], **extent: bool
) -> OptOutRequest:
    """A draft with all its answers, as the API takes them, in the caller's transaction.

    Raises:
        InvalidInput: An answer cannot be, or ``scope`` and ``repositories`` contradict each other.
    """
    draft = start(actor, OptOutRequest.API)
    set_account(draft, actor, account, forge)
    scope = scope or (OptOutRequest.REPOSITORIES if repositories else OptOutRequest.ACCOUNT)
    if scope == OptOutRequest.REPOSITORIES:
        if repositories or draft.scope != scope:  # the address of one repository names it
            set_repositories(draft, actor, repositories)
    elif repositories:
        raise InvalidInput("Repositories can be named with the scope “repositories” alone.", "repositories")
    else:
        set_scope(draft, actor, scope)
    set_extent(draft, actor, **extent)
    return draft


def discard(draft: OptOutRequest, actor: User) -> None:
    """Delete a draft and all that stands in it.

    Raises:
        Conflict: It was sent meanwhile.
    """
    _own(draft, actor)
    with transaction.atomic():
        audit.record(actor, "discard draft", draft)
        if not OptOutRequest.objects.filter(pk=draft.pk, state="draft").delete()[0]:
            raise Conflict("This request was sent already. You can withdraw it on its page.")


def missing_step(draft: OptOutRequest) -> str:
    """The first page of the form that has no answer yet: ``account``, ``scope``, ``repositories`` or an empty string."""
    if not draft.account:
        return "account"
    if not draft.scope:
        return "scope"
    if draft.scope == OptOutRequest.REPOSITORIES and not draft.repositories.exists():
        return "repositories"
    return ""


def _own_repository(draft: OptOutRequest, text: str) -> str:
    """The repository's name in what was typed, which may be a name, ``owner/name`` or an address."""
    try:
        if "/" not in text.strip().strip("/"):
            return names.repository_name(text, "more")
        named = names.read(text)
    except InvalidInput as error:
        raise InvalidInput(f"“{text.strip()[:80]}”: {error}", "more") from error
    theirs = named.account.casefold() != draft.account.casefold() or (named.forge or draft.forge) != draft.forge
    if named.repository is None or theirs:
        raise InvalidInput(f"“{text.strip()[:80]}” is not a repository of {draft.account} on {draft.forge}.", "more")
    return named.repository


def _own(draft: OptOutRequest, actor: User) -> None:
    if draft.requester_id != actor.pk:
        raise PermissionDenied("This request was started by another account.")


def _change(draft: OptOutRequest, actor: User, **values: str | bool) -> None:
    _own(draft, actor)
    now = timezone.now()
    if not OptOutRequest.objects.filter(pk=draft.pk, state="draft").update(changed_at=now, **values):
        raise Conflict("This request was sent already, and can no longer be changed.")
    for field, value in {**values, "changed_at": now}.items():
        setattr(draft, field, value)
