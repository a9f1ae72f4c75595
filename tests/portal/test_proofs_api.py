"""Every proof and declaration by API."""

import json

from django.test import TestCase, override_settings

from core import tokens
from core.jobs import execute_here
from portal.models import OptOutRequest, Proof, ProofCheck
from portal.services import forge_proofs
from tests.base import DataFolderMixin, make_user
from tests.portal import people
from tests.portal.oidc import OidcForge
from tests.portal.test_ssh_proof import Keys
from tests.portal.web_forge import WebForge


class TheApi(DataFolderMixin, TestCase):
    def setUp(self):
        super().setUp()
        self.ada = make_user("ada")
        _, self.token = tokens.issue(self.ada, "test", ["read", "write"])

    def call(self, method, path, token=None, **body):
        return self.client.generic(
            method, f"/api/{path}", json.dumps(body), content_type="application/json",
            headers={"Authorization": f"Bearer {token or self.token}"},
        )  # fmt: skip

    def test_tells_what_is_missing_and_every_way(self):
        made = people.sent(self.ada)
        told = self.call("GET", f"requests/{made.reference}/proofs").json()
        self.assertEqual((told["needed"], told["passed"], len(told["missing"])), (1, [], 1))
        self.assertEqual({way["kind"] for way in told["ways"]}, {Proof.CHALLENGE_FILE, Proof.SSH})
        self.assertIn("fairstack-challenge=", told["ways"][0]["challenge"])

    def test_an_ssh_signature_from_challenge_to_verified(self):
        web, keys = WebForge(self), Keys(self)
        web.accounts, web.keys = {"101": "Alpha"}, {"alpha": keys.make("key", "-t", "ed25519")}
        made = people.sent(self.ada)
        path = f"requests/{made.reference}/proofs"
        told = self.call("POST", f"{path}/ssh/challenge").json()
        way = next(way for way in told["ways"] if way["kind"] == Proof.SSH)
        signature = keys.sign("key", way["challenge"], way["namespace"])
        self.assertEqual(self.call("POST", f"{path}/ssh/check", signature="x").status_code, 422)
        self.assertEqual(self.call("POST", f"{path}/ssh/check", signature=signature).status_code, 202)
        execute_here(ProofCheck.objects.get().job)
        told = self.call("GET", path).json()
        self.assertEqual((told["state"], told["passed"], told["missing"]), ("triage", [Proof.SSH], []))

    def test_file_and_domain_are_asked_for_and_bad_ones_refused(self):
        made = people.sent(self.ada)
        path = f"requests/{made.reference}/proofs"
        self.assertEqual(self.call("POST", f"{path}/file/check", repository="../x").status_code, 422)
        self.assertEqual(self.call("POST", f"{path}/file/check", repository="one").status_code, 202)
        self.assertEqual(self.call("POST", f"{path}/dns/challenge", domain="example.org").status_code, 409)
        OptOutRequest.objects.update(organisation=True)
        self.assertEqual(self.call("POST", f"{path}/dns/challenge", domain="x").status_code, 422)
        told = self.call("POST", f"{path}/dns/challenge", domain="example.org").json()
        way = next(way for way in told["ways"] if way["kind"] == Proof.DNS)
        self.assertEqual(way["record"], "_fairstack-challenge.example.org")
        self.assertEqual(self.call("POST", f"{path}/nonsense/check").status_code, 404)

    @override_settings(FAIRSTACK_LIMITS={"check.account": "2/hour"})
    def test_challenges_have_a_limit(self):
        made = people.sent(self.ada)
        path = f"requests/{made.reference}/proofs/file/challenge"
        answers = [self.call("POST", path).status_code for _ in range(3)]
        self.assertEqual(answers, [200, 200, 429])
        self.assertEqual(made.proofs.count(), 3)

    def test_mail_answers_the_same_for_any_address(self):
        made = people.sent(self.ada)
        OptOutRequest.objects.update(scope=OptOutRequest.AUTHORED)
        path = f"requests/{made.reference}/proofs/mail"
        self.assertEqual(self.call("POST", path, address="nobody@example.org").status_code, 202)
        self.assertEqual(self.call("POST", path, address="x").status_code, 422)
        self.assertEqual(self.call("POST", f"{path}/confirm", code="AAAAAAAAAA").json()["result"], "wrong_code")

    def test_a_linked_account_and_a_second_owner(self):
        OidcForge(self, {})
        made = people.sent(self.ada)
        path = f"requests/{made.reference}/proofs"
        self.assertEqual(self.call("POST", f"{path}/linked").status_code, 409)
        OptOutRequest.objects.update(organisation=True)
        link = self.call("POST", f"{path}/co-owner").json()["link"]
        self.assertIsNotNone(forge_proofs.invited(link.rsplit("/", 1)[1]))

    def test_reviewers_confirm_a_domain_and_others_do_not(self):
        made = people.sent(self.ada)
        OptOutRequest.objects.update(organisation=True)
        path = f"desk/requests/{made.reference}/proofs/domain"
        self.assertEqual(self.call("POST", path).status_code, 403)
        _, desk = tokens.issue(people.reviewer(), "desk", ["read", "write"])
        self.assertEqual(self.call("POST", path, token=desk).status_code, 404)
        Proof.objects.create(
            request=made, kind=Proof.DNS, owner_key=made.owner_key, outcome="unlinked", subject="x.org"
        )
        answer = self.call("POST", path, token=desk)
        self.assertEqual((answer.status_code, answer.json()["passed"]), (200, [Proof.DNS]))
        self.assertNotIn("fairstack-challenge=", answer.content.decode(), "a challenge is for its requester alone")

    def test_others_find_nothing(self):
        made = people.sent(self.ada)
        _, other = tokens.issue(make_user("eve", is_staff=True), "eve", ["read", "write"])
        path = f"requests/{made.reference}/proofs"
        self.assertEqual(self.call("GET", path, token=other).status_code, 404)
        for act in ("file/challenge", "file/check", "ssh/check", "linked", "co-owner"):
            self.assertEqual(self.call("POST", f"{path}/{act}", token=other, repository="one").status_code, 404, act)
        self.assertEqual(self.call("POST", f"{path}/mail", token=other, address="a@b.org").status_code, 404)

    def test_declarations(self):
        made = self.call("POST", "declarations", forge="github.com", account="Alpha")
        self.assertEqual(made.status_code, 201)
        pk = made.json()["id"]
        self.assertIn("fairstack-challenge=", made.json()["challenge"])
        self.assertEqual([one["id"] for one in self.call("GET", "declarations").json()], [pk])
        self.assertEqual(self.call("POST", f"declarations/{pk}/check", repository="one").status_code, 202)
        _, other = tokens.issue(make_user("eve"), "eve", ["read", "write"])
        self.assertEqual(self.call("DELETE", f"declarations/{pk}", token=other).status_code, 404)
        self.assertEqual(self.call("DELETE", f"declarations/{pk}").status_code, 204)
        self.assertEqual(self.call("POST", "declarations", forge="x.example", account="Alpha").status_code, 422)
