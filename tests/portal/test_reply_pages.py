"""Pages by which people answer, appeal and object; notices; and what nobody may do or see there."""

from django.test import Client, TestCase, override_settings
from django.urls import reverse
from django.utils import timezone

from portal.models import Notice, Objection, OptOutRequest
from portal.services import appeals, contacts, decisions, drafts, objections, questions, requests
from portal.services.decisions import Refused
from tests.base import DataFolderMixin, make_user
from tests.portal import people
from tests.portal.test_deciding import organisation, second

HOSTILE = "<script>alert('x')</script><img src=x onerror=alert(1)>"


class Replies(DataFolderMixin, TestCase):
    def setUp(self):
        super().setUp()
        self.ada, self.grace = make_user("ada"), people.reviewer()
        self.client.force_login(self.ada)

    def at(self, name, made):
        return reverse(f"portal:{name}", args=[made.reference])

    def test_a_question_is_shown_and_answered(self):
        made = people.verified(self.ada)
        questions.ask(made, self.grace, "Which Alpha?")
        page = self.client.get(self.at("request", made))
        self.assertContains(page, "Answer the question")
        self.assertContains(self.client.get(self.at("answer", made)), "Which Alpha?")
        response = self.client.post(self.at("answer", made), {"answer": " "})
        self.assertContains(response, 'href="#id_answer"', status_code=422)
        self.client.post(self.at("answer", made), {"answer": "The first."})
        self.assertContains(self.client.get(self.at("request", made)), "The first.")
        self.assertRedirects(self.client.get(self.at("answer", made)), self.at("request", made))
        self.assertContains(self.client.post(self.at("answer", made), {"answer": "x"}, follow=True), "no question")

    def test_a_rejection_gives_reason_words_and_the_way_to_appeal(self):
        made = people.verified(self.ada)
        decisions.reject(made, self.grace, "You showed the wrong file.", "not_owner")
        page = self.client.get(self.at("request", made))
        self.assertContains(page, "speaks against the account being yours")
        self.assertContains(page, "You showed the wrong file.")
        self.assertContains(self.client.post(self.at("appeal", made), {"text": ""}), "id_text", status_code=422)
        self.client.post(self.at("appeal", made), {"text": "It is mine."})
        made.refresh_from_db()
        self.assertEqual(made.state, "appeal")
        self.assertContains(self.client.get(self.at("request", made)), "It is mine.")
        self.assertRedirects(self.client.get(self.at("appeal", made)), self.at("request", made))

    def test_what_was_not_granted_is_shown_with_its_reason(self):
        people.hold("Alpha", "one", "two")
        made = people.verified(self.ada)
        decisions.accept_part(made, self.grace, {"two": Refused("others_content", "Bob wrote it.")})
        page = self.client.get(self.at("request", made))
        self.assertContains(page, "Bob wrote it.")
        self.assertContains(page, "Not granted")

    def test_an_answer_typed_before_the_session_ended_is_kept(self):
        made = people.verified(self.ada)
        questions.ask(made, self.grace, "Which?")
        self.client.logout()
        self.client.post(self.at("answer", made), {"answer": "The long one."})
        self.client.post(reverse("core:sign-in"), {"username": "ada", "password": "correct horse battery"})
        self.assertContains(self.client.get(self.at("answer", made)), "The long one.")

    def test_nobody_else_finds_these_pages_nor_that_they_exist(self):
        made = people.verified(self.ada)
        questions.ask(made, self.grace, "Which?")
        eve = Client()
        eve.force_login(make_user("eve"))
        for name in ("answer", "appeal", "undo", "object"):
            for method in (eve.get, eve.post):
                self.assertEqual(method(self.at(name, made)).status_code, 404, name)
        self.assertEqual(self.client.get(self.at("object", made)).status_code, 404)

    def test_undo_is_offered_only_where_it_is_possible(self):
        made = people.verified(self.ada)
        self.assertRedirects(self.client.get(self.at("undo", made)), self.at("request", made))


class Objecting(DataFolderMixin, TestCase):
    def setUp(self):
        super().setUp()
        self.ada = make_user("ada")
        self.made = organisation(self.ada)

    def test_by_link_without_an_account(self):
        link = reverse("portal:object-by-link", args=[contacts.link_key(self.made)])
        self.assertContains(self.client.get(link), "Alpha")
        self.assertContains(self.client.post(link, {"standing": "", "text": "x"}), "id_standing", status_code=422)
        self.client.post(link, {"standing": "I own a copy", "text": "Keep it."})
        said = Objection.objects.get()
        self.assertEqual((said.standing, said.by), ("I own a copy", None))
        tampered = link[:-4] + ("abc/" if not link.endswith("abc/") else "abd/")
        self.assertEqual(self.client.get(tampered).status_code, 404)

    def test_a_link_to_a_request_that_has_ended_says_so(self):
        requests.withdraw(self.made, self.ada)
        link = reverse("portal:object-by-link", args=[contacts.link_key(self.made)])
        self.assertContains(self.client.get(link), "Nobody can object any more")
        self.client.post(link, {"standing": "x", "text": "y"})
        self.assertFalse(Objection.objects.exists())

    @override_settings(FAIRSTACK_LIMITS={"object.network": "20/hour"}, REDIS_URL="")
    def test_links_are_limited_by_network(self):
        link = reverse("portal:object-by-link", args=[contacts.link_key(self.made)])
        answers = [self.client.post(link, {"standing": "x", "text": str(n)}).status_code for n in range(22)]
        self.assertEqual(answers[-1], 422)
        self.assertEqual(Objection.objects.count(), 20)

    def test_by_the_account_that_was_told(self):
        bob = make_user("bob")
        people.verified(bob)
        other = organisation(make_user("carol"))
        self.client.force_login(bob)
        notice = bob.notices.get(kind="about_your_account", request=other)
        response = self.client.get(reverse("portal:notice", args=[notice.pk]), follow=True)
        self.assertContains(response, "Object to a request")
        page = response.redirect_chain[-1][0]
        self.client.post(page, {"standing": "An owner", "text": "No."})
        self.assertEqual(Objection.objects.get().by, bob)
        self.assertContains(self.client.get(page), "You objected")


class Notices(TestCase):
    def setUp(self):
        self.ada = make_user("ada")
        self.client.force_login(self.ada)

    def test_are_counted_in_the_header_listed_and_marked_as_read(self):
        page = self.client.get(reverse("portal:notices"))
        self.assertContains(page, "No notices yet")
        self.assertNotContains(page, "site-tools__count")
        made = people.sent(self.ada)
        page = self.client.get(reverse("portal:notices"))
        self.assertContains(page, made.reference)
        self.assertContains(page, '<span class="site-tools__count">1</span>')
        self.client.post(reverse("portal:notices-read"))
        self.assertNotContains(self.client.get(reverse("portal:notices")), "site-tools__count")

    def test_lead_to_their_page_and_are_read_then(self):
        made = people.verified(self.ada)
        notice = self.ada.notices.get(kind="verified")
        self.assertRedirects(self.client.get(reverse("portal:notice", args=[notice.pk])), made.get_absolute_url())
        notice.refresh_from_db()
        self.assertIsNotNone(notice.read_at)

    def test_of_others_do_not_exist(self):
        people.sent(make_user("bob"))
        notice = Notice.objects.get(user__username="bob")
        self.assertEqual(self.client.get(reverse("portal:notice", args=[notice.pk])).status_code, 404)
        self.client.post(reverse("portal:notices-read"))
        notice.refresh_from_db()
        self.assertIsNone(notice.read_at)

    def test_the_number_of_queries_does_not_grow_with_them(self):
        for number in range(5):
            people.sent(self.ada, f"account{number}")
        with self.assertNumQueries(8):
            self.client.get(reverse("portal:notices"))


class Hostile(DataFolderMixin, TestCase):
    """Whatever people write is shown as text, to requester and staff."""

    def setUp(self):
        super().setUp()
        self.ada, self.bob, self.grace = make_user("ada"), make_user("bob"), people.reviewer()

    def pages(self, made):
        """What requester, objector and reviewer read."""
        for user, names in ((self.ada, ("request",)), (self.grace, ("desk-request",)), (second(), ("desk-request",))):
            client = Client()
            client.force_login(user)
            for name in names:
                yield client.get(reverse(f"portal:{name}", args=[made.reference]))
        client = Client()
        yield client.get(reverse("portal:object-by-link", args=[contacts.link_key(made)]))

    def test_text_in_every_field_stays_text(self):
        people.hold("Alpha", "one", "two")
        draft = people.draft(self.ada)
        drafts.set_message(draft, self.ada, HOSTILE)
        OptOutRequest.objects.filter(pk=draft.pk).update(organisation=True)
        draft.refresh_from_db()
        made = requests.submit(draft, self.ada)
        questions.ask(made, self.grace, HOSTILE)
        questions.answer(made, self.ada, HOSTILE)
        questions.extend(made, self.grace, HOSTILE)
        from tests.portal.test_deciding import prove, window_over

        prove(made)
        said = objections.file(made, self.bob, HOSTILE, HOSTILE)
        window_over(made)
        objections.weigh(said, self.grace, upheld=False, why=HOSTILE)
        decisions.reject(made, self.grace, HOSTILE)
        appeals.appeal(made, self.ada, HOSTILE)
        self.check(made)
        decisions.accept_part(made, second(), {"two": Refused("other", HOSTILE)}, HOSTILE)
        self.check(made)

    def check(self, made):
        for page in self.pages(made):
            self.assertEqual(page.status_code, 200)
            self.assertNotContains(page, "<script>alert")
            self.assertNotContains(page, "<img src=x")
        desk = list(self.pages(made))[1].content.decode()
        self.assertIn("&lt;script&gt;alert", desk)


class Protection(TestCase):
    def test_every_form_needs_its_token(self):
        ada, made = make_user("ada"), None
        made = people.verified(ada)
        requester, reviewer, visitor = (Client(enforce_csrf_checks=True) for _ in range(3))
        requester.force_login(ada)
        reviewer.force_login(people.reviewer())
        for name in ("answer", "appeal", "undo", "object", "withdraw"):
            self.assertEqual(requester.post(reverse(f"portal:{name}", args=[made.reference]), {}).status_code, 403)
        for name in ("accept", "accept-part", "reject", "ask", "extend", "weigh", "verify"):
            self.assertEqual(reviewer.post(reverse(f"portal:desk-{name}", args=[made.reference]), {}).status_code, 403)
        for url in (reverse("portal:desk-many"), reverse("portal:notices-read")):
            self.assertEqual(reviewer.post(url, {}).status_code, 403)
        link = reverse("portal:object-by-link", args=[contacts.link_key(made)])
        self.assertEqual(visitor.post(link, {"standing": "x", "text": "y"}).status_code, 403)
        made.refresh_from_db()
        self.assertEqual((made.state, Objection.objects.count()), ("triage", 0))

    def test_whoever_may_not_review_decides_nothing(self):
        made = people.verified(make_user("ada"))
        for name, fields in (("eve", {"is_staff": True}), ("mallory", {})):
            client = Client()
            client.force_login(make_user(name, **fields))
            for act in ("accept", "accept-part", "reject", "ask", "extend", "weigh", "verify"):
                url = reverse(f"portal:desk-{act}", args=[made.reference])
                self.assertEqual(client.post(url, {"reason": "x", "question": "x"}).status_code, 403)
            self.assertEqual(client.post(reverse("portal:desk-many"), {"act": "accept"}).status_code, 403)
        made.refresh_from_db()
        self.assertEqual(made.state, "triage")


class TheDeskDecides(DataFolderMixin, TestCase):
    def setUp(self):
        super().setUp()
        self.ada = make_user("ada")
        self.client.force_login(people.reviewer())

    def url(self, made, act="request"):
        return reverse(f"portal:desk-{act}", args=[made.reference])

    def test_asks_extends_weighs_and_accepts_in_part(self):
        people.hold("Alpha", "one", "two")
        made = people.verified(self.ada)
        self.client.post(self.url(made, "ask"), {"question": "Which?"})
        self.assertContains(self.client.get(self.url(made)), "No answer yet")
        questions.answer(made, self.ada, "This.")
        self.client.post(self.url(made, "extend"), {"extension": "Much to do."})
        self.assertContains(self.client.get(self.url(made)), "Much to do.")
        said = objections.file(made, make_user("bob"), "An owner", "No.")
        page = self.client.get(self.url(made))
        self.assertContains(page, "Weigh the objection")
        wrong = self.client.post(self.url(made, "weigh"), {"objection": said.pk, "upheld": "yes", "why": ""})
        self.assertContains(wrong, f'id="id_{said.pk}_why"', status_code=422)
        self.client.post(self.url(made, "weigh"), {"objection": said.pk, "upheld": "no", "why": "Not his."})
        self.client.post(
            self.url(made, "accept-part"), {"refused": ["two"], "part_code": "others_content", "part_text": "Bob's."}
        )
        made.refresh_from_db()
        self.assertEqual(made.state, "scheduled")
        self.assertContains(self.client.get(self.url(made)), "Bob&#x27;s.")

    def test_says_who_may_not_decide_and_hides_the_forms(self):
        own = people.verified(people.reviewer())
        page = self.client.get(self.url(own))
        self.assertContains(page, "your own request")
        self.assertNotContains(page, "Accept the request")
        made = people.verified(self.ada, "Beta")
        decisions.reject(made, people.reviewer(), "No.")
        appeals.appeal(made, self.ada, "Yes.")
        page = self.client.get(self.url(made))
        self.assertContains(page, "Another reviewer has to look at it")
        self.assertNotContains(page, "Grant the appeal")
        self.assertEqual(self.client.post(self.url(made, "accept")).status_code, 403)

    def test_decides_many_and_reports(self):
        good, unproven = people.verified(self.ada), people.sent(self.ada, "Beta")
        queue = self.client.get(reverse("portal:desk"))
        self.assertContains(queue, f'value="{good.reference}"')
        page = self.client.post(
            reverse("portal:desk-many"), {"references": [good.reference, unproven.reference], "act": "accept"}
        )
        self.assertContains(page, "1 of 2 done")
        self.assertContains(page, "cannot become")
        self.assertContains(
            self.client.post(reverse("portal:desk-many"), {"act": "reject", "references": [unproven.reference]}),
            "0 of 1 done",
        )
        self.assertContains(self.client.post(reverse("portal:desk-many"), {"act": "accept"}), "Choose", status_code=422)

    def test_shows_similar_requests_and_the_one_that_was_verified_first(self):
        first, later = people.verified(self.ada), people.verified(make_user("eve"))
        page = self.client.get(self.url(later))
        self.assertContains(page, "Another was verified first")
        self.assertContains(page, first.reference)
        again = people.sent(self.ada, "Gamma")
        self.assertContains(self.client.get(self.url(first)), again.reference)

    def test_the_queue_filters_by_what_waits(self):
        made = people.verified(self.ada)
        appealed = people.verified(self.ada, "Beta")
        decisions.reject(appealed, people.reviewer(), "No.")
        appeals.appeal(appealed, self.ada, "Yes.")
        objections.file(made, make_user("bob"), "An owner", "No.")
        for show, shown, hidden in (("appeal", appealed, made), ("objections", made, appealed)):
            page = self.client.get(reverse("portal:desk"), {"show": show})
            self.assertContains(page, shown.reference)
            self.assertNotContains(page, hidden.reference)
        self.assertContains(self.client.get(reverse("portal:desk"), {"q": "ADA"}), made.reference)

    def test_of_an_erased_request_nothing_personal_is_left(self):
        made = people.scheduled(self.ada)
        OptOutRequest.objects.filter(pk=made.pk).update(state="closed", ended_at=timezone.now())
        from portal.services import erasure

        made.refresh_from_db()
        erasure.erase(made, timezone.now())
        page = self.client.get(self.url(made))
        self.assertContains(page, "Personal data erased")
        self.assertNotContains(page, "Alpha")
        queue = self.client.get(reverse("portal:desk"), {"show": "ended"})
        self.assertContains(queue, made.reference)
        self.assertNotContains(queue, "Alpha")
