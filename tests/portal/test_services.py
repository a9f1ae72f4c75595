"""A request through its states, by the services."""

from datetime import timedelta

from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db import IntegrityError, transaction
from django.test import TestCase, override_settings
from django.utils import timezone

from core import ledger
from core.errors import Conflict, InvalidInput, InvalidTransition
from core.models import AuditEntry, Job, LedgerEntry
from core.stores import Cleared
from datasets_app import lookup
from datasets_app.models import BlockEntry, Holding, Mask, Owner, Release, Repository
from datasets_app.signals import purge_finished, release_published
from portal import exposure, states, transparency
from portal.models import OptOutRequest, RequestEvent
from portal.policies import Promises, promises
from portal.receipts.checker import Report
from portal.references import new_reference
from portal.services import clock, decisions, drafts, removal, requests, verification
from tests.base import DataFolderMixin, make_user
from tests.portal import people


class TheTableOfStates(TestCase):
    def test_every_state_has_its_texts(self):
        self.assertEqual(set(states.TEXTS), set(states.OPT_OUT.transitions))
        for state, text in states.TEXTS.items():
            with self.subTest(state=state):
                self.assertTrue(all((text.label, text.happened, text.means, text.next)))

    def test_every_state_but_the_draft_can_be_reached_from_it(self):
        reached, more = set(), {"draft"}
        while more:
            reached |= more
            more = {to for state in more for to in states.OPT_OUT.transitions[state]} - reached
        self.assertEqual(reached, set(states.OPT_OUT.transitions))

    def test_ended_states_lead_nowhere_and_those_under_way_somewhere(self):
        for state in states.UNDER_WAY:
            self.assertTrue(states.OPT_OUT.transitions[state])
        for state in states.FINAL:
            self.assertFalse(states.OPT_OUT.transitions[state] - {"appeal"})

    def test_a_promise_below_one_day_or_of_another_name_is_refused(self):
        with self.assertRaises(ImproperlyConfigured):
            Promises(triage=0)
        with override_settings(FAIRSTACK_PROMISES={"lunch": 3}), self.assertRaises(ImproperlyConfigured):
            promises()


class Drafts(TestCase):
    def setUp(self):
        self.ada = make_user("ada")

    def test_a_person_has_one(self):
        self.assertEqual(drafts.start(self.ada), drafts.start(self.ada))
        with self.assertRaises(IntegrityError), transaction.atomic():
            OptOutRequest.objects.create(requester=self.ada, reference="FS-XXXX")

    def test_references_are_random_and_hard_to_misread(self):
        made = {new_reference() for _ in range(200)}
        self.assertEqual(len(made), 200)
        for one in made:
            self.assertRegex(one, r"^FS-([0-9A-HJKMNP-TV-Z]{4}-){2}[0-9A-HJKMNP-TV-Z]{4}$")

    def test_an_address_tells_forge_account_and_repository(self):
        draft = drafts.start(self.ada)
        drafts.set_account(draft, self.ada, "https://gitlab.com/Group/sub/project/-/tree/main", "github.com")
        self.assertEqual((draft.forge, draft.account, draft.scope), ("gitlab.com", "Group", "repositories"))
        self.assertEqual([one.name for one in draft.repositories.all()], ["sub/project"])

    def test_another_account_forgets_the_repositories_of_the_first(self):
        draft = people.draft(self.ada, "Alpha", "one", "two")
        drafts.set_account(draft, self.ada, "alpha", "github.com")
        self.assertEqual(draft.repositories.count(), 2)
        drafts.set_account(draft, self.ada, "Beta", "github.com")
        self.assertEqual(draft.repositories.count(), 0)
        self.assertEqual(drafts.missing_step(draft), "scope")

    def test_repositories_are_named_once_in_any_case_and_by_address(self):
        draft = people.draft(self.ada, "Alpha", "one")
        drafts.set_repositories(
            draft, self.ada, ["One", "one", "alpha/Two", "https://github.com/Alpha/three.git", ".github"]
        )
        self.assertEqual([one.name_folded for one in draft.repositories.all()], [".github", "one", "three", "two"])

    def test_a_repository_of_another_account_is_refused(self):
        draft = people.draft(self.ada, "Alpha", "one")
        for text in ("beta/one", "https://gitlab.com/alpha/one", "a/b/c d"):
            with self.subTest(text=text), self.assertRaises(InvalidInput):
                drafts.set_repositories(draft, self.ada, [text])

    def test_hostile_names_are_refused(self):
        draft = drafts.start(self.ada)
        hostile = [
            "^.+$",
            "a\u202eb",
            "x" * 10_000,
            "-rf",
            "..",
            "a/../b",
            "а1pha",
            "a b",
            "<script>",
            "\x00",
            "%2e%2e",
            "--",
            "\u200b",
            "",
        ]
        for text in hostile:
            with self.subTest(text=text[:20]), self.assertRaises(InvalidInput):
                drafts.set_account(draft, self.ada, text, "github.com")
            with self.subTest(repository=text[:20]), self.assertRaises(InvalidInput):
                drafts.set_repositories(draft, self.ada, [text])
        draft.refresh_from_db()
        self.assertEqual(draft.account, "")

    def test_an_unknown_forge_is_refused(self):
        draft = drafts.start(self.ada)
        for text, forge in (("alpha", "evil.example"), ("alpha", ""), ("https://evil.example/alpha", "github.com")):
            with self.subTest(text=text, forge=forge), self.assertRaises(InvalidInput):
                drafts.set_account(draft, self.ada, text, forge)

    def test_too_many_repositories_and_too_long_a_message_are_refused(self):
        draft = people.draft(self.ada)
        with self.assertRaises(InvalidInput):
            drafts.set_repositories(draft, self.ada, [f"r{n}" for n in range(drafts.MOST_REPOSITORIES + 1)])
        with self.assertRaises(InvalidInput):
            drafts.set_message(draft, self.ada, "x" * (drafts.LONGEST_MESSAGE + 1))
        with self.assertRaises(InvalidInput):
            drafts.set_repositories(draft, self.ada, [])
        with self.assertRaises(InvalidInput):
            drafts.set_scope(draft, self.ada, "everything")

    def test_belongs_to_the_person_who_began_it(self):
        draft, eve = people.draft(self.ada), make_user("eve")
        for act in (
            lambda: drafts.set_scope(draft, eve, "account"),
            lambda: drafts.discard(draft, eve),
            lambda: requests.submit(draft, eve),
        ):
            with self.assertRaises(PermissionDenied):
                act()

    def test_cannot_be_changed_or_deleted_once_sent(self):
        draft = people.draft(self.ada)
        requests.submit(draft, self.ada)
        with self.assertRaises(Conflict):
            drafts.set_message(draft, self.ada, "late")
        with self.assertRaises(Conflict):
            drafts.discard(draft, self.ada)


class Sending(TestCase):
    def setUp(self):
        self.ada = make_user("ada")

    def test_gives_receipt_clock_and_challenge(self):
        made = people.sent(self.ada)
        self.assertEqual(made.state, "verifying")
        self.assertEqual(made.due_at - made.submitted_at, timedelta(days=30))
        self.assertEqual([event.kind for event in made.events.all()], ["submitted", "verifying"])
        self.assertTrue(verification.current_challenge(made).challenge)

    def test_twice_is_one_request(self):
        draft = people.draft(self.ada)
        first, second = requests.submit(draft, self.ada), requests.submit(draft, self.ada)
        self.assertEqual(first, second)
        self.assertEqual(OptOutRequest.objects.count(), 1)
        self.assertEqual(RequestEvent.objects.filter(kind="submitted").count(), 1)
        self.assertEqual(first.proofs.count(), 1)

    def test_the_same_again_leads_to_the_one_under_way(self):
        first = people.sent(self.ada, "Alpha", "one", "two")
        with self.assertRaises(requests.AlreadyAsked) as caught:
            people.sent(self.ada, "alpha", "Two", "ONE")
        self.assertEqual(caught.exception.request, first)

    def test_another_person_may_ask_for_the_same_account(self):
        people.sent(self.ada)
        self.assertEqual(people.sent(make_user("eve")).state, "verifying")

    def test_an_incomplete_draft_names_the_page(self):
        draft = drafts.start(self.ada)
        for step in ("account", "scope"):
            with self.assertRaises(InvalidInput) as caught:
                requests.submit(draft, self.ada)
            self.assertEqual(caught.exception.field, step)
            drafts.set_account(draft, self.ada, "Alpha", "github.com")

    def test_no_name_of_an_account_reaches_the_audit_trail(self):
        people.scheduled(self.ada, "Zebra-Quartz", "secretrepo")
        for entry in AuditEntry.objects.all():
            self.assertNotRegex(str(entry.facts).casefold(), "zebra|secretrepo")


class Withdrawing(TestCase):
    def setUp(self):
        self.ada = make_user("ada")

    def test_shows_again_what_was_hidden(self):
        people.hold("Alpha", "one")
        made = people.verified(self.ada)
        self.assertFalse(lookup.search("alpha").held)
        requests.withdraw(made, self.ada)
        self.assertEqual(made.state, "withdrawn")
        self.assertTrue(lookup.search("alpha").held)

    def test_does_not_lift_what_another_request_hides(self):
        people.hold("Alpha", "one")
        first, second = people.verified(self.ada), people.verified(make_user("eve"))
        requests.withdraw(first, self.ada)
        self.assertFalse(lookup.search("alpha").held)
        self.assertEqual(Mask.objects.get(lifted_at=None).reference, second.reference)

    def test_is_for_the_requester_and_before_acceptance(self):
        made = people.sent(self.ada)
        with self.assertRaises(PermissionDenied):
            requests.withdraw(made, make_user("eve"))
        done = people.scheduled(make_user("bob"), "Beta")
        with self.assertRaises(InvalidTransition):
            requests.withdraw(done, done.requester)


class Deciding(TestCase):
    def setUp(self):
        self.ada = make_user("ada")

    def test_accepting_blocks_masks_and_commits_to_the_ledger(self):
        people.hold("Alpha", "one", "two")
        made = people.scheduled(self.ada)
        self.assertEqual(made.state, "scheduled")
        entry = BlockEntry.objects.get()
        self.assertEqual((entry.kind, entry.reference, entry.position), ("owner", made.reference, made.block_position))
        self.assertEqual(made.exposure[0]["files"], 6)
        sealed = LedgerEntry.objects.get(kind="opt-out accepted")
        self.assertIsNone(sealed.body)
        self.assertEqual(ledger.commit(bytes(made.ledger_key), made.ledger_record), sealed.commitment)
        self.assertTrue(ledger.check(sealed))

    def test_chosen_repositories_are_blocked_alone(self):
        people.hold("Alpha", "one", "two")
        people.scheduled(self.ada, "alpha", "ONE")
        self.assertEqual([entry.repository.name for entry in BlockEntry.objects.all()], ["one"])
        found = lookup.search("alpha")
        self.assertEqual([one.name for one in found.match.newest.repositories], ["two"])

    def test_what_was_never_held_is_blocked_ahead(self):
        made = people.scheduled(self.ada, "Nobody", "future")
        self.assertEqual(BlockEntry.objects.get().kind, "repository")
        self.assertEqual(Repository.objects.get().key, "github.com/nobody/future")
        self.assertEqual(made.state, "scheduled")

    def test_an_unverified_request_makes_no_rows_on_the_data_floor(self):
        people.sent(self.ada, "Nobody", "future")
        self.assertFalse(Owner.objects.exists() or Repository.objects.exists())

    def test_every_row_that_bears_the_name_is_covered(self):
        people.hold("Alpha", "one")
        Owner.objects.create(
            key="github.com:77", forge="github.com", account_id="77", login="ALPHA", login_folded="alpha"
        )
        people.scheduled(self.ada)
        self.assertEqual(BlockEntry.objects.count(), 2)

    def test_accepting_twice_is_refused_the_second_time(self):
        made = people.verified(self.ada)
        again = OptOutRequest.objects.get(pk=made.pk)
        decisions.accept(made, people.reviewer())
        with self.assertRaises(InvalidTransition):
            decisions.accept(again, people.reviewer())
        self.assertEqual(BlockEntry.objects.count(), 1)
        self.assertEqual(LedgerEntry.objects.count(), 1)

    def test_an_unverified_request_cannot_be_accepted(self):
        made = people.sent(self.ada)
        with self.assertRaises(InvalidTransition):
            decisions.accept(made, people.reviewer())
        self.assertFalse(BlockEntry.objects.exists())

    def test_rejecting_needs_a_reason_and_shows_again(self):
        people.hold("Alpha", "one")
        made = people.verified(self.ada)
        with self.assertRaises(InvalidInput):
            decisions.reject(made, people.reviewer(), "  ")
        with self.assertRaises(InvalidInput):
            decisions.reject(made, people.reviewer(), "x" * 5000)
        decisions.reject(made, people.reviewer(), "You are not Alpha.")
        self.assertTrue(lookup.search("alpha").held)
        self.assertEqual((made.state, made.decision_note), ("rejected", "You are not Alpha."))

    def test_needs_the_permission(self):
        made, eve = people.verified(self.ada), make_user("eve", is_staff=True)
        for act in (
            lambda: decisions.accept(made, eve),
            lambda: decisions.reject(made, eve, "no"),
            lambda: verification.verify_by_hand(made, eve, "because"),
        ):
            with self.assertRaises(PermissionDenied):
                act()

    def test_verifying_by_hand_needs_a_reason_and_a_request_that_waits(self):
        made = people.sent(self.ada)
        with self.assertRaises(InvalidInput):
            verification.verify_by_hand(made, people.reviewer(), " ")
        verification.verify_by_hand(made, people.reviewer(), "I know her.")
        with self.assertRaises(Conflict):
            verification.verify_by_hand(made, people.reviewer(), "Again.")


class Removing(DataFolderMixin, TestCase):
    def setUp(self):
        super().setUp()
        self.ada = make_user("ada")
        self.old = people.publish("v1.0")
        people.hold("Alpha", "one", "two", release=self.old)
        self.request = people.scheduled(self.ada)

    def publish_next(self):
        new = people.publish("v1.1", position=self.request.block_position)
        Release.objects.filter(pk=self.old.pk).update(state="withdrawn", withdrawn_at=timezone.now())
        return new

    def found_clean(self, request):
        """What the check does that found nothing."""
        removal.checked([request], Report(), [])
        request.refresh_from_db()

    def test_publishing_and_purging_finish_the_request_with_figures(self):
        new = self.publish_next()
        release_published.send(sender=Release, release=new)
        self.request.refresh_from_db()
        self.assertEqual(self.request.state, "rebuilding")
        purge_finished.send(sender=Release, release=new, cleared=[Cleared("corpus", items=3)], blobs=3)
        self.request.refresh_from_db()
        self.assertEqual(self.request.state, "rebuilding", "the purge's own word is not enough")
        self.found_clean(self.request)
        self.assertEqual(self.request.state, "removed")
        self.assertEqual((self.request.removed["files"], self.request.removed["bytes"]), (6, 600))
        self.assertEqual(self.request.removed["stores"], ["corpus"])
        self.assertTrue(self.request.removed["releases"][0]["withdrawn_at"])
        kinds = list(self.request.events.values_list("kind", flat=True))
        self.assertEqual(kinds[-3:], ["scheduled", "rebuilding", "removed"])

    def test_news_that_come_twice_or_in_another_order_change_nothing_more(self):
        new = self.publish_next()
        for _ in range(2):
            purge_finished.send(sender=Release, release=new, cleared=[], blobs=0)
        self.assertEqual(Job.objects.filter(kind=removal.CHECK).count(), 1)
        self.request.refresh_from_db()
        for _ in range(2):
            self.found_clean(self.request)
        release_published.send(sender=Release, release=new)
        self.request.refresh_from_db()
        self.assertEqual(self.request.state, "removed")
        self.assertEqual(self.request.events.filter(kind="removed").count(), 1)

    def test_a_release_that_was_built_before_the_acceptance_finishes_nothing(self):
        new = people.publish("v1.1", position=self.request.block_position - 1)
        release_published.send(sender=Release, release=new)
        purge_finished.send(sender=Release, release=new, cleared=[], blobs=0)
        purge_finished.send(sender=Release, release=None, cleared=[], blobs=0)
        self.request.refresh_from_db()
        self.assertEqual(self.request.state, "scheduled")

    def test_a_second_request_for_what_is_gone_is_checked_at_once(self):
        new = self.publish_next()
        purge_finished.send(sender=Release, release=new, cleared=[], blobs=0)
        second = people.scheduled(make_user("bob"))
        self.assertEqual(second.state, "rebuilding")
        self.assertIn([second.pk], [job.params["requests"] for job in Job.objects.filter(kind=removal.CHECK)])
        self.found_clean(second)
        self.assertEqual(second.state, "removed")

    def test_exposure_tells_in_masked_and_removed_apart(self):
        other = people.sent(make_user("bob"), "Beta", "b")
        people.hold("Beta", "b", release=self.old)
        self.assertEqual([one.standing for one in exposure.of_request(other)], ["in"])
        self.assertEqual([one.standing for one in exposure.of_request(self.request)], ["masked"])
        self.publish_next()
        self.assertEqual([one.standing for one in exposure.of_request(self.request)], ["removed"])
        self.assertEqual(exposure.of_request(self.request)[0].files, 6)
        self.assertEqual(Holding.objects.count(), 3)


class Time(TestCase):
    def setUp(self):
        self.ada = make_user("ada")

    def test_a_request_without_proof_expires(self):
        made = people.sent(self.ada)
        self.assertEqual(clock.keep_time()["expired"], 0)
        people.backdate(made, submitted_at=31)
        self.assertEqual(clock.keep_time()["expired"], 1)
        made.refresh_from_db()
        self.assertEqual(made.state, "expired")
        self.assertTrue(made.events.filter(kind="expired").exists())

    def test_a_verified_request_does_not_expire_and_is_overdue_instead(self):
        made = people.verified(self.ada)
        people.backdate(made, submitted_at=40, verified_at=39, due_at=10)
        clock.keep_time()
        made.refresh_from_db()
        self.assertEqual(made.state, "triage")
        self.assertTrue(made.overdue)

    def test_a_forgotten_draft_is_deleted(self):
        draft = people.draft(self.ada)
        people.backdate(draft, changed_at=31)
        self.assertEqual(clock.keep_time()["drafts"], 1)
        self.assertFalse(OptOutRequest.objects.exists())

    def test_a_finished_request_is_closed(self):
        made = people.sent(self.ada)
        OptOutRequest.objects.filter(pk=made.pk).update(
            state="receipted", removed_at=timezone.now() - timedelta(days=31)
        )
        self.assertEqual(clock.keep_time()["closed"], 1)

    def test_a_deadline_never_lies_after_the_legal_clock(self):
        made = people.verified(self.ada)
        people.backdate(made, verified_at=0)
        OptOutRequest.objects.filter(pk=made.pk).update(due_at=timezone.now() + timedelta(days=2))
        made.refresh_from_db()
        self.assertEqual(made.next_deadline, made.due_at)

    def test_figures_count_states_and_times(self):
        self.assertIsNone(transparency.figures().median_time)
        made = people.sent(self.ada)
        now = timezone.now()
        OptOutRequest.objects.filter(pk=made.pk).update(
            state="removed", submitted_at=now - timedelta(days=4), removed_at=now, due_at=now + timedelta(days=26)
        )
        people.sent(make_user("bob"), "Beta")
        found = transparency.figures()
        self.assertEqual((found.received, found.removed, found.under_way), (2, 1, 1))
        self.assertEqual((found.median_time, found.within_promise), (timedelta(days=4), 1.0))
