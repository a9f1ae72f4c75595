"""The states of an opt-out request as data: what may follow what, and what each means for the person who waits."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from core.states import Machine
from portal.policies import after, promises

if TYPE_CHECKING:
    from portal.models import OptOutRequest

OPT_OUT = Machine(
    "The request",
    {
        "draft": frozenset({"submitted"}),  # one that is given up or forgotten is deleted
        "submitted": frozenset({"verifying", "withdrawn", "expired"}),
        "verifying": frozenset({"triage", "rejected", "withdrawn", "expired"}),
        "triage": frozenset({"accepted", "rejected", "withdrawn"}),
        "accepted": frozenset({"scheduled"}),
        "scheduled": frozenset({"rebuilding"}),
        "rebuilding": frozenset({"removed"}),
        "removed": frozenset({"closed"}),
        "closed": frozenset(),
        "rejected": frozenset(),
        "withdrawn": frozenset(),
        "expired": frozenset(),
    },
)
# The road from sending to the end, as the timeline shows it.
PATH = ("submitted", "verifying", "triage", "accepted", "scheduled", "rebuilding", "removed", "closed")
UNDER_WAY = ("submitted", "verifying", "triage", "accepted", "scheduled", "rebuilding")
ENDED = ("removed", "closed", "rejected", "withdrawn", "expired")
SHOWN = ("triage", "accepted", "scheduled", "rebuilding", "removed", "closed")  # the owner sees what releases hold
ACCEPTED = ("accepted", "scheduled", "rebuilding", "removed", "closed")


@dataclass(frozen=True)
class StateText:
    """What people read of a state.

    Attributes:
        label: Its name in a badge.
        happened: One line of the timeline.
        means: What it means.
        next: What happens next, and who does it.
    """

    label: str
    happened: str
    means: str
    next: str


TEXTS = {
    "draft": StateText(
        "Draft",
        "You started the request.",
        "You have not sent this request yet. Nobody but you can see it.",
        "Finish it and send it. We keep the draft for you until then.",
    ),
    "submitted": StateText(
        "Received",
        "We received your request.",
        "We have your request.",
        "Show us that the account is yours.",
    ),
    "verifying": StateText(
        "Waiting for proof",
        "We asked you to show that the account is yours.",
        "We have your request, and wait for you to show that the account is yours.",
        "Put the challenge file into a repository and let us check it. As soon as the check passes, your code is hidden here.",
    ),
    "triage": StateText(
        "With the reviewers",
        "You showed that the account is yours. Your code is hidden on this site.",
        "The account is yours, as far as we can tell. Your code is hidden from search and pages of this site.",
        "A reviewer looks at the request and decides.",
    ),
    "accepted": StateText(
        "Accepted",
        "A reviewer accepted your request.",
        "Your request was accepted.",
        "It enters the block-list.",
    ),
    "scheduled": StateText(
        "Scheduled",
        "Your code entered the block-list: no later release takes it up.",
        "Your code is on the block-list, and stays hidden on this site.",
        "The next release is built without it. Files that were published before can be downloaded until then.",
    ),
    "rebuilding": StateText(
        "Erasing",
        "A release without your code was published.",
        "A release without your code is published. The older bytes are being erased.",
        "The older releases that hold your code are withdrawn or issued again without it, and all that is stored is read again.",
    ),
    "removed": StateText(
        "Removed",
        "Your code was removed.",
        "Your code is gone from the published releases and from what this site keeps.",
        "Nothing more to do. What we need to keep it out stays, as a keyed hash.",
    ),
    "closed": StateText(
        "Closed",
        "The request was closed.",
        "Your code was removed, and the request is closed.",
        "Nothing more to do. What we need to keep your code out stays, as a keyed hash.",
    ),
    "rejected": StateText(
        "Rejected",
        "A reviewer rejected the request.",
        "The request was rejected; the reason stands below. Nothing is hidden because of it.",
        "You can send a new request, with more to show, at any time.",
    ),
    "withdrawn": StateText(
        "Withdrawn",
        "You withdrew the request.",
        "You took the request back. Nothing is hidden because of it.",
        "You can send a new request at any time.",
    ),
    "expired": StateText(
        "Expired",
        "The request expired: no proof came in time.",
        "We waited for a proof that the account is yours, and none came in time.",
        "You can send a new request at any time.",
    ),
}
CHOICES = [(state, text.label) for state, text in TEXTS.items()]

# What else may stand in a timeline.
EVENTS = {
    "challenge": "You got a new challenge.",
    "check_failed": "We looked for the challenge file and did not find it as it should be.",
    "check_passed": "We found the challenge file.",
    "by_hand": "A reviewer verified that the account is yours.",
}

# The same events as the desk reads them.
LOGGED = {
    **{state: text.label for state, text in TEXTS.items()},
    "challenge": "A new challenge was given",
    "check_failed": "The challenge file was looked for and not found as it should be",
    "check_passed": "The challenge file was found",
    "by_hand": "Verified by hand",
}
MILESTONES = {
    "verifying": ("You show that the account is yours", "Proof by the requester"),
    "triage": ("A reviewer decides", "Decision"),
    "scheduled": ("Your code enters the block-list", "Block-list"),
    "rebuilding": ("A release without your code is published", "The next release"),
    "removed": ("The older bytes are erased and everything is read again", "Purge, and the check that follows"),
}


def deadline(state: str, request: "OptOutRequest") -> datetime | None:
    """By when what ``state`` waits for is due: by our promise, and never after the legal clock."""
    promised = promises()
    start, days = {
        "draft": (request.changed_at, promised.draft),
        "submitted": (request.submitted_at, promised.prove),
        "verifying": (request.submitted_at, promised.prove),
        "triage": (request.verified_at, promised.triage),
        "accepted": (request.decided_at, promised.rebuild),
        "scheduled": (request.decided_at, promised.rebuild),
        "rebuilding": (request.decided_at, promised.rebuild),
        "removed": (request.removed_at, promised.close),
    }.get(state, (None, 0))
    if start is None:
        return None
    by = after(start, days)
    return min(by, request.due_at) if request.due_at and state in UNDER_WAY else by
