"""A reviewer's decision: accept, accept in part, reject."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from core import audit, ledger
from core.errors import Conflict, InvalidInput
from core.models import User
from core.permissions import require, row
from datasets_app.services import masks
from portal import exposure
from portal.models import Appeal, Decision, OptOutRequest, RequestedRepository, TargetDecision
from portal.policies import after, promises
from portal.reasons import REASONS
from portal.services import arrival, contesting, copies, notices, removal, targets
from portal.services.accounts import targets_of
from portal.services.reviewing import REVIEW, first_approval, locked, may_be_decided, may_be_granted, needs_two
from portal.services.timeline import moment, note
from portal.states import OPT_OUT
from portal.texts import LONGEST, written

LONGEST_REASON = LONGEST  # characters


@dataclass(frozen=True)
class Refused:
    """Why one repository of a request is not granted."""

    code: str
    text: str = ""


def accept(request: OptOutRequest, actor: User, remark: str = "") -> bool:
    """Grant a verified request: it enters the block-list and the ledger, and the next release is built without the content.

    A build that is running has read the block-list already: what it makes cannot be published while it holds this content, and
    the next build leaves it out.

    Args:
        request: With the reviewers, or under appeal.
        actor: The reviewer.
        remark: For the desk alone.

    Returns:
        Whether it is accepted now; False where it covers so many files that a second reviewer has to agree.

    Raises:
        PermissionDenied: The actor may not review, or not this one.
        InvalidTransition: It is not with the reviewers: not verified yet, or decided already.
        Conflict: Something has to be done first.
    """
    copies.refresh(request, actor)
    with transaction.atomic():
        return _grant(locked(request, actor), actor, remark, {})


def accept_part(request: OptOutRequest, actor: User, refused: Mapping[str, Refused], remark: str = "") -> bool:
    """Grant a request but for some repositories, each with its reason. A whole account becomes the repositories that we hold of it.

    Args:
        request: As in :func:`accept`.
        actor: The reviewer.
        refused: By the names of repositories, in any case.
        remark: For the desk alone.

    Raises:
        InvalidInput: Nothing is refused, nothing is left, a name is not in the request, or a reason is missing.
        As :func:`accept`.
    """
    copies.refresh(request, actor)
    with transaction.atomic():
        request = locked(request, actor)
        if request.state not in ("triage", "appeal"):
            may_be_decided(request, actor, "partial")
        names = parts_of(request)
        chosen: dict[str, Refused] = {}
        for name, why in refused.items():
            if name.casefold() not in names:
                raise InvalidInput(f"“{name[:80]}” is not one of the repositories of this request.", "refused")
            _reason(why.code)
            chosen[name.casefold()] = Refused(why.code, written(why.text, "refused"))
        if not chosen:
            raise InvalidInput("Choose at least one repository that is not granted, or accept all of it.", "refused")
        if len(chosen) == len(names):
            raise InvalidInput("Nothing would be left. Reject the request instead.", "refused")
        return _grant(request, actor, remark, chosen)


def reject(request: OptOutRequest, actor: User, reason: str, code: str = "other") -> None:
    """Turn a request down, verified or not, with a reason that the requester reads. What it hid is shown again.

    Under appeal it is the end of it, and only for a reviewer who did not decide before.

    Raises:
        PermissionDenied: The actor may not review, or not this one.
        InvalidInput: There is no reason, it is too long, or there is no such code.
        InvalidTransition: It was decided already, or has ended.
    """
    require(actor, REVIEW)
    reason = written(reason, "reason", missing="Give the reason: the requester will read it.")
    _reason(code)
    with transaction.atomic():
        request = locked(request, actor)
        may_be_decided(request, actor, "rejected")
        appealed = request.state == "appeal"
        now = moment(request)
        decision = Decision.objects.create(
            request=request, kind=Decision.REJECT, at=now, by=row(actor), code=code, text=reason, on_appeal=appealed
        )
        OPT_OUT.move_or_raise(
            request,
            "rejected",
            decided_at=now,
            ended_at=now,
            decided_by=row(actor),
            decision_code=code,
            decision_note=reason,
            asked_at=None,
        )
        masks.unmask(actor, request.reference)
        note(request, "rejected", actor)
        if appealed:
            _end_appeal(request, Appeal.DENIED, actor, now)
        audit.record(actor, "reject request", request, code=code, decision=decision.pk)
        if appealed:
            notices.tell(request, "rejected_again")
        else:
            notices.tell(request, "rejected", by=after(now, promises().may_appeal))


def parts_of(request: OptOutRequest) -> dict[str, str]:
    """The repositories that can be granted or not, one by one: folded name to name."""
    if request.scope != OptOutRequest.ACCOUNT:
        return {one.name_folded: one.name for one in request.repositories.all()}
    owners = [owner for owner, _ in targets_of(request)]
    return {one.name_folded: one.name for owner in owners for one in owner.repositories.all()}


def _grant(request: OptOutRequest, actor: User, remark: str, refused: Mapping[str, Refused]) -> bool:
    """In the caller's transaction, which holds the row."""
    to = "partial" if refused else "accepted"
    may_be_decided(request, actor, to)
    may_be_granted(request, whole=not refused)
    contesting.must_not_stand(request)
    remark = written(remark, "remark")
    now, appealed = moment(request), request.state == "appeal"
    if needs_two(request) and not _agrees(request, actor, refused):
        _keep(request, Decision.FIRST, actor, now, remark, refused, appealed)
        note(request, "first_approval", actor, remark)
        audit.record(actor, "approve request as first", request)
        notices.tell_staff("second_needed", request)
        return False
    held = [entry.to_dict() for entry in exposure.of_request(request)]
    decision = _keep(request, Decision.PARTIAL if refused else Decision.ACCEPT, actor, now, remark, refused, appealed)
    OPT_OUT.move_or_raise(
        request,
        to,
        decided_at=now,
        decided_by=row(actor),
        decision_code="",
        decision_note="",
        exposure=held,
        ended_at=None,
    )
    note(request, to, actor, remark)
    if refused:
        _narrow(request, actor, refused)
    if appealed:
        _end_appeal(request, Appeal.GRANTED, actor, now)
    _block(request, actor, now)
    audit.record(actor, "accept request", request, decision=decision.pk, refused=len(refused))
    notices.tell(request, to, by=request.next_deadline)
    removal.catch_up(request)
    return True


def _block(request: OptOutRequest, actor: User, now: datetime) -> None:
    """Onto the block-list and into the ledger."""
    position = targets.block(request, actor)
    record = ledger_record(request, now)
    entry, key = ledger.append_personal("opt-out accepted", record)
    OPT_OUT.move_or_raise(
        request,
        "scheduled",
        block_position=position,
        ledger_entry=entry,
        ledger_key=key,
        ledger_record=record,
    )
    note(request, "scheduled")


def _keep(
    request: OptOutRequest,
    kind: str,
    actor: User,
    now: datetime,
    remark: str,
    refused: Mapping[str, Refused],
    appealed: bool,
) -> Decision:
    decision = Decision.objects.create(
        request=request, kind=kind, at=now, by=row(actor), remark=remark, on_appeal=appealed
    )
    if refused:
        TargetDecision.objects.bulk_create(
            TargetDecision(
                decision=decision,
                name=name,
                granted=folded not in refused,
                code=refused[folded].code if folded in refused else "",
                text=refused[folded].text if folded in refused else "",
            )
            for folded, name in sorted(parts_of(request).items())
        )
    return decision


def _agrees(request: OptOutRequest, actor: User, refused: Mapping[str, Refused]) -> bool:
    """Whether a first reviewer approved just this. Another choice counts as a new first approval.

    Raises:
        Conflict: It was this reviewer.
    """
    first = first_approval(request)
    if first is None:
        return False
    same = {target.name.casefold() for target in first.targets.all() if not target.granted} == set(refused)
    if same and first.by_id == actor.pk:
        raise Conflict("You have approved it already. It covers many files, so another reviewer has to agree.")
    return same


def _narrow(request: OptOutRequest, actor: User, refused: Mapping[str, Refused]) -> None:
    """From here on the request is about what was granted; what was not stands with the decision."""
    granted = {folded: name for folded, name in parts_of(request).items() if folded not in refused}
    if request.scope == OptOutRequest.ACCOUNT:
        request.scope = OptOutRequest.REPOSITORIES
        request.save(update_fields=["scope"])
        RequestedRepository.objects.bulk_create(
            RequestedRepository(request=request, name=name, name_folded=folded) for folded, name in granted.items()
        )
    else:
        request.repositories.exclude(name_folded__in=granted).delete()
    masks.unmask(actor, request.reference)
    arrival.hide(request, actor)


def _end_appeal(request: OptOutRequest, state: str, actor: User, now: datetime) -> None:
    request.appeals.filter(state=Appeal.OPEN).update(state=state, decided_at=now, decided_by=row(actor))
    note(request, f"appeal_{state}", actor)
    if state == Appeal.GRANTED:
        notices.tell(request, "appeal_granted")


def _reason(code: str) -> None:
    if code not in REASONS:
        raise InvalidInput(f"There is no reason “{code[:40]}”. There are: {', '.join(REASONS)}.", "code")


def ledger_record(request: OptOutRequest, accepted_at: datetime) -> dict[str, Any]:
    """What the ledger commits to: whoever has this and the key can show what the entry means."""
    return {
        "reference": request.reference,
        "forge": request.forge,
        "account": request.account,
        "owner_key": request.owner_key,
        "scope": request.scope,
        "repositories": sorted(request.repositories.values_list("name_folded", flat=True)),
        "received_at": request.submitted_at.isoformat() if request.submitted_at else "",
        "verified_at": request.verified_at.isoformat() if request.verified_at else "",
        "proofs": sorted(set(request.proofs.filter(passed_at__isnull=False).values_list("kind", flat=True))),
        "accepted_at": accepted_at.isoformat(),
    }
