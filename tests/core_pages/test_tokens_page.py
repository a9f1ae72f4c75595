"""API tokens on the account's page."""

import re

from django.test import TestCase
from django.urls import reverse

from core import tokens
from core.models import ApiToken
from tests.base import make_staff, make_user


class TokenPageTests(TestCase):
    def setUp(self) -> None:
        self.user = make_user("ada")
        self.client.force_login(self.user)
        self.url = reverse("core:tokens")

    def test_a_token_is_shown_once_and_works(self) -> None:
        answer = self.client.post(self.url, {"name": "laptop", "scopes": ["read", "jobs"]})
        plain = re.findall(r"hf_[A-Za-z0-9]{34}", answer.content.decode())[0]
        found = tokens.authenticate(plain)
        assert found
        self.assertEqual((found.user, found.scopes), (self.user, ["jobs", "read"]))
        self.assertIn("no-store", answer["Cache-Control"])
        self.assertNotContains(self.client.get(self.url), plain)

    def test_a_form_sent_twice_makes_one_token(self) -> None:
        self.client.post(self.url, {"name": "laptop", "scopes": ["read"]})
        answer = self.client.post(self.url, {"name": " laptop ", "scopes": ["read"]})
        self.assertContains(answer, "You have a token called “laptop” already")
        self.assertEqual(ApiToken.objects.count(), 1)

    def test_a_revoked_name_is_free_again(self) -> None:
        token, _ = tokens.issue(self.user, "laptop", ["read"])
        tokens.revoke(token, self.user)
        self.client.post(self.url, {"name": "laptop", "scopes": ["read"]})
        self.assertEqual(ApiToken.objects.filter(revoked_at__isnull=True).count(), 1)

    def test_without_a_scope_none_is_made(self) -> None:
        self.assertContains(self.client.post(self.url, {"name": "laptop"}), "Choose at least one thing")
        self.assertFalse(ApiToken.objects.exists())

    def test_an_unknown_scope_is_refused(self) -> None:
        self.client.post(self.url, {"name": "laptop", "scopes": ["everything"]})
        self.assertFalse(ApiToken.objects.exists())

    def test_revoking_asks_first_and_ends_it(self) -> None:
        token, plain = tokens.issue(self.user, "laptop", ["read"])
        url = reverse("core:token-revoke", args=[token.pk])
        self.assertContains(self.client.get(url), "Revoke the token “laptop”?")
        self.assertIsNotNone(tokens.authenticate(plain))
        self.assertRedirects(self.client.post(url), self.url)
        self.assertIsNone(tokens.authenticate(plain))
        self.assertContains(self.client.post(url, follow=True), "had been revoked before")
        self.assertContains(self.client.get(url), "It was revoked")

    def test_the_tokens_of_others_are_not_there(self) -> None:
        token, plain = tokens.issue(make_staff("grace"), "hers", ["read"])
        url = reverse("core:token-revoke", args=[token.pk])
        self.assertEqual(self.client.get(url).status_code, 404)
        self.assertEqual(self.client.post(url).status_code, 404)
        self.assertIsNotNone(tokens.authenticate(plain))
        self.assertNotContains(self.client.get(self.url), "hers")
