"""An account on a forge, as its provider vouched for it at this moment, and what is kept of it: its number and its name.

allauth would keep everything that a provider tells, mail addresses and tokens among it. Here it is cut down before anything is stored.
Organisations are asked for only where a proof needs them, and live as long as the request of the browser.
"""

from dataclasses import dataclass
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter, get_adapter
from allauth.socialaccount.models import SocialAccount, SocialLogin
from allauth.socialaccount.providers.base import AuthError, ProviderException
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from core import sign_in
from core.models import User

WITH_ORGANISATIONS = "organisations"  # in the state that comes back from the provider: they are asked for
PAGES = 10  # of organisations that are read


@dataclass(frozen=True)
class Organisation:
    """One that an account owns. ``number`` is empty where the forge tells the name alone."""

    number: str
    name: str


@dataclass(frozen=True)
class ForgeAccount:
    """An account that somebody has just signed in with, or linked before.

    Attributes:
        forge: Host name.
        number: The forge's number of it.
        login: Its name.
        owns: Organisations where it has the role of an owner; empty where nobody asked.
    """

    forge: str
    number: str
    login: str
    owns: tuple[Organisation, ...] = ()

    @property
    def key(self) -> str:
        """``forge:number``."""
        return f"{self.forge}:{self.number}"


class AccountAdapter(DefaultAccountAdapter):
    """Local accounts are this site's own pages; allauth sends no mail about them."""

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Nothing."""

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        """An account that was closed stays so, whoever vouches for its owner."""
        messages.error(request, "This account was closed. Ask the staff of this site.")
        return redirect("core:sign-in")


class ForgeAdapter(DefaultSocialAccountAdapter):
    """Keeps number and name of an account, and nothing else."""

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, Any]) -> User:
        """The first hook that allauth offers once a provider has answered."""
        told = sociallogin.account.extra_data
        sociallogin.told = told
        login = str(_claims(told).get(_login_claim(sociallogin.account.provider)) or data.get("username") or "")
        sociallogin.account.extra_data = {"login": login}
        sociallogin.email_addresses = []
        sociallogin.phone = None
        user = sociallogin.user
        user.username, user.email, user.first_name, user.last_name = login[:150], "", "", ""
        return user

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Look at the organisations where they are asked for; then the token is forgotten."""
        data = sociallogin.state.get("data") or {}
        provider = sign_in.by_id(sociallogin.account.provider)
        if provider is None:
            raise ProviderException("This provider is not configured any more.")
        owns = _owned(provider, sociallogin) if data.get(WITH_ORGANISATIONS) else ()
        sociallogin.token = None
        sociallogin.forge_account = ForgeAccount(
            provider.forge, sociallogin.account.uid, sociallogin.account.extra_data["login"], owns
        )

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, exception: Any = None, extra_context: Any = None
    ) -> None:
        """Who said no at the forge comes back to where they left from; other failures have a page."""
        state = (extra_context or {}).get("state") or {}
        if error == AuthError.CANCELLED:
            messages.info(request, "You did not sign in there, so nothing has changed.")
            raise ImmediateHttpResponse(redirect(state.get("next") or "core:sign-in"))

    def get_signup_form_initial_data(self, sociallogin: SocialLogin) -> dict[str, str]:
        """The name there, as a suggestion for the name here."""
        return {"username": sociallogin.user.username}


def linked(user: User) -> list[tuple[SocialAccount, ForgeAccount]]:
    """The accounts that a person has linked, of providers that are configured."""
    found = []
    for account in SocialAccount.objects.filter(user=user).order_by("pk"):
        provider = sign_in.by_id(account.provider)
        if provider is not None:
            found.append((account, ForgeAccount(provider.forge, account.uid, account.extra_data.get("login", ""))))
    return found


def _claims(told: dict[str, Any]) -> dict[str, Any]:
    """What an OIDC provider says of the person; other providers' answers as they are.

    Raises:
        ProviderException: Its two answers are about two people (OpenID Connect Core 1.0, section 5.3.2).
    """
    userinfo, token = told.get("userinfo"), told.get("id_token")
    if isinstance(userinfo, dict) and isinstance(token, dict) and userinfo.get("sub") != token.get("sub"):
        raise ProviderException("The provider's answers are about two different accounts.")
    claims = userinfo or token or told
    return claims if isinstance(claims, dict) else {}


def _login_claim(provider_id: str) -> str:
    provider = sign_in.by_id(provider_id)
    if provider is None or provider.kind == "oidc":
        return provider.login_claim if provider else "preferred_username"
    return "login" if provider.kind == "github" else "username"


def _owned(provider: sign_in.Provider, sociallogin: SocialLogin) -> tuple[Organisation, ...]:
    if provider.kind == "oidc":
        named = _claims(sociallogin.told).get(provider.owner_claim) if provider.owner_claim else None
        # A single text is no list: its letters would pass for names.
        return (
            tuple(Organisation("", name) for name in named if isinstance(name, str)) if isinstance(named, list) else ()
        )
    token = sociallogin.token.token
    if provider.kind == "github":
        api = provider.api or ("https://api.github.com" if not provider.url else f"{provider.address}/api/v3")
        rows = _read_all(f"{api}/user/memberships/orgs?state=active&per_page=100", token)
        owned = [row.get("organization") or {} for row in rows if row.get("role") == "admin"]
        return tuple(Organisation(str(one.get("id", "")), str(one.get("login", ""))) for one in owned)
    api = provider.api or f"{provider.address}/api/v4"
    rows = _read_all(f"{api}/groups?owned=true&per_page=100", token)
    return tuple(Organisation(str(row.get("id", "")), str(row.get("full_path", ""))) for row in rows)


def _read_all(address: str, token: str) -> list[dict[str, Any]]:
    """The rows of a list in pages. An answer that is none is an error of the provider, which allauth shows."""
    rows: list[dict[str, Any]] = []
    with get_adapter().get_requests_session() as session:
        for page in range(1, PAGES + 1):
            answer = session.get(
                f"{address}&page={page}", headers={"Authorization": f"Bearer {token}"}, allow_redirects=False
            )
            answer.raise_for_status()
            found = answer.json()
            if not isinstance(found, list):
                raise ProviderException("The provider gave no list of organisations.")
            rows += [row for row in found if isinstance(row, dict)]
            if len(found) < 100:
                break
    return rows
