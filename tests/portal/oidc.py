"""A forge where people sign in: a real OpenID Connect provider on loopback, in a thread of its own."""

import json
import logging
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from django.http import HttpResponse
from django.test import Client, override_settings
from oidc_provider_mock import User, run_server_in_thread

from core import sign_in


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object, **kwargs: object) -> None:
        return None


class OidcForge:
    """Accounts are ``number: {"preferred_username": login, "groups": [...], ...}``."""

    def __init__(
        self, case: Any, accounts: dict[str, dict[str, object]], forge: str = "github.com", **entry: str
    ) -> None:
        for name in ("werkzeug", "oidc_provider_mock"):
            logging.getLogger(name).setLevel(logging.ERROR)
        manager = run_server_in_thread(user_claims=[User(sub=sub, claims=claims) for sub, claims in accounts.items()])
        server = manager.__enter__()
        case.addCleanup(manager.__exit__, None, None, None)
        self.address = f"http://localhost:{server.server_port}"
        provider = sign_in.Provider(
            forge=forge,
            kind="oidc",
            client_id="fairstack",
            secret="not a secret",
            url=self.address,
            name="The forge",
            owner_claim="groups",
            **entry,
        )
        self.provider = provider
        table = {forge: provider}
        overridden = override_settings(FAIRSTACK_SIGN_IN=table, SOCIALACCOUNT_PROVIDERS=sign_in.for_allauth(table))
        overridden.enable()
        case.addCleanup(overridden.disable)

    def tell(self, sub: str, **claims: object) -> None:
        """Change what the forge says of an account: a rename, another role."""
        request = urllib.request.Request(
            f"{self.address}/users/{sub}",
            json.dumps(claims).encode(),
            {"Content-Type": "application/json"},
            method="PUT",
        )
        urllib.request.urlopen(request, timeout=10).close()

    def authorize(self, address: str, sub: str, *, deny: bool = False) -> str:
        """Be the person at the forge who says yes (or no). Gives the path that the browser is sent back to."""
        body = urllib.parse.urlencode({"action": "deny"} if deny else {"sub": sub}).encode()
        opener = urllib.request.build_opener(NoRedirect)
        try:
            opener.open(urllib.request.Request(address, body), timeout=10)
        except urllib.error.HTTPError as answer:
            back = urllib.parse.urlsplit(answer.headers["Location"])
            state = urllib.parse.parse_qs(urllib.parse.urlsplit(address).query)["state"][0]
            query = (
                f"{back.query}&state={state}" if deny else back.query
            )  # the provider leaves it out (RFC 6749, 4.1.2.1)
            return f"{back.path}?{query}"
        raise AssertionError("the provider sent nobody back")

    def go(self, client: Client, path: str, sub: str, data: dict[str, str] | None = None, **how: bool) -> HttpResponse:
        """Press a button of ours, sign in at the forge, come back. Gives our answer to the callback."""
        left = client.post(path, data or {})
        assert left.status_code == 302 and left["Location"].startswith(self.address), left
        return client.get(self.authorize(left["Location"], sub, **how))
