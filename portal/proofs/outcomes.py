"""What a look for the challenge file can find, and what the requester reads of it. Names no account."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """One possible answer: whether the proof passed, and the words for the requester."""

    passed: bool
    words: str


OUTCOMES = {
    "passed": Outcome(True, "The file is there and holds your challenge. You can delete it now."),
    "missing": Outcome(
        False,
        "We read the repository, and there is no file .fairstack-challenge at the top of its default branch. Check the name, and "
        "that you pushed to the default branch.",
    ),
    "not_a_file": Outcome(
        False,
        "There is something called .fairstack-challenge, but it is a link, a folder or a submodule. Make it an ordinary file.",
    ),
    "wrong_text": Outcome(
        False,
        "The file is there, but its first line is not your challenge. Copy the line from this page again, and nothing else.",
    ),
    "other_challenge": Outcome(
        False,
        "The file holds a challenge of another request, or an older one of this request. Put the line from this page into it.",
    ),
    "expired": Outcome(
        False, "The challenge had expired before we looked. Get a new one below and put it into the file."
    ),
    "empty": Outcome(False, "We reached the repository, but it has no commits."),
    "unreachable": Outcome(
        False,
        "We could not read the repository. It may be private or renamed, its name may be misspelt, or the forge may be down. "
        "Check the name, then try again.",
    ),
    "too_slow": Outcome(
        False,
        "The repository did not arrive in time. Try again later, or put the file into a smaller repository of the account.",
    ),
    "too_large": Outcome(
        False,
        "The repository is larger than what we fetch for a check. Put the file into a smaller repository of the account.",
    ),
    "out_of_scope": Outcome(
        False,
        "The repository is not one that you named in this request, so a file in it does not count. Choose one of those.",
    ),
    "ended": Outcome(False, "The request no longer waited for a proof when we looked."),
}
