"""What the check of a proof can find, and what the requester reads of it. Names no account."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """One possible answer: whether the proof passed, and the words for the requester."""

    passed: bool
    words: str


def _no(words: str) -> Outcome:
    return Outcome(False, words)


OUTCOMES = {
    "passed": Outcome(True, "Your challenge is there. You can delete it now."),
    # A file or a branch in a repository.
    "missing": _no(
        "We read the repository. There is no file .fairstack-challenge at the top of its default branch, and no branch with the "
        "challenge as its name. Check the name, and that you pushed to the default branch."
    ),
    "not_a_file": _no(
        "There is something called .fairstack-challenge, but it is a link, a folder or a submodule. Make it an ordinary file."
    ),
    "wrong_text": _no(
        "The file is there, but its first line is not your challenge. Copy the line from this page again, and nothing else."
    ),
    "other_challenge": _no(
        "The challenge there is one of another request, or an older one of this request. Put the line from this page in its place."
    ),
    "empty": _no("We reached the repository, but it has no commits."),
    "unreachable": _no(
        "We could not read the repository. It may be private or renamed, its name may be misspelt, or the forge may be down. "
        "Check the name, then try again."
    ),
    "too_slow": _no(
        "The repository did not arrive in time. Try again later, or put the file into a smaller repository of the account."
    ),
    "too_large": _no(
        "The repository is larger than what we fetch for a check. Put the file into a smaller repository of the account."
    ),
    "out_of_scope": _no(
        "The repository is not one that you named in this request, so a file in it does not count. Choose one of those."
    ),
    # Whose account it is.
    "newcomer": _no(
        "The name belongs to another account now than the one whose code we hold, so what is found under it does not count. If you "
        "were renamed, use the account's present name. If the old account was yours, write to the reviewers."
    ),
    "account_gone": _no(
        "The forge has no account of that name any more. Try the proof by mail to a commit author, or ask the reviewers."
    ),
    "number_unknown": _no(
        "We hold code of an account with a number, and could not find out just now whether the name still belongs to it. Try again "
        "later, or sign in with the account: that tells us its number."
    ),
    "other_account": _no(
        "That is another account than the one in this request. Sign in there with the right one, then try again."
    ),
    "not_an_owner": _no(
        "That account is not an owner of the organisation, as far as the forge tells us. Only an owner can speak for it. Some "
        "organisations must first allow this site to see their members."
    ),
    "same_account": _no("That account has spoken for this request already. The second owner has to be another person."),
    "same_person": _no("The second owner has to be another person than the one who sent the request."),
    # A signature.
    "signed": Outcome(True, "The signature is good, and its key is one that the account publishes."),
    "not_a_signature": _no(
        "That is not an SSH signature. Copy everything from “-----BEGIN SSH SIGNATURE-----” to “-----END SSH SIGNATURE-----”."
    ),
    "wrong_namespace": _no(
        "The signature was made for another purpose. Sign again with the command on this page; -n is as there."
    ),
    "wrong_message": _no(
        "The signature is not over this challenge: the text was changed, or it is a signature for another request or an older "
        "challenge. Sign the line from this page again."
    ),
    "other_key": _no(
        "The key of the signature is not one that the account publishes now. Add it to the account, or sign with one that is there."
    ),
    "no_keys": _no("The account publishes no SSH key. Add one to the account, or choose another proof."),
    "keys_unreachable": _no(
        "We could not fetch the published keys of the account. Try again later, or choose another proof."
    ),
    # A record of the domain.
    "found": Outcome(True, "The record is there. You can delete it now."),
    "dns_missing": _no(
        "There is no such TXT record yet. New records can take an hour to be seen. Check the name, then try again."
    ),
    "dns_wrong": _no(
        "There is a TXT record of that name, but it does not hold your challenge. Copy the line from this page again."
    ),
    "dns_timeout": _no("The name servers of the domain did not answer in time. Try again later."),
    "dns_failed": _no("The name servers of the domain answered with an error. Check the zone, then try again."),
    "unlinked": _no(
        "The record is right. But the account does not name this domain as its website, so a reviewer has to confirm that they "
        "belong together. You can help: put the domain into the account's profile, then check again."
    ),
    # Mail to an author.
    "asked": _no(
        "If that address stands in commits that we hold, a mail with a code is on its way to it. It can take some minutes. "
        "Enter the code below."
    ),
    "confirmed": Outcome(True, "The code is right. What was written under that address counts as yours."),
    "wrong_code": _no("That code is wrong, was used already, or has expired. Check it, or ask for a new one."),
    # All of them.
    "signed_in": Outcome(True, "You signed in with the account."),
    "co_signed": Outcome(True, "A second owner confirmed the request."),
    "linked_too_old": _no("You linked that account too long ago. Sign in with it once more."),
    "expired": _no(
        "The challenge had expired before we looked. Get a new one below and put it in the old one's place."
    ),
    "other_request": _no(
        "The request was changed after this proof was begun, so the proof does not count for it. Begin it again."
    ),
    "used": _no("This proof was used already. Each one counts once, for one request."),
    "ended": _no("The request no longer waited for a proof when we looked."),
}

# What is said while a look is under way, by kind of proof.
LOOKING = {
    "challenge_file": "We are looking for the file now.",
    "ssh_signature": "We are checking the signature now.",
    "dns_record": "We are asking the name servers now.",
    "author_mail": OUTCOMES["asked"].words,
}
