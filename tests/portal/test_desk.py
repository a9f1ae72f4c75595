"""The desk: who may enter, the queue, deciding."""

from django.contrib.auth.models import Permission
from django.test import Client, TestCase
from django.urls import reverse

from portal.models import OptOutRequest
from tests.base import DataFolderMixin, make_user
from tests.portal import people


class TheDesk(DataFolderMixin, TestCase):
    def setUp(self):
        super().setUp()
        self.ada = make_user("ada")
        self.client.force_login(people.reviewer())

    def url(self, request, act="request"):
        return reverse(f"portal:desk-{act}", args=[request.reference])

    def test_is_closed_to_staff_without_the_permission(self):
        made = people.sent(self.ada)
        staff = Client()
        staff.force_login(make_user("eve", is_staff=True))
        for url in (reverse("portal:desk"), self.url(made)):
            self.assertEqual(staff.get(url).status_code, 403)
        for act in ("verify", "accept", "reject"):
            self.assertEqual(staff.post(self.url(made, act), {"note": "x", "reason": "x"}).status_code, 403)
        made.refresh_from_db()
        self.assertEqual(made.state, "verifying")

    def test_is_open_to_whoever_has_the_permission_alone(self):
        bob = make_user("bob")
        bob.user_permissions.add(Permission.objects.get(codename="review_request"))
        client = Client()
        client.force_login(bob)
        made = people.sent(self.ada)
        self.assertContains(client.get(reverse("portal:desk")), made.reference)
        self.assertContains(client.get(self.url(made)), "Verify by hand")

    def test_the_admin_shows_requests_to_reviewers_alone(self):
        eve = make_user("eve", is_staff=True)
        eve.user_permissions.add(Permission.objects.get(codename="view_optoutrequest"))
        client = Client()
        client.force_login(eve)
        made = people.sent(self.ada)
        address = reverse("admin:portal_optoutrequest_changelist")
        self.assertEqual(client.get(address).status_code, 403)
        self.assertContains(self.client.get(address), made.reference)
        page = self.client.get(reverse("admin:portal_optoutrequest_change", args=[made.pk]))
        self.assertNotContains(page, "ledger key")
        self.assertNotContains(page, 'name="_save"')

    def test_the_queue_puts_first_what_is_due_first(self):
        late, later = people.sent(self.ada, "late"), people.sent(self.ada, "later")
        people.backdate(later, due_at=-20)
        people.backdate(late, due_at=3)
        page = self.client.get(reverse("portal:desk")).content.decode()
        self.assertLess(page.index(late.reference), page.index(later.reference))
        self.assertIn("Overdue", page)

    def test_the_queue_is_filtered(self):
        waiting, deciding = people.sent(self.ada, "Alpha"), people.verified(self.ada, "Beta")
        for query, shown, hidden in [
            ({"show": "triage"}, deciding, waiting),
            ({"show": "verifying"}, waiting, deciding),
            ({"q": "ALPHA"}, waiting, deciding),
            ({"q": deciding.reference.lower()}, deciding, waiting),
        ]:
            with self.subTest(query=query):
                page = self.client.get(reverse("portal:desk"), query)
                self.assertContains(page, shown.reference)
                self.assertNotContains(page, hidden.reference)
        for query in ({"forge": "gitlab.com"}, {"overdue": "on"}, {"show": "ended"}, {"show": "accepted"}):
            self.assertContains(self.client.get(reverse("portal:desk"), query), "Nothing here")
        self.assertContains(self.client.get(reverse("portal:desk"), {"show": "nonsense"}), waiting.reference)

    def test_a_request_is_verified_accepted_and_its_history_kept(self):
        people.hold("Alpha", "one")
        made = people.sent(self.ada)
        self.assertRedirects(self.client.post(self.url(made, "verify"), {"note": "Her signed mail."}), self.url(made))
        page = self.client.get(self.url(made))
        self.assertContains(page, "Her signed mail.")
        self.assertContains(page, "What accepting would do")
        self.assertContains(page, "figures of its list alone")
        self.client.post(self.url(made, "accept"), {"remark": "Clear case."})
        page = self.client.get(self.url(made))
        self.assertContains(page, "Clear case.")
        self.assertContains(page, "Build the next release")
        made.refresh_from_db()
        self.assertEqual(made.state, "scheduled")

    def test_accepting_twice_tells_the_second(self):
        made = people.verified(self.ada)
        self.client.post(self.url(made, "accept"))
        self.assertContains(self.client.post(self.url(made, "accept"), follow=True), "cannot become")

    def test_rejecting_without_a_reason_is_told_at_its_field(self):
        made = people.verified(self.ada)
        response = self.client.post(self.url(made, "reject"), {"reason": " "})
        self.assertContains(response, 'href="#id_reason"', status_code=422)
        response = self.client.post(self.url(made, "verify"), {"note": ""})
        self.assertContains(response, 'href="#id_note"', status_code=422)
        self.client.post(self.url(made, "reject"), {"reason": "Not the owner."})
        self.assertEqual(OptOutRequest.objects.get().state, "rejected")

    def test_what_people_wrote_is_shown_as_text(self):
        draft = people.draft(self.ada)
        from portal.services import drafts, requests

        drafts.set_message(draft, self.ada, "<script>alert('m')</script>")
        made = requests.submit(draft, self.ada)
        self.client.post(self.url(made, "verify"), {"note": "<script>alert('n')</script>"})
        page = self.client.get(self.url(made))
        self.assertContains(page, "&lt;script&gt;alert(&#x27;m&#x27;)")
        self.assertContains(page, "&lt;script&gt;alert(&#x27;n&#x27;)")
        self.assertNotContains(page, "<script>alert")

    def test_needs_the_csrf_token(self):
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(people.reviewer())
        made = people.verified(self.ada)
        for act in ("verify", "accept", "reject"):
            self.assertEqual(strict.post(self.url(made, act), {"reason": "x"}).status_code, 403)

    def test_other_requests_about_the_account_are_shown(self):
        first, second = people.sent(self.ada), people.sent(make_user("bob"))
        self.assertContains(self.client.get(self.url(first)), second.reference)
        self.assertEqual(self.client.get(reverse("portal:desk-request", args=["FS-NONE"])).status_code, 404)

    def test_number_of_queries_does_not_grow_with_the_queue(self):
        for number in range(4):
            people.sent(make_user(f"user{number}"), f"account{number}")
        with self.assertNumQueries(8):
            self.client.get(reverse("portal:desk"))
