"""What people read in a notice and its mail. No title names an account: a subject line travels in the open."""

from dataclasses import dataclass


@dataclass(frozen=True)
class NoticeText:
    """A kind of notice.

    Attributes:
        title: A line; ``{reference}`` and the notice's facts may stand in it.
        words: What happened and what to do.
        mail: Whether it also goes by mail.
        page: The page that it leads to: a name of one of the portal's addresses.
    """

    title: str
    words: str
    mail: bool = True
    page: str = "request"


# For the requester.
TEXTS = {
    "submitted": NoticeText(
        "We received your request {reference}",
        "The legal clock runs until {due}. Next, show us that the account is yours.",
        page="proof",
    ),
    "verified": NoticeText(
        "Your request {reference} is verified",
        "You showed that the account is yours. Your code is hidden on the site now, and a reviewer will decide.",
    ),
    "proof_soon": NoticeText(
        "Your request {reference} still waits for your proof",
        "If no proof comes by {by}, the request expires. Nothing is hidden until you prove that the account is yours.",
        page="proof",
    ),
    "expired": NoticeText(
        "Your request {reference} has expired",
        "Nothing came from you in time. You can send a new request at any time.",
    ),
    "needs_info": NoticeText(
        "A reviewer has a question about your request {reference}",
        "Please answer by {by}. The question is on the page of the request.",
    ),
    "answer_soon": NoticeText(
        "A question about your request {reference} still waits for your answer",
        "Please answer by {by}.",
    ),
    "unanswered": NoticeText(
        "The time to answer a question about your request {reference} is over",
        "The reviewers decide with what they have. You can still write to us.",
    ),
    "objection_window": NoticeText(
        "Others can object to your request {reference} until {by}",
        "It also touches an organisation, or copies under other accounts. Your code is hidden meanwhile.",
    ),
    "objected": NoticeText(
        "Somebody objected to your request {reference}",
        "A reviewer weighs what was said. You need not do anything.",
    ),
    "objection_upheld": NoticeText(
        "An objection to your request {reference} was upheld",
        "The page of the request says what that means and what you can do.",
    ),
    "objection_dismissed": NoticeText(
        "An objection to your request {reference} was dismissed",
        "The request goes on.",
    ),
    "accepted": NoticeText(
        "Your request {reference} was accepted",
        "It is on the block-list. A release without your code follows by {by}.",
    ),
    "partial": NoticeText(
        "Your request {reference} was accepted in part",
        "The page of the request says what was accepted, what was not, and why.",
    ),
    "rejected": NoticeText(
        "Your request {reference} was rejected",
        "The reason is on the page of the request. You can appeal to another reviewer until {by}.",
    ),
    "rejected_again": NoticeText(
        "Your appeal in the matter of {reference} was denied",
        "Another reviewer came to the same end. The reason is on the page of the request.",
    ),
    "appeal_granted": NoticeText(
        "Your appeal in the matter of {reference} was granted",
        "The page of the request says what happens next.",
    ),
    "extended": NoticeText(
        "We need more time for your request {reference}",
        "We will be done by {due}. The reason is on the page of the request.",
    ),
    "late": NoticeText(
        "We are late with your request {reference}",
        "We promised the next step by {by}. The staff were told. If you wait any longer, write to {contact}.",
    ),
    "removed": NoticeText(
        "Your code was removed: {reference}",
        "It is gone from the published releases and from what we keep, and the published bytes were read again. "
        "Until {by} you can undo this.",
    ),
    "receipted": NoticeText(
        "Your receipt for {reference} is ready",
        "Download it and keep it. You can check it without trusting us.",
    ),
    "leftover": NoticeText(
        "The check for {reference} found something left",
        "It is erased again, and we tell you when that is done.",
    ),
    "undo_soon": NoticeText(
        "Until {by} you can undo the removal of {reference}",
        "After that the encrypted copy is destroyed, and the request is closed. If you want nothing back, do nothing.",
    ),
    "restored": NoticeText(
        "The removal of {reference} was undone",
        "What it took out may be held again.",
    ),
    "closed": NoticeText(
        "Your request {reference} is closed",
        "Your code stays out. Your name and what you wrote to us are erased on {by}: download your receipt before.",
    ),
    "erase_soon": NoticeText(
        "Your data in the matter of {reference} is erased on {by}",
        "Download what you want to keep before that. Your code stays out all the same.",
    ),
    "erased": NoticeText(
        "Your data in the matter of an old request was erased",
        "What you told us with it is gone, and so is this site's link between the request and you. Your code stays out.",
        page="requests",
    ),
    "stay_ended": NoticeText(
        "A declaration of yours that an account stays in was ended",
        "A reviewer ended it, for a reason that stands on the page behind this notice. Nothing of yours was removed by that.",
        page="stay",
    ),
    "about_your_account": NoticeText(
        "Somebody asks for the removal of code that is yours or of an account of yours",
        "If it was not you, or if you do not agree, you can object on the page behind this notice{until}.",
        page="object",
    ),
}

# For the staff. Mail only where time runs out or something is wrong.
STAFF = {
    "to_decide": NoticeText("{reference} waits for a decision", "It is verified. Decide by {by}.", mail=False),
    "answered": NoticeText("{reference}: the requester answered", "It is with the reviewers again.", mail=False),
    "unanswered": NoticeText("{reference}: no answer came", "Decide with what there is.", mail=False),
    "objected": NoticeText("{reference}: an objection came in", "Weigh it before you decide.", mail=False),
    "objected_late": NoticeText(
        "{reference}: an objection came after the decision",
        "A reviewer who did not take the decision weighs it. Upheld within the time to undo, it undoes the removal.",
    ),
    "window_over": NoticeText("{reference}: the time to object is over", "It waits for a decision.", mail=False),
    "second_needed": NoticeText(
        "{reference} needs a second reviewer", "A first one approved it. Another has to agree.", mail=False
    ),
    "appeal": NoticeText("{reference}: an appeal", "Another reviewer than the first has to decide by {by}."),
    "due_soon": NoticeText("{reference} is due by {by}", "What it waits for is our turn."),
    "late": NoticeText("{reference} is late", "The promise was {by}."),
    "many_late": NoticeText("{count} requests are due or late", "The queue of the desk shows them first.", page="desk"),
    "legal_clock": NoticeText(
        "{reference}: the legal clock ends on {due}", "Finish it, or extend the time with notice and a reason."
    ),
    "leftover": NoticeText("{reference}: the check found a leftover", "It was sent back to be erased again."),
    "restored": NoticeText("{reference} was restored", "The removal was undone.", mail=False),
    "upheld_late": NoticeText(
        "{reference}: an objection was upheld after the decision",
        "Its removal could not be undone by itself: look at it.",
    ),
    "mails_fail": NoticeText("Mails cannot be sent", "{count} mails wait or were given up.", mail=False, page="desk"),
}
