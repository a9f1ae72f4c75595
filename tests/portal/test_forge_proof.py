"""Signing in with the account on its forge: a real OpenID Connect provider on loopback, by client."""

import json
from datetime import timedelta

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.contrib.auth import get_user
from django.contrib.sessions.models import Session
from django.test import Client, TestCase
from django.urls import reverse
from django.utils import timezone

from core.errors import Conflict, PermissionDenied
from core.models import AuditEntry, User
from datasets_app.models import Mask, Owner
from portal.models import AccountPin, OptOutRequest, Proof
from portal.proofs import rules
from portal.services import forge_proofs, requests, staying, verification
from tests.base import make_user
from tests.portal import people
from tests.portal.oidc import OidcForge

ADA, EVE, GRACE = "101", "202", "303"
ACCOUNTS = {
    ADA: {"preferred_username": "Alpha", "email": "ada@secret.example", "name": "Ada L", "groups": ["orga", "other"]},
    EVE: {"preferred_username": "eve", "email": "eve@secret.example"},
    GRACE: {"preferred_username": "grace", "groups": ["OrgA"]},
}


def numbered(login, number, forge="github.com"):
    return Owner.objects.create(
        key=f"{forge}:{number}", forge=forge, account_id=number, login=login, login_folded=login.casefold()
    )


class ForgeCase(TestCase):
    def setUp(self):
        self.forge = OidcForge(self, ACCOUNTS)
        self.ada = make_user("ada")
        self.client.force_login(self.ada)

    def prove(self, request, sub, client=None):
        path = reverse("portal:proof-account", args=[request.reference])
        answer = self.forge.go(client or self.client, path, sub)
        request.refresh_from_db()
        return answer

    def outcome(self, request):
        return request.proofs.filter(kind=Proof.FORGE).first().outcome


class OnesOwnAccount(ForgeCase):
    def test_signing_in_verifies_and_hides_at_once(self):
        people.hold("Alpha", "one")
        made = people.sent(self.ada)
        answer = self.prove(made, ADA)
        self.assertRedirects(answer, made.get_absolute_url())
        self.assertEqual(made.state, "triage")
        self.assertEqual(Mask.objects.get().reference, made.reference)
        proof = made.proofs.get(kind=Proof.FORGE)
        self.assertEqual((proof.account_id, proof.by_account), (ADA, f"github.com:{ADA}"))

    def test_links_nothing_signs_nobody_in_and_keeps_no_address(self):
        made = people.sent(self.ada)
        self.prove(made, ADA)
        self.assertEqual(get_user(self.client), self.ada)
        self.assertFalse(
            SocialAccount.objects.exists() or SocialToken.objects.exists() or EmailAddress.objects.exists()
        )
        self.assertEqual(User.objects.count(), 1)
        kept = json.dumps([proof.evidence for proof in Proof.objects.all()])
        kept += "".join(json.dumps(session.get_decoded()) for session in Session.objects.all())
        kept += json.dumps(list(AuditEntry.objects.values_list("facts", flat=True)))
        self.assertNotIn("secret.example", kept)
        self.assertNotIn("Ada L", kept)

    def test_another_account_does_not_count(self):
        made = people.sent(self.ada)
        answer = self.prove(made, EVE)
        self.assertRedirects(answer, reverse("portal:proof-account", args=[made.reference]))
        self.assertEqual((made.state, self.outcome(made)), ("verifying", "other_account"))
        self.assertContains(self.client.get(answer["Location"]), "another account than the one in this request")

    def test_saying_no_at_the_forge_changes_nothing(self):
        made = people.sent(self.ada)
        answer = self.forge.go(self.client, reverse("portal:proof-account", args=[made.reference]), ADA, deny=True)
        self.assertRedirects(answer, reverse("portal:proof-account", args=[made.reference]))
        self.assertFalse(made.proofs.filter(kind=Proof.FORGE).exists())

    def test_the_way_back_counts_once_and_in_its_own_session(self):
        made = people.sent(self.ada)
        left = self.client.post(reverse("portal:proof-account", args=[made.reference]))
        back = self.forge.authorize(left["Location"], ADA)
        stranger = Client()
        stranger.force_login(make_user("mallory"))
        self.assertEqual(stranger.get(back).status_code, 401)
        self.client.get(back)
        self.assertEqual(self.client.get(back).status_code, 401)
        self.assertEqual(made.proofs.filter(kind=Proof.FORGE).count(), 1)

    def test_somebody_elses_request_cannot_be_proven(self):
        made, eve = people.sent(self.ada), make_user("eve")
        with self.assertRaises(PermissionDenied):
            forge_proofs.may_begin(made, eve)
        client = Client()
        client.force_login(eve)
        self.assertEqual(client.post(reverse("portal:proof-account", args=[made.reference])).status_code, 404)

    def test_a_request_that_was_withdrawn_meanwhile_stays_so(self):
        made = people.sent(self.ada)
        left = self.client.post(reverse("portal:proof-account", args=[made.reference]))
        requests.withdraw(made, self.ada)
        self.client.get(self.forge.authorize(left["Location"], ADA))
        made.refresh_from_db()
        self.assertEqual(made.state, "withdrawn")


class ByNumber(ForgeCase):
    def test_a_renamed_account_is_followed(self):
        numbered("Alpha", ADA)
        made = people.sent(self.ada, "Alpha")
        self.assertEqual(made.owner_key, f"github.com:{ADA}")
        self.forge.tell(ADA, preferred_username="brand-new-name")
        self.prove(made, ADA)
        self.assertEqual(made.state, "triage")

    def test_a_newcomer_under_the_old_name_does_not_count(self):
        numbered("Alpha", "999")
        made = people.sent(self.ada, "Alpha")
        self.prove(made, ADA)
        self.assertEqual((made.state, self.outcome(made)), ("verifying", "newcomer"))
        self.assertFalse(AccountPin.objects.exists())

    def test_where_the_corpus_has_no_number_the_first_verified_request_pins_it(self):
        people.hold("Alpha", "one")
        made = people.sent(self.ada)
        self.prove(made, ADA)
        pin = AccountPin.objects.get()
        self.assertEqual((pin.owner_key, pin.account_id), ("github.com/alpha", ADA))
        # The name is given up, and eve takes it.
        self.forge.tell(ADA, preferred_username="gone")
        self.forge.tell(EVE, preferred_username="alpha")
        eve = make_user("eve")
        client = Client()
        client.force_login(eve)
        other = people.sent(eve)
        self.prove(other, EVE, client)
        self.assertEqual((other.state, self.outcome(other)), ("verifying", "newcomer"))

    def test_the_first_verified_request_counts_not_the_first_filed(self):
        people.sent(make_user("eve"))
        made = people.sent(self.ada)
        self.prove(made, ADA)
        self.assertEqual(made.state, "triage")
        self.assertEqual(OptOutRequest.objects.filter(state="verifying").count(), 1)


class OfAnOrganisation(ForgeCase):
    def organisation(self, user=None, **fields):
        made = people.sent(user or self.ada, "OrgA")
        OptOutRequest.objects.filter(pk=made.pk).update(organisation=True, **fields)
        made.refresh_from_db()
        return made

    def confirm(self, secret, sub, client=None):
        return self.forge.go(client or Client(), reverse("portal:co-owner", args=[secret]), sub)

    def test_two_owners_verify_and_one_does_not(self):
        made = self.organisation()
        answer = self.prove(made, ADA)
        self.assertRedirects(answer, reverse("portal:proof", args=[made.reference]))
        self.assertEqual(made.state, "verifying")
        self.assertEqual(made.proofs.get(kind=Proof.FORGE).evidence["role"], "owner")
        _, secret = forge_proofs.invite(made, self.ada)
        self.assertContains(Client().get(reverse("portal:co-owner", args=[secret])), "OrgA")
        self.assertRedirects(self.confirm(secret, GRACE), reverse("portal:co-owner-done"))
        made.refresh_from_db()
        self.assertIn(made.state, ("triage", "objection"))
        self.assertEqual(Client().get(reverse("portal:co-owner", args=[secret])).status_code, 404)
        self.assertFalse(User.objects.exclude(pk=self.ada.pk).exists(), "a second owner gets no account here")

    def test_who_is_no_owner_does_not_count(self):
        made = self.organisation()
        self.prove(made, EVE)
        self.assertEqual(self.outcome(made), "not_an_owner")
        _, secret = forge_proofs.invite(made, self.ada)
        self.assertContains(
            Client().get(self.confirm(secret, EVE)["Location"]), "Confirm a request"
        )  # the link is still good for an owner
        self.assertEqual(made.proofs.filter(passed_at__isnull=False).count(), 0)

    def test_the_same_account_or_person_never_counts_twice(self):
        made = self.organisation()
        self.prove(made, ADA)
        proof, secret = forge_proofs.invite(made, self.ada)
        self.confirm(secret, ADA)
        proof.refresh_from_db()
        self.assertEqual(proof.outcome, "same_account")
        self.confirm(secret, GRACE, self.client)  # signed in here as the requester
        proof.refresh_from_db()
        self.assertEqual(proof.outcome, "same_person")
        made.refresh_from_db()
        self.assertEqual(made.state, "verifying")

    def test_a_second_account_that_the_requester_has_linked_does_not_count(self):
        made = self.organisation()
        SocialAccount.objects.create(user=self.ada, provider="github.com", uid=GRACE, extra_data={"login": "grace"})
        proof, secret = forge_proofs.invite(made, self.ada)
        self.confirm(secret, GRACE)
        proof.refresh_from_db()
        self.assertEqual(proof.outcome, "same_person")

    def test_an_account_that_proved_something_else_for_the_requester_does_not_count(self):
        self.prove(people.sent(self.ada, "grace"), GRACE)
        made = self.organisation()
        proof, secret = forge_proofs.invite(made, self.ada)
        self.confirm(secret, GRACE)
        proof.refresh_from_db()
        self.assertEqual(proof.outcome, "same_person")

    def test_an_account_that_declared_something_for_the_requester_does_not_count(self):
        declared = staying.begin(self.ada, "github.com", "grace")
        self.forge.go(self.client, reverse("portal:stay-account", args=[declared.pk]), GRACE)
        made = self.organisation()
        proof, secret = forge_proofs.invite(made, self.ada)
        self.confirm(secret, GRACE)
        proof.refresh_from_db()
        self.assertEqual(proof.outcome, "same_person")

    def test_a_text_in_place_of_a_list_of_organisations_names_none(self):
        self.forge.tell(EVE, preferred_username="eve", groups="xyz")
        made = self.organisation()
        OptOutRequest.objects.filter(pk=made.pk).update(account="x")
        self.prove(made, EVE)
        self.assertEqual(self.outcome(made), "not_an_owner")

    def test_the_co_owner_first_then_the_same_account_by_the_requester(self):
        made = self.organisation()
        _, secret = forge_proofs.invite(made, self.ada)
        self.confirm(secret, GRACE)
        self.prove(made, GRACE)
        self.assertEqual((made.state, self.outcome(made)), ("verifying", "same_account"))

    def test_a_link_ends_when_it_expires_or_another_is_made(self):
        made = self.organisation()
        _, first = forge_proofs.invite(made, self.ada)
        proof, second = forge_proofs.invite(made, self.ada)
        self.assertIsNone(forge_proofs.invited(first))
        self.assertIsNotNone(forge_proofs.invited(second))
        Proof.objects.filter(pk=proof.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
        self.assertIsNone(forge_proofs.invited(second))
        self.assertNotIn(second, json.dumps(list(Proof.objects.values_list("token", flat=True))))

    def test_which_organisations_somebody_owns_is_not_kept(self):
        made = self.organisation()
        self.prove(made, ADA)
        kept = json.dumps([proof.evidence for proof in Proof.objects.all()])
        kept += "".join(json.dumps(session.get_decoded()) for session in Session.objects.all())
        self.assertNotIn("other", kept)


class LinkedAccounts(ForgeCase):
    def link(self, sub=ADA, client=None):
        return self.forge.go(
            client or self.client, reverse("core:forge-start", args=["github.com"]), sub, {"process": "connect"}
        )

    def test_linking_and_using_it_proves_an_account(self):
        self.assertRedirects(self.link(), reverse("core:forge-accounts"))
        self.assertContains(self.client.get(reverse("core:forge-accounts")), "Alpha")
        made = people.sent(self.ada)
        self.client.post(reverse("portal:proof-linked", args=[made.reference]))
        made.refresh_from_db()
        self.assertEqual(made.state, "triage")

    def test_keeps_number_and_name_alone(self):
        self.link()
        account = SocialAccount.objects.get()
        self.assertEqual((account.uid, account.extra_data), (ADA, {"login": "Alpha"}))
        self.ada.refresh_from_db()
        self.assertEqual((self.ada.email, self.ada.first_name), ("", ""))
        self.assertFalse(EmailAddress.objects.exists() or SocialToken.objects.exists())

    def test_a_link_of_long_ago_does_not_count(self):
        self.link()
        SocialAccount.objects.update(last_login=timezone.now() - forge_proofs.LINK_COUNTS - timedelta(minutes=1))
        made = people.sent(self.ada)
        self.assertEqual(forge_proofs.by_link(made, self.ada), "linked_too_old")

    def test_without_a_link_or_for_an_organisation_it_is_refused(self):
        made = people.sent(self.ada)
        with self.assertRaises(Conflict):
            forge_proofs.by_link(made, self.ada)
        self.link()
        OptOutRequest.objects.filter(pk=made.pk).update(organisation=True)
        made.refresh_from_db()
        with self.assertRaises(Conflict):
            forge_proofs.by_link(made, self.ada)

    def test_an_account_is_linked_with_one_person_alone(self):
        self.link()
        other = Client()
        other.force_login(make_user("mallory"))
        self.link(client=other)
        self.assertContains(other.get(reverse("core:forge-accounts")), "linked with another account here")
        self.assertEqual(SocialAccount.objects.get().user, self.ada)

    def test_it_is_unlinked_unless_it_is_the_only_way_in(self):
        self.link()
        page = reverse("core:forge-unlink", args=[SocialAccount.objects.get().pk])
        self.assertContains(self.client.get(page), "Unlink")
        self.ada.set_unusable_password()
        self.ada.save()
        self.client.force_login(self.ada)
        self.client.post(page)
        self.assertTrue(SocialAccount.objects.exists())
        self.ada.set_password("x")
        self.ada.save()
        self.client.force_login(self.ada)
        self.client.post(page)
        self.assertFalse(SocialAccount.objects.exists())


class SigningInHere(ForgeCase):
    def start(self, sub, client, **data):
        return self.forge.go(
            client, reverse("core:forge-start", args=["github.com"]), sub, {"process": "login", **data}
        )

    def test_a_newcomer_chooses_a_name_and_gives_no_address(self):
        client = Client()
        answer = self.start(ADA, client, next=reverse("core:tokens"))
        self.assertRedirects(answer, reverse("socialaccount_signup"))
        page = client.get(reverse("socialaccount_signup"))
        self.assertContains(page, 'value="Alpha"')
        self.assertNotContains(page, "mail address</label>")
        answer = client.post(reverse("socialaccount_signup"), {"username": "quiet"})
        self.assertRedirects(answer, reverse("core:tokens"))
        user = get_user(client)
        self.assertEqual((user.username, user.email, user.has_usable_password()), ("quiet", "", False))
        self.assertFalse(EmailAddress.objects.exists() or SocialToken.objects.exists())
        again = Client()
        self.start(ADA, again)
        self.assertEqual(get_user(again), user)

    def test_a_name_that_is_taken_is_refused(self):
        client = Client()
        self.start(EVE, client)
        self.assertContains(client.post(reverse("socialaccount_signup"), {"username": "ada"}), "There is a problem")
        self.assertFalse(SocialAccount.objects.exists())

    def test_a_first_password_can_be_set(self):
        client = Client()
        self.start(ADA, client)
        client.post(reverse("socialaccount_signup"), {"username": "quiet"})
        self.assertNotContains(client.get(reverse("core:password")), "Present password")
        new = "analytical engine 1843"
        client.post(reverse("core:password"), {"new_password1": new, "new_password2": new})
        self.assertTrue(Client().login(username="quiet", password=new))

    def test_a_closed_account_stays_closed(self):
        SocialAccount.objects.create(user=self.ada, provider="github.com", uid=ADA)
        User.objects.update(is_active=False)
        client = Client()
        self.start(ADA, client)
        self.assertFalse(get_user(client).is_authenticated)

    def test_buttons_and_form_action_appear_where_a_provider_is_configured_alone(self):
        anonymous = Client()
        page = anonymous.get(reverse("core:sign-in"))
        self.assertContains(page, "Sign in with The forge")
        self.assertIn(f"form-action 'self' {self.forge.address}", page["Content-Security-Policy"])
        self.assertNotIn(self.forge.address, anonymous.get("/")["Content-Security-Policy"])
        with self.settings(FAIRSTACK_SIGN_IN={}, SOCIALACCOUNT_PROVIDERS={}):
            page = anonymous.get(reverse("core:sign-in"))
            self.assertNotContains(page, "Sign in with")
            self.assertIn("form-action 'self';", f"{page['Content-Security-Policy']};")
            self.assertEqual(anonymous.post(reverse("core:forge-start", args=["github.com"])).status_code, 404)

    def test_a_forge_that_does_not_answer_is_told_plainly(self):
        provider = self.forge.provider.__class__(**{**self.forge.provider.__dict__, "url": "http://127.0.0.1:9"})
        from core import sign_in

        table = {"github.com": provider}
        with self.settings(FAIRSTACK_SIGN_IN=table, SOCIALACCOUNT_PROVIDERS=sign_in.for_allauth(table)):
            answer = Client().post(reverse("core:forge-start", args=["github.com"]), follow=True)
        self.assertContains(answer, "does not answer just now")

    def test_nobody_is_sent_to_another_site_afterwards(self):
        client = Client()
        self.start(ADA, client, next="https://elsewhere.example/")
        answer = client.post(reverse("socialaccount_signup"), {"username": "quiet"})
        self.assertRedirects(answer, reverse("core:account"))


class TheRules(TestCase):
    def test_copies_need_two_of_which_one_is_strong(self):
        rule = rules.RULES["copies"]
        self.assertEqual(len(rules.wanting(rule, [])), 2)
        self.assertEqual(len(rules.wanting(rule, [Proof.FORGE])), 1)
        self.assertEqual(rules.wanting(rule, [Proof.FORGE, Proof.MAIL]), [])
        [left] = rules.wanting(rule, [Proof.MAIL])
        self.assertNotIn(Proof.MAIL, left.kinds)
        self.assertIn(Proof.SSH, left.kinds)

    def test_one_reviewer_alone_does_not_verify_an_organisation_and_two_do(self):
        made = people.sent(make_user("ada"), "OrgA")
        OptOutRequest.objects.filter(pk=made.pk).update(organisation=True)
        made.refresh_from_db()
        first, second = people.reviewer(), people.another_reviewer()
        verification.verify_by_hand(made, first, "By telephone.")
        made.refresh_from_db()
        self.assertEqual(made.state, "verifying")
        with self.assertRaises(Conflict):
            verification.verify_by_hand(made, first, "Really.")
        verification.verify_by_hand(made, second, "I met them.")
        made.refresh_from_db()
        self.assertIn(made.state, ("triage", "objection"))

    def test_every_scope_has_a_rule_that_can_be_met(self):
        for rule in rules.RULES.values():
            strong = [kind for kind, worth in rule.strength.items() if worth == rules.STRONG]
            others = [kind for kind in rule.strength if kind != strong[0]]
            self.assertEqual(rules.wanting(rule, [strong[0], *others][: rule.proofs]), [])

    def test_a_proof_does_not_count_once_the_scope_has_changed(self):
        made = people.sent(make_user("ada"))
        proof = verification.current_challenge(made)
        OptOutRequest.objects.filter(pk=made.pk).update(fingerprint="f" * 64)
        check = verification.start_check(made, made.requester, "one")
        self.assertEqual(verification.finish_check(check, "passed"), "other_request")
        proof.refresh_from_db()
        self.assertIsNone(proof.passed_at)

    def test_nobody_verifies_their_own_request(self):
        grace = people.reviewer()
        with self.assertRaises(PermissionDenied):
            verification.verify_by_hand(people.sent(grace), grace, "It is me.")
