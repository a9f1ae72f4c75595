"""Signing in through forges: which providers this site knows, from one setting, and how allauth is told of them.

``FAIRSTACK_SIGN_IN`` is a JSON object from the host of a forge to its provider::

    {"github.com": {"kind": "github", "client_id": "…", "secret": "…"},
     "code.example.org": {"kind": "oidc", "url": "https://code.example.org", "client_id": "…", "secret": "…"}}

docs/proofs.md describes every key. With no provider there is no button.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponseBase

KINDS = {"github": "https://github.com", "gitlab": "https://gitlab.com", "oidc": ""}


@dataclass(frozen=True)
class Provider:
    """One forge where people can sign in.

    Attributes:
        forge: Its host, such as ``github.com``: accounts that it vouches for are accounts there.
        kind: ``github``, ``gitlab`` or ``oidc``.
        client_id: As the forge gave it to this site.
        secret: Likewise.
        url: Its address; for ``oidc`` the issuer.
        name: On buttons.
        id_claim: Of OIDC: the claim with the account's number.
        login_claim: Of OIDC: the claim with its name.
        owner_claim: Of OIDC: the claim that lists the organisations that the account owns; empty where there is none.
        scope: Asked of an OIDC provider.
        owner_scope: Asked beside it where an organisation is to be proven.
        api: Where its API answers; found from ``url`` where empty.
        origins: Further origins that a browser passes through on its way to sign in there.
    """

    forge: str
    kind: str
    client_id: str
    secret: str
    url: str = ""
    name: str = ""
    id_claim: str = "sub"
    login_claim: str = "preferred_username"
    owner_claim: str = ""
    scope: str = "openid profile"
    owner_scope: str = ""
    api: str = ""
    origins: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ImproperlyConfigured(f"FAIRSTACK_SIGN_IN: {self.forge} is none of {', '.join(KINDS)}.")
        if not self.client_id or not self.secret:
            raise ImproperlyConfigured(f"FAIRSTACK_SIGN_IN: {self.forge} needs client_id and secret.")
        if urlsplit(self.address).scheme not in ("https", "http"):
            raise ImproperlyConfigured(f"FAIRSTACK_SIGN_IN: {self.forge} needs a url that begins with https://.")

    @property
    def address(self) -> str:
        """Where it answers."""
        return (self.url or KINDS[self.kind]).rstrip("/")

    @property
    def label(self) -> str:
        """Its name on buttons."""
        return self.name or {"github": "GitHub", "gitlab": "GitLab"}.get(self.kind, self.forge)

    @property
    def id(self) -> str:
        """As allauth knows it."""
        return self.forge if self.kind == "oidc" else self.kind

    @property
    def tells_organisations(self) -> bool:
        """Whether it says which organisations an account owns."""
        return self.kind != "oidc" or bool(self.owner_claim)

    def scopes(self, *, organisations: bool) -> list[str]:
        """What is asked for: nothing but the identity, and where an organisation is concerned the right to read memberships."""
        plain = {"github": "", "gitlab": "read_user", "oidc": self.scope}[self.kind]
        more = self.owner_scope or {"github": "read:org", "gitlab": "read_api"}.get(self.kind, "")
        return f"{plain} {more if organisations else ''}".split()


def parse(raw: str) -> dict[str, Provider]:
    """The setting's text as providers, by forge.

    Raises:
        ImproperlyConfigured: It is not as described.
    """
    try:
        table = json.loads(raw or "{}")
    except json.JSONDecodeError as error:
        raise ImproperlyConfigured(f"FAIRSTACK_SIGN_IN is not JSON: {error}.") from None
    if not isinstance(table, dict) or not all(isinstance(entry, dict) for entry in table.values()):
        raise ImproperlyConfigured("FAIRSTACK_SIGN_IN must be a JSON object from forges to objects.")
    known = {field.name for field in fields(Provider)} - {"forge"}
    found = {}
    for forge, entry in table.items():
        if wrong := [key for key, value in entry.items() if key not in known or not isinstance(value, str)]:
            raise ImproperlyConfigured(
                f"FAIRSTACK_SIGN_IN: {forge} has {', '.join(wrong)}, which is no text that we know."
            )
        if lacking := {"kind", "client_id", "secret"} - entry.keys():
            raise ImproperlyConfigured(f"FAIRSTACK_SIGN_IN: {forge} lacks {', '.join(sorted(lacking))}.")
        found[forge.lower()] = Provider(forge=forge.lower(), **entry)
    single = [provider.kind for provider in found.values() if provider.kind != "oidc"]
    if len(single) != len(set(single)):
        raise ImproperlyConfigured("FAIRSTACK_SIGN_IN: there can be one github and one gitlab; make the others oidc.")
    return found


def for_allauth(providers: dict[str, Provider]) -> dict[str, Any]:
    """The same as allauth's ``SOCIALACCOUNT_PROVIDERS``."""
    configured: dict[str, Any] = {}
    for provider in providers.values():
        app: dict[str, Any] = {"client_id": provider.client_id, "secret": provider.secret, "name": provider.label}
        scopes = provider.scopes(organisations=False)
        if provider.kind == "oidc":
            app |= {
                "provider_id": provider.id,
                "settings": {
                    "server_url": provider.address,
                    "uid_field": provider.id_claim,
                    "scope": scopes,
                    "oauth_pkce_enabled": True,
                },
            }
            configured.setdefault("openid_connect", {"APPS": []})["APPS"].append(app)
        else:
            app["settings"] = {"scope": scopes, "oauth_pkce_enabled": True}
            configured[provider.kind] = {"APPS": [app]}
            if provider.url:
                configured[provider.kind][f"{provider.kind.upper()}_URL"] = provider.address
    return configured


def providers() -> dict[str, Provider]:
    """Those in force, by forge."""
    return dict(settings.FAIRSTACK_SIGN_IN)


def by_id(provider_id: str) -> Provider | None:
    """The provider that allauth knows under this id; None where it is configured no more."""
    return next((provider for provider in providers().values() if provider.id == provider_id), None)


def origins() -> list[str]:
    """Where a form may lead, beside this site: browsers hold the redirect that follows a form to ``form-action``, too."""
    found: list[str] = []
    for provider in providers().values():
        parts = urlsplit(provider.address)
        found += [f"{parts.scheme}://{parts.netloc}", *provider.origins.split()]
    return sorted(set(found))


View = Callable[..., HttpResponseBase]


def leads_to_providers(view: View) -> View:
    """Let the forms of a page lead to the providers. All other pages keep ``form-action 'self'``."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        if allowed := origins():
            response._csp_update = {"form-action": allowed}  # type: ignore[attr-defined]
        return response

    return wrapped
