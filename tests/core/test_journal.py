"""The journal outside the data folder: written after the commit, never twice, and it tells when a site is older than it."""

import json
import uuid

from django.db import transaction
from django.test import TransactionTestCase

from core import journal
from core.models import JournalLine
from core.tasks import run_job
from tests.base import DataFolderMixin


class Journals(DataFolderMixin, TransactionTestCase):
    def lines(self):
        return [line.body for line in journal.lines()]

    def forget(self, number=1):
        """What restoring an older backup of the database does: its newest lines are gone."""
        for line in JournalLine.objects.order_by("-number")[:number]:
            line.delete()
        journal._sure.clear()

    def write(self, kind="block", **body):
        with transaction.atomic():
            return journal.write(kind, body)

    def test_a_line_is_in_the_file_once_its_transaction_is_committed_and_not_otherwise(self):
        with transaction.atomic():
            journal.write("block", {"n": 1})
            self.assertEqual(self.lines(), [])
        self.assertEqual(self.lines(), [{"n": 1}])
        with self.assertRaises(ZeroDivisionError), transaction.atomic():
            journal.write("block", {"n": 2})
            raise ZeroDivisionError
        self.assertEqual((self.lines(), journal.behind()), ([{"n": 1}], ""))
        self.assertEqual(journal.path().stat().st_mode & 0o777, 0o600)
        self.assertEqual(journal.path().parent.stat().st_mode & 0o777, 0o700)

    def test_what_a_killed_process_left_is_taken_along(self):
        JournalLine.objects.create(kind="block", body={"n": 1})  # committed, and killed before the copy
        self.write(n=2)
        self.assertEqual(self.lines(), [{"n": 1}, {"n": 2}])
        self.assertEqual(journal.flush(), 0)

    def test_a_database_without_the_last_line_is_behind_and_writes_nothing(self):
        self.write(n=1)
        self.write(n=2)
        self.forget()
        self.assertEqual(journal.behind(), "the database")
        self.assertEqual([line.body for line in journal.missing()], [{"n": 2}])
        self.write(n=3)
        self.assertEqual(self.lines(), [{"n": 1}, {"n": 2}])
        with transaction.atomic():
            journal.take_over(journal.missing())
        self.assertEqual((journal.behind(), journal.flush()), ("", 1))
        self.assertEqual(self.lines(), [{"n": 1}, {"n": 2}, {"n": 3}])

    def test_a_line_that_stands_twice_is_taken_over_once(self):
        self.write(n=1)
        self.write(n=2)
        JournalLine.objects.update(written=False)  # killed between the copy and the mark
        self.assertEqual(journal.flush(), 2)
        self.forget(2)
        with transaction.atomic():
            journal.take_over(journal.missing())
        self.assertEqual([line.body for line in JournalLine.objects.all()], [{"n": 1}, {"n": 2}])
        self.assertEqual(journal.behind(), "")

    def test_a_data_folder_that_has_not_seen_the_last_purge_is_behind(self):
        mark = self.data / journal.POSITION / "purged.json"
        for number in range(3):
            with transaction.atomic():
                journal.reach(journal.write("purge", {"n": number}).key)
                self.assertEqual(journal.behind(), "")  # marked, and its line is not there yet
            self.assertEqual(journal.behind(), "")
            if number == 1:
                old = mark.read_text()
        self.write(n=3)
        self.assertEqual(journal.behind(), "")
        mark.write_text(old)
        self.assertEqual(journal.behind(), "the data folder")
        mark.unlink()
        self.assertEqual(journal.behind(), "the data folder")
        journal.reach()
        self.assertEqual(journal.behind(), "")

    def test_a_line_that_was_cut_short_is_passed_over(self):
        self.write(n=1)
        torn = b'{"key": "%s", "kind": "purge", "at' % str(uuid.uuid4()).encode()
        with journal.path().open("ab") as file:
            file.write(torn)
        self.assertEqual(journal.behind(), "")
        self.write(n=2)
        with self.assertLogs("core.journal", "WARNING"):
            self.assertEqual(self.lines(), [{"n": 1}, {"n": 2}])
        self.assertEqual(journal.behind(), "")

    def test_a_journal_that_was_lost_is_written_anew(self):
        for number in range(3):
            self.write(n=number)
        journal.path().unlink()
        self.assertEqual(journal.flush(), 3)
        self.assertEqual(self.lines(), [{"n": 0}, {"n": 1}, {"n": 2}])

    def test_a_site_that_is_behind_serves_nothing_and_runs_nothing(self):
        self.write(n=1)
        self.assertEqual(self.client.get("/").status_code, 200)
        self.forget()
        with self.assertLogs("core.middleware", "ERROR"):
            for address in ("/", "/api/releases", "/releases/", "/search?q=x"):
                self.assertEqual(self.client.get(address).status_code, 503, address)
        answer = self.client.get("/healthz")
        self.assertEqual(answer.status_code, 503)
        self.assertIn("replay_purges", json.loads(answer.content)["problems"][0])
        with self.assertLogs("core.tasks", "ERROR"):
            run_job(str(uuid.uuid4()))

    def test_a_folder_that_cannot_be_written_stops_no_act(self):
        journal.path().parent.parent.mkdir(exist_ok=True)
        journal.path().parent.write_text("a file where the folder should be")
        with self.assertLogs("core.journal", "ERROR"):
            self.write(n=1)
        journal.path().parent.unlink()
        self.assertEqual((journal.flush(), self.lines()), (1, [{"n": 1}]))
