"""The opt-out form as a person meets it: page by page, sent twice, cut off in the middle, filled with rubbish."""

import re

from django.test import Client, TestCase, override_settings
from django.urls import reverse

from datasets_app.models import Holding
from datasets_app.services import masks
from portal.models import OptOutRequest
from portal.services import drafts, requests
from tests.base import make_user
from tests.portal import people


class TheForm(TestCase):
    def setUp(self):
        self.ada = make_user("ada")
        self.client.force_login(self.ada)

    def url(self, step="", **query):
        name = f"portal:opt-out-{step}" if step else "portal:opt-out"
        return reverse(name, query=query or None)

    def post(self, step="", **data):
        return self.client.post(self.url(step), data)

    def draft(self):
        return drafts.current(self.ada)

    def test_leads_page_by_page_to_a_reference(self):
        people.hold("Alpha", "one", "two")
        self.assertRedirects(self.post(account="", forge=""), self.url("account"))
        self.assertRedirects(self.post("account", account="alpha", forge="github.com"), self.url("scope"))
        self.assertRedirects(self.post("scope", scope="repositories"), self.url("repositories"))
        self.assertContains(self.client.get(self.url("repositories")), 'value="one"')
        self.assertRedirects(self.post("repositories", held=["one"], more="third"), self.url("extent"))
        self.assertRedirects(self.post("extent", commits="on"), self.url("message"))
        self.assertRedirects(self.post("message", message="Hello"), self.url("preview"))
        preview = self.client.get(self.url("preview"))
        for words in (
            "Alpha/one",
            "3 files",
            "A removal can be noticed",
            "feed of removals",
            "This site holds none today",
        ):
            self.assertContains(preview, words)
        self.assertNotContains(preview, "Alpha/two")
        check = self.client.get(self.url("check"))
        for words in (
            "alpha",
            "one",
            "third",
            "Hello",
            "Commits",
            "compares it with a newer one can see which files are gone",
        ):
            self.assertContains(check, words)
        sent = self.post("check", reference=self.draft().reference, mine="on")
        made = OptOutRequest.objects.get()
        self.assertRedirects(sent, reverse("portal:opt-out-sent", args=[made.reference]))
        self.assertContains(self.client.get(sent.url), made.reference)
        self.assertEqual(made.state, "verifying")
        self.assertEqual(
            (made.covers_commits, made.covers_issues, made.copies, made.organisation), (True, False, False, False)
        )

    def test_every_scope_can_be_asked_for(self):
        self.post()
        self.post("account", account="Alpha", forge="github.com", organisation="on")
        self.assertRedirects(self.post("scope", scope="authored"), self.url("extent"))
        self.post("extent", copies="on", issues="on")
        self.assertContains(self.client.get(self.url("preview")), "Files that you wrote alone")
        self.assertContains(self.client.get(self.url("check")), "an organisation")
        made = OptOutRequest.objects.get()
        self.assertEqual(
            (made.scope, made.organisation, made.copies, made.covers_issues), ("authored", True, True, True)
        )
        self.post("extent")  # what is unticked is taken back
        made.refresh_from_db()
        self.assertEqual((made.organisation, made.copies, made.covers_issues), (True, False, False))

    def test_the_preview_shows_nothing_that_the_public_cannot_find(self):
        owner = people.hold("Alpha", "one", "two")
        people.draft(self.ada)
        masks.mask(people.reviewer(), owner, owner.repositories.get(name="two"), "R-9")
        preview = self.client.get(self.url("preview"))
        self.assertContains(preview, "Alpha/one")
        self.assertNotContains(preview, "Alpha/two")
        masks.mask(people.reviewer(), owner, None, "R-9")

        def shown():
            return re.sub(r'value="\w{64}"', "", self.client.get(self.url("preview")).content.decode())

        hidden = shown()
        Holding.objects.all().delete()  # never held looks the same
        self.assertEqual(shown(), hidden)

    def test_begins_with_what_was_searched_for(self):
        start = self.client.get(self.url(), {"account": "Alpha", "forge": "github.com"})
        self.assertContains(start, 'name="account" value="Alpha"')
        self.assertRedirects(self.post(account="Alpha", forge="github.com"), self.url("scope"))
        self.assertEqual(self.draft().account, "Alpha")

    def test_begins_at_the_account_where_the_search_was_no_account(self):
        self.assertRedirects(self.post(account="^.+$", forge=""), self.url("account"))

    def test_sent_twice_is_one_request(self):
        draft = people.draft(self.ada)
        first = self.post("check", reference=draft.reference, mine="on")
        second = self.post("check", reference=draft.reference, mine="on")
        self.assertEqual(first.url, second.url)
        self.assertEqual(OptOutRequest.objects.count(), 1)

    def test_the_same_again_shows_the_one_under_way(self):
        made = people.sent(self.ada)
        draft = people.draft(self.ada)
        response = self.post("check", reference=draft.reference, mine="on")
        self.assertEqual(response.url, made.get_absolute_url())
        self.assertContains(self.client.get(response.url), "You have sent this request already")

    def test_errors_stand_on_top_and_link_to_their_field(self):
        self.post()
        response = self.post("account", account="", forge="github.com")
        self.assertEqual(response.status_code, 422)
        self.assertContains(response, "There is a problem", status_code=422)
        self.assertContains(response, 'href="#id_account"', status_code=422)
        self.assertContains(response, "Error: Account", status_code=422)

    def test_hostile_input_is_refused_and_escaped(self):
        self.post()
        for text in (
            *("^.+$", "a\u202eb", "x" * 10_000, "<script>alert(1)</script>", "a\x00b"),
            *(
                "аdа",
                "ad\u200ba",
                "\u2066ada\u2069",
                "ada\u00ad",
                "ａｄａ",
                "%",
                "_%",
                "' OR 1=1 --",
                "..",
                "ada\ufeff",
            ),
        ):
            with self.subTest(text=text[:12]):
                response = self.post("account", account=text, forge="github.com")
                self.assertEqual(response.status_code, 422)
                self.assertNotContains(response, "<script>alert", status_code=422)
        people.draft(self.ada)
        for text in ("other/one", "<b>x</b>", "\u202e", "x" * 70_000):
            with self.subTest(repository=text[:12]):
                self.assertEqual(self.post("repositories", more=text).status_code, 422)

    def test_consent_and_scope_must_be_given(self):
        draft = people.draft(self.ada)
        self.assertEqual(self.post("check", reference=draft.reference).status_code, 422)
        self.assertEqual(self.post("scope").status_code, 422)
        self.assertEqual(self.post("scope", scope="galaxy").status_code, 422)
        self.assertEqual(self.post("message", message="x" * 5000).status_code, 422)

    def test_one_answer_can_be_changed_from_the_last_page(self):
        people.draft(self.ada)
        response = self.client.post(
            self.url("account", **{"return": "check"}), {"account": "ALPHA", "forge": "github.com"}
        )
        self.assertRedirects(response, self.url("check"))
        response = self.client.post(
            self.url("account", **{"return": "check"}), {"account": "Beta", "forge": "github.com"}
        )
        self.assertRedirects(response, self.url("scope"))

    def test_pages_out_of_order_lead_to_where_one_is(self):
        for step in ("account", "scope", "repositories", "extent", "message", "preview", "check"):
            with self.subTest(step=step):
                self.assertRedirects(self.client.get(self.url(step)), self.url())
        self.post()
        self.assertRedirects(self.client.get(self.url("check")), self.url("account"))
        self.assertRedirects(self.client.get(self.url("message")), self.url())
        self.assertRedirects(self.client.get(reverse("portal:opt-out-sent", args=["FS-NONE"])), self.url())

    def test_a_draft_survives_and_can_be_deleted(self):
        people.draft(self.ada)
        self.client.logout()
        self.client.force_login(self.ada)
        self.assertContains(self.client.get(self.url()), "You have a draft")
        self.assertRedirects(self.post("discard"), self.url())
        self.assertFalse(OptOutRequest.objects.exists())

    def test_a_draft_is_shown_to_nobody_else(self):
        draft = people.draft(self.ada)
        other = Client()
        other.force_login(people.reviewer())
        self.assertNotContains(other.get(reverse("portal:desk"), {"show": "all"}), draft.reference)
        for name in ("portal:request", "portal:desk-request"):
            self.assertEqual(other.get(reverse(name, args=[draft.reference])).status_code, 404)

    def test_needs_the_csrf_token(self):
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(self.ada)
        people.draft(self.ada)
        for step in ("", "account", "scope", "repositories", "extent", "message", "check", "discard"):
            with self.subTest(step=step):
                self.assertEqual(strict.post(self.url(step), {"scope": "account"}).status_code, 403)

    def test_what_is_typed_is_never_run(self):
        hostile = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&{{ 7|add:7 }}"
        draft = people.draft(self.ada)
        self.post("message", message=hostile)
        for step in ("message", "preview", "check"):
            with self.subTest(step=step):
                page = self.client.get(self.url(step))
                self.assertNotContains(page, "<script>alert")
                self.assertNotContains(page, "<img src=x")
        self.assertContains(self.client.get(self.url("check")), "&lt;script&gt;alert(1)")
        made = requests.submit(draft, self.ada)
        for client, name in ((self.client, "portal:request"), (None, "portal:desk-request")):
            if client is None:
                client = Client()
                client.force_login(people.reviewer())
            page = client.get(reverse(name, args=[made.reference]))
            self.assertNotContains(page, "<script>alert")
            self.assertNotContains(page, "<img src=x")

    def test_is_not_kept_by_caches(self):
        people.draft(self.ada)
        self.assertIn("no-store", self.client.get(self.url("check"))["Cache-Control"])


class SignedOutInTheMiddle(TestCase):
    def setUp(self):
        self.ada = make_user("ada")

    def sign_in(self, where):
        response = self.client.post(where, {"username": "ada", "password": "correct horse battery"})
        self.assertEqual(response.status_code, 302)
        return self.client.get(response.url)

    def test_what_was_sent_waits_until_the_person_signed_in_again(self):
        people.draft(self.ada)
        response = self.client.post(reverse("portal:opt-out-message"), {"message": "Half an hour of writing"})
        self.assertIn("/accounts/sign-in/", response.url)
        page = self.sign_in(response.url)
        self.assertContains(page, "Half an hour of writing")
        self.assertContains(page, "We kept what you entered")
        self.assertEqual(drafts.current(self.ada).message, "")
        self.assertNotContains(self.client.get(reverse("portal:opt-out-message")), "Half an hour")

    def test_every_page_of_the_form_keeps_what_was_sent(self):
        people.draft(self.ada)
        cases = {
            "account": ({"account": "Gamma", "forge": "gitlab.com", "organisation": "on"}, 'value="Gamma"'),
            "scope": ({"scope": "authored"}, 'value="authored" required id="id_scope_2" checked'),
            "repositories": ({"more": "first\nsecond"}, "first\nsecond"),
            "extent": ({"copies": "on"}, 'name="copies" id="id_copies" aria-describedby="id_copies_helptext" checked'),
            "repositories ": ({"more": "\n".join(f"repository-{number}" for number in range(500))}, "repository-499"),
        }
        for step, (data, expected) in cases.items():
            with self.subTest(step=step):
                self.client.logout()
                response = self.client.post(reverse(f"portal:opt-out-{step.strip()}"), data)
                page = self.sign_in(response.url).content.decode()
                self.assertIn("We kept what you entered", page)
                self.assertIn(expected.split()[0], page)
                for word in expected.split():
                    self.assertIn(word, page)

    def test_the_first_page_keeps_the_account_too(self):
        response = self.client.post(reverse("portal:opt-out"), {"account": "Alpha", "forge": "github.com"})
        self.assertContains(self.sign_in(response.url), 'value="Alpha"')

    def test_every_page_asks_to_sign_in(self):
        made = people.sent(self.ada)
        for name, args in [
            *(
                (f"portal:opt-out-{step}", [])
                for step in ("account", "scope", "repositories", "extent", "message", "preview", "check")
            ),
            ("portal:requests", []),
            *(
                (f"portal:{name}", [made.reference])
                for name in ("request", "proof", "proof-file", "proof-account", "withdraw", "opt-out-sent")
            ),
            ("portal:desk", []),
            ("portal:desk-request", [made.reference]),
            ("portal:desk-copies", [made.reference]),
            ("portal:request-copies", [made.reference]),
        ]:
            with self.subTest(name=name):
                response = self.client.get(reverse(name, args=args))
                self.assertEqual(response.status_code, 302)
                self.assertIn("/accounts/sign-in/", response.url)

    def test_the_start_is_open_to_everybody(self):
        self.assertContains(self.client.get(reverse("portal:opt-out")), "You will be asked to sign in first")

    @override_settings(SESSION_ENGINE="django.contrib.sessions.backends.db")
    def test_what_was_kept_is_not_shown_after_an_hour(self):
        people.draft(self.ada)
        response = self.client.post(reverse("portal:opt-out-message"), {"message": "Old words"})
        session = self.client.session
        kept = session["portal.kept-form"]
        session["portal.kept-form"] = kept | {"at": kept["at"] - 3601}
        session.save()
        self.assertNotContains(self.sign_in(response.url), "Old words")
