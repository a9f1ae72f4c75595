"""Sending a request, and taking it back. What time does to requests: ``portal.services.clock``."""

from django.db import IntegrityError, transaction
from django.utils import timezone

from core import audit
from core.errors import Conflict, InvalidInput, PermissionDenied
from core.models import User
from datasets_app.services import masks
from portal.models import Appeal, OptOutRequest, Proof
from portal.policies import after, promises
from portal.proofs import rules
from portal.proofs.ways import is_open
from portal.services import accounts, drafts, notices, staying
from portal.services.timeline import moment, note
from portal.services.verification import issue_challenge
from portal.states import OPT_OUT, UNDER_WAY


class AlreadyAsked(Conflict):
    """The same person has the same request under way.

    Attributes:
        request: That request.
    """

    def __init__(self, request: OptOutRequest) -> None:
        super().__init__(f"You have sent this request already: {request.reference}. It is under way.")
        self.request = request


def submit(draft: OptOutRequest, actor: User, *, contest: bool = False) -> OptOutRequest:
    """Send a draft: it gets its receipt, its clock and, where one can be looked for, its challenge. Sent again, nothing more happens.

    Args:
        draft: A complete one.
        actor: Who began it.
        contest: Send it even though somebody else has declared that the account stays in. It needs two proofs then, and a
            reviewer's word on the declaration.

    Raises:
        PermissionDenied: It is another account's.
        InvalidInput: A page of the form has no answer; ``field`` is the page's name.
        AlreadyAsked: The same request of the same person is under way.
        Declared: Somebody else has declared that the account stays in, and the request does not contest that.
    """
    if draft.requester_id != actor.pk:
        raise PermissionDenied("This request was started by another account.")
    with transaction.atomic():
        request = OptOutRequest.objects.select_for_update(of=("self",)).get(pk=draft.pk)
        if request.state != "draft":
            return request
        if step := drafts.missing_step(request):
            raise InvalidInput("The request is not complete yet.", step)
        now = timezone.now()
        request.owner_key = accounts.key_of(request.forge, request.account)
        declared = staying.of_another(actor, request.owner_key)
        if declared is not None and not contest:
            raise staying.Declared()
        mark = accounts.fingerprint_of(request)
        same = OptOutRequest.objects.filter(requester=actor, fingerprint=mark, state__in=UNDER_WAY).first()
        if same is not None:
            raise AlreadyAsked(same)
        try:
            with transaction.atomic():
                OPT_OUT.move_or_raise(
                    request,
                    "submitted",
                    owner_key=request.owner_key,
                    fingerprint=mark,
                    contests=declared,
                    submitted_at=now,
                    due_at=after(now, promises().answer),
                    changed_at=now,
                )
        except IntegrityError:  # the same, sent from two drafts at once
            raise AlreadyAsked(
                OptOutRequest.objects.get(requester=actor, fingerprint=mark, state__in=UNDER_WAY)
            ) from None
        if request.scope != OptOutRequest.REPOSITORIES:
            request.repositories.all().delete()
        note(request, "submitted", actor)
        OPT_OUT.move_or_raise(request, "verifying")
        note(request, "verifying")
        if rules.strength(request, Proof.CHALLENGE_FILE) and is_open(request, Proof.CHALLENGE_FILE):
            issue_challenge(request, actor)
        audit.record(actor, "send request", request, scope=request.scope)
        notices.tell(request, "submitted", due=request.due_at)
    return request


def send_at_once(
    actor: User,
    *,
    forge: str,
    account: str,
    repositories: list[str],
    message: str = "",
    scope: str = "",
    contest: bool = False,
    **extent: bool,
) -> OptOutRequest:
    """Make a request from all its answers and send it, without touching a draft that the person may have.

    Args:
        actor: Who asks.
        forge: Where the account is; may be empty where ``account`` is an address.
        account: Its name or address.
        repositories: Names of repositories.
        message: For the reviewers.
        scope: As in ``OptOutRequest.SCOPES``; where empty, ``repositories`` if there are any, else the whole account.
        contest: As for :func:`submit`.
        extent: As for :func:`portal.services.drafts.set_extent`.

    Raises:
        InvalidInput: An answer cannot be.
        As :func:`submit`.
    """
    with transaction.atomic():
        draft = drafts.at_once(actor, forge, account, scope, repositories, **extent)
        drafts.set_message(draft, actor, message)
        return submit(draft, actor, contest=contest)


def withdraw(request: OptOutRequest, actor: User) -> None:
    """Take a request back that is not accepted yet. What it hid is shown again, unless another request hides it too.

    Raises:
        PermissionDenied: It is another account's.
        InvalidTransition: It was decided, or has ended.
    """
    if request.requester_id != actor.pk:
        raise PermissionDenied("Only the person who sent a request can withdraw it.")
    with transaction.atomic():
        now = moment(request)
        OPT_OUT.move_or_raise(request, "withdrawn", ended_at=now, asked_at=None)
        request.appeals.filter(state=Appeal.OPEN).update(state=Appeal.DROPPED, decided_at=now)
        masks.unmask(actor, request.reference)
        note(request, "withdrawn", actor)
        audit.record(actor, "withdraw request", request)
