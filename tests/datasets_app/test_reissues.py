"""Old releases that hold what was blocked: issued again in their place, or withdrawn, and never served in between."""

import shutil
from unittest.mock import patch

from django.core.exceptions import PermissionDenied
from django.test import TestCase, TransactionTestCase, override_settings
from django.urls import reverse

from core.jobs import execute_here
from core.models import AuditEntry, Job, LedgerEntry
from datasets_app import lookup, purging
from datasets_app.console import find_release
from datasets_app.models import BlockEntry, Holding, Release
from datasets_app.pipeline import manifest
from datasets_app.pipeline.release import Release as OpenRelease
from datasets_app.pipeline.scan import scan
from datasets_app.pipeline.verify import verify
from datasets_app.services import blocklist, reissues, releases
from datasets_app.signals import purge_finished
from tests.base import make_user
from tests.datasets_app.floor import MARKER, FloorMixin
from tests.datasets_app.test_kills import Kills
from training_jobs import eligibility

NAME = "the-stack-demo"


class Reissues(FloorMixin):
    def setUp(self) -> None:
        super().setUp()
        self.client.force_login(self.staff)

    def state(self, version: str) -> str:
        return Release.objects.get(version=version).state

    def shard_of(self, release: Release) -> str:
        opened = OpenRelease.open(purging.releases_folder(), release.name, release.version)
        return release.get_absolute_url() + next(iter(opened.served_names()))

    def honour(self) -> Job:
        job = reissues.honour_now(self.staff)
        assert job is not None
        return execute_here(job)


class InTheirPlace(Reissues, TestCase):
    def test_publishing_the_next_release_issues_the_old_one_again_without_what_is_blocked(self):
        first = self.published()
        before = first.published_at
        self.opt_out("alpha")
        with self.captureOnCommitCallbacks(execute=True):
            second = self.publish()
        first.refresh_from_db()
        made = Release.objects.get(version="v1.0+r1")
        self.assertEqual((first.state, made.state, second.state), ("withdrawn", "published", "published"))
        self.assertEqual((made.reissue_of, made.parent, made.published_at), (first, first, before))
        self.assertIn("issued again without them, as v1.0+r1", first.withdrawn_reason)
        self.assertEqual(made.recipe_digest, first.recipe_digest)
        self.assertEqual(made.blocklist_position, blocklist.position())
        self.assertLess(made.files, first.files)
        self.assertEqual(sum(row["files"] for row in made.funnel), sum(row["files"] for row in first.funnel))
        self.assertFalse(Holding.objects.filter(release=made, owner__login_folded="alpha").exists())
        written = manifest.load(purging.releases_folder(), NAME, "v1.0+r1")
        self.assertEqual((written.reissue_of, written.parent), ("v1.0", (NAME, "v1.0")))
        self.assertTrue(verify(purging.releases_folder(), NAME, "v1.0+r1").ok)
        self.assertEqual(scan(self.data, [MARKER]), [])
        self.assertEqual(made.approvals.count(), 0)
        bodies = [entry.body for entry in LedgerEntry.objects.filter(kind="release published")]
        self.assertEqual([body.get("reissue_of", "") for body in bodies], ["", "", "v1.0"])
        # The newest release stays the newest: the next build goes on from it.
        self.assertEqual(releases.parent_of(NAME), second)
        self.assertEqual(releases.next_version(NAME), "v1.2")
        self.assertEqual(find_release("", "", "published"), second)
        self.assertEqual(eligibility.open_releases(), [second, made])

    def test_a_second_opt_out_makes_the_second_re_issue_of_the_same_original(self):
        first = self.published()
        self.opt_out("alpha", "one")
        self.assertEqual(self.honour().state, "succeeded")
        self.opt_out("alpha", "two")
        self.assertEqual(self.honour().state, "succeeded")
        made = Release.objects.get(version="v1.0+r2")
        self.assertEqual((made.reissue_of, made.parent.version), (first, "v1.0+r1"))
        self.assertEqual(
            (self.state("v1.0"), self.state("v1.0+r1"), made.state), ("withdrawn", "withdrawn", "published")
        )
        self.assertEqual((Release.objects.get(version="v1.0+r1").issued_again, first.issued_again), (made, made))
        self.assertEqual(releases.parent_of(NAME), made)
        self.assertEqual(releases.next_version(NAME), "v1.1")
        self.assertFalse(lookup.search("alpha").held)

    def test_where_the_policy_is_to_withdraw_the_old_release_goes_at_once(self):
        self.published()
        self.opt_out("alpha")
        with override_settings(FAIRSTACK_OLD_RELEASES="withdraw"):
            self.publish()
        self.assertEqual(self.state("v1.0"), "withdrawn")
        self.assertFalse(Release.objects.filter(reissue_of__isnull=False).exists())

    def test_a_release_of_nothing_else_is_withdrawn(self):
        self.published()
        for login in ("alpha", "beta"):
            self.opt_out(login)
        job = self.honour()
        self.assertEqual(job.state, "succeeded", job.error + job.crash)
        self.assertEqual((self.state("v1.0"), self.state("v1.0+r1")), ("withdrawn", "failed"))
        self.assertIn("Nothing else was in it", Release.objects.get(version="v1.0").withdrawn_reason)

    def test_what_was_lifted_meanwhile_needs_no_re_issue(self):
        self.published()
        self.opt_out("alpha")
        job = reissues.honour_now(self.staff)
        BlockEntry.objects.all().delete()
        self.assertEqual(execute_here(job).state, "succeeded")
        self.assertEqual(list(Release.objects.values_list("version", "state")), [("v1.0", "published")])

    def test_one_that_was_withdrawn_by_hand_meanwhile_is_not_issued_again(self):
        first = self.published()
        self.opt_out("alpha")
        job = reissues.honour_now(self.staff)
        releases.withdraw(first, self.staff, "A licence was wrong.")
        self.assertEqual(execute_here(job).state, "succeeded")
        self.assertEqual((self.state("v1.0"), self.state("v1.0+r1")), ("withdrawn", "failed"))

    def test_honouring_now_needs_the_permission_and_something_to_honour_and_gives_one_job(self):
        self.published()
        self.assertIsNone(reissues.honour_now(self.staff))
        self.opt_out("alpha")
        with self.assertRaises(PermissionDenied):
            reissues.honour_now(make_user())
        job = reissues.honour_now(self.staff)
        self.assertEqual(reissues.honour_now(self.staff), job)
        self.assertEqual(Release.objects.count(), 2)

    def test_the_floors_above_hear_which_release_honours_the_block_list_now(self):
        self.published()
        self.opt_out("alpha")
        heard = []

        def hear(release, **more):
            heard.append(release.version)

        purge_finished.connect(hear)
        self.addCleanup(purge_finished.disconnect, hear)
        self.honour()
        self.assertEqual(heard, ["v1.0+r1"])
        self.assertTrue(AuditEntry.objects.filter(action="honour block-list").exists())


class Meanwhile(Reissues, TestCase):
    def test_from_the_moment_it_is_asked_for_the_bytes_are_not_served_nor_trained_on(self):
        first = self.published()
        shard = self.shard_of(first)
        self.assertEqual(self.client.get(shard).status_code, 200)
        self.assertEqual(eligibility.refusal(first), "")
        self.opt_out("alpha")
        job = reissues.honour_now(self.staff)
        refused = self.client.get(shard)
        self.assertEqual((refused.status_code, refused["Retry-After"]), (503, "600"))
        self.assertIn("being issued again", eligibility.refusal(first))
        self.assertContains(self.client.get(first.get_absolute_url()), "It is being issued again")
        self.assertContains(self.client.get(reverse("datasets:desk-release", args=[NAME, "v1.0"])), "not served")
        execute_here(job)
        self.assertEqual(self.client.get(shard).status_code, 410)
        made = Release.objects.get(version="v1.0+r1")
        self.assertEqual(self.client.get(self.shard_of(made)).status_code, 200)
        self.assertEqual(eligibility.refusal(made), "")

    def test_one_that_cannot_be_made_leaves_the_old_one_unserved_and_can_be_tried_again(self):
        first = self.published()
        self.opt_out("alpha")
        shards = purging.releases_folder() / "shards"
        shutil.move(shards, self.data / "releases" / "elsewhere")
        job = self.honour()
        self.assertEqual(job.state, "failed")
        self.assertIn("cannot be issued again", job.error)
        self.assertEqual((self.state("v1.0"), self.state("v1.0+r1")), ("published", "failed"))
        shutil.move(self.data / "releases" / "elsewhere", shards)
        self.assertEqual(self.client.get(self.shard_of(first)).status_code, 503)
        page = self.client.get(reverse("datasets:desk-release", args=[NAME, "v1.0+r1"]))
        self.assertContains(page, "Try again")
        self.assertEqual(self.honour().state, "succeeded")
        self.assertEqual((self.state("v1.0"), self.state("v1.0+r1")), ("withdrawn", "published"))


class ItsPages(Reissues, TestCase):
    def test_its_addresses_work_and_the_pages_of_both_lead_to_each_other(self):
        first = self.published()
        self.opt_out("alpha")
        page = self.client.get("/releases/desk/")
        self.assertContains(page, "Honour the block-list now")
        self.assertContains(self.client.get(reverse("datasets:honour")), "issued again")
        response = self.client.post(reverse("datasets:honour"), follow=True)
        self.assertEqual(response.status_code, 200)
        self.assertEqual(execute_here(Job.objects.get(kind="datasets.purge")).state, "succeeded")
        made = Release.objects.get(version="v1.0+r1")
        self.client.logout()
        self.assertEqual(made.get_absolute_url(), "/releases/the-stack-demo/v1.0+r1/")
        gone = self.client.get(first.get_absolute_url())
        self.assertContains(gone, made.get_absolute_url(), status_code=410)
        page = self.client.get(made.get_absolute_url())
        self.assertContains(page, first.get_absolute_url())
        self.assertContains(page, "needed no approval")
        self.assertContains(self.client.get("/releases/"), "v1.0, issued again")
        self.assertEqual(self.client.get(f"{made.get_absolute_url()}files/").status_code, 200)
        self.assertEqual(self.client.get(f"{made.get_absolute_url()}manifest.json").status_code, 200)
        answer = self.client.get(f"/api/releases/{NAME}/v1.0+r1").json()
        self.assertEqual((answer["reissue_of"], answer["version"]), ("v1.0", "v1.0+r1"))
        gone = self.client.get(f"/api/releases/{NAME}/v1.0")
        self.assertEqual((gone.status_code, gone.json()["reissued_as"]), (410, "v1.0+r1"))
        self.client.force_login(self.staff)
        for version in ("v1.0", "v1.0+r1"):
            page = self.client.get(reverse("datasets:desk-release", args=[NAME, version]))
            self.assertContains(page, "v1.0+r1")
        self.assertContains(self.client.get("/releases/desk/"), "v1.0, issued again")
        self.assertContains(self.client.get(reverse("datasets:honour")), "nothing to do")
        self.assertContains(self.client.post(reverse("datasets:honour"), follow=True), "No release holds anything")

    def test_strangers_may_not_honour(self):
        self.client.force_login(make_user())
        self.assertEqual(self.client.get(reverse("datasets:honour")).status_code, 403)
        self.assertEqual(self.client.post(reverse("datasets:honour")).status_code, 403)

    def test_the_api_starts_it(self):
        self.published()
        self.assertEqual(self.client.post("/api/blocklist/honour").status_code, 204)
        self.opt_out("alpha")
        answer = self.client.post("/api/blocklist/honour")
        self.assertEqual((answer.status_code, answer.json()["kind"]), (202, "datasets.purge"))


class Killed(Kills, TransactionTestCase):
    def test_killed_at_each_stage_it_leaves_the_old_or_the_new_one_and_is_finished_by_the_next_attempt(self):
        self.published()
        self.opt_out("alpha")
        job = reissues.honour_now(self.staff)
        seen = []
        for stage, done in (
            ("finding what goes", "1"),
            ("writing shards", "any"),
            ("committing", "1"),
            ("taking the place", "1"),
        ):
            self.kill_at(job, stage, done)
            seen.append(tuple(Release.objects.order_by("pk").values_list("state", flat=True)))
            Job.objects.filter(pk=job.pk).update(attempt=1)
            job.refresh_from_db()
        self.assertEqual(seen, [("published", "building")] * 3 + [("withdrawn", "published")])
        self.assertEqual(execute_here(job).state, "succeeded", job.error + job.crash)
        self.assertEqual(scan(self.data, [MARKER]), [])
        self.assertTrue(verify(purging.releases_folder(), NAME, "v1.0+r1").ok)

    def test_what_is_blocked_between_two_attempts_goes_too_under_the_next_version(self):
        self.published()
        self.opt_out("alpha", "one")
        job = reissues.honour_now(self.staff)
        self.kill_at(job, "committing", "1")
        self.opt_out("alpha", "two")
        with patch("core.jobs.wake"):
            self.assertEqual(execute_here(job).state, "succeeded", job.error + job.crash)
        states = dict(Release.objects.values_list("version", "state"))
        self.assertEqual(states, {"v1.0": "withdrawn", "v1.0+r1": "failed", "v1.0+r2": "published"})
        self.assertFalse(Holding.objects.filter(release__version="v1.0+r2", owner__login_folded="alpha").exists())
        self.assertEqual(scan(self.data, [MARKER]), [])
