"""Proving an account by a challenge file: the service, the job, and real git on a forge on this disk."""

import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from unittest import mock

from django.core.exceptions import PermissionDenied
from django.test import TestCase, override_settings
from django.utils import timezone

from core.errors import Conflict, InvalidInput
from core.jobs import cancel, execute_here
from core.models import Job, JobLogLine
from datasets_app import lookup
from datasets_app.models import Mask
from portal.models import OptOutRequest, Proof, ProofCheck
from portal.proofs import git
from portal.proofs.outcomes import OUTCOMES
from portal.services import requests, verification
from tests.base import DataFolderMixin, make_user
from tests.portal import people
from tests.portal.forge import LocalForge


class AChallengeFile(DataFolderMixin, TestCase):
    def setUp(self):
        super().setUp()
        root = Path(tempfile.mkdtemp(prefix="fairstack-forge-"))
        self.addCleanup(shutil.rmtree, root, ignore_errors=True)
        self.forge = LocalForge(root)
        overridden = override_settings(FAIRSTACK_FORGES=self.forge.settings())
        overridden.enable()
        self.addCleanup(overridden.disable)
        self.ada = make_user("ada")

    def check(self, request, repository="one"):
        return people.run(verification.start_check(request, request.requester, repository))

    def place(self, request, owner="Alpha", repository="one"):
        self.forge.prove(owner, repository, verification.current_challenge(request).challenge)

    def test_in_a_repository_of_the_account_verifies_and_hides_at_once(self):
        people.hold("Alpha", "one", "two")
        made = people.sent(self.ada)
        self.place(made)
        check = self.check(made)
        self.assertEqual(check.outcome, "passed")
        made.refresh_from_db()
        self.assertEqual(made.state, "triage")
        self.assertIsNotNone(made.verified_at)
        self.assertFalse(lookup.search("alpha").held)
        self.assertEqual(Mask.objects.get().reference, made.reference)

    def test_missing_tells_so_and_loses_nothing(self):
        made = people.sent(self.ada)
        self.forge.push("Alpha", "one", {"README.md": "x"})
        check = self.check(made)
        self.assertEqual(check.outcome, "missing")
        self.assertIn(".fairstack-challenge", check.words)
        made.refresh_from_db()
        self.assertEqual(made.state, "verifying")
        self.place(made)
        self.assertEqual(self.check(made).outcome, "passed")

    def test_with_other_text(self):
        made = people.sent(self.ada)
        self.forge.prove("Alpha", "one", "let me in")
        self.assertEqual(self.check(made).outcome, "wrong_text")

    def test_replayed_for_another_request(self):
        first, second = people.sent(self.ada), people.sent(make_user("eve"))
        self.place(first)
        self.assertEqual(self.check(second).outcome, "other_challenge")
        second.refresh_from_db()
        self.assertEqual(second.state, "verifying")

    def test_a_challenge_copied_into_another_request_does_not_count(self):
        first, second = people.sent(self.ada), people.sent(make_user("eve"))
        self.place(first)
        stolen = verification.current_challenge(first).challenge
        Proof.objects.filter(request=second).update(challenge=stolen)
        self.assertEqual(self.check(second).outcome, "other_challenge")

    def test_of_another_account_does_not_count(self):
        made = people.sent(self.ada, "Alpha")
        self.place(made, owner="Mallory")
        self.assertEqual(self.check(made).outcome, "unreachable")

    def test_a_proof_for_another_account_is_refused_even_if_it_passes(self):
        made = people.sent(self.ada)
        Proof.objects.filter(request=made).update(owner_key="github.com/mallory")
        check = verification.start_check(made, self.ada, "one")
        self.assertEqual(verification.finish_check(check, "passed"), "other_request")
        made.refresh_from_db()
        self.assertEqual(made.state, "verifying")

    def test_after_the_challenge_expired(self):
        made = people.sent(self.ada)
        self.place(made)
        check = verification.start_check(made, self.ada, "one")
        made.proofs.update(expires_at=timezone.now() - timedelta(seconds=1))
        self.assertEqual(people.run(check).outcome, "expired")
        with self.assertRaises(Conflict):
            verification.start_check(made, self.ada, "one")
        verification.issue_challenge(made, self.ada)
        self.place(made)
        self.assertEqual(self.check(made).outcome, "passed")

    def test_a_new_challenge_ends_the_one_before(self):
        made = people.sent(self.ada)
        self.place(made)
        verification.issue_challenge(made, self.ada)
        self.assertEqual(self.check(made).outcome, "other_challenge")
        self.assertEqual(made.events.filter(kind="challenge").count(), 1)

    def test_an_unreachable_repository(self):
        made = people.sent(self.ada)
        self.assertEqual(self.check(made, "nowhere").outcome, "unreachable")

    def test_a_repository_that_takes_too_long_or_is_too_large(self):
        made = people.sent(self.ada)
        self.forge.push("Alpha", "one", {"README.md": "x"})
        for outcome in ("too_slow", "too_large"):
            with mock.patch.object(git, "read_file", side_effect=git.GitRefused(outcome)):
                self.assertEqual(self.check(made).outcome, outcome)

    def test_chosen_repositories_need_the_file_in_one_of_them(self):
        made = people.sent(self.ada, "Alpha", "two")
        self.place(made, repository="one")
        with self.assertRaises(InvalidInput):
            verification.start_check(made, self.ada, "one")
        self.place(made, repository="two")
        self.assertEqual(self.check(made, "TWO").outcome, "passed")

    def test_hostile_repository_names_are_refused(self):
        made = people.sent(self.ada)
        for name in ("../../etc", "--upload-pack=x", "a\u202eb", "x" * 10_000, "", "^.+$", "one;rm"):
            with self.subTest(name=name[:20]), self.assertRaises(InvalidInput):
                verification.start_check(made, self.ada, name)
        self.assertFalse(ProofCheck.objects.exists())

    def test_asked_twice_is_one_check(self):
        made = people.sent(self.ada)
        first = verification.start_check(made, self.ada, "one")
        self.assertEqual(verification.start_check(made, self.ada, "one"), first)
        self.assertEqual(Job.objects.filter(kind="portal.check_proof").count(), 1)

    def test_a_job_run_again_changes_nothing(self):
        made = people.sent(self.ada)
        self.place(made)
        check = self.check(made)
        Job.objects.filter(pk=check.job.pk).update(state="queued")
        execute_here(check.job)
        check.job.refresh_from_db()
        self.assertEqual(check.job.result, {"outcome": "passed"})
        self.assertEqual(made.events.filter(kind="check_passed").count(), 1)

    def test_a_cancelled_check_says_so_and_another_can_follow(self):
        made = people.sent(self.ada)
        check = verification.start_check(made, self.ada, "one")
        cancel(check.job, self.ada)
        check.refresh_from_db()
        self.assertIn("stopped", check.words)
        self.place(made)
        self.assertEqual(self.check(made).outcome, "passed")

    def test_too_many_checks_in_an_hour_are_refused(self):
        made = people.sent(self.ada)
        proof = verification.current_challenge(made)
        ProofCheck.objects.bulk_create(
            [ProofCheck(proof=proof, repository="one", outcome="missing") for _ in range(verification.CHECKS_AN_HOUR)]
        )
        with self.assertRaises(Conflict):
            verification.start_check(made, self.ada, "one")

    def test_a_request_withdrawn_meanwhile_stays_withdrawn(self):
        made = people.sent(self.ada)
        self.place(made)
        check = verification.start_check(made, self.ada, "one")
        requests.withdraw(made, self.ada)
        self.assertEqual(people.run(check).outcome, "ended")
        self.assertEqual(OptOutRequest.objects.get().state, "withdrawn")
        self.assertFalse(Mask.objects.exists())

    def test_is_for_the_requester_alone(self):
        made, eve = people.sent(self.ada), make_user("eve")
        with self.assertRaises(PermissionDenied):
            verification.start_check(made, eve, "one")
        with self.assertRaises(PermissionDenied):
            verification.issue_challenge(made, eve)

    def test_a_forge_that_the_site_no_longer_knows(self):
        made = people.sent(self.ada)
        with override_settings(FAIRSTACK_FORGES={}):
            self.assertEqual(self.check(made).outcome, "unreachable")

    def test_no_name_reaches_the_job_or_its_log(self):
        made = people.sent(self.ada, "Zebra-Quartz")
        self.forge.push("Zebra-Quartz", "secretrepo", {"README.md": "x"})
        self.check(made, "secretrepo")
        job = Job.objects.get()
        said = f"{job.title} {job.params} {job.result} {job.error} {job.stages}" + " ".join(
            JobLogLine.objects.values_list("text", flat=True)
        )
        self.assertNotRegex(said.casefold(), "zebra|secretrepo")

    def test_leaves_nothing_in_the_data_folder(self):
        made = people.sent(self.ada)
        self.place(made)
        self.check(made)
        self.assertEqual(list((self.data / "tmp").iterdir()), [])

    def test_every_outcome_has_words(self):
        self.assertEqual(len([key for key, outcome in OUTCOMES.items() if outcome.passed]), 6)
        self.assertTrue(all(outcome.words for outcome in OUTCOMES.values()))
