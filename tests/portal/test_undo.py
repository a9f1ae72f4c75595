"""Undo: what was removed is back digest for digest, by its owner alone, in time, whatever is killed or asked twice."""

import signal
import subprocess
import sys
import threading
from datetime import timedelta
from unittest.mock import patch
from uuid import uuid4

from django.conf import settings as conf
from django.core.exceptions import PermissionDenied
from django.db import connections
from django.test import Client, TransactionTestCase
from django.utils import timezone

from core import jobs, supervisor
from core.errors import Conflict
from core.jobs import enqueue, execute_here
from core.models import Job
from core.permissions import SYSTEM
from datasets_app import lookup, undoing
from datasets_app.models import BlockEntry, Release, UndoBundle
from datasets_app.pipeline import purge
from datasets_app.pipeline.corpus import files_table
from datasets_app.purging import corpus_folder
from datasets_app.services import reissues
from datasets_app.services.masks import hidden_keys
from portal.models import OptOutRequest, RemovalMarks
from portal.services import clock, removal, undo
from tests.datasets_app.floor import MARKER, FloorMixin
from tests.portal import people


class Undoing(FloorMixin, TransactionTestCase):
    def setUp(self):
        super().setUp()
        self.ada = people.requester()

    def run_jobs(self, *kinds):
        while (
            job := Job.objects.filter(state="queued", **({"kind__in": kinds} if kinds else {}))
            .order_by("created_at")
            .first()
        ):
            done = execute_here(job)
            self.assertEqual(done.state, "succeeded", f"{done.kind}: {done.error} {done.crash}")

    def removed(self, account="Alpha", *repositories, user=None):
        """A request whose content was erased by the next release."""
        request = people.scheduled(user or self.ada, account, *repositories)
        self.publish()
        self.run_jobs()
        request.refresh_from_db()
        return request

    def corpus(self):
        return {
            str(p.relative_to(self.data)): p.read_bytes() for p in sorted((self.data / "corpus").rglob("*.parquet"))
        }

    def undone(self, request, user=None):
        job = undo.undo(request, user or self.ada)
        done = execute_here(job)
        self.assertEqual(done.state, "succeeded", done.error + done.crash)
        request.refresh_from_db()
        return done


class WhatComesBack(Undoing):
    def test_corpus_and_next_release_are_those_of_before_digest_for_digest(self):
        first = self.published()
        before, table = self.corpus(), files_table(corpus_folder())
        request = self.removed()
        self.assertIn(request.state, ("removed", "receipted", "rebuilding"))
        self.assertEqual(purge.scan(self.data, [MARKER]), [])
        self.assertFalse(lookup.search("alpha").held)
        standing = undo.standing(request)
        self.assertTrue(standing.possible)
        self.assertEqual((standing.files, standing.repositories), (5, 2))
        days = (standing.until - timezone.now()).days
        self.assertEqual(days, 29)

        done = self.undone(request)
        self.assertEqual((done.result["files"], request.state), (5, "restored"))
        self.assertEqual(self.corpus(), before)
        self.assertTrue(files_table(corpus_folder()).equals(table))
        self.assertEqual(BlockEntry.objects.filter(lifted_at=None).count(), 0)
        self.assertEqual(hidden_keys(), (frozenset(), frozenset()))
        # What was withdrawn stays so; the next build, which goes on from one without it, has it again.
        first.refresh_from_db()
        self.assertEqual(first.state, "withdrawn")
        again = self.publish()
        self.assertEqual(
            (again.digest_bytes, again.digest_logical, again.tree_root, again.files),
            (first.digest_bytes, first.digest_logical, first.tree_root, first.files),
        )
        self.assertTrue(lookup.search("alpha/one").held)
        # And nothing is left of bundle and key.
        self.assertEqual(list((self.data / "undo").iterdir()), [])
        self.assertEqual(list(conf.FAIRSTACK_UNDO_KEYS.iterdir()), [])
        # A later opt-out of another goes on from it as from any release.
        self.opt_out("beta")
        without = self.publish()
        self.assertEqual(without.parent, again)
        self.assertTrue(lookup.search("alpha").held)
        self.assertFalse(lookup.search("beta").held)

    def test_after_a_reissue_without_a_build_too(self):
        first = self.published()
        before = self.corpus()
        request = people.scheduled(self.ada, "Alpha")
        execute_here(reissues.honour_now(self.staff))
        request.refresh_from_db()
        self.assertEqual(purge.scan(self.data, [MARKER]), [])
        self.undone(request)
        self.assertEqual(self.corpus(), before)
        again = self.build(version="v1.7")
        self.assertEqual(again.digest_logical, first.digest_logical)

    def test_before_the_purge_blocks_and_masks_alone_are_lifted(self):
        self.published()
        before = self.corpus()
        request = people.scheduled(self.ada, "Alpha")
        self.assertFalse(lookup.search("alpha").held)
        self.assertFalse(undo.standing(request).sealed)
        self.undone(request)
        self.assertEqual((request.state, self.corpus()), ("restored", before))
        self.assertTrue(lookup.search("alpha").held)
        self.assertEqual(Release.objects.get().state, "published")

    def test_what_another_request_needs_stays_out_and_comes_back_with_it(self):
        self.published()
        before = self.corpus()
        eve = people.requester("eve")
        whole = people.scheduled(self.ada, "Alpha")
        other = people.scheduled(eve, "Alpha", "two")
        self.publish()
        self.run_jobs()
        whole.refresh_from_db()
        other.refresh_from_db()
        self.undone(whole)
        paths = set(files_table(corpus_folder())["path"])
        self.assertIn("alpha_one/only.py", paths)
        self.assertNotIn("alpha_two/__init__.py", paths)
        self.assertEqual(
            list(BlockEntry.objects.filter(lifted_at=None).values_list("reference", flat=True)), [other.reference]
        )
        self.assertFalse(lookup.search("alpha/two").held)
        self.undone(other, eve)
        self.assertEqual(self.corpus(), before)

    def test_what_is_back_before_its_check_ran_trips_no_other_requests_check_which_still_looks_for_its_own(self):
        self.published()
        whole, other = people.scheduled(self.ada, "Alpha"), people.scheduled(people.requester("eve"), "Gamma")
        self.publish()
        Job.objects.filter(kind=removal.CHECK).update(state="cancelled")
        mark = RemovalMarks.objects.get()
        erased = bytes(mark.blobs)
        mark.pk, mark.purge = None, uuid4()  # a purge that began again with what the first had left to do
        mark.save()
        self.undone(whole)
        self.assertEqual(whole.state, "restored")
        back = set(files_table(corpus_folder())["blob_id"])
        for left in RemovalMarks.objects.all():
            ids = bytes(left.blobs)
            self.assertEqual(
                {ids[at : at + 20].hex() for at in range(0, len(ids), 20)},
                {erased[at : at + 20].hex() for at in range(0, len(erased), 20)} - back,
            )
        self.assertEqual(RemovalMarks.objects.count(), 2)
        removal.ask_check([other], "again")
        self.run_jobs(removal.CHECK)
        other.refresh_from_db()
        self.assertEqual(other.state, "removed")

    def test_a_source_that_was_read_again_meanwhile_keeps_what_it_gave(self):
        self.published()
        request = self.removed()
        self.ingest()
        self.assertEqual(purge.scan(self.data, [MARKER]), [])
        self.undone(request)
        table = files_table(corpus_folder())
        self.assertEqual(len(table), len(table.unique(["repository_key", "path"])))
        self.assertIn("alpha_one/only.py", set(table["path"]))


class WhoAndWhen(Undoing):
    def test_nobody_but_the_owner(self):
        self.published()
        request = self.removed()
        for other in (people.reviewer(), people.requester("eve")):
            for act in (undo.undo, undo.destroy):
                with self.assertRaises(PermissionDenied):
                    act(request, other)
            client = Client()
            client.force_login(other)
            for address in ("undo", "undo/destroy"):
                self.assertEqual(client.post(f"/requests/{request.reference}/{address}").status_code, 404)
            for method in ("get", "post", "delete"):
                answer = getattr(client, method)(f"/api/requests/{request.reference}/undo")
                self.assertEqual(answer.status_code, 404 if method == "get" else answer.status_code)
                self.assertIn(answer.status_code, (403, 404))
        self.assertEqual(Job.objects.filter(kind=undo.KIND).count(), 0)
        OptOutRequest.objects.filter(pk=request.pk).update(verified_at=None)
        request.refresh_from_db()
        with self.assertRaises(PermissionDenied):
            undo.undo(request, self.ada)

    def test_not_before_acceptance_and_not_after_the_time(self):
        self.published()
        early = people.verified(self.ada, "Beta")
        with self.assertRaisesMessage(Conflict, "not accepted"):
            undo.undo(early, self.ada)
        request = self.removed()
        UndoBundle.objects.update(sealed_at=timezone.now() - timedelta(days=30, minutes=1))
        with self.assertRaisesMessage(Conflict, "over"):
            undo.undo(request, self.ada)
        UndoBundle.objects.update(sealed_at=timezone.now() - timedelta(days=29))
        self.assertTrue(undo.possible(request))

    def test_two_at_once_one_wins(self):
        self.published()
        request = self.removed()
        found, gate = [], threading.Barrier(2)

        def ask():
            try:
                gate.wait(20)
                found.append(undo.undo(OptOutRequest.objects.get(pk=request.pk), self.ada))
            except Conflict as error:
                found.append(str(error))
            finally:
                connections.close_all()

        threads = [threading.Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        self.assertEqual(sorted(type(one).__name__ for one in found), ["Job", "str"], found)
        self.run_jobs(undo.KIND)
        request.refresh_from_db()
        self.assertEqual(request.state, "restored")
        with self.assertRaisesMessage(Conflict, "undone already"):
            undo.undo(request, self.ada)


class Faults(Undoing):
    def failed(self, request):
        done = execute_here(undo.undo(request, self.ada))
        self.assertEqual((done.state, done.crash), ("failed", ""))
        return done.error

    def test_a_damaged_bundle_or_a_lost_key_is_told_and_nothing_changes(self):
        self.published()
        request = self.removed()
        bundle = UndoBundle.objects.get()
        before, state = self.corpus(), request.state
        path, key = undoing.path_of(bundle), undoing.key_path(bundle.key)
        self.assertEqual((path.stat().st_mode & 0o777, key.stat().st_mode & 0o777), (0o600, 0o600))
        whole, secret = path.read_bytes(), key.read_bytes()
        self.assertNotIn(secret, b"".join(p.read_bytes() for p in self.data.rglob("*") if p.is_file()))
        for break_it, words in (
            (lambda: path.write_bytes(whole[:-30]), "cannot be opened"),
            (lambda: path.write_bytes(whole[:99] + bytes([whole[99] ^ 1]) + whole[100:]), "cannot be opened"),
            (lambda: path.unlink(), "not in the data folder"),
            (lambda: key.write_bytes(bytes(32)), "cannot be opened"),
            (lambda: key.unlink(), "key"),
        ):
            break_it()
            self.assertIn(words, self.failed(request))
            request.refresh_from_db()
            self.assertEqual((self.corpus(), request.state), (before, state))
            self.assertEqual(BlockEntry.objects.filter(lifted_at=None).count(), 1)
            path.write_bytes(whole)
            key.write_bytes(secret)
        self.undone(request)
        self.assertTrue(purge.scan(self.data, [MARKER]))

    def test_killed_anywhere_and_run_again_it_gives_the_same(self):
        self.published()
        before = self.corpus()
        request = self.removed()
        job = undo.undo(request, self.ada)
        for stage, done in (
            ("reading the bundle", "any"), ("putting back the blobs", "any"), ("putting back the files", "0"),
            ("putting back the files", "1"), ("showing it again", "0"), ("showing it again", "1"),
        ):  # fmt: skip
            claim = jobs.claim(job)
            process = subprocess.run(
                [sys.executable, "-m", "tests.datasets_app.killed_job", str(job.pk), str(claim), stage, done],
                cwd=conf.BASE_DIR, env=supervisor.child_environment(), timeout=90,
            )  # fmt: skip
            self.assertIn(process.returncode, (-signal.SIGKILL, 0), stage)
            job.refresh_from_db()
            if stage != "showing it again" or done == "0":
                request.refresh_from_db()
                self.assertNotEqual(request.state, "restored", stage)
                self.assertFalse(lookup.search("alpha").held)
            Job.objects.filter(pk=job.pk).update(state="queued", claim="", attempt=1)
            job.refresh_from_db()
        self.assertEqual(execute_here(job).state, "succeeded", job.error + job.crash)
        request.refresh_from_db()
        self.assertEqual((request.state, self.corpus()), ("restored", before))
        self.assertEqual(list((self.data / "undo").iterdir()), [])

    def test_a_purge_that_was_cut_off_loses_nothing_for_an_undo(self):
        self.published()
        before = self.corpus()
        request = people.scheduled(self.ada, "Alpha")
        release = self.build()
        from datasets_app.services import releases

        releases.approve(release, self.staff)
        job = releases.publish(release, self.staff)
        for stage in ("sealing", "purging blobs", "deleting shards", "verifying the tree"):
            claim = jobs.claim(job)
            process = subprocess.run(
                [sys.executable, "-m", "tests.datasets_app.killed_job", str(job.pk), str(claim), stage, "any"],
                cwd=conf.BASE_DIR, env=supervisor.child_environment(), timeout=90,
            )  # fmt: skip
            self.assertIn(process.returncode, (-signal.SIGKILL, 0), stage)
            Job.objects.filter(pk=job.pk).update(state="queued", claim="", attempt=1)
            job.refresh_from_db()
        self.assertEqual(execute_here(job).state, "succeeded", job.error + job.crash)
        self.assertEqual(purge.scan(self.data, [MARKER]), [])
        request.refresh_from_db()
        self.undone(request)
        self.assertEqual(self.corpus(), before)

    def test_an_undo_waits_for_what_began_before_it_and_others_wait_for_it(self):
        self.published()
        request = self.removed()
        running = enqueue("datasets.build", {"release": 0}, actor=SYSTEM)
        self.assertIsNotNone(jobs.claim(running))
        job = undo.undo(request, self.ada)
        waits = []

        def look(self_, stage, done, total, message=""):
            if stage == "waiting for other jobs to end":
                waits.append(total)
                Job.objects.filter(pk=running.pk).update(state="succeeded")

        with patch.object(jobs.JobContext, "progress", look):
            execute_here(job)
        self.assertEqual(waits, [1])
        # And the other way round: who begins while an undo runs waits for it.
        Job.objects.filter(pk=job.pk).update(state="running", heartbeat_at=timezone.now(), started_at=timezone.now())
        waits.clear()

        def end(self_, stage, done, total, message=""):
            if stage == "waiting for other jobs to end":
                waits.append(total)
                Job.objects.filter(pk=job.pk).update(state="succeeded")

        with patch.object(jobs.JobContext, "progress", end):
            self.build()
        self.assertEqual(waits, [1])


class Destroying(Undoing):
    def test_the_owner_destroys_it_at_once(self):
        self.published()
        request = self.removed()
        bundle = UndoBundle.objects.get()
        self.assertEqual(undo.destroy(request, self.ada), 1)
        self.assertFalse(undoing.path_of(bundle).exists())
        self.assertFalse(undoing.key_path(bundle.key).exists())
        with self.assertRaisesMessage(Conflict, "destroyed"):
            undo.undo(request, self.ada)
        self.assertEqual(undo.destroy(request, self.ada), 0)

    def test_time_destroys_the_key_first_and_whoever_is_killed_leaves_it_to_the_next(self):
        self.published()
        self.removed()
        bundle = UndoBundle.objects.get()
        path, key = undoing.path_of(bundle), undoing.key_path(bundle.key)
        self.assertEqual(undo.expire(timezone.now() + timedelta(days=29)), 0)
        later = timezone.now() + timedelta(days=31)
        with patch("pathlib.Path.unlink", side_effect=RuntimeError("killed")), self.assertRaises(RuntimeError):
            undo.expire(later)
        self.assertTrue(path.exists())
        self.assertEqual(
            key.read_bytes(), bytes(32)
        )  # overwritten before it is deleted: nothing opens the bundle any more
        with patch.object(UndoBundle.objects, "filter", wraps=UndoBundle.objects.filter):
            self.assertEqual(undo.expire(later), 1)
        self.assertFalse(path.exists() or key.exists())
        self.assertEqual(undo.expire(later), 0)

    def test_time_spares_what_an_undo_that_was_asked_for_in_time_needs(self):
        self.published()
        before = self.corpus()
        request = self.removed()
        job = undo.undo(request, self.ada)
        late = timezone.now() + timedelta(days=31)  # it waited long for its turn
        self.assertEqual((undo.expire(late), clock.keep_time(late)["closed"]), (0, 0))
        self.assertEqual(execute_here(job).state, "succeeded")
        request.refresh_from_db()
        self.assertEqual((request.state, self.corpus()), ("restored", before))

    def test_an_undo_whose_bundle_was_destroyed_meanwhile_fails_and_lifts_nothing(self):
        self.published()
        request = self.removed()
        job, state = undo.undo(request, self.ada), request.state
        undoing.expire(timezone.now() + timedelta(days=1))
        done = execute_here(job)
        self.assertEqual((done.state, done.crash), ("failed", ""))
        self.assertIn("was destroyed", done.error)
        request.refresh_from_db()
        self.assertEqual(request.state, state)
        self.assertEqual(BlockEntry.objects.filter(lifted_at=None).count(), 1)

    def test_a_purge_sweeps_what_belongs_to_no_bundle(self):
        folder = self.data / "undo"
        folder.mkdir()
        (folder / ("0" * 32 + ".sealed")).write_bytes(MARKER)
        (folder / ".tmp-x").write_bytes(MARKER)
        self.published()
        self.removed()
        self.assertEqual([path.name for path in folder.iterdir()], [f"{UndoBundle.objects.get().key.hex}.sealed"])


class Pages(Undoing):
    def test_page_and_api(self):
        self.published()
        request = self.removed()
        self.client.force_login(self.ada)
        address = f"/requests/{request.reference}/undo"
        page = self.client.get(address)
        self.assertContains(page, "Undo this removal?")
        self.assertContains(page, "5 files")
        self.assertContains(page, "stay so")
        self.assertContains(self.client.get(f"{address}/destroy"), "This is final")
        self.assertEqual(self.client.get(f"/api{address}").json()["files"], 5)
        self.assertContains(self.client.post(address, follow=True), "is being undone")
        answer = self.client.post(f"/api{address}")
        self.assertEqual(answer.status_code, 409)
        self.run_jobs(undo.KIND)
        self.assertContains(self.client.get(address), "The removal was undone")
        self.assertFalse(self.client.get(f"/api{address}").json()["possible"])
        self.assertContains(self.client.get(f"/requests/{request.reference}/"), "You asked us to undo the removal.")
        early = people.verified(self.ada, "Beta")
        self.assertRedirects(self.client.get(f"/requests/{early.reference}/undo"), f"/requests/{early.reference}/")
