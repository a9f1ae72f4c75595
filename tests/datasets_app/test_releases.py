"""From a source to a published release: states, permissions, approvals, and what happens twice."""

import resource
from unittest.mock import patch

from django.core.exceptions import PermissionDenied
from django.test import TestCase, override_settings

from core.errors import Conflict, InvalidInput, InvalidTransition
from core.jobs import execute_here
from core.models import AuditEntry, Job, LedgerEntry
from core.permissions import SYSTEM
from datasets_app.models import Holding, Owner, Release, Repository
from datasets_app.pipeline import build as engine
from datasets_app.pipeline.progress import silent
from datasets_app.pipeline.recipe import Recipe
from datasets_app.services import blocklist, releases, sources
from tests.base import make_staff, make_user
from tests.datasets_app.floor import FloorMixin
from tests.pipeline.fakes import FakePackage, default_packages


class Ingesting(FloorMixin, TestCase):
    def test_an_ingest_makes_the_rows_of_owners_and_repositories(self):
        job = self.ingest()
        self.assertEqual(job.state, "succeeded", job.error + job.crash)
        self.assertEqual(list(Owner.objects.values_list("login_folded", flat=True)), ["alpha", "beta", "gamma"])
        two = Repository.objects.get(name="two")
        self.assertEqual((two.owner.login_folded, two.licence, two.permissive), ("alpha", "Apache-2.0 OR MIT", True))
        self.assertFalse(Repository.objects.get(name="gamma").permissive)

    def test_an_ingest_repeated_changes_nothing(self):
        self.ingest()
        before = list(Repository.objects.order_by("pk").values())
        job = execute_here(sources.start_ingest(self.staff, "fakes"))
        self.assertEqual(job.result["new_blobs"], 0)
        self.assertEqual(list(Repository.objects.order_by("pk").values()), before)

    def test_asking_twice_gives_one_job(self):
        self.make_source()
        self.assertEqual(sources.start_ingest(self.staff, "fakes"), sources.start_ingest(self.staff, "fakes"))

    def test_an_unknown_source_is_named(self):
        with self.assertRaisesMessage(InvalidInput, "“nowhere”"):
            sources.start_ingest(self.staff, "nowhere")

    def test_the_installed_packages_need_no_setting_up(self):
        job = sources.start_ingest(self.staff, "installed-packages")
        self.assertEqual(job.title, "Ingest installed-packages")

    def test_a_bad_name_kind_or_parameter_is_refused(self):
        for name, kind, params in (
            ("With Space", "installed-packages", {}),
            ("fine", "tape", {}),
            ("fine", "installed-packages", {"path": "x"}),
            ("fine", "installed-packages", {"paths": "x"}),
        ):
            with self.subTest(name=name, kind=kind, params=params), self.assertRaises(InvalidInput):
                sources.add_source(self.staff, name, kind, params)

    def test_nobody_ingests_without_permission(self):
        self.make_source()
        with self.assertRaises(PermissionDenied):
            sources.start_ingest(make_user(), "fakes")

    def test_a_folder_that_is_gone_fails_with_what_to_do(self):
        sources.add_source(self.staff, "gone", "installed-packages", {"paths": ["/nowhere/at/all"]})
        job = execute_here(sources.start_ingest(self.staff, "gone"))
        self.assertEqual(job.state, "failed")
        self.assertIn("/nowhere/at/all", job.error)
        self.assertEqual(job.crash, "")


class Building(FloorMixin, TestCase):
    def test_a_build_gives_figures_and_holdings(self):
        self.ingest()
        release = self.build()
        self.assertEqual((release.name, release.version, release.state), ("the-stack-demo", "v1.0", "built"))
        self.assertEqual(release.files, sum(holding.files for holding in release.holdings.all()))
        self.assertTrue(release.digest_bytes and release.digest_logical and release.tree_root)
        self.assertIn("not_permissive", [row["reason"] for row in release.funnel])
        self.assertEqual(release.languages[0]["language"], "Python")
        one = Holding.objects.get(repository__name="one", release=release)
        self.assertIn("MIT", one.licences)
        # The shared file has one origin and is a copy in the other repository.
        self.assertEqual(sum(Holding.objects.filter(release=release).values_list("copies", flat=True)), 1)

    def test_an_empty_corpus_is_said_to_be_empty(self):
        release = self.build()
        self.assertEqual(release.state, "failed")
        self.assertIn("Ingest a source first", release.job.error)
        self.assertEqual(release.job.crash, "")

    def test_where_nothing_survives_the_reasons_are_given(self):
        self.ingest(
            [FakePackage("gamma", "gamma/gamma", "GPL-3.0-only", {"gamma/core.py": "def f():\n    return 1\n"})]
        )
        release = self.build()
        self.assertEqual(release.state, "failed")
        self.assertIn("not permissive", release.job.error)

    def test_a_failed_build_is_begun_again_under_its_version(self):
        failed = self.build()
        self.ingest()
        again = self.build()
        self.assertEqual((again.pk, again.state), (failed.pk, "built"))

    def test_a_full_disk_fails_readably_and_the_last_release_stands(self):
        first = self.published()
        really_build = engine.build

        def on_a_full_disk(*args, **kwargs):
            """The real engine, while the system answers as it does when a disk is full: no file may grow beyond 2 kB.

            Progress is not told meanwhile: it would go into the database, whose files may not grow either.
            """
            limits = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, limits[1]))
            try:
                return really_build(*args, **kwargs | {"progress": silent})
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, limits)

        fresh = "".join(f"value_{number} = {number * number}\n" for number in range(5000))
        self.ingest([*default_packages(), FakePackage("fresh", "Delta/fresh", files={"fresh.py": fresh})])
        with patch("datasets_app.tasks.build.build", on_a_full_disk):
            second = self.build()
        self.assertEqual((second.state, second.job.crash), ("failed", ""))
        self.assertIn("The disk is full", second.job.error)
        self.assertIn("Free some space", second.job.error)
        first.refresh_from_db()
        self.assertEqual(first.state, "published")

    def test_a_crash_fails_the_release_too(self):
        self.ingest()
        with patch("datasets_app.tasks.catalogue.load_holdings", side_effect=RuntimeError("boom")):
            release = self.build()
        self.assertEqual(release.state, "failed")
        self.assertIn("RuntimeError", release.job.crash)
        # The engine had committed its folder: the next build takes the next number.
        self.assertEqual(releases.next_version("the-stack-demo"), "v1.1")

    def test_a_build_whose_job_was_cancelled_while_it_waited_can_be_begun_again(self):
        from core import jobs

        self.ingest()
        release = releases.start_build(self.staff)
        jobs.cancel(release.job, self.staff)
        release.refresh_from_db()
        release.job.refresh_from_db()
        self.assertTrue(release.stalled)
        self.assertEqual(self.build().pk, release.pk)

    def test_a_second_build_at_once_conflicts(self):
        self.ingest()
        releases.start_build(self.staff)
        with self.assertRaisesMessage(Conflict, "being built already"):
            releases.start_build(self.staff)
        with self.assertRaisesMessage(Conflict, "being built already"):
            releases.start_build(self.staff, version="v1.0")
        self.assertEqual(Release.objects.count(), 1)

    def test_a_version_that_stands_is_not_built_again(self):
        self.published()
        with self.assertRaisesMessage(Conflict, "Choose another version"):
            releases.start_build(self.staff, version="v1.0")

    def test_the_recipe_is_the_parents_unless_one_is_given(self):
        self.ingest()
        first = self.publish(self.build(recipe="starcoder"))
        self.assertEqual(first.recipe["name"], "starcoder")
        second = releases.start_build(self.staff)
        self.assertEqual((second.parent, second.recipe_digest), (first, first.recipe_digest))
        third = releases.start_build(self.staff, version="v2.0", recipe=Recipe(name="own", smallest=2))
        self.assertEqual(third.recipe["smallest"], 2)
        fourth = releases.start_build(self.staff, version="v3.0", recipe={"name": "dict"})
        self.assertEqual(fourth.recipe["name"], "dict")

    def test_bad_names_versions_and_recipes_are_refused(self):
        for arguments in (
            {"version": "1.1"},
            {"name": "Upper Case"},
            {"recipe": "nothing-like-it"},
            {"recipe": {"colour": "red"}},
            {"recipe": {"smallest": -1}},
        ):
            with self.subTest(arguments), self.assertRaises(InvalidInput):
                releases.start_build(self.staff, **arguments)
        self.assertEqual(Release.objects.count(), 0)

    def test_nobody_builds_without_permission(self):
        with self.assertRaises(PermissionDenied):
            releases.start_build(make_user())

    def test_blocked_files_stay_out_and_the_next_origin_takes_their_place(self):
        self.ingest()
        first = self.build()
        shared = Holding.objects.filter(release=first, copies=1).get()
        held_by = "alpha" if shared.owner.login_folded == "beta" else "beta"
        self.opt_out(held_by)
        second = self.build(version="v1.1")
        self.assertEqual(Holding.objects.filter(release=second, owner__login_folded=held_by).count(), 0)
        other = Holding.objects.get(release=second, repository=shared.repository)
        self.assertEqual((other.files, other.copies), (shared.files + 1, 0))
        self.assertEqual(second.blocklist_position, blocklist.position())

    def test_a_blocked_owner_does_not_come_back_by_an_ingest_even_without_any_row(self):
        self.ingest()
        self.opt_out("alpha")
        Owner.objects.get(login_folded="alpha").delete()
        job = execute_here(sources.start_ingest(self.staff, "fakes"))
        self.assertGreater(job.result["skipped"]["opted_out"], 0)
        self.assertFalse(Owner.objects.filter(login_folded="alpha").exists())


class Publishing(FloorMixin, TestCase):
    def test_a_release_is_published_into_the_ledger_without_names(self):
        release = self.published()
        self.assertEqual(release.state, "published")
        entry = LedgerEntry.objects.get(kind="release published")
        self.assertEqual(entry.body["digest_bytes"], release.digest_bytes)
        self.assertEqual(entry.body["rows"], release.files)
        self.assertNotIn("alpha", str(entry.body).lower())
        self.assertTrue(AuditEntry.objects.filter(action="publish release", actor=self.staff).exists())

    def test_two_approvals_are_two_people(self):
        self.ingest()
        release = self.build()
        with override_settings(FAIRSTACK_APPROVALS=2):
            releases.approve(release, self.staff)
            releases.approve(release, self.staff)
            with self.assertRaisesMessage(Conflict, "one more person"):
                releases.publish(release, self.staff)
            releases.approve(release, make_staff("mary"))
            releases.publish(release, self.staff)
        release.refresh_from_db()
        self.assertEqual(release.state, "published")

    def test_publishing_twice_does_no_harm(self):
        release = self.published()
        at = release.published_at
        self.assertIsNone(releases.publish(release, self.staff))
        release.refresh_from_db()
        self.assertEqual(release.published_at, at)
        self.assertEqual(LedgerEntry.objects.filter(kind="release published").count(), 1)

    def test_nobody_approves_publishes_rejects_or_withdraws_without_permission(self):
        self.ingest()
        release = self.build()
        user = make_user()
        for act in (
            lambda: releases.approve(release, user),
            lambda: releases.publish(release, user),
            lambda: releases.reject(release, user),
            lambda: releases.withdraw(release, user, "why"),
        ):
            with self.assertRaises(PermissionDenied):
                act()

    def test_what_is_not_built_can_be_neither_approved_nor_published(self):
        release = self.build()  # an empty corpus: it failed
        with self.assertRaises(Conflict):
            releases.approve(release, self.staff)
        with override_settings(FAIRSTACK_APPROVALS=0), self.assertRaises(InvalidTransition):
            releases.publish(release, self.staff)

    def test_a_release_that_the_block_list_overtook_is_not_published(self):
        self.ingest()
        release = self.build()
        releases.approve(release, self.staff)
        self.opt_out("alpha")
        self.assertTrue(blocklist.holds_blocked(release))
        with self.assertRaisesMessage(Conflict, "Build the next release"):
            releases.publish(release, self.staff)

    def test_a_rejected_release_loses_its_bytes_and_its_number(self):
        self.ingest()
        release = self.build()
        job = releases.reject(release, self.staff, "The funnel looks wrong.")
        self.assertIsNone(releases.reject(release, self.staff))
        execute_here(job)
        release.refresh_from_db()
        self.assertEqual((release.state, release.withdrawn_reason), ("rejected", "The funnel looks wrong."))
        self.assertEqual(list((self.data / "releases" / "shards").glob("*/*.parquet")), [])
        self.assertEqual(releases.next_version("the-stack-demo"), "v1.1")

    def test_a_withdrawn_release_loses_its_bytes_and_says_why(self):
        release = self.published()
        with self.assertRaises(InvalidInput):
            releases.withdraw(release, self.staff, "  ")
        job = releases.withdraw(release, self.staff, "A licence was wrong.")
        self.assertIsNone(releases.withdraw(release, self.staff, "Again."))
        self.assertEqual(execute_here(job).state, "succeeded")
        release.refresh_from_db()
        self.assertEqual((release.state, release.withdrawn_reason), ("withdrawn", "A licence was wrong."))
        self.assertTrue(LedgerEntry.objects.filter(kind="release withdrawn").exists())
        self.assertEqual(list((self.data / "releases" / "shards").glob("*/*.parquet")), [])

    def test_the_system_may_do_all_of_it(self):
        self.ingest()
        release = releases.start_build(SYSTEM)
        execute_here(release.job)
        release.refresh_from_db()
        self.assertIsNone(release.created_by)
        self.assertIsNone(releases.approve(release, SYSTEM))
        with override_settings(FAIRSTACK_APPROVALS=0):
            releases.publish(release, SYSTEM)
        self.assertEqual(Job.objects.filter(kind="datasets.purge").count(), 0)
