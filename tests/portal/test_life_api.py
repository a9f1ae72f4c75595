"""The life of a request by API: what the pages can do, and nothing more."""

import json

from django.test import TestCase

from core import tokens
from portal.models import Objection, OptOutRequest
from portal.services import decisions, objections, questions
from tests.base import DataFolderMixin, make_user
from tests.portal import people
from tests.portal.test_deciding import organisation, second


class LifeByApi(DataFolderMixin, TestCase):
    def setUp(self):
        super().setUp()
        self.ada, self.grace = make_user("ada"), people.reviewer()
        _, self.hers = tokens.issue(self.ada, "ada", ["read", "write"])
        _, self.desk = tokens.issue(self.grace, "desk", ["read", "write"])

    def call(self, method, path, body=None, token=None, status=200):
        answer = self.client.generic(
            method,
            f"/api/{path}",
            json.dumps(body if body is not None else {}),
            content_type="application/json",
            headers={"Authorization": f"Bearer {token or self.hers}"},
        )
        self.assertEqual(answer.status_code, status, answer.content[:500])
        return answer.json()

    def test_a_question_is_asked_and_answered(self):
        made = people.verified(self.ada)
        path = f"requests/{made.reference}"
        self.call("POST", f"desk/{path}/ask", {"text": "Which?"}, self.desk)
        seen = self.call("GET", path)
        self.assertEqual((seen["state"], seen["question"]), ("needs_info", "Which?"))
        self.call("POST", f"{path}/answer", {"text": " "}, status=422)
        self.assertEqual(self.call("POST", f"{path}/answer", {"text": "This."})["state"], "triage")
        self.call("POST", f"{path}/answer", {"text": "Again."}, status=409)

    def test_a_rejection_is_appealed_and_another_reviewer_grants_it(self):
        made = people.verified(self.ada)
        path = f"requests/{made.reference}"
        self.call("POST", f"desk/{path}/reject", {"text": "No.", "code": "nonsense"}, self.desk, 422)
        self.call("POST", f"desk/{path}/reject", {"text": "No.", "code": "not_owner"}, self.desk)
        seen = self.call("GET", path)
        self.assertEqual((seen["reason_code"], seen["appealable"]), ("not_owner", True))
        self.call("POST", f"{path}/appeal", {"text": "Yes."})
        self.call("POST", f"desk/{path}/accept", {}, self.desk, 403)
        _, other = tokens.issue(second(), "desk", ["read", "write"])
        self.assertEqual(self.call("POST", f"desk/{path}/accept", {}, other)["state"], "scheduled")

    def test_in_part_with_reasons(self):
        people.hold("Alpha", "one", "two")
        made = people.verified(self.ada)
        body = {"refused": [{"repository": "two", "code": "others_content", "text": "Bob's."}]}
        self.call("POST", f"desk/requests/{made.reference}/accept-part", body, self.desk)
        seen = self.call("GET", f"requests/{made.reference}")
        self.assertEqual(seen["not_granted"], [{"repository": "two", "code": "others_content", "text": "Bob's."}])
        self.assertEqual(seen["repositories"], ["one"])

    def test_objections_are_for_those_who_were_told(self):
        bob, eve = make_user("bob"), make_user("eve")
        people.verified(bob)
        made = organisation(self.ada)
        _, his = tokens.issue(bob, "bob", ["read", "write"])
        _, hers = tokens.issue(eve, "eve", ["read", "write"])
        path, body = f"requests/{made.reference}/objections", {"standing": "An owner", "text": "No."}
        self.call("POST", path, body, hers, 404)
        self.call("GET", path, None, hers, 404)
        self.assertEqual(self.call("POST", path, body, his, 201)["state"], "open")
        number = Objection.objects.get().pk
        weighing = {"upheld": False, "text": "Not his."}
        self.call("POST", f"desk/{path}/{number}", weighing, his, 404)
        self.call("POST", f"desk/{path}/{number}", weighing, self.desk)
        self.assertEqual(self.call("GET", path, None, his)[0]["found"], "Not his.")

    def test_many_at_once_with_a_report(self):
        good, other = people.verified(self.ada), people.sent(self.ada, "Beta")
        body = {"references": [good.reference, other.reference], "act": "accept"}
        self.call("POST", "desk/requests/many", body, self.hers, 403)
        done = {one["reference"]: one["done"] for one in self.call("POST", "desk/requests/many", body, self.desk)}
        self.assertEqual(done, {good.reference: True, other.reference: False})

    def test_the_queue_is_filtered_and_paged(self):
        for number in range(3):
            people.sent(self.ada, f"account{number}")
        first = self.call("GET", "desk/requests?limit=2", None, self.desk)
        rest = self.call("GET", "desk/requests?limit=2&offset=2", None, self.desk)
        self.assertEqual((len(first), len(rest)), (2, 1))
        self.assertEqual(len(self.call("GET", "desk/requests?q=ACCOUNT1", None, self.desk)), 1)
        self.call("GET", "desk/requests?limit=5000", None, self.desk, 422)

    def test_extension_and_notices(self):
        made = people.verified(self.ada)
        self.call("POST", f"desk/requests/{made.reference}/extend", {"text": "Much."}, self.desk)
        self.assertEqual(self.call("GET", f"requests/{made.reference}")["extension"], "Much.")
        told = self.call("GET", "notices?unread=true")
        self.assertTrue(any("more time" in one["title"] for one in told))
        self.assertEqual(self.call("POST", "notices/read"), {"read": len(told)})
        self.assertEqual(self.call("GET", "notices?unread=true"), [])

    def test_undo_is_refused_where_it_is_not_possible(self):
        made = people.scheduled(self.ada)
        OptOutRequest.objects.filter(pk=made.pk).update(state="closed")
        self.call("POST", f"requests/{made.reference}/undo", status=409)
        self.call(
            "POST", f"requests/{made.reference}/undo", None, tokens.issue(make_user("eve"), "e", ["write"])[1], 404
        )

    def test_nobody_else_answers_appeals_or_reads(self):
        made = people.verified(self.ada)
        questions.ask(made, self.grace, "Which?")
        self.call("POST", f"requests/{made.reference}/answer", {"text": "Me."}, self.desk, 403)
        decisions.reject(made, self.grace, "No.")
        self.call("POST", f"requests/{made.reference}/appeal", {"text": "Me."}, self.desk, 403)
        self.assertFalse(objections.open_to(made))
