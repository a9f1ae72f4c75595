"""Deciding: in part, by two, with questions, objections and appeals; and who may not."""

from datetime import timedelta
from unittest.mock import patch

from django.core.exceptions import PermissionDenied
from django.test import TestCase, override_settings
from django.utils import timezone

from core.errors import Conflict, InvalidInput, InvalidTransition
from core.jobs import execute_here
from core.models import Job, User
from datasets_app import lookup
from datasets_app.models import BlockEntry, Mask
from datasets_app.services import releases
from portal.models import Appeal, Copy, Objection, OptOutRequest, Proof
from portal.services import appeals, bulk, clock, contacts, decisions, drafts, objections, questions, requests
from portal.services.decisions import Refused
from tests.base import DataFolderMixin, make_staff, make_user
from tests.portal import people


def second() -> User:
    """Another reviewer than ``people.reviewer()``."""
    return User.objects.filter(username="hedy").first() or make_staff("hedy")


def organisation(user: User, account: str = "Alpha") -> OptOutRequest:
    """A verified request of an organisation: others can object to it now."""
    draft = people.draft(user, account)
    OptOutRequest.objects.filter(pk=draft.pk).update(organisation=True)
    draft.refresh_from_db()
    return prove(requests.submit(draft, user))


def prove(made: OptOutRequest) -> OptOutRequest:
    """Let a request's proofs pass, however many it needs."""
    from portal.services import arrival

    Proof.objects.create(
        request=made, kind=Proof.BY_HAND, owner_key=made.owner_key, issued_at=timezone.now(), passed_at=timezone.now()
    )
    arrival.verified(made, people.reviewer())
    made.refresh_from_db()
    return made


def window_over(made: OptOutRequest) -> OptOutRequest:
    """Let the time to object pass."""
    people.backdate(made, objection_until=1)
    clock.keep_time()
    made.refresh_from_db()
    return made


class InPart(TestCase):
    def setUp(self):
        self.ada, self.grace = make_user("ada"), people.reviewer()

    def test_blocks_what_is_granted_and_shows_the_rest_again(self):
        people.hold("Alpha", "one", "two")
        made = people.verified(self.ada)
        decisions.accept_part(made, self.grace, {"TWO": Refused("others_content", "Bob wrote it.")})
        self.assertEqual([entry.repository.name for entry in BlockEntry.objects.all()], ["one"])
        found = lookup.search("alpha")
        self.assertEqual([one.name for one in found.match.newest.repositories], ["two"])
        made.refresh_from_db()
        self.assertEqual((made.state, made.scope), ("scheduled", "repositories"))
        kept = made.decisions.get(kind="partial").targets.get(granted=False)
        self.assertEqual((kept.name, kept.code, kept.text), ("two", "others_content", "Bob wrote it."))
        self.assertIn("partial", made.events.values_list("kind", flat=True))

    def test_refuses_nothing_everything_strangers_and_unknown_reasons(self):
        people.hold("Alpha", "one", "two")
        made = people.verified(self.ada)
        for refused in (
            {},
            {"one": Refused("other"), "two": Refused("other")},
            {"three": Refused("other")},
            {"one": Refused("because")},
        ):
            with self.subTest(refused=refused), self.assertRaises(InvalidInput):
                decisions.accept_part(made, self.grace, refused)
        made.refresh_from_db()
        self.assertEqual(made.state, "triage")
        self.assertFalse(BlockEntry.objects.exists())

    def test_a_rejection_has_a_known_code(self):
        made = people.verified(self.ada)
        with self.assertRaises(InvalidInput):
            decisions.reject(made, self.grace, "No.", "because")
        decisions.reject(made, self.grace, "No.", "not_owner")
        self.assertEqual((made.state, made.decision_code), ("rejected", "not_owner"))


class WhoDecides(TestCase):
    def setUp(self):
        self.ada, self.grace = make_user("ada"), people.reviewer()

    def test_nobody_decides_their_own_request(self):
        made = people.verified(self.grace)
        for act in (
            lambda: decisions.accept(made, self.grace),
            lambda: decisions.reject(made, self.grace, "no"),
            lambda: questions.ask(made, self.grace, "why?"),
            lambda: questions.extend(made, self.grace, "slow"),
        ):
            with self.assertRaises(PermissionDenied):
                act()
        made.refresh_from_db()
        self.assertEqual(made.state, "triage")
        self.assertTrue(decisions.accept(made, second()))

    @override_settings(FAIRSTACK_FOUR_EYES_FILES=6)
    def test_a_large_request_needs_two_who_agree(self):
        people.hold("Alpha", "one", "two")
        made = people.verified(self.ada)
        self.assertFalse(decisions.accept(made, self.grace))
        self.assertEqual(OptOutRequest.objects.get().state, "triage")
        self.assertFalse(BlockEntry.objects.exists())
        with self.assertRaises(Conflict):
            decisions.accept(made, self.grace)
        self.assertTrue(decisions.accept(made, second()))
        self.assertEqual(OptOutRequest.objects.get().state, "scheduled")

    @override_settings(FAIRSTACK_FOUR_EYES_FILES=6)
    def test_another_choice_is_a_first_approval_of_its_own(self):
        people.hold("Alpha", "one", "two")
        made = people.verified(self.ada)
        decisions.accept(made, self.grace)
        self.assertFalse(decisions.accept_part(made, second(), {"one": Refused("other", "x")}))
        self.assertTrue(decisions.accept_part(made, self.grace, {"one": Refused("other", "x")}))
        self.assertEqual([entry.repository.name for entry in BlockEntry.objects.all()], ["two"])

    @override_settings(FAIRSTACK_FOUR_EYES_FILES=7)
    def test_a_small_one_does_not(self):
        people.hold("Alpha", "one", "two")
        self.assertTrue(decisions.accept(people.verified(self.ada), self.grace))

    def test_the_first_verified_counts_and_not_the_first_filed(self):
        eve = make_user("eve")
        filed_first, verified_first = people.sent(eve), people.sent(self.ada)
        prove(verified_first)
        prove(filed_first)  # a duplicate never blocks a verification
        with self.assertRaisesRegex(Conflict, verified_first.reference):
            decisions.accept(filed_first, self.grace)
        decisions.accept(verified_first, self.grace)
        self.assertTrue(decisions.accept(filed_first, self.grace))
        references = list(BlockEntry.objects.order_by("position").values_list("reference", flat=True))
        self.assertEqual(references, [verified_first.reference, filed_first.reference])


class Questions(TestCase):
    def setUp(self):
        self.ada, self.grace = make_user("ada"), people.reviewer()

    def test_wait_for_the_answer_and_lead_back(self):
        for made, back in ((people.verified(self.ada), "triage"), (people.sent(self.ada, "Beta"), "verifying")):
            with self.subTest(back=back):
                questions.ask(made, self.grace, "Which Alpha?")
                self.assertEqual(made.state, "needs_info")
                self.assertEqual(made.next_deadline, made.asked_at + timedelta(days=14))
                with self.assertRaises(InvalidTransition):
                    decisions.accept(made, self.grace)
                with self.assertRaises(PermissionDenied):
                    questions.answer(made, self.grace, "Me.")
                questions.answer(made, self.ada, "The first.")
                made.refresh_from_db()
                self.assertEqual((made.state, made.enquiries.get().answer), (back, "The first."))
                with self.assertRaises(Conflict):
                    questions.answer(made, self.ada, "Again.")

    def test_without_an_answer_a_proven_request_goes_back_and_another_expires(self):
        proven, other = people.verified(self.ada), people.sent(self.ada, "Beta")
        for made in (proven, other):
            questions.ask(made, self.grace, "Which?")
            people.backdate(made, asked_at=15)
        done = clock.keep_time()
        self.assertEqual((done["unanswered"], done["expired"]), (1, 1))
        proven.refresh_from_db()
        other.refresh_from_db()
        self.assertEqual((proven.state, other.state), ("triage", "expired"))
        self.assertTrue(Mask.objects.filter(reference=proven.reference, lifted_at=None).exists())

    def test_more_time_is_taken_once_in_time_and_to_three_months(self):
        made = people.verified(self.ada)
        with self.assertRaises(InvalidInput):
            questions.extend(made, self.grace, " ")
        questions.extend(made, self.grace, "Very many files.")
        self.assertEqual(made.due_at, made.submitted_at + timedelta(days=90))
        self.assertTrue(self.ada.notices.filter(kind="extended").exists())
        with self.assertRaises(Conflict):
            questions.extend(made, self.grace, "Still.")
        late = people.verified(self.ada, "Beta")
        people.backdate(late, due_at=1)
        with self.assertRaises(Conflict):
            questions.extend(late, self.grace, "Too late for notice.")


class Objecting(DataFolderMixin, TestCase):
    def setUp(self):
        super().setUp()
        self.ada, self.bob, self.grace = make_user("ada"), make_user("bob"), people.reviewer()

    def test_the_window_opens_for_organisations_and_copies_and_forbids_to_accept_meanwhile(self):
        made = organisation(self.ada)
        self.assertEqual(made.state, "objection")
        self.assertEqual(made.objection_until, made.verified_at + timedelta(days=14))
        with self.assertRaises(InvalidTransition):
            decisions.accept(made, self.grace)
        self.assertEqual(clock.keep_time()["windows"], 0)
        self.assertEqual(window_over(made).state, "triage")
        self.assertTrue(decisions.accept(made, self.grace))

    def test_what_was_said_is_weighed_before_the_decision(self):
        made = organisation(self.ada)
        said = objections.file(made, self.bob, "A member", "We want to stay.")
        self.assertEqual(objections.file(made, self.bob, "A member", "We want to stay."), said)
        window_over(made)
        with self.assertRaisesRegex(Conflict, "weighed"):
            decisions.accept(made, self.grace)
        objections.weigh(said, self.grace, upheld=True, why="They own half of it.")
        with self.assertRaisesRegex(Conflict, "upheld"):
            decisions.accept(made, self.grace)
        with self.assertRaises(Conflict):
            objections.weigh(said, second(), upheld=False, why="No.")
        decisions.reject(made, self.grace, "See the objection.", "objection")

    def test_nobody_objects_to_their_own_or_weighs_their_own(self):
        made = organisation(self.ada)
        with self.assertRaises(PermissionDenied):
            objections.file(made, self.ada, "Me", "No.")
        said = objections.file(made, self.grace, "A member", "No.")
        with self.assertRaises(PermissionDenied):
            objections.weigh(said, self.grace, upheld=True, why="Mine.")

    def test_after_acceptance_it_stops_nothing_and_upheld_by_another_it_turns_back(self):
        people.hold("Alpha", "one")
        made = people.verified(self.ada)
        decisions.accept(made, self.grace)
        said = objections.file(made, self.bob, "The real owner", "Not in my name.")
        self.assertTrue(said.late)
        self.assertEqual(OptOutRequest.objects.get().state, "scheduled")
        with self.assertRaises(PermissionDenied):
            objections.weigh(said, self.grace, upheld=True, why="Mine.")
        objections.weigh(said, second(), upheld=True, why="He is right.")
        self.assertEqual(execute_here(Job.objects.get(kind="portal.undo")).state, "succeeded")
        made.refresh_from_db()
        self.assertEqual(made.state, "restored")
        self.assertFalse(BlockEntry.objects.filter(lifted_at=None).exists())
        self.assertTrue(lookup.search("alpha").held)

    def test_after_the_removal_it_is_undone_where_it_can_be_and_the_staff_told_where_not(self):
        made = people.scheduled(self.ada)
        OptOutRequest.objects.filter(pk=made.pk).update(state="receipted", removed_at=timezone.now())
        made.refresh_from_db()
        first = objections.file(made, self.bob, "The owner", "One.")
        with patch("portal.services.undo.possible", return_value=False):
            objections.weigh(first, second(), upheld=True, why="Right.")
        self.assertTrue(self.grace.notices.filter(kind="upheld_late").exists())
        another = objections.file(made, self.bob, "The owner", "Two.")
        with (
            patch("portal.services.undo.possible", return_value=True),
            patch("portal.services.undo.undo") as undone,
        ):
            objections.weigh(another, second(), upheld=True, why="Right.")
        self.assertEqual(undone.call_count, 1)
        people.backdate(made, removed_at=31)
        with self.assertRaises(Conflict):
            objections.file(made, self.bob, "The owner", "Three.")

    def test_an_unproven_or_ended_request_takes_none(self):
        sent = people.sent(self.ada)
        rejected = people.verified(self.ada, "Beta")
        decisions.reject(rejected, self.grace, "No.")
        for made in (sent, rejected):
            with self.assertRaises(Conflict):
                objections.file(made, self.bob, "A member", "No.")

    def test_those_who_have_proven_the_account_are_told_and_may_object(self):
        people.verified(self.bob)
        made = people.verified(self.ada)
        told = self.bob.notices.get(kind="about_your_account")
        self.assertEqual(told.request, made)
        self.assertTrue(contacts.may_object(made, self.bob))
        self.assertFalse(contacts.may_object(made, make_user("eve")))
        self.assertEqual(contacts.of_key(contacts.link_key(made)), made)
        self.assertIsNone(contacts.of_key(contacts.link_key(made)[:-1] + "x"))


class OwnersOfCopies(TestCase):
    def test_are_told_once_the_copies_are_found_and_may_object(self):
        bob, carol = make_user("bob"), make_user("carol")
        people.verified(bob, "Mirror")
        people.verified(carol, "Stranger")
        made = people.verified(make_user("ada"))
        Copy.objects.create(
            request=made, ring=Copy.EXACT, blob="a" * 40, mine="a" * 40, forge="github.com", owner="Mirror",
            repository="one", repository_key="github.com/mirror/one", path="a.py", why="unsure",
        )  # fmt: skip
        for _ in range(2):
            contacts.tell(made)
        self.assertEqual(bob.notices.filter(kind="about_your_account", request=made).count(), 1)
        self.assertTrue(contacts.may_object(made, bob))
        self.assertFalse(contacts.may_object(made, carol))


class Appealing(TestCase):
    def setUp(self):
        self.ada, self.grace = make_user("ada"), people.reviewer()
        people.hold("Alpha", "one")

    def rejected(self):
        made = people.verified(self.ada)
        decisions.reject(made, self.grace, "No.", "not_owner")
        return made

    def test_goes_to_another_reviewer_and_never_to_the_one_who_decided(self):
        made = self.rejected()
        appeals.appeal(made, self.ada, "It is mine.")
        for act in (lambda: appeals.grant(made, self.grace), lambda: decisions.reject(made, self.grace, "No.")):
            with self.assertRaises(PermissionDenied):
                act()
        self.assertTrue(appeals.grant(made, second()))
        made.refresh_from_db()
        self.assertEqual((made.state, made.appeals.get().state), ("scheduled", Appeal.GRANTED))

    def test_hides_again_meanwhile_and_shows_again_when_denied(self):
        made = self.rejected()
        self.assertTrue(lookup.search("alpha").held)
        appeals.appeal(made, self.ada, "It is mine.")
        self.assertFalse(lookup.search("alpha").held)
        decisions.reject(made, second(), "Still no.", "not_owner")
        self.assertTrue(lookup.search("alpha").held)
        self.assertEqual((made.state, made.appeals.get().state), ("rejected", Appeal.DENIED))
        with self.assertRaises(Conflict):
            appeals.appeal(made, self.ada, "Once more.")

    def test_an_unproven_request_gets_its_time_to_prove_anew(self):
        made = people.sent(self.ada)
        decisions.reject(made, self.grace, "No.")
        people.backdate(made, submitted_at=40)
        appeals.appeal(made, self.ada, "It is mine.")
        appeals.grant(made, second())
        self.assertEqual(made.state, "verifying")
        self.assertEqual(clock.keep_time()["expired"], 0)

    def test_is_for_the_requester_in_time_and_not_beside_the_same_request(self):
        made = self.rejected()
        with self.assertRaises(PermissionDenied):
            appeals.appeal(made, make_user("eve"), "Mine.")
        with self.assertRaises(InvalidInput):
            appeals.appeal(made, self.ada, " ")
        people.sent(self.ada)
        with self.assertRaisesRegex(Conflict, "under way"):
            appeals.appeal(made, self.ada, "Mine.")
        people.backdate(made, decided_at=31)
        with self.assertRaises(Conflict):
            appeals.appeal(made, self.ada, "Mine.")

    def test_who_rejected_weighs_no_objection_while_it_is_appealed(self):
        made = self.rejected()
        appeals.appeal(made, self.ada, "It is mine.")
        said = objections.file(made, make_user("bob"), "A member", "No.")
        with self.assertRaises(PermissionDenied):
            objections.weigh(said, self.grace, upheld=True, why="As I said.")
        objections.weigh(said, second(), upheld=False, why="No standing.")
        self.assertEqual(said.state, Objection.DISMISSED)

    @override_settings(FAIRSTACK_FOUR_EYES_FILES=1)
    def test_who_approved_it_first_weighs_no_objection_that_comes_later(self):
        made = self.rejected()
        appeals.appeal(made, self.ada, "It is mine.")
        third, fourth = make_staff("lynn"), make_staff("mary")
        self.assertFalse(appeals.grant(made, second()))
        self.assertTrue(appeals.grant(made, third))
        said = objections.file(made, make_user("bob"), "A member", "No.")
        for reviewer in (self.grace, second(), third):
            with self.assertRaises(PermissionDenied):
                objections.weigh(said, reviewer, upheld=False, why="Mine.")
        objections.weigh(said, fourth, upheld=False, why="No standing.")

    def test_a_month_of_its_own_is_never_cut_by_an_extension(self):
        made = people.sent(self.ada)
        people.backdate(made, submitted_at=75)
        decisions.reject(made, self.grace, "No.")
        appeals.appeal(made, self.ada, "It is mine.")
        due = made.due_at
        with self.assertRaisesRegex(Conflict, "nothing to extend"):
            questions.extend(made, second(), "Slow.")
        made.refresh_from_db()
        self.assertEqual((made.due_at, made.extended_at), (due, None))

    def test_withdrawn_it_is_over(self):
        made = self.rejected()
        appeals.appeal(made, self.ada, "It is mine.")
        requests.withdraw(made, self.ada)
        self.assertEqual((made.state, made.appeals.get().state), ("withdrawn", Appeal.DROPPED))
        self.assertTrue(lookup.search("alpha").held)


class WhileABuildRuns(DataFolderMixin, TestCase):
    def test_an_acceptance_goes_into_the_next_build_and_the_running_one_cannot_be_published(self):
        running = people.publish("v1.1", state="built")  # it read the block-list when it began: position 0
        people.hold("Alpha", "one", release=running)
        made = people.scheduled(make_user("ada"))
        self.assertGreater(made.block_position, running.blocklist_position)
        grace = people.reviewer()
        releases.approve(running, grace)
        with self.assertRaisesRegex(Conflict, "since it was built"):
            releases.publish(running, grace)
        made.refresh_from_db()
        self.assertEqual(made.state, "scheduled")
        following = people.publish("v1.2", state="built", position=made.block_position)
        releases.approve(following, grace)
        with self.captureOnCommitCallbacks(execute=True):
            releases.publish(following, grace)
        made.refresh_from_db()
        self.assertEqual(made.state, "rebuilding")


class InBulk(TestCase):
    def test_each_stands_alone_and_what_failed_is_reported(self):
        ada, grace = make_user("ada"), people.reviewer()
        good, unproven, own = people.verified(ada), people.sent(ada, "Beta"), people.verified(grace, "Gamma")
        results = bulk.decide(
            [good.reference, unproven.reference, own.reference, "FS-NONE", good.reference], grace, "accept"
        )
        by = {one.reference: one for one in results}
        self.assertEqual(len(results), 4)
        self.assertEqual((by[good.reference].done, by[good.reference].state), (True, "scheduled"))
        self.assertIn("cannot become", by[unproven.reference].error)
        self.assertIn("own request", by[own.reference].error)
        self.assertIn("no such request", by["FS-NONE"].error)
        asked = bulk.decide([unproven.reference], grace, "ask", text="Which?")
        self.assertEqual(asked[0].state, "needs_info")
        with self.assertRaises(InvalidInput):
            bulk.decide([], grace, "accept")
        with self.assertRaises(InvalidInput):
            bulk.decide([good.reference], grace, "burn")
        with self.assertRaises(PermissionDenied):
            bulk.decide([good.reference], make_user("eve", is_staff=True), "accept")


class WhatPeopleWrite(TestCase):
    def test_turning_and_invisible_control_characters_are_taken_out(self):
        made = people.verified(make_user("ada"))
        decisions.reject(made, people.reviewer(), "Not\u202e yours\x00\x1b[31m.\u2066")
        self.assertEqual(made.decision_note, "Not yours[31m.")

    def test_a_draft_in_the_table_of_objections_cannot_be_reached(self):
        draft = drafts.start(make_user("ada"))
        self.assertIsNone(contacts.of_key(contacts.link_key(draft)))
        self.assertFalse(Objection.objects.exists())
