"""A request's timeline: what happened, where it stands, what is still to come and by when."""

from dataclasses import dataclass
from datetime import datetime

from portal import states
from portal.models import OptOutRequest, RequestEvent


@dataclass(frozen=True)
class Step:
    """One line: ``mark`` is ``done``, ``now``, ``failed`` or ``next``; ``by`` is the promise for what is to come."""

    mark: str
    title: str
    text: str
    at: datetime | None = None
    by: datetime | None = None
    event: RequestEvent | None = None


ENDS_BADLY = ("rejected", "withdrawn", "expired")


def timeline(request: OptOutRequest, *, desk: bool = False) -> list[Step]:
    """The events so far, the state now, and the milestones that are still to come; worded for the requester or the desk."""
    steps = [
        Step(
            "failed" if event.kind in (*ENDS_BADLY, "check_failed") else "done",
            states.LOGGED[event.kind] if desk else event.words,
            "",
            event.at,
            event=event,
        )
        for event in request.events.select_related("actor")
    ]
    if request.state in (*states.ENDED, "draft"):
        return steps
    coming = _coming(request)
    for place, state in enumerate(coming):
        mark, text, by = "next", "", request.due_at if state == coming[-1] else None
        if place == 0:
            mark, text, by = "now", "" if desk else request.text.next, request.next_deadline
        steps.append(Step(mark, states.MILESTONES[state][desk], text, None, by))
    return steps


def _coming(request: OptOutRequest) -> list[str]:
    """The milestones that are still to come, in their order. The window for objections stands there while it is open."""
    at = {"submitted": "verifying", "needs_info": "triage", "appeal": "triage", "accepted": "rebuilding"}
    at |= {"partial": "rebuilding", "scheduled": "rebuilding", "rebuilding": "removed"}
    if request.state == "needs_info" and request.verified_at is None:
        at["needs_info"] = "verifying"
    names = list(states.MILESTONES)
    coming = names[names.index(at.get(request.state, request.state)) :]
    window = request.state == "objection" or (request.state == "verifying" and (request.organisation or request.copies))
    return [name for name in coming if name != "objection" or window]
