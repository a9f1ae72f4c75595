"""The pages of a request's life in a real browser: the keys of the desk, the whole way without scripts, pictures of every page."""

from datetime import timedelta

from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from portal.models import OptOutRequest
from portal.services import appeals, clock, contacts, decisions, objections, questions
from portal.services.decisions import Refused
from tests.base import DataFolderMixin, make_user
from tests.browser.base import BrowserTestCase
from tests.portal import people
from tests.portal.test_deciding import organisation, second


class LifeInTheBrowser(DataFolderMixin, BrowserTestCase):
    def setUp(self):
        super().setUp()
        self.ada, self.bob, self.grace = make_user("ada", email="ada@example.org"), make_user("bob"), people.reviewer()
        self.release = people.publish("v1.0")
        people.hold("Alpha", "engine", "notes", "site", release=self.release, files=120)

    def path(self, name, made):
        return reverse(f"portal:{name}", args=[made.reference])

    def test_the_keys_of_the_queue(self):
        for number in range(3):
            people.verified(self.ada, f"account{number}")
        self.sign_in("grace")
        page = self.open(reverse("portal:desk"))
        expect(page.locator("[data-keys]")).to_be_visible()
        references = page.locator("[data-row] th a").all_inner_texts()
        page.keyboard.press("j")
        page.keyboard.press("j")
        expect(page.locator("[data-row] th a").nth(1)).to_be_focused()
        page.keyboard.press("x")
        expect(page.locator("[data-row] input").nth(1)).to_be_checked()
        page.keyboard.press("k")
        page.keyboard.press("/")
        expect(page.locator("#id_q")).to_be_focused()
        page.keyboard.type("jk")
        expect(page.locator("#id_q")).to_have_value("jk")
        page.locator("[data-row] th a").nth(0).focus()
        page.keyboard.press("o")
        page.wait_for_url(f"**/desk/{references[0]}/")

    def test_question_answer_and_decision_without_scripts(self):
        made = people.verified(self.ada)
        context = self.make_context(scripts=False)
        page = context.new_page()
        self.sign_in("grace", page=page)
        page.goto(self.path("desk-request", made))
        page.get_by_text("Ask the requester").click()
        page.get_by_label("Question").fill("Which Alpha?")
        page.get_by_role("button", name="Ask", exact=True).click()
        expect(page.get_by_text("The question was sent")).to_be_visible()
        context.close()
        context = self.make_context(scripts=False)
        page = context.new_page()
        self.sign_in("ada", page=page)
        page.get_by_role("link", name="unread notices").click()
        page.get_by_role("link", name="A reviewer has a question").click()
        page.get_by_role("link", name="Answer the question").click()
        page.get_by_label("Your answer").fill("The first.")
        page.get_by_role("button", name="Send the answer").click()
        expect(page.get_by_text("Your answer was sent")).to_be_visible()
        context.close()
        made.refresh_from_db()
        self.assertEqual(made.state, "triage")

    def test_every_page_at_both_widths(self):
        asked = people.verified(self.ada)
        questions.ask(
            asked, self.grace, "Are you the Alpha who wrote the engine, or the one of the site?\nPlease say which."
        )
        rejected = people.verified(self.ada, "Beta")
        decisions.reject(rejected, self.grace, "The file stood in a repository of somebody else.", "not_owner")
        people.verified(self.bob, "Gamma")
        made = organisation(self.ada, "Gamma")
        objections.file(made, self.bob, "I own the organisation together with Ada", "We agreed to stay in. " * 12)
        questions.extend(made, self.grace, "The organisation holds many repositories, and others may object.")
        people.hold("Delta", "one", "two", "three", release=self.release)
        part = people.verified(self.ada, "Delta")
        decisions.accept_part(part, self.grace, {"two": Refused("others_content", "Written by Bob.")})
        appealed = people.verified(self.bob, "Epsilon")
        decisions.reject(appealed, self.grace, "No.", "proof_weak")
        appeals.appeal(appealed, self.bob, "The proof was as you asked for it.")
        OptOutRequest.objects.filter(pk=part.pk).update(due_at=timezone.now() - timedelta(days=1))
        clock.keep_time()
        self.sign_in("ada")
        for name, path in (
            ("life-notices", reverse("portal:notices")),
            ("life-request-question", self.path("request", asked)),
            ("life-answer", self.path("answer", asked)),
            ("life-request-rejected", self.path("request", rejected)),
            ("life-appeal", self.path("appeal", rejected)),
            ("life-request-objection", self.path("request", made)),
            ("life-request-part", self.path("request", part)),
            ("life-object", reverse("portal:object-by-link", args=[contacts.link_key(made)])),
            ("life-docs", reverse("portal:document", args=["requests"])),
        ):
            self.shoot(name, path)
        self.context.clear_cookies()
        second()
        self.sign_in("hedy")
        for name, path in (
            ("life-desk", reverse("portal:desk")),
            ("life-desk-objection", self.path("desk-request", made)),
            ("life-desk-appeal", self.path("desk-request", appealed)),
            ("life-desk-part", self.path("desk-request", part)),
        ):
            self.shoot(name, path)
        page = self.open(reverse("portal:desk"))
        for box in page.locator("[data-row] input").all():
            box.check()
        page.get_by_label("With those chosen").select_option("ask")
        page.get_by_label("Words").fill("Which?")
        page.get_by_role("button", name="Do it with those chosen").click()
        expect(page.get_by_role("heading", name="done")).to_be_visible()
        page.screenshot(path="tests/browser/shots/life-many.png", full_page=True)
