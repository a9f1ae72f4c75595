"""The proofs in a real browser: to a real OpenID Connect provider and back, with and without scripts, and every page at both widths."""

import shutil
import tempfile
from pathlib import Path

from django.test import override_settings
from django.urls import reverse
from playwright.sync_api import expect

from portal.models import OptOutRequest, Proof
from portal.services import author_mail, forge_proofs, staying, verification
from tests.base import DataFolderMixin, make_user
from tests.browser.base import BrowserTestCase
from tests.portal import people
from tests.portal.forge import LocalForge
from tests.portal.oidc import OidcForge

ADA, GRACE = "101", "303"


class Proofs(DataFolderMixin, BrowserTestCase):
    def setUp(self):
        super().setUp()
        root = Path(tempfile.mkdtemp(prefix="fairstack-forge-"))
        self.addCleanup(shutil.rmtree, root, ignore_errors=True)
        overridden = override_settings(FAIRSTACK_FORGES=LocalForge(root).settings())
        overridden.enable()
        self.addCleanup(overridden.disable)
        self.forge = OidcForge(
            self,
            {
                ADA: {"preferred_username": "Alpha", "groups": ["OrgA"]},
                GRACE: {"preferred_username": "grace", "groups": ["OrgA"]},
            },
        )
        self.ada = make_user("ada")

    def tearDown(self):
        # The provider's own page asks for a style sheet of the world.
        self.console_errors = [text for text in self.console_errors if not text.startswith(self.forge.address)]
        super().tearDown()

    def organisation(self):
        made = people.sent(self.ada, "OrgA")
        OptOutRequest.objects.filter(pk=made.pk).update(organisation=True, copies=False)
        made.refresh_from_db()
        return made

    def prove_by_signing_in(self, page, made):
        page.goto(reverse("portal:proof", args=[made.reference]))
        page.get_by_role("link", name="Sign-in with the account").click()
        page.get_by_role("button", name="Go to The forge").click()
        page.get_by_role("button", name=ADA).click()  # at the forge
        expect(page.get_by_text("You signed in with the account")).to_be_visible()
        made.refresh_from_db()

    def test_from_the_proofs_to_the_forge_and_back_to_a_verified_request(self):
        self.sign_in("ada")
        made = people.sent(self.ada)
        self.prove_by_signing_in(self.page, made)
        self.assertEqual(made.state, "triage")
        expect(self.page.get_by_text("Signed in as")).to_have_count(1)

    def test_the_same_without_scripts(self):
        page = self.make_context(scripts=False).new_page()
        self.sign_in("ada", page=page)
        made = people.sent(self.ada)
        self.prove_by_signing_in(page, made)
        self.assertEqual(made.state, "triage")
        page.context.close()

    def test_a_newcomer_signs_in_here_and_chooses_a_name(self):
        page = self.open(reverse("core:sign-in"))
        page.get_by_role("button", name="Sign in with The forge").click()
        page.get_by_role("button", name=ADA).click()
        expect(page.get_by_role("heading", name="Choose a name")).to_be_visible()
        page.get_by_label("Name").fill("quiet")
        page.get_by_role("button", name="Make the account").click()
        expect(page.get_by_role("heading", name="Your account")).to_be_visible()

    def test_two_owners_confirm_a_request_of_their_organisation(self):
        self.sign_in("ada")
        made = self.organisation()
        page = self.open(reverse("portal:proof", args=[made.reference]))
        page.get_by_role("link", name="Sign-in with the account").click()
        page.get_by_role("button", name="Go to The forge").click()
        page.get_by_role("button", name=ADA).click()
        expect(page.get_by_role("heading", name="1 of 2 passed")).to_be_visible()
        page.get_by_role("link", name="A second owner confirms").click()
        page.get_by_role("button", name="Make the link").click()
        link = page.locator(".copyable code").inner_text()
        second = self.make_context().new_page()
        self.watch(second)
        second.goto(link)
        second.get_by_role("button", name="Confirm with The forge").click()
        second.get_by_role("button", name=GRACE).click()
        expect(second.get_by_role("heading", name="You confirmed the request")).to_be_visible()
        second.context.close()
        made.refresh_from_db()
        self.assertIn(made.state, ("triage", "objection"))

    def test_pages_of_proofs(self):
        made = people.sent(self.ada, "Alpha-with-quite-a-long-name-of-an-account")
        org = self.organisation()
        authored = people.sent(self.ada, "ada")
        OptOutRequest.objects.filter(pk=authored.pk).update(scope=OptOutRequest.AUTHORED)
        authored.refresh_from_db()
        verification.issue_challenge(org, self.ada, Proof.DNS, "a-rather-long-domain-name.example.org")
        verification.finish_check(verification.start_check(org, self.ada, kind=Proof.DNS), "unlinked")
        _, secret = forge_proofs.invite(org, self.ada)
        author_mail.ask(authored, self.ada, "ada@example.org")
        declared = staying.begin(self.ada, "github.com", "Beta")
        self.sign_in("ada")
        for name, address, arguments in (
            ("proof", "proof", [made.reference]),
            ("proof-organisation", "proof", [org.reference]),
            ("proof-account", "proof-account", [made.reference]),
            ("proof-file", "proof-file", [made.reference]),
            ("proof-ssh", "proof-ssh", [made.reference]),
            ("proof-dns", "proof-dns", [org.reference]),
            ("proof-mail", "proof-mail", [authored.reference]),
            ("proof-co-owner", "proof-co-owner", [org.reference]),
            ("co-owner", "co-owner", [secret]),
            ("co-owner-done", "co-owner-done", []),
            ("stay", "stay", []),
            ("stay-prove", "stay-prove", [declared.pk]),
            ("stay-end", "stay-end", [declared.pk]),
        ):
            self.shoot(name, reverse(f"portal:{address}", args=arguments))
        self.shoot("forge-accounts", reverse("core:forge-accounts"))
        self.context.clear_cookies()
        self.shoot("sign-in-forge", reverse("core:sign-in"))
        people.reviewer()
        self.sign_in("grace")
        self.shoot("desk-proofs", reverse("portal:desk-request", args=[org.reference]))
