"""Providers from the setting, and the organisations that an account owns, asked of loopback as the forges document it."""

import json
from types import SimpleNamespace

from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers.base import ProviderException
from django.core.exceptions import ImproperlyConfigured
from django.test import RequestFactory, SimpleTestCase
from requests import RequestException

from core import forge_accounts, sign_in
from core.forge_accounts import ForgeAdapter, Organisation
from core.models import User
from tests.portal.web_forge import WebForge

GOOD = {"kind": "github", "client_id": "a", "secret": "b"}


class TheSetting(SimpleTestCase):
    def test_none_is_no_provider(self):
        self.assertEqual((sign_in.parse(""), sign_in.for_allauth({})), ({}, {}))

    def test_what_is_wrong_stops_the_start_and_is_named(self):
        for raw, words in (
            ("{", "not JSON"),
            ("[]", "JSON object"),
            (json.dumps({"x.org": {"kind": "github"}}), "client_id, secret"),
            (json.dumps({"x.org": {**GOOD, "kind": "svn"}}), "none of github"),
            (json.dumps({"x.org": {**GOOD, "secert": "x"}}), "secert"),
            (json.dumps({"x.org": {**GOOD, "name": 1}}), "name"),
            (json.dumps({"x.org": {**GOOD, "kind": "oidc"}}), "needs a url"),
            (json.dumps({"x.org": {**GOOD, "secret": ""}}), "needs client_id and secret"),
            (json.dumps({"a.org": GOOD, "b.org": GOOD}), "one github"),
        ):
            with self.subTest(raw=raw[:40]), self.assertRaisesRegex(ImproperlyConfigured, words):
                sign_in.parse(raw)

    def test_nothing_is_asked_for_beyond_need(self):
        table = sign_in.parse(
            json.dumps(
                {
                    "github.com": GOOD,
                    "gitlab.com": {**GOOD, "kind": "gitlab"},
                    "code.org": {**GOOD, "kind": "oidc", "url": "https://code.org", "owner_claim": "owned"},
                }
            )
        )
        plain = {forge: provider.scopes(organisations=False) for forge, provider in table.items()}
        self.assertEqual(plain, {"github.com": [], "gitlab.com": ["read_user"], "code.org": ["openid", "profile"]})
        self.assertEqual(table["github.com"].scopes(organisations=True), ["read:org"])
        self.assertNotIn("email", json.dumps(sign_in.for_allauth(table)))
        with self.settings(FAIRSTACK_SIGN_IN=table):
            self.assertEqual(sign_in.origins(), ["https://code.org", "https://github.com", "https://gitlab.com"])


class Organisations(SimpleTestCase):
    def owned(self, kind, pages):
        web = WebForge(self)
        web.pages.update({path: json.dumps(rows).encode() for path, rows in pages.items()})
        provider = sign_in.Provider("x.org", kind, "a", "b", api=web.address)
        return forge_accounts._owned(provider, SimpleNamespace(token=SimpleNamespace(token="t"))), web

    def test_of_github_are_those_where_one_is_an_administrator(self):
        rows = [
            {"role": "admin", "organization": {"id": 5, "login": "OrgA"}},
            {"role": "member", "organization": {"id": 6, "login": "OrgB"}},
        ]
        found, _ = self.owned("github", {"/user/memberships/orgs?state=active&per_page=100&page=1": rows})
        self.assertEqual(found, (Organisation("5", "OrgA"),))

    def test_of_gitlab_are_the_owned_groups_on_every_page(self):
        first = [{"id": number, "full_path": f"group/{number}"} for number in range(100)]
        found, web = self.owned(
            "gitlab",
            {
                "/groups?owned=true&per_page=100&page=1": first,
                "/groups?owned=true&per_page=100&page=2": [{"id": 100, "full_path": "last"}],
            },
        )
        self.assertEqual((len(found), found[-1]), (101, Organisation("100", "last")))
        self.assertEqual(len(web.asked), 2)

    def test_an_answer_that_is_no_list_is_an_error_and_never_nobody(self):
        with self.assertRaises(ProviderException):
            self.owned("github", {"/user/memberships/orgs?state=active&per_page=100&page=1": {"message": "no"}})
        with self.assertRaises(RequestException):
            self.owned("github", {})


class WhatIsKept(SimpleTestCase):
    def login(self, told):
        account = SocialAccount(provider="x.org", uid="7", extra_data=told)
        return SimpleNamespace(account=account, user=User(), email_addresses=["x"], phone="1", state={}, token="t")

    def test_is_the_name_alone(self):
        login = self.login({"userinfo": {"sub": "7", "preferred_username": "ada", "email": "a@b.org"}})
        ForgeAdapter().populate_user(RequestFactory().get("/"), login, {"email": "a@b.org", "first_name": "Ada"})
        self.assertEqual(login.account.extra_data, {"login": "ada"})
        self.assertEqual((login.user.email, login.user.first_name, login.email_addresses), ("", "", []))

    def test_two_answers_about_two_accounts_are_refused(self):
        login = self.login({"userinfo": {"sub": "7"}, "id_token": {"sub": "8"}})
        with self.assertRaises(ProviderException):
            ForgeAdapter().populate_user(RequestFactory().get("/"), login, {})
