"""The portal's part of the API."""

import json

from django.test import Client, TestCase

from core import tokens
from portal.models import OptOutRequest
from portal.services import verification
from tests.base import DataFolderMixin, make_user
from tests.portal import people


class TheApi(DataFolderMixin, TestCase):
    def setUp(self):
        super().setUp()
        self.ada = make_user("ada")
        _, self.token = tokens.issue(self.ada, "test", ["read", "write"])

    def call(self, method, path, body=None, token=None):
        return self.client.generic(
            method, f"/api/{path}", json.dumps(body or {}), content_type="application/json",
            headers={"Authorization": f"Bearer {token or self.token}"},
        )  # fmt: skip

    def send(self, **body):
        return self.call("POST", "requests", {"account": "https://github.com/Alpha", **body})

    def test_search_needs_no_account_and_takes_the_name_in_the_body(self):
        people.hold("Alpha", "one")
        found = Client().post("/api/search", {"q": "ALPHA"}, content_type="application/json").json()
        self.assertTrue(found["held"])
        self.assertEqual(found["accounts"][0]["releases"][0]["repositories"][0]["licences"], ["MIT"])
        missed = Client().post("/api/search", {"q": "alphq"}, content_type="application/json").json()
        self.assertEqual((missed["held"], missed["near"]), (False, ["Alpha"]))
        for text in ("", "x" * 10_000, "a\x00"):
            self.assertEqual(
                Client().post("/api/search", {"q": text}, content_type="application/json").status_code, 422
            )

    def test_a_request_is_sent_and_followed(self):
        made = self.send(message="Hello")
        self.assertEqual(made.status_code, 201)
        self.assertEqual(made.json()["state"], "verifying")
        self.assertIn("fairstack-challenge=", made.json()["challenge"])
        reference = made.json()["reference"]
        self.assertEqual(self.call("GET", f"requests/{reference}").json()["account"], "Alpha")
        self.assertEqual([one["reference"] for one in self.call("GET", "requests").json()], [reference])
        self.assertEqual(self.send().status_code, 409)

    def test_chosen_repositories(self):
        self.assertEqual(self.send(repositories=["one", "Two"]).json()["repositories"], ["one", "Two"])
        self.assertEqual(self.send(repositories=["beta/one"]).status_code, 422)
        self.assertEqual(self.send(repositories=["x"] * 501).status_code, 422)

    def test_leaves_a_draft_of_the_pages_alone(self):
        draft = people.draft(self.ada, "Beta")
        self.assertEqual(self.send().status_code, 201)
        draft.refresh_from_db()
        self.assertEqual((draft.state, draft.account), ("draft", "Beta"))

    def test_a_refused_request_leaves_nothing_behind(self):
        for body in ({"account": "^.+$"}, {"account": "Alpha", "forge": "evil.example"}, {"account": "Alpha"}):
            self.assertEqual(self.call("POST", "requests", body).status_code, 422)
        self.assertFalse(OptOutRequest.objects.exists())

    def test_check_challenge_and_withdraw(self):
        reference = self.send().json()["reference"]
        self.assertEqual(self.call("POST", f"requests/{reference}/check", {"repository": "one"}).status_code, 202)
        self.assertIn("looking for the file", self.call("GET", f"requests/{reference}").json()["last_check"])
        self.assertEqual(self.call("POST", f"requests/{reference}/check", {"repository": "../x"}).status_code, 422)
        first = self.call("GET", f"requests/{reference}").json()["challenge"]
        self.assertNotEqual(self.call("POST", f"requests/{reference}/challenge").json()["challenge"], first)
        self.assertEqual(self.call("POST", f"requests/{reference}/withdraw").json()["state"], "withdrawn")
        self.assertEqual(self.call("POST", f"requests/{reference}/withdraw").status_code, 409)

    def test_others_find_nothing(self):
        reference = self.send().json()["reference"]
        _, other = tokens.issue(make_user("eve", is_staff=True), "eve", ["read", "write"])
        self.assertEqual(self.call("GET", f"requests/{reference}", token=other).status_code, 404)
        for act in ("check", "challenge", "withdraw"):
            answer = self.call("POST", f"requests/{reference}/{act}", {"repository": "one"}, token=other)
            self.assertEqual(answer.status_code, 404)
        self.assertEqual(self.call("GET", "desk/requests", token=other).status_code, 403)
        for act in ("verify", "accept", "reject"):
            self.assertEqual(
                self.call("POST", f"desk/requests/{reference}/{act}", {"text": "x"}, token=other).status_code, 404
            )

    def test_reviewers_decide(self):
        people.hold("Alpha", "one")
        _, desk = tokens.issue(people.reviewer(), "desk", ["read", "write"])
        reference = self.send().json()["reference"]
        queue = self.call("GET", "desk/requests", token=desk).json()
        self.assertEqual([one["reference"] for one in queue], [reference])
        self.assertNotIn("challenge", queue[0], "a challenge is for its requester alone")
        self.assertEqual(self.call("GET", "desk/requests?state=nonsense", token=desk).status_code, 422)
        self.assertEqual(self.call("POST", f"desk/requests/{reference}/accept", token=desk).status_code, 409)
        self.call("POST", f"desk/requests/{reference}/verify", {"text": "Known."}, token=desk)
        accepted = self.call("POST", f"desk/requests/{reference}/accept", token=desk).json()
        self.assertEqual((accepted["state"], accepted["exposure"][0]["standing"]), ("scheduled", "masked"))
        self.assertEqual(self.call("POST", f"desk/requests/{reference}/accept", token=desk).status_code, 409)
        self.assertEqual(
            self.call("GET", "desk/requests?state=scheduled", token=desk).json()[0]["reference"], reference
        )
        self.assertEqual(
            self.call("POST", f"desk/requests/{reference}/reject", {"text": "late"}, token=desk).status_code, 409
        )

    def test_a_reviewer_without_the_role_decides_nothing_even_on_their_own(self):
        reference = self.send().json()["reference"]
        for act in ("verify", "accept", "reject"):
            self.assertEqual(self.call("POST", f"desk/requests/{reference}/{act}", {"text": "me"}).status_code, 403)
        self.assertEqual(verification.current_challenge(OptOutRequest.objects.get()).passed_at, None)

    def test_a_token_for_reading_changes_nothing(self):
        _, reading = tokens.issue(self.ada, "reader", ["read"])
        self.assertEqual(
            self.call("POST", "requests", {"account": "https://github.com/Alpha"}, token=reading).status_code, 403
        )
        self.assertEqual(Client().get("/api/requests").status_code, 401)
