"""The reasons for which a request, or a part of one, can be turned down. As data: the code is kept and counted, the words are read."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    """One reason.

    Attributes:
        code: What is kept, counted and given by the API.
        label: What a reviewer chooses.
        words: What the requester reads, before the reviewer's own text.
        what_now: What the requester can do.
    """

    code: str
    label: str
    words: str
    what_now: str


_APPEAL = "If you think that this is wrong, appeal: another reviewer looks at it."
REASONS = {
    reason.code: reason
    for reason in (
        Reason(
            "not_owner",
            "Not the owner's",
            "What you showed us speaks against the account being yours.",
            f"Send a new request with another proof. {_APPEAL}",
        ),
        Reason(
            "proof_weak",
            "Proof too weak for this scope",
            "What you showed us is not enough for as much as you ask for.",
            "Send a new request with a stronger proof, or for less.",
        ),
        Reason(
            "no_authority",
            "No authority over the organisation",
            "You belong to the organisation, but we could not see that you may speak for it.",
            "Ask an owner of the organisation to send the request or to co-sign it.",
        ),
        Reason(
            "others_content",
            "Content of others",
            "What you ask to remove was written by others, and they have not asked for it.",
            f"Ask for the files that you wrote alone. {_APPEAL}",
        ),
        Reason(
            "stay_in",
            "The owner wants to stay in",
            "The verified owner of the account has declared that it stays in.",
            "The owner can take that declaration back at any time.",
        ),
        Reason(
            "objection",
            "An objection was upheld",
            "Somebody who is affected objected, and we found that their reasons weigh more.",
            _APPEAL,
        ),
        Reason(
            "trivial",
            "Common content",
            "What you ask to remove is common to very many projects, such as an empty file or the text of a licence.",
            _APPEAL,
        ),
        Reason(
            "same",
            "Covered by another request",
            "Another request covers this already. Nothing is lost: that one goes on.",
            _APPEAL,
        ),
        Reason(
            "unanswered",
            "A question was not answered",
            "We asked you a question that we need an answer to, and none came.",
            "Send a new request when you can answer it.",
        ),
        Reason(
            "unfounded",
            "Manifestly unfounded or excessive",
            "The request is not meant to protect code of yours, or repeats itself without need (GDPR, Art. 12(5)).",
            _APPEAL,
        ),
        Reason("other", "Another reason", "For the reason that the reviewer gives below.", _APPEAL),
    )
}
CHOICES = [(reason.code, reason.label) for reason in REASONS.values()]
