"""“My code stays in”, as data: what a declaration rests on, what outweighs it, and for which reasons the staff may end one.

One proof is enough to declare, and whoever could give one for a day (a former maintainer, a borrowed computer) can do so. So that
nobody is locked out of their own account, a declaration is outweighed by more than it rests on, and the desk can end it.
"""

from portal.reasons import Reason

CONTESTED_PROOFS = 2
"""Different proofs of the account that a request needs to be taken while somebody else's declaration stands."""

AGAIN_AFTER = 90
"""Days for which a person cannot declare an account again, after the desk ended a declaration of theirs about it."""

_WHAT_NOW = "If this is wrong, write to the staff of this site, and say what you can show."
GROUNDS = {
    reason.code: reason
    for reason in (
        Reason(
            "outweighed",
            "Somebody else showed more",
            "Somebody else has shown with two different proofs that the account is theirs.",
            _WHAT_NOW,
        ),
        Reason(
            "disproved",
            "The declarer is not the owner",
            "What we know by now speaks against the account being yours.",
            _WHAT_NOW,
        ),
        Reason(
            "no_authority",
            "No authority over the organisation",
            "You belong to the organisation, or did, but its owners do not want you to speak for it in this.",
            "Ask an owner of the organisation to declare it.",
        ),
        Reason(
            "owner_asked",
            "The owner asked for it",
            "The owner of the account has asked us to end it, and could not do so here themselves.",
            _WHAT_NOW,
        ),
        Reason(
            "account_gone",
            "The account is gone or another's",
            "The account was deleted, or belongs to somebody else by now.",
            "Declare the account that you have now.",
        ),
        Reason("other", "Another reason", "For the reason that the reviewer gives below.", _WHAT_NOW),
    )
}
GROUND_CHOICES = [(reason.code, reason.label) for reason in GROUNDS.values()]
