"""The states of an opt-out request as data: what may follow what, and by when. Their texts stand in ``portal.wording``."""

from datetime import datetime
from typing import TYPE_CHECKING

from core.errors import InvalidTransition
from core.states import Machine
from portal.policies import after, promises
from portal.wording import EVENTS, LOGGED, MILESTONES, TEXTS, StateText

if TYPE_CHECKING:
    from portal.models import OptOutRequest

__all__ = ["EVENTS", "LOGGED", "MILESTONES", "OPT_OUT", "TEXTS", "StateText", "deadline"]

OPT_OUT = Machine(
    "The request",
    {
        "draft": frozenset({"submitted"}),  # one that is given up or forgotten is deleted
        "submitted": frozenset({"verifying", "withdrawn", "expired"}),
        "verifying": frozenset({"triage", "needs_info", "rejected", "withdrawn", "expired"}),
        # Back to where the question was asked: an unproven one to its proof, a proven one to the reviewers.
        "needs_info": frozenset({"verifying", "triage", "objection", "rejected", "withdrawn", "expired"}),
        # The window opens by itself where a request needs one, and leads back to the reviewers when it ends.
        "triage": frozenset({"objection", "accepted", "partial", "rejected", "needs_info", "withdrawn"}),
        "objection": frozenset({"triage", "needs_info", "rejected", "withdrawn"}),
        "accepted": frozenset({"scheduled"}),
        "partial": frozenset({"scheduled"}),
        "scheduled": frozenset({"rebuilding", "restored"}),
        "rebuilding": frozenset({"removed", "restored"}),
        # A leftover that is found later sends a request back to be erased again.
        "removed": frozenset({"receipted", "rebuilding", "restored"}),
        "receipted": frozenset({"closed", "rebuilding", "restored"}),
        "closed": frozenset(),
        "rejected": frozenset({"appeal"}),
        "appeal": frozenset({"verifying", "accepted", "partial", "rejected", "withdrawn"}),
        "withdrawn": frozenset(),
        "expired": frozenset(),
        "restored": frozenset(),
    },
)
UNDER_WAY = (
    "submitted", "verifying", "needs_info", "triage", "objection", "appeal", "accepted", "partial", "scheduled", "rebuilding",
)  # fmt: skip
ENDED = ("removed", "receipted", "closed", "rejected", "withdrawn", "expired", "restored")
FINAL = (
    "closed",
    "rejected",
    "withdrawn",
    "expired",
    "restored",
)  # ended_at is set; personal data goes some time after
UNDECIDED = ("submitted", "verifying", "needs_info", "triage", "objection", "appeal")
# The owner sees what releases hold, where the request is verified.
SHOWN = (
    "needs_info", "triage", "objection", "appeal", "accepted", "partial", "scheduled", "rebuilding", "removed", "receipted",
    "closed", "restored",
)  # fmt: skip
ACCEPTED = ("accepted", "partial", "scheduled", "rebuilding", "removed", "receipted", "closed")
DONE = ("removed", "receipted", "closed")
LABELS = {state: text.label for state, text in TEXTS.items()}
CHOICES = [(state, text.label) for state, text in TEXTS.items()]


def words_of(error: Exception) -> str:
    """A refusal for people: states by their labels."""
    if isinstance(error, InvalidTransition):
        state, to = (LABELS.get(name, name) for name in (error.state, error.to))
        return f"{OPT_OUT.name} is “{state}” and cannot become “{to}”."
    return str(error)


def deadline(state: str, request: "OptOutRequest") -> datetime | None:
    """By when what ``state`` waits for is due: by our promise, and never after the legal clock while it is under way."""
    promised = promises()
    start, days = {
        "draft": (request.changed_at, promised.draft),
        "submitted": (request.submitted_at, promised.prove),
        "verifying": (request.weighed_from or request.submitted_at, promised.prove),  # an appeal gives the time anew
        "needs_info": (request.asked_at, promised.inform),
        "triage": (request.weighed_from or request.verified_at, promised.triage),
        "objection": (request.objection_until, 0),
        "appeal": (request.appealed_at, promised.appeal),
        "accepted": (request.decided_at, promised.rebuild),
        "partial": (request.decided_at, promised.rebuild),
        "scheduled": (request.decided_at, promised.rebuild),
        "rebuilding": (request.decided_at, promised.rebuild),
        "removed": (request.removed_at, promised.undo),
        "receipted": (request.removed_at, promised.undo),
    }.get(state, (None, 0))
    if start is None:
        return None
    by = after(start, days)
    return min(by, request.due_at) if request.due_at and state in UNDER_WAY else by
