"""A declaration to stay in that is not its owner's: it can be contested with more than it rests on, and the desk can end it."""

from datetime import timedelta

from django.core.exceptions import PermissionDenied
from django.test import Client, TestCase
from django.urls import reverse
from django.utils import timezone

from core import ledger, tokens
from core.errors import Conflict, InvalidInput
from core.models import AuditEntry, LedgerEntry
from portal.models import Declaration, Notice, OptOutRequest
from portal.proofs import rules
from portal.services import contacts, contesting, decisions, objections, requests, staying, verification
from portal.states import OPT_OUT
from portal.stay_rules import AGAIN_AFTER
from tests.base import make_user
from tests.portal import people


class ContestCase(TestCase):
    """Eve declared Ada's account by one proof: Ada cannot take it back, and her request would be refused."""

    def setUp(self):
        self.ada, self.eve, self.grace = make_user("ada"), make_user("eve"), people.reviewer()
        now = timezone.now()
        self.declared = Declaration.objects.create(
            person=self.eve, forge="github.com", account="Alpha", owner_key="github.com/alpha", kind="challenge_file",
            challenge="x", expires_at=now, declared_at=now,
        )  # fmt: skip

    def contest(self):
        return requests.submit(people.draft(self.ada, "Alpha"), self.ada, contest=True)

    def decidable(self):
        request = people.vouch(self.contest())
        OPT_OUT.move_or_raise(request, "triage", objection_until=timezone.now() - timedelta(days=1))
        return request


class Contesting(ContestCase):
    def test_needs_two_proofs_and_opens_a_window_in_which_the_declarer_is_told_and_objects(self):
        with self.assertRaises(staying.Declared):
            people.sent(self.ada, "Alpha")
        request = self.contest()
        self.assertEqual(rules.rule_of(request).proofs, 2)
        verification.verify_by_hand(request, self.grace, "By telephone.")
        request.refresh_from_db()
        self.assertEqual(request.state, "verifying")
        verification.verify_by_hand(request, people.another_reviewer(), "By letter.")
        request.refresh_from_db()
        self.assertEqual(request.state, "objection")
        self.assertTrue(Notice.objects.filter(user=self.eve, kind="about_your_account", request=request).exists())
        self.assertTrue(contacts.may_object(request, self.eve))
        objections.file(request, self.eve, "I maintain it", "It is not hers.")

    def test_is_accepted_only_after_a_reviewer_ended_the_declaration(self):
        request = self.decidable()
        with self.assertRaisesRegex(Conflict, "still stands"):
            decisions.accept(request, self.grace)
        with self.assertRaises(PermissionDenied):
            staying.end(self.declared, self.ada)  # two proofs let her be heard, not decide
        contesting.end(self.declared, self.grace, "outweighed", "She signed in and set a file.")
        decisions.accept(request, self.grace)
        self.assertEqual(OptOutRequest.objects.get(pk=request.pk).state, "scheduled")

    def test_where_nothing_is_declared_changes_nothing(self):
        Declaration.objects.all().delete()
        request = self.contest()
        self.assertIsNone(request.contests)
        self.assertEqual(rules.rule_of(request).proofs, 1)


class EndedByTheDesk(ContestCase):
    def test_it_stands_in_the_ledger_and_its_declarer_reads_why(self):
        contesting.end(self.declared, self.grace, "disproved", "The key was taken.")
        self.assertFalse(self.declared.stands)
        entry = LedgerEntry.objects.get(kind="declaration ended")
        self.assertEqual(entry.commitment, ledger.commit(bytes(self.declared.ledger_key), self.declared.ledger_record))
        self.assertTrue(Notice.objects.filter(user=self.eve, kind="stay_ended").exists())
        said = repr(list(AuditEntry.objects.values_list("action", "facts")))
        self.assertIn("end declaration of another", said)
        self.assertNotIn("alpha", said.casefold())
        self.client.force_login(self.eve)
        page = self.client.get(reverse("portal:stay"))
        self.assertContains(page, "The key was taken.")
        self.assertContains(page, "speaks against the account being yours")
        people.sent(self.ada, "Alpha")

    def test_cannot_be_declared_again_by_the_same_person_for_a_while(self):
        contesting.end(self.declared, self.grace, "disproved", "The key was taken.")
        with self.assertRaisesRegex(Conflict, "The staff ended your declaration"):
            staying.begin(self.eve, "github.com", "ALPHA")
        staying.begin(self.ada, "github.com", "Alpha")
        long_ago = timezone.now() - timedelta(days=AGAIN_AFTER, hours=1)
        Declaration.objects.filter(pk=self.declared.pk).update(ended_at=long_ago)
        staying.begin(self.eve, "github.com", "Alpha")

    def test_by_reviewers_alone_with_a_known_ground_and_words_and_never_by_a_party(self):
        with self.assertRaises(PermissionDenied):
            contesting.end(self.declared, self.ada, "other", "Mine.")
        for code, text, field in (("because", "x", "code"), ("other", " ", "text")):
            with self.assertRaises(InvalidInput) as refused:
                contesting.end(self.declared, self.grace, code, text)
            self.assertEqual(refused.exception.field, field)
        request = self.contest()
        OptOutRequest.objects.filter(pk=request.pk).update(requester=self.grace)
        with self.assertRaises(PermissionDenied):
            contesting.end(self.declared, self.grace, "other", "Mine.")
        contesting.end(self.declared, people.another_reviewer(), "other", "Not hers.")
        with self.assertRaises(Conflict):
            contesting.end(self.declared, people.another_reviewer(), "other", "Not hers.")

    def test_is_forgotten_when_personal_data_goes_and_not_while_a_request_waits(self):
        request = self.contest()
        contesting.end(self.declared, self.grace, "other", "Not hers.")
        Declaration.objects.update(ended_at=timezone.now() - timedelta(days=91))
        self.assertEqual(contesting.forget(), 0)
        requests.withdraw(request, self.ada)
        self.assertEqual(contesting.forget(), 1)
        self.assertTrue(LedgerEntry.objects.filter(kind="declaration ended").exists())


class ThePages(ContestCase):
    def test_the_form_says_what_contesting_means_and_sends_it(self):
        draft = people.draft(self.ada, "Alpha")
        self.client.force_login(self.ada)
        self.assertContains(self.client.get(reverse("portal:opt-out-check")), "two different proofs")
        answers = {"reference": draft.reference, "mine": "on"}
        self.assertEqual(self.client.post(reverse("portal:opt-out-check"), answers).status_code, 422)
        self.client.post(reverse("portal:opt-out-check"), answers | {"contest": "on"})
        self.assertEqual(OptOutRequest.objects.get().contests, self.declared)

    def test_the_desk_lists_finds_and_ends(self):
        self.contest()
        desk = Client()
        desk.force_login(self.grace)
        page = desk.get(reverse("portal:desk-declarations"))
        self.assertContains(page, "Contested</span>")
        self.assertNotContains(desk.get(reverse("portal:desk-declarations"), {"q": "beta"}), "Alpha")
        where = reverse("portal:desk-declaration", args=[self.declared.pk])
        self.assertContains(desk.get(where), "End the declaration")
        wrong = desk.post(where, {"code": "other", "text": ""})
        self.assertContains(wrong, 'href="#id_text"', status_code=422)
        self.assertRedirects(desk.post(where, {"code": "other", "text": "<b>No</b>"}), where)
        self.assertContains(desk.get(where), "&lt;b&gt;No&lt;/b&gt;")

    def test_by_api(self):
        _, mine = tokens.issue(self.ada, "ada", ["read", "write"])
        _, desk = tokens.issue(self.grace, "desk", ["read", "write"])

        def call(token, method, path, body=None):
            return getattr(self.client, method)(
                f"/api/{path}", body, content_type="application/json", headers={"Authorization": f"Bearer {token}"}
            )

        asked = {"account": "Alpha", "forge": "github.com"}
        self.assertEqual(call(mine, "post", "requests", asked).status_code, 409)
        sent = call(mine, "post", "requests", asked | {"contest": True}).json()
        self.assertTrue(sent["contests"])
        listed = call(desk, "get", "desk/declarations").json()
        self.assertEqual([one["contested_by"] for one in listed], [[sent["reference"]]])
        self.assertEqual(call(mine, "get", "desk/declarations").status_code, 403)
        where = f"desk/declarations/{self.declared.pk}/end"
        self.assertEqual(call(mine, "post", where, {"code": "other", "text": "x"}).status_code, 403)
        self.assertEqual(call(desk, "post", where, {"code": "because", "text": "x"}).status_code, 422)
        self.assertEqual(call(desk, "post", where, {"code": "other", "text": "x"}).json()["end_code"], "other")
