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
    coming = [state for state in states.MILESTONES if states.PATH.index(state) >= states.PATH.index(request.state)]
    if request.state in ("scheduled", "accepted"):
        coming = ["rebuilding", "removed"]
    elif request.state == "rebuilding":
        coming = ["removed"]
    for place, state in enumerate(coming):
        mark, text, by = "next", "", request.due_at if state == coming[-1] else None
        if place == 0:
            mark, text, by = "now", "" if desk else request.text.next, request.next_deadline
        steps.append(Step(mark, states.MILESTONES[state][desk], text, None, by))
    return steps
