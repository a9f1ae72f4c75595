"""The portal's pages in a real browser: the way through the form with and without scripts, and every page at both widths."""

import shutil
import tempfile
from pathlib import Path

from django.test import override_settings
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from core import ledger
from core.jobs import execute_here
from core.models import Job
from portal.models import OptOutRequest
from portal.services import decisions, drafts, verification
from tests.base import DataFolderMixin, make_user
from tests.browser.base import BrowserTestCase
from tests.portal import people
from tests.portal.forge import LocalForge


class Pages(DataFolderMixin, BrowserTestCase):
    def setUp(self):
        super().setUp()
        root = Path(tempfile.mkdtemp(prefix="fairstack-forge-"))
        self.addCleanup(shutil.rmtree, root, ignore_errors=True)
        self.forge = LocalForge(root)
        overridden = override_settings(FAIRSTACK_FORGES=self.forge.settings())
        overridden.enable()
        self.addCleanup(overridden.disable)
        self.ada = make_user("ada")
        first, second = people.publish("v1.0"), people.publish("v1.1")
        for release in (first, second):
            people.hold("Django", "django", "asgiref", "channels", release=release, files=2894)

    def walk_through_the_form(self, page):
        page.goto("/")
        box = page.locator("#hero-q")
        expect(box).to_be_focused()
        box.fill("DJANGO/django")
        box.press("Enter")
        expect(page.get_by_role("heading", name="is in The Stack")).to_be_visible()
        page.get_by_role("button", name="Opt out").click()
        page.get_by_role("button", name="Start now").click()
        page.get_by_role("button", name="Continue").click()  # neither scope is chosen yet
        expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
        page.get_by_label("Only certain repositories").check()
        page.get_by_role("button", name="Continue").click()
        page.get_by_label("asgiref").check()
        page.get_by_role("button", name="Continue").click()
        page.get_by_label("Issues and comments").check()
        page.get_by_role("button", name="Continue").click()
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_role("heading", name="What your request concerns")).to_be_visible()
        page.get_by_role("link", name="Continue").click()
        page.get_by_label("The account is mine").check()
        page.get_by_role("button", name="Send the request").click()
        expect(page.get_by_role("heading", name="We received your request")).to_be_visible()

    def test_from_the_search_to_the_receipt(self):
        self.sign_in("ada")
        with self.expect_refusals():
            self.walk_through_the_form(self.page)
        self.assertEqual(OptOutRequest.objects.get().state, "verifying")

    def test_the_same_without_scripts(self):
        page = self.make_context(scripts=False).new_page()
        self.sign_in("ada", page=page)
        with self.expect_refusals():
            self.walk_through_the_form(page)
        self.assertEqual([one.name for one in OptOutRequest.objects.get().repositories.all()], ["asgiref"])
        page.context.close()

    def test_a_check_shows_its_answer_without_loading_the_page_again(self):
        made = people.sent(self.ada, "Django")
        self.forge.prove("Django", "django", verification.current_challenge(made).challenge)
        self.sign_in("ada")
        page = self.open(reverse("portal:proof-file", args=[made.reference]))
        page.get_by_label("Repository with the file").fill("django")
        page.get_by_role("button", name="Check now").click()
        expect(page.get_by_role("heading", name="Checking")).to_be_visible()
        execute_here(Job.objects.get(kind="portal.check_proof"))
        expect(page.get_by_role("heading", name="This proof has passed")).to_be_visible()

    def test_pages_for_everybody(self):
        ledger.append("release published", {"name": "the-stack-demo", "version": "v1.0", "tree_root": "9f" * 32})
        self.shoot("start", "/")
        self.shoot("search-empty", "/search")
        self.shoot("search-yes", "/search?q=django")
        self.shoot("search-no", "/search?q=djagno")
        self.shoot("find", "/find?q=python")
        page = self.open("/releases/")
        page.keyboard.press("/")
        page.keyboard.type("a/b")  # while somebody types, it is a letter as others are
        page.keyboard.press("Enter")
        expect(page).to_have_url(self.live_server_url + "/find?q=a%2Fb")
        self.shoot("opt-out", "/opt-out/")
        self.shoot("transparency", "/transparency/")
        self.shoot("licence", "/licences/bigcode-openrail-m")

    def test_pages_of_the_form(self):
        draft = people.draft(
            self.ada, "Django", "asgiref", "a-much-longer-repository-name-than-most-of-them-would-ever-have"
        )
        drafts.set_message(draft, self.ada, "We were called lawrence-journal-world before.")
        self.sign_in("ada")
        drafts.set_extent(draft, self.ada, commits=True, issues=True)
        for step in ("account", "scope", "repositories", "extent", "message", "preview", "check"):
            self.shoot(f"opt-out-{step}", f"/opt-out/{step}")
        drafts.set_scope(draft, self.ada, "authored")
        self.shoot("opt-out-preview-authored", "/opt-out/preview")

    def test_pages_of_requests(self):
        self.sign_in("ada")
        made = people.sent(self.ada, "Django")
        check = verification.start_check(made, self.ada, "django")
        verification.finish_check(check, "missing")
        self.shoot("sent", reverse("portal:opt-out-sent", args=[made.reference]))
        self.shoot("proof", reverse("portal:proof", args=[made.reference]))
        self.shoot("request-verifying", made.get_absolute_url())
        verification.verify_by_hand(made, people.reviewer(), "Known by mail.")
        made.refresh_from_db()
        self.shoot("request-triage", made.get_absolute_url())
        self.shoot("withdraw", reverse("portal:withdraw", args=[made.reference]))
        decisions.accept(made, people.reviewer())
        held = [one | {"withdrawn_at": timezone.now().isoformat()} for one in made.exposure]
        OptOutRequest.objects.filter(pk=made.pk).update(
            state="removed",
            removed_at=timezone.now(),
            removed={
                "release": "the-stack-demo v1.2",
                "files": 8682,
                "bytes": 868200,
                "repositories": 3,
                "releases": held,
                "stores": ["corpus", "releases"],
            },
        )
        self.shoot("request-removed", made.get_absolute_url())
        people.sent(self.ada, "Another")
        self.shoot("requests", reverse("portal:requests"))

    def test_pages_of_the_desk(self):
        waiting, deciding = people.sent(self.ada, "Alpha"), people.verified(self.ada, "Django")
        people.backdate(waiting, due_at=2)
        people.reviewer()
        self.sign_in("grace")
        self.shoot("desk", reverse("portal:desk"))
        self.shoot("desk-verifying", reverse("portal:desk-request", args=[waiting.reference]))
        self.shoot("desk-triage", reverse("portal:desk-request", args=[deciding.reference]))
