"""Two at the same moment, in two threads with connections of their own."""

import threading

from django.db import connection
from django.test import TransactionTestCase

from core.errors import InvalidTransition
from core.models import LedgerEntry
from datasets_app.models import BlockEntry
from portal.models import OptOutRequest
from portal.services import decisions, drafts, requests
from tests.base import DataFolderMixin, make_user
from tests.portal import people


class AtOnce(DataFolderMixin, TransactionTestCase):
    def together(self, act, times=4):
        """What ``act`` gave or raised, from so many threads that start together."""
        ready, found = threading.Barrier(times), []

        def run():
            try:
                ready.wait()
                found.append(act())
            except Exception as error:
                found.append(error)
            finally:
                connection.close()

        threads = [threading.Thread(target=run) for _ in range(times)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return found

    def test_a_request_is_accepted_once(self):
        made, grace = people.verified(make_user("ada")), people.reviewer()
        found = self.together(lambda: decisions.accept(OptOutRequest.objects.get(pk=made.pk), grace))
        self.assertEqual(sum(one is True for one in found), 1, found)
        self.assertEqual(sum(isinstance(one, InvalidTransition) for one in found), 3, found)
        self.assertEqual((BlockEntry.objects.count(), LedgerEntry.objects.count()), (1, 1))
        self.assertEqual(OptOutRequest.objects.get().events.filter(kind="scheduled").count(), 1)

    def test_a_form_sent_several_times_is_one_request(self):
        ada = make_user("ada")
        draft = people.draft(ada)
        found = self.together(lambda: requests.submit(OptOutRequest.objects.get(pk=draft.pk), ada))
        self.assertEqual({one.reference for one in found}, {draft.reference}, found)
        self.assertEqual(OptOutRequest.objects.get().proofs.count(), 1)

    def test_beginning_several_times_is_one_draft(self):
        ada = make_user("ada")
        found = self.together(lambda: drafts.start(ada))
        self.assertEqual(len({one.pk for one in found}), 1, found)

    def test_accepting_and_withdrawing_leaves_one_of_the_two(self):
        ada = make_user("ada")
        made, grace = people.verified(ada), people.reviewer()
        turns = iter(["accept", "withdraw"])

        def act():
            one = OptOutRequest.objects.get(pk=made.pk)
            return decisions.accept(one, grace) if next(turns) == "accept" else requests.withdraw(one, ada)

        found = self.together(act, times=2)
        self.assertEqual(sum(isinstance(one, InvalidTransition) for one in found), 1, found)
        state = OptOutRequest.objects.get().state
        self.assertEqual(BlockEntry.objects.exists(), state == "scheduled")
        self.assertIn(state, ("scheduled", "withdrawn"))
