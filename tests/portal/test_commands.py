"""The portal's management commands and scheduled task."""

from io import StringIO

from django.core.management import call_command
from django.test import TestCase

from portal.tasks import expire_requests
from tests.base import DataFolderMixin, make_user
from tests.portal import people


class Commands(DataFolderMixin, TestCase):
    def run_command(self, name):
        out = StringIO()
        call_command(name, stdout=out)
        return out.getvalue()

    def test_rebuild_catalogue_says_how_many_entries_there_are(self):
        people.publish("v1.0")
        self.assertRegex(self.run_command("rebuild_catalogue"), r"holds [1-9]\d* entries")

    def test_expire_requests_says_what_it_did(self):
        made = people.sent(make_user())
        people.backdate(made, submitted_at=31)
        self.assertIn(
            "1 requests expired, 0 drafts were deleted, 0 requests were closed", self.run_command("expire_requests")
        )

    def test_the_scheduled_task_does_the_same(self):
        made = people.sent(make_user())
        people.backdate(made, submitted_at=31)
        expire_requests()
        made.refresh_from_db()
        self.assertEqual(made.state, "expired")
