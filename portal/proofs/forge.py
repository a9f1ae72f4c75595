"""Where the account of a request can sign in, and whether an account that did is the one that the request is about, or owns it."""

from core import sign_in
from core.forge_accounts import ForgeAccount
from portal.models import OptOutRequest
from portal.proofs import identity
from portal.proofs.found import Found


def provider_for(request: OptOutRequest) -> sign_in.Provider | None:
    """The provider where the account of a request can sign in; None where there is none, or it does not tell of organisations."""
    provider = sign_in.providers().get(request.forge)
    if provider is not None and request.organisation and not provider.tells_organisations:
        return None
    return provider


def judge(request: OptOutRequest, seen: ForgeAccount) -> Found:
    """What a sign-in shows. Numbers decide where they are known; a name counts only where no number is."""
    if seen.forge != request.forge:
        return Found("other_account")
    known = identity.number_of(request.forge, request.owner_key)
    told = {"login": seen.login, "number": seen.number}
    own = seen.number == known if known else seen.login.casefold() == request.account.casefold()
    if own:
        return Found("signed_in", account_id=seen.number, by_account=seen.key, evidence=told)
    if not request.organisation:
        return Found("newcomer" if seen.login.casefold() == request.account.casefold() else "other_account")
    for organisation in seen.owns:
        named = organisation.name.casefold() == request.account.casefold()
        if known and not organisation.number and named:
            return Found("number_unknown")
        if organisation.number == known if known else named:
            return Found(
                "signed_in",
                account_id=organisation.number,
                by_account=seen.key,
                evidence={**told, "role": "owner", "organisation": organisation.name},
            )
        if known and named:
            return Found("newcomer")
    return Found("not_an_owner")
