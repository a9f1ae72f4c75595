"""A backup cannot bring back what was removed: nothing is served before the purges since were done again, and then no byte is left."""

import io
import json
import shutil
import tempfile
from pathlib import Path
from unittest import skipIf
from unittest.mock import patch

from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test import TransactionTestCase, override_settings

from core import journal, stores
from core.jobs import enqueue, execute_here
from core.keyed import keyed_hash
from core.models import Job, JournalLine
from core.permissions import SYSTEM
from datasets_app import backups, lookup, replaying, undoing
from datasets_app.models import BlockEntry, Owner, Release, UndoBundle
from datasets_app.pipeline import purge
from datasets_app.pipeline.corpus import files_table
from datasets_app.pipeline.verify import verify
from datasets_app.purging import corpus_folder, releases_folder
from datasets_app.services import blocklist
from datasets_app.services.masks import hidden_keys
from portal.services import undo
from tests.datasets_app.floor import MARKER, FloorMixin
from tests.portal import people

NO_TOOLS = connection.vendor == "postgresql" and not shutil.which("pg_dump")


@skipIf(NO_TOOLS, "pg_dump is not installed")
class Backups(FloorMixin, TransactionTestCase):
    def setUp(self):
        super().setUp()
        folder = tempfile.mkdtemp(prefix="fairstack-backup-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        self.backup = Path(folder) / "one"

    def call(self, name, *arguments):
        said = io.StringIO()
        call_command(name, *arguments, stdout=said)
        return said.getvalue()

    def run_jobs(self):
        while job := Job.objects.filter(state="queued").order_by("created_at").first():
            done = execute_here(job)
            self.assertEqual(done.state, "succeeded", f"{done.kind}: {done.error} {done.crash}")

    def remove_alpha(self):
        request = people.scheduled(people.requester(), "Alpha")
        self.publish()
        self.run_jobs()
        request.refresh_from_db()
        return request

    def nothing_left(self):
        self.assertEqual(purge.scan(self.data, [MARKER]), [])
        places = [self.data]
        if connection.vendor == "sqlite":
            places += Path(connection.settings_dict["NAME"]).parent.glob(
                f"{Path(connection.settings_dict['NAME']).name}*"
            )
        for place in places:
            for path in place.rglob("*") if place.is_dir() else [place]:
                if path.is_file():
                    self.assertNotIn(MARKER, path.read_bytes(), path)

    def test_a_backup_from_before_an_opt_out_serves_nothing_until_the_purge_was_done_again(self):
        first = self.published()
        self.call("backup", self.backup)
        reference = self.remove_alpha().reference
        self.nothing_left()
        kept = journal.path().read_text()
        self.assertNotIn("alpha", kept.casefold())  # neither account nor repository is named there
        self.assertFalse(list(self.backup.rglob("*.key")))

        backups.put_back(self.backup)
        self.assertTrue(purge.scan(self.data, [MARKER]), "the backup brings it back, or the rest proves nothing")
        self.assertEqual(BlockEntry.objects.count(), 0)
        self.assertEqual(journal.behind(), "the database")
        with self.assertLogs("core.middleware", "ERROR"):
            for address in (
                "/",
                first.get_absolute_url(),
                "/search?q=alpha",
                "/api/releases",
                f"{first.get_absolute_url()}files/",
            ):
                self.assertEqual(self.client.get(address).status_code, 503, address)
        self.assertEqual(self.client.get("/healthz").status_code, 503)

        self.assertIn("Done again", self.call("replay_purges"))
        self.nothing_left()
        self.assertEqual((journal.behind(), stores.unowned_paths()), ("", []))
        entry = BlockEntry.objects.get()
        self.assertEqual((entry.reference, entry.owner), (reference, Owner.objects.get(login_folded="alpha")))
        self.assertFalse(lookup.search("alpha").held)
        self.assertTrue(lookup.search("beta").held)
        first.refresh_from_db()
        self.assertEqual(first.state, "withdrawn")
        again = Release.objects.get(state="published")
        self.assertTrue(verify(releases_folder(), again.name, again.version).ok)
        self.assertEqual(self.client.get(first.get_absolute_url()).status_code, 410)
        self.assertEqual(self.client.get("/").status_code, 200)
        # The next ingest does not take it up, and nothing is left to do.
        self.ingest()
        self.nothing_left()
        self.assertIn("Nothing to do again", self.call("replay_purges"))

    def test_the_command_does_it_all(self):
        self.published()
        self.call("backup", self.backup)
        self.remove_alpha()
        said = self.call("restore", self.backup)
        self.assertIn("was put back", said)
        self.assertIn("Done again", said)
        self.nothing_left()
        self.assertEqual(journal.behind(), "")

    def test_a_replay_that_was_cut_off_keeps_the_site_closed_and_is_finished_by_the_next(self):
        self.published()
        self.call("backup", self.backup)
        self.remove_alpha()
        backups.put_back(self.backup)
        with patch.object(replaying, "_purge", side_effect=KeyboardInterrupt), self.assertRaises(KeyboardInterrupt):
            replaying.replay()
        self.assertEqual(journal.behind(), "the data folder")  # the rows are there, the bytes too
        with self.assertLogs("core.middleware", "ERROR"):
            self.assertEqual(self.client.get("/").status_code, 503)
        self.assertFalse(lookup.search("alpha").held)
        self.call("replay_purges")
        self.nothing_left()

    def test_an_older_data_folder_alone(self):
        self.published()
        old = self.backup.parent / "old"
        shutil.copytree(self.data, old)
        self.remove_alpha()
        for name in ("corpus", "releases", "position", "indexes"):
            shutil.rmtree(self.data / name, ignore_errors=True)
            if (old / name).exists():
                shutil.copytree(old / name, self.data / name)
        self.assertTrue(purge.scan(self.data, [MARKER]))
        self.assertEqual(journal.behind(), "the data folder")
        self.call("replay_purges")
        self.nothing_left()
        for release in Release.objects.filter(state="published"):
            self.assertTrue(verify(releases_folder(), release.name, release.version).ok)

    def test_an_older_database_alone(self):
        self.published()
        self.call("backup", self.backup)
        self.remove_alpha()
        backups.load(self.backup)
        journal.forget_answers()
        self.assertEqual(journal.behind(), "the database")
        self.call("replay_purges")
        self.nothing_left()
        self.assertFalse(lookup.search("alpha").held)
        self.assertEqual(BlockEntry.objects.filter(lifted_at=None).count(), 1)
        for release in Release.objects.filter(state="published"):
            self.assertTrue(verify(releases_folder(), release.name, release.version).ok)

    def test_a_block_that_was_not_purged_yet_comes_back_and_hides(self):
        self.published()
        self.call("backup", self.backup)
        people.scheduled(people.requester(), "Alpha", "two")
        self.call("restore", self.backup)
        entry = BlockEntry.objects.get()
        self.assertEqual((entry.kind, entry.repository.name), ("repository", "two"))
        self.assertIn("github.com/alpha/two", hidden_keys()[1])
        self.assertNotIn("alpha_two/__init__.py", set(files_table(corpus_folder())["path"]))
        self.assertIn("alpha_one/only.py", set(files_table(corpus_folder())["path"]))

    def test_an_account_that_the_database_does_not_know_is_found_by_its_hash(self):
        self.ingest()
        Owner.objects.filter(login_folded__in=("alpha", "beta")).delete()
        for kind, key in (
            ("owner", "github.com/alpha"),
            ("repository", "gitlab.com/beta/tools"),
            ("owner", "github.com/nobody"),
        ):
            BlockEntry.objects.create(kind=kind, keyed=keyed_hash(blocklist.PURPOSE, key))
        replaying._link()
        whole, one, unknown = BlockEntry.objects.all()
        self.assertEqual((whole.owner.key, one.repository.key), ("github.com/alpha", "gitlab.com/beta/tools"))
        self.assertEqual((unknown.owner, unknown.repository), (None, None))
        self.assertIn("github.com/alpha", blocklist.blocks().owners)

    def test_what_was_undone_since_is_not_erased_again(self):
        self.published()
        self.call("backup", self.backup)
        request = self.remove_alpha()
        execute_here(undo.undo(request, request.requester))
        self.call("restore", self.backup)
        self.assertEqual(BlockEntry.objects.filter(lifted_at=None).count(), 0)
        self.assertIn("alpha_one/only.py", set(files_table(corpus_folder())["path"]))
        self.assertTrue(lookup.search("alpha").held)

    def test_a_bundle_in_a_backup_says_nothing_once_its_key_is_destroyed(self):
        self.published()
        request = self.remove_alpha()
        self.call("backup", self.backup)
        self.assertEqual(len(list((self.backup / "data" / "undo").iterdir())), 1)
        undo.destroy(request, request.requester)
        self.call("restore", self.backup)
        self.assertEqual(UndoBundle.objects.get().destroyed_at, None)  # the old row; its bytes are back too
        request = type(request).objects.get()
        with self.assertRaises(undoing.BundleLost):
            undoing.check(request.reference, lambda *a, **k: None)

    def test_what_is_no_backup_of_this_site_is_refused_and_changes_nothing(self):
        self.published()
        self.call("backup", self.backup)
        lines = JournalLine.objects.count()
        facts = json.loads((self.backup / "backup.json").read_text())
        for change, words in (
            ({"site": "x"}, "FAIRSTACK_KEY"),
            ({"database": "oracle"}, "oracle"),
            ({"format": 99}, "format 99"),
        ):
            (self.backup / "backup.json").write_text(json.dumps(facts | change))
            with self.assertRaisesMessage(CommandError, words):
                self.call("restore", self.backup)
        with self.assertRaisesMessage(CommandError, "not a backup"):
            self.call("restore", self.backup.parent)
        for target, words in (
            (self.backup, "there already"),
            (self.data / "x", "data folder"),
            (self.data.parent, "there already"),
        ):
            with self.assertRaisesMessage(CommandError, words):
                self.call("backup", target)
        with (
            override_settings(FAIRSTACK_UNDO_KEYS=self.data / "keys"),
            self.assertRaisesMessage(CommandError, "UNDO_KEYS"),
        ):
            self.call("backup", self.backup.parent / "two")
        self.assertEqual(JournalLine.objects.count(), lines)
        self.assertTrue(lookup.search("alpha").held)

    def test_a_restore_beside_a_running_job_is_refused(self):
        self.published()
        self.call("backup", self.backup)
        running = enqueue("datasets.build", {"release": 0}, actor=SYSTEM)
        Job.objects.filter(pk=running.pk).update(state="running", heartbeat_at="2999-01-01T00:00Z")
        with self.assertRaisesMessage(CommandError, "A job is running"):
            self.call("restore", self.backup)
