"""“My code stays in”: declared by a verified owner, it keeps requests of others away, and can be taken back."""

import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

from allauth.socialaccount.models import SocialAccount
from django.core.exceptions import PermissionDenied
from django.test import Client, TestCase, override_settings
from django.urls import reverse
from django.utils import timezone

from core.errors import Conflict, InvalidInput
from core.jobs import execute_here
from core.models import AuditEntry
from datasets_app.models import Owner
from portal.models import Declaration, OptOutRequest
from portal.services import requests, staying
from tests.base import DataFolderMixin, make_user
from tests.portal import people
from tests.portal.forge import LocalForge
from tests.portal.oidc import OidcForge


class StayCase(DataFolderMixin, TestCase):
    def setUp(self):
        super().setUp()
        root = Path(tempfile.mkdtemp(prefix="fairstack-forge-"))
        self.addCleanup(shutil.rmtree, root, ignore_errors=True)
        self.forge = LocalForge(root)
        overridden = override_settings(FAIRSTACK_FORGES=self.forge.settings())
        overridden.enable()
        self.addCleanup(overridden.disable)
        self.ada, self.eve = make_user("ada"), make_user("eve")
        self.client.force_login(self.ada)

    def declare(self):
        made = staying.begin(self.ada, "github.com", "Alpha")
        self.forge.prove("Alpha", "one", made.challenge)
        return self.look(made)

    def look(self, made, repository="one"):
        staying.look(made, made.person, repository)
        execute_here(made.job)
        made.refresh_from_db()
        return made


class ADeclaration(StayCase):
    def test_proven_by_a_challenge_keeps_requests_of_others_away(self):
        made = self.declare()
        self.assertTrue(made.stands)
        with self.assertRaisesRegex(Conflict, "stays in"):
            people.sent(self.eve, "alpha")
        self.assertFalse(OptOutRequest.objects.exclude(state="draft").exists())
        people.sent(self.eve, "Beta")
        people.sent(self.ada, "Alpha")

    def test_is_refused_in_words_on_the_page_of_the_form_and_loses_nothing(self):
        self.declare()
        draft = people.draft(self.eve, "Alpha")
        client = Client()
        client.force_login(self.eve)
        page = client.post(reverse("portal:opt-out-check"), {"reference": draft.reference, "mine": "on"})
        self.assertContains(page, "has declared that its code stays in", status_code=422)
        draft.refresh_from_db()
        self.assertEqual((draft.state, draft.account), ("draft", "Alpha"))

    def test_that_waits_for_proof_keeps_nobody_away(self):
        staying.begin(self.eve, "github.com", "Alpha")
        people.sent(self.ada, "Alpha")

    def test_without_the_challenge_does_not_stand(self):
        made = staying.begin(self.eve, "github.com", "Alpha")
        self.forge.push("Alpha", "one", {"README.md": "x"})
        self.assertEqual(self.look(made).outcome, "missing")
        self.assertFalse(made.stands)
        other = staying.begin(self.ada, "github.com", "Alpha")
        self.forge.prove("Alpha", "one", other.challenge)
        self.assertEqual(self.look(made).outcome, "other_challenge")
        Declaration.objects.filter(pk=other.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
        other.refresh_from_db()
        with self.assertRaises(Conflict):
            staying.look(other, self.ada, "one")

    def test_a_challenge_of_somebody_elses_declaration_does_not_count(self):
        made = staying.begin(self.ada, "github.com", "Alpha")
        self.forge.prove("Alpha", "one", made.challenge)
        stolen = staying.begin(self.eve, "github.com", "Alpha")
        Declaration.objects.filter(pk=stolen.pk).update(challenge=made.challenge)
        self.assertEqual(self.look(stolen).outcome, "other_challenge")

    def test_stands_once_and_can_be_taken_back_and_made_again(self):
        made = self.declare()
        with self.assertRaises(Conflict):
            staying.begin(self.eve, "github.com", "ALPHA")
        with self.assertRaises(PermissionDenied):
            staying.end(made, self.eve)
        staying.end(made, self.ada)
        with self.assertRaises(Conflict):
            staying.end(made, self.ada)
        people.sent(self.eve, "Alpha")
        self.assertTrue(self.declare().stands)

    def test_whoever_has_verified_a_request_about_the_account_declares_at_once(self):
        made = people.verified(self.ada, "Alpha")
        requests.withdraw(made, self.ada)
        self.assertFalse(staying.begin(self.ada, "github.com", "Alpha").stands)
        people.verified(self.ada, "Alpha")
        self.assertTrue(staying.begin(self.ada, "github.com", "https://github.com/Alpha").stands)

    def test_names_no_account_in_the_audit_trail(self):
        self.declare()
        said = repr(list(AuditEntry.objects.values_list("action", "object_id", "facts")))
        self.assertNotIn("alpha", said.casefold())

    def test_of_what_is_no_account_is_refused(self):
        for account, forge in (
            ("^.+$", "github.com"),
            ("", "github.com"),
            ("Alpha", "evil.example"),
            ("x" * 10_000, "github.com"),
        ):
            with self.subTest(account=account[:10]), self.assertRaises(InvalidInput):
                staying.begin(self.ada, forge, account)


class BySigningIn(StayCase):
    def setUp(self):
        super().setUp()
        self.oidc = OidcForge(self, {"101": {"preferred_username": "Alpha"}, "202": {"preferred_username": "eve"}})

    def test_the_owner_declares_and_another_does_not(self):
        made = staying.begin(self.ada, "github.com", "Alpha")
        self.oidc.go(self.client, reverse("portal:stay-account", args=[made.pk]), "202")
        made.refresh_from_db()
        self.assertEqual((made.stands, made.outcome), (False, "other_account"))
        self.oidc.go(self.client, reverse("portal:stay-account", args=[made.pk]), "101")
        made.refresh_from_db()
        self.assertEqual((made.stands, made.account_id), (True, "101"))

    def test_a_newcomer_under_the_name_does_not(self):
        Owner.objects.create(
            key="github.com:999", forge="github.com", account_id="999", login="Alpha", login_folded="alpha"
        )
        made = staying.begin(self.ada, "github.com", "Alpha")
        self.oidc.go(self.client, reverse("portal:stay-account", args=[made.pk]), "101")
        made.refresh_from_db()
        self.assertEqual((made.stands, made.outcome), (False, "newcomer"))

    def test_still_stands_when_a_source_tells_the_number_later(self):
        made = staying.begin(self.ada, "github.com", "Alpha")
        self.oidc.go(self.client, reverse("portal:stay-account", args=[made.pk]), "101")
        Owner.objects.create(
            key="github.com:101", forge="github.com", account_id="101", login="Omega", login_folded="omega"
        )
        with self.assertRaises(Conflict):
            people.sent(self.eve, "Omega")

    def test_an_account_that_is_linked_is_enough_to_declare_and_to_take_back(self):
        SocialAccount.objects.create(user=self.eve, provider="github.com", uid="101", extra_data={"login": "Alpha"})
        made = self.declare()
        self.assertTrue(made.stands)
        self.assertIn(made, staying.of_person(self.eve))
        staying.end(made, self.eve)
        self.assertTrue(staying.begin(self.eve, "github.com", "Alpha").stands)


class ThePages(StayCase):
    def test_from_the_form_to_the_declaration_and_back(self):
        answer = self.client.post(reverse("portal:stay"), {"account": "Alpha", "forge": "github.com"})
        made = Declaration.objects.get()
        self.assertRedirects(answer, reverse("portal:stay-prove", args=[made.pk]))
        page = self.client.get(reverse("portal:stay-prove", args=[made.pk]))
        self.assertContains(page, made.challenge)
        self.assertContains(
            self.client.post(reverse("portal:stay-prove", args=[made.pk]), {"repository": "../x"}),
            'href="#id_repository"',
            status_code=422,
        )
        self.forge.prove("Alpha", "one", made.challenge)
        self.client.post(reverse("portal:stay-prove", args=[made.pk]), {"repository": "one"})
        self.assertContains(self.client.get(reverse("portal:stay-look", args=[made.pk])), 'hx-trigger="every 1s"')
        made.refresh_from_db()
        execute_here(made.job)
        self.assertContains(self.client.get(reverse("portal:stay-look", args=[made.pk])), "Your declaration stands")
        self.assertContains(self.client.get(reverse("portal:stay")), "Stands")
        self.assertContains(self.client.get(reverse("portal:stay-end", args=[made.pk])), "Take it back")
        self.assertRedirects(self.client.post(reverse("portal:stay-end", args=[made.pk])), reverse("portal:stay"))
        self.assertNotContains(self.client.get(reverse("portal:stay")), "Stands")

    def test_of_others_are_not_found(self):
        made = self.declare()
        client = Client()
        client.force_login(self.eve)
        for name in ("stay-prove", "stay-look", "stay-end"):
            self.assertEqual(client.get(reverse(f"portal:{name}", args=[made.pk])).status_code, 404, name)
        self.assertEqual(client.post(reverse("portal:stay-end", args=[made.pk])).status_code, 404)
        self.assertEqual(client.post(reverse("portal:stay-account", args=[made.pk])).status_code, 404)
        self.assertTrue(Declaration.objects.get().stands)

    def test_asks_strangers_to_sign_in(self):
        self.assertEqual(Client().get(reverse("portal:stay")).status_code, 302)
