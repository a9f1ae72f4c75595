"""The requester's own pages: who sees what, the proof, taking back."""

from django.test import Client, TestCase
from django.urls import reverse
from django.utils import timezone

from portal.models import OptOutRequest
from portal.services import decisions, verification
from tests.base import make_user
from tests.portal import people


class OnesOwnRequests(TestCase):
    def setUp(self):
        self.ada = make_user("ada")
        self.client.force_login(self.ada)

    def page(self, request, name="request"):
        return self.client.get(reverse(f"portal:{name}", args=[request.reference]))

    def test_list_shows_ones_own_alone(self):
        self.assertContains(self.client.get(reverse("portal:requests")), "No requests yet")
        mine, theirs = people.sent(self.ada), people.sent(make_user("bob"), "Beta")
        page = self.client.get(reverse("portal:requests"))
        self.assertContains(page, mine.reference)
        self.assertNotContains(page, theirs.reference)

    def test_everybody_else_finds_nothing_not_even_that_it_exists(self):
        made = people.sent(self.ada)
        eve = Client()
        eve.force_login(make_user("eve", is_staff=True))
        for name in ("request", "proof", "proof-file", "proof-account", "proof-ssh", "withdraw"):
            self.assertEqual(eve.get(reverse(f"portal:{name}", args=[made.reference])).status_code, 404)
        for name in ("proof-file", "proof-ssh", "proof-linked", "withdraw"):
            self.assertEqual(eve.post(reverse(f"portal:{name}", args=[made.reference])).status_code, 404)

    def test_what_is_no_reference_is_not_found(self):
        for text in ("x", "FS-", "FS-%00AAAA", "FS-" + "A" * 500, "..", "FS-1234-5678-9ABC'"):
            for prefix in ("requests", "desk", "api/requests"):
                with self.subTest(text=text[:20], prefix=prefix):
                    self.assertEqual(
                        self.client.get(f"/{prefix}/{text}{'' if 'api' in prefix else '/'}").status_code, 404
                    )
        self.assertEqual(
            self.client.post(reverse("portal:opt-out-check"), {"reference": "FS-\x00"}).url, reverse("portal:opt-out")
        )

    def test_every_state_says_what_it_means_and_what_comes_next(self):
        made = people.sent(self.ada)
        self.assertContains(self.page(made), "Your turn")
        verification.verify_by_hand(made, people.reviewer(), "secret remark")
        page = self.page(made)
        self.assertContains(page, "A reviewer looks at the request and decides")
        self.assertNotContains(page, "secret remark")
        decisions.accept(OptOutRequest.objects.get(), people.reviewer(), "another remark")
        page = self.page(made)
        self.assertContains(page, "Your code is on the block-list")
        self.assertNotContains(page, "another remark")
        self.assertNotContains(page, "Withdraw the request")

    def test_a_rejection_shows_its_reason_escaped(self):
        made = people.verified(self.ada)
        decisions.reject(made, people.reviewer(), "<img src=x onerror=alert(1)>\nSorry")
        page = self.page(made)
        self.assertContains(page, "&lt;img src=x")
        self.assertNotContains(page, "<img src=x")

    def test_exposure_is_shown_once_the_account_is_proven(self):
        people.hold("Alpha", "one", "hidden-one")
        made = people.sent(self.ada)
        self.assertNotContains(self.page(made), "What we hold")
        verification.verify_by_hand(made, people.reviewer(), "ok")
        self.assertContains(self.page(made), "In it, hidden")
        decisions.reject(OptOutRequest.objects.get(), people.reviewer(), "no")
        self.assertNotContains(self.page(made), "What we hold")

    def test_shows_what_was_removed_and_when(self):
        made = people.sent(self.ada)
        release = {
            "name": "the-stack-demo",
            "version": "v1.0",
            "files": 7,
            "bytes": 700,
            "withdrawn_at": timezone.now().isoformat(),
        }
        OptOutRequest.objects.filter(pk=made.pk).update(
            state="removed",
            removed_at=timezone.now(),
            removed={
                "release": "x v1.1",
                "files": 7,
                "bytes": 700,
                "repositories": 1,
                "releases": [release],
                "stores": ["corpus"],
            },
        )
        page = self.page(made)
        self.assertContains(page, "What was removed")
        self.assertContains(page, "its bytes were erased")
        self.assertContains(page, "Cleared: corpus")

    def test_one_that_found_nothing_to_remove_says_so(self):
        made = people.sent(self.ada)
        OptOutRequest.objects.filter(pk=made.pk).update(
            state="closed",
            removed_at=timezone.now(),
            removed={"release": "x v1.1", "files": 0, "releases": [], "stores": []},
        )
        self.assertContains(self.page(made), "No release held anything that your request covers")

    def test_the_proof_page_gives_file_line_and_command(self):
        made = people.sent(self.ada)
        page = self.page(made, "proof-file")
        self.assertContains(page, ".fairstack-challenge")
        self.assertContains(page, verification.current_challenge(made).challenge)

    def test_a_check_is_asked_for_and_watched(self):
        made = people.sent(self.ada)
        url = reverse("portal:proof-file", args=[made.reference])
        self.assertRedirects(self.client.post(url, {"repository": "one"}), url)
        self.assertContains(self.client.get(url), 'hx-trigger="every 1s"')
        self.assertContains(
            self.client.get(reverse("portal:proof-checks", args=[made.reference, "file"])), "We asked for"
        )
        check = verification.current_challenge(made).checks.get()
        verification.finish_check(check, "missing")
        part = self.client.get(reverse("portal:proof-checks", args=[made.reference, "file"]))
        self.assertContains(part, "Not yet")
        self.assertNotContains(part, "hx-trigger")

    def test_a_bad_repository_name_is_told_at_its_field(self):
        made = people.sent(self.ada)
        url = reverse("portal:proof-file", args=[made.reference])
        for name in ("", "../x", "a\u202e", "x" * 300):
            with self.subTest(name=name[:5]):
                response = self.client.post(url, {"repository": name})
                self.assertContains(response, 'href="#id_repository"', status_code=422)

    def test_chosen_repositories_are_offered_to_choose_from(self):
        made = people.sent(self.ada, "Alpha", "one", "two")
        url = reverse("portal:proof-file", args=[made.reference])
        self.assertContains(self.client.get(url), '<option value="two">')
        self.assertEqual(self.client.post(url, {"repository": "three"}).status_code, 422)

    def test_an_expired_challenge_can_be_renewed(self):
        made = people.sent(self.ada)
        made.proofs.update(expires_at=timezone.now())
        self.assertContains(self.page(made, "proof-file"), "The challenge has expired")
        response = self.client.post(reverse("portal:proof-file", args=[made.reference]), {"repository": "one"})
        self.assertEqual(response.status_code, 422)
        self.client.post(reverse("portal:challenge", args=[made.reference, "file"]))
        self.assertContains(self.page(made, "proof-file"), "Check now")

    def test_a_proven_request_has_no_proof_page_any_more(self):
        made = people.verified(self.ada)
        self.assertRedirects(self.page(made, "proof-file"), made.get_absolute_url())
        self.assertRedirects(
            self.client.post(reverse("portal:challenge", args=[made.reference, "file"])), made.get_absolute_url()
        )

    def test_where_there_is_no_git_a_reviewer_verifies(self):
        made = people.sent(self.ada, "somebody", forge="pypi.org")
        self.assertContains(self.page(made, "proof"), "a reviewer will verify this request by hand")
        self.assertFalse(made.proofs.exists(), "the desk would show a challenge that nobody can look for")

    def test_withdrawing_says_what_it_does_first(self):
        made = people.verified(self.ada)
        url = reverse("portal:withdraw", args=[made.reference])
        self.assertContains(self.client.get(url), "What it hides is shown again")
        self.assertRedirects(self.client.post(url), made.get_absolute_url())
        self.assertEqual(OptOutRequest.objects.get().state, "withdrawn")
        self.assertRedirects(self.client.get(url), made.get_absolute_url())
        self.assertContains(self.client.post(url, follow=True), "cannot become")

    def test_number_of_queries_does_not_grow_with_what_is_listed(self):
        for number in range(3):
            people.sent(self.ada, f"account{number}")
        with self.assertNumQueries(8):
            self.client.get(reverse("portal:requests"))
        made = people.verified(self.ada, "Alpha", "one", "two", "three")
        people.hold("Alpha", "one", "two", "three")
        with self.assertNumQueries(14):
            self.page(made)
