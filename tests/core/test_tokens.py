"""API tokens: their form, their life, and what they open."""

import re

from django.core.exceptions import PermissionDenied
from django.test import TestCase

from core import jobs, tokens
from core.errors import InvalidInput
from core.models import ApiToken
from tests.base import make_staff, make_user
from tests.jobkinds import kinds  # noqa: F401


class TokenTests(TestCase):
    def test_a_token_has_the_form_that_hub_clients_send_and_is_kept_as_a_hash_only(self) -> None:
        token, plain = tokens.issue(make_user(), "laptop", ["read"])
        self.assertTrue(re.fullmatch(r"hf_[A-Za-z0-9]{34}", plain))
        self.assertNotIn(plain[7:], str(ApiToken.objects.values().get()))
        self.assertEqual(tokens.authenticate(plain), token)

    def test_a_revoked_token_opens_nothing(self) -> None:
        user = make_user()
        token, plain = tokens.issue(user, "laptop", ["read"])
        self.assertTrue(tokens.revoke(token, user))
        self.assertFalse(tokens.revoke(token, user))
        self.assertIsNone(tokens.authenticate(plain))

    def test_a_token_of_a_closed_account_opens_nothing(self) -> None:
        user = make_user()
        _, plain = tokens.issue(user, "laptop", ["read"])
        user.is_active = False
        user.save()
        self.assertIsNone(tokens.authenticate(plain))

    def test_only_its_owner_and_superusers_may_revoke_it(self) -> None:
        token, _ = tokens.issue(make_user(), "laptop", ["read"])
        with self.assertRaises(PermissionDenied):
            tokens.revoke(token, make_user("bob"))
        self.assertTrue(tokens.revoke(token, make_staff()))

    def test_names_and_scopes_are_checked(self) -> None:
        user = make_user()
        for name, scopes, field in (("", ["read"], "name"), ("x" * 81, ["read"], "name"), ("x", [], "scopes")):
            with self.assertRaises(InvalidInput) as caught:
                tokens.issue(user, name, scopes)
            self.assertEqual(caught.exception.field, field)
        with self.assertRaisesMessage(InvalidInput, "read, write, jobs"):
            tokens.issue(user, "x", ["everything"])


class BearerTests(TestCase):
    def headers(self, plain: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {plain}"}

    def test_a_wrong_token_is_refused_with_the_text_that_clients_know(self) -> None:
        answer = self.client.get("/api/jobs", headers=self.headers("hf_" + "x" * 34))
        self.assertEqual(answer.status_code, 401)
        self.assertEqual(answer.json()["error"], "Invalid credentials in Authorization header")

    def test_without_a_caller_the_api_refuses(self) -> None:
        self.assertEqual(self.client.get("/api/jobs").status_code, 401)

    def test_a_scope_that_is_missing_is_named(self) -> None:
        user = make_user()
        _, plain = tokens.issue(user, "ci", ["jobs"])
        answer = self.client.get("/api/jobs", headers=self.headers(plain))
        self.assertEqual((answer.status_code, "read" in answer.json()["error"]), (403, True))

    def test_one_sees_ones_own_jobs_and_cancels_them(self) -> None:
        ada, bob = make_user("ada"), make_user("bob")
        mine = jobs.enqueue("tests.count", {"to": 1}, actor=ada)
        others = jobs.enqueue("tests.count", {"to": 1}, actor=bob)
        _, plain = tokens.issue(ada, "ci", ["read", "jobs"])
        listed = self.client.get("/api/jobs", headers=self.headers(plain)).json()
        self.assertEqual([job["id"] for job in listed], [str(mine.pk)])
        self.assertEqual(self.client.get(f"/api/jobs/{others.pk}", headers=self.headers(plain)).status_code, 404)
        cancelled = self.client.post(f"/api/jobs/{mine.pk}/cancel", headers=self.headers(plain))
        self.assertEqual((cancelled.status_code, cancelled.json()["state"]), (200, "cancelled"))
        again = self.client.post(f"/api/jobs/{mine.pk}/cancel", headers=self.headers(plain))
        self.assertEqual(again.status_code, 409)

    def test_metrics_come_by_name_and_step(self) -> None:
        ada = make_user()
        job = jobs.execute_here(jobs.enqueue("tests.count", {"to": 2}, actor=ada))
        self.client.force_login(ada)
        self.assertEqual(self.client.get(f"/api/jobs/{job.pk}/metrics").json(), {"count": [[2.0, 2.0]]})

    def test_a_session_may_read_and_needs_the_csrf_token_to_change(self) -> None:
        ada = make_user()
        job = jobs.enqueue("tests.count", {"to": 1}, actor=ada)
        strict = self.client_class(enforce_csrf_checks=True)
        strict.force_login(ada)
        self.assertEqual(strict.get(f"/api/jobs/{job.pk}").status_code, 200)
        self.assertEqual(strict.post(f"/api/jobs/{job.pk}/cancel").status_code, 403)
