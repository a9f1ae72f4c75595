"""What people read of a request's states and of what happened to it."""

from dataclasses import dataclass


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
        "Finish it and send it. A draft that nobody touches for a while is deleted.",
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
        "Give us a proof. As soon as it passes, your code is hidden here.",
    ),
    "needs_info": StateText(
        "Question asked",
        "A reviewer asked you a question.",
        "A reviewer needs to know more before the request can go on.",
        "Answer the question below. What is hidden stays hidden meanwhile.",
    ),
    "triage": StateText(
        "With the reviewers",
        "The request went to the reviewers.",
        "The account is yours, as far as we can tell. Your code is hidden from search and pages of this site.",
        "A reviewer looks at the request and decides.",
    ),
    "objection": StateText(
        "Open to objections",
        "Others who are affected can object for a while.",
        "The request also touches others: an organisation, or copies under other accounts. They can object for a while. "
        "Your code is hidden meanwhile.",
        "When the time to object is over, a reviewer weighs what was said and decides.",
    ),
    "accepted": StateText(
        "Accepted",
        "A reviewer accepted your request.",
        "Your request was accepted.",
        "It enters the block-list.",
    ),
    "partial": StateText(
        "Accepted in part",
        "A reviewer accepted part of your request.",
        "Part of your request was accepted. What was not, and why, stands below.",
        "What was accepted enters the block-list.",
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
        "Your code is gone from the published releases and from what this site keeps. The published bytes were read again.",
        "We sign a receipt that you can check without trusting us.",
    ),
    "receipted": StateText(
        "Removed, with receipt",
        "Your receipt was signed.",
        "Your code is gone, and your receipt is ready.",
        "Download the receipt and keep it. You can undo the removal until the date below; then the request is closed.",
    ),
    "closed": StateText(
        "Closed",
        "The request was closed.",
        "Your code was removed, and the request is closed.",
        "Nothing more to do. What we need to keep your code out stays.",
    ),
    "rejected": StateText(
        "Rejected",
        "A reviewer rejected the request.",
        "The request was rejected; the reason stands below. Nothing is hidden because of it.",
        "For some time you can appeal to another reviewer, once. A new request with more to show is always possible.",
    ),
    "appeal": StateText(
        "Appeal",
        "You appealed against the decision.",
        "You appealed. A reviewer who did not take the first decision looks at it again.",
        "The other reviewer decides. If your account was verified, your code is hidden until then.",
    ),
    "withdrawn": StateText(
        "Withdrawn",
        "You withdrew the request.",
        "You took the request back. Nothing is hidden because of it.",
        "You can send a new request at any time.",
    ),
    "expired": StateText(
        "Expired",
        "The request expired: nothing came from you in time.",
        "We waited for a proof or an answer from you, and none came in time.",
        "You can send a new request at any time.",
    ),
    "restored": StateText(
        "Restored",
        "The removal was undone.",
        "You asked us to undo the removal, and what it took out may be held again.",
        "Nothing more to do. You can send a new request at any time.",
    ),
}

# What else may stand in a timeline: as the requester reads it, and as the desk does.
_EVENTS = {
    "challenge": ("You got a new challenge.", "A new challenge was given"),
    "check_failed": (
        "We looked for the proof and did not find it as it should be.",
        "A proof was looked for and not found as it should be",
    ),
    "check_passed": ("We found the proof.", "A proof passed"),
    "by_hand": ("A reviewer verified that the account is yours.", "Verified by hand"),
    "answered": ("You answered the reviewer's question.", "The requester answered"),
    "unanswered": (
        "No answer came in time. The reviewers decide with what they have.",
        "No answer came in time; back to the reviewers",
    ),
    "extended": ("We need more time. The new date and the reason stand below.", "The legal clock was extended"),
    "objected": ("Somebody who is affected objected.", "An objection came in"),
    "objection_upheld": ("A reviewer upheld an objection.", "An objection was upheld"),
    "objection_dismissed": ("A reviewer dismissed an objection.", "An objection was dismissed"),
    "window_over": ("The time to object is over.", "The objection window ended"),
    "first_approval": (
        "A first reviewer approved the request; a second one has to agree, because it covers many files.",
        "A first reviewer approved; a second has to agree",
    ),
    "appeal_granted": ("Another reviewer granted your appeal.", "The appeal was granted"),
    "appeal_denied": ("Another reviewer denied your appeal.", "The appeal was denied"),
    "leftover": (
        "The check after the removal found something left. It is erased again.",
        "The check found a leftover: erased again",
    ),
    "undo_asked": ("You asked us to undo the removal.", "The requester asked for an undo"),
    "bundle_destroyed": (
        "You had what was kept for an undo destroyed. The removal is final.",
        "The requester had the undo bundle destroyed",
    ),
    "late": ("A deadline passed. The staff were told.", "A deadline passed"),
    "note": ("The request was looked at.", "A note"),
}
EVENTS = {kind: texts[0] for kind, texts in _EVENTS.items()}
LOGGED = {**{state: text.label for state, text in TEXTS.items()}, **{kind: texts[1] for kind, texts in _EVENTS.items()}}

# What is still to come, for the requester and for the desk.
MILESTONES = {
    "verifying": ("You show that the account is yours", "Proof by the requester"),
    "objection": ("Others who are affected can object", "Objection window"),
    "triage": ("A reviewer decides", "Decision"),
    "scheduled": ("Your code enters the block-list", "Block-list"),
    "rebuilding": ("A release without your code is published", "The next release"),
    "removed": ("The older bytes are erased and everything is read again", "Purge, and the check that follows"),
    "receipted": ("You get a signed receipt", "Receipt"),
}
