"""What time does: reminders, the legal clock, erasure, and clocks that do not agree."""

import threading
from datetime import UTC, datetime, timedelta
from unittest.mock import patch
from zoneinfo import ZoneInfo

from django.core import mail
from django.db import connection
from django.test import TestCase, TransactionTestCase, override_settings
from django.utils import timezone

from core.models import LedgerEntry
from portal import states
from portal.models import Notice, OptOutRequest
from portal.notice_texts import STAFF, TEXTS
from portal.services import clock, decisions, mails, notices, questions
from portal.signals import personal_data_erased
from tests.base import DataFolderMixin, make_user
from tests.portal import people


class Reminders(TestCase):
    def setUp(self):
        self.ada, self.grace = make_user("ada"), people.reviewer()

    def kinds(self, user, **filters):
        return sorted(Notice.objects.filter(user=user, **filters).values_list("kind", flat=True))

    def test_come_once_before_the_deadline_and_not_after_it(self):
        made = people.sent(self.ada)
        for days, number in ((10, 0), (24, 1), (24, 1), (29.5, 2), (29.9, 2)):
            clock.keep_time(made.submitted_at + timedelta(days=days))
            self.assertEqual(self.kinds(self.ada).count("proof_soon"), number, days)
        clock.keep_time(made.submitted_at + timedelta(days=31))
        self.assertEqual(self.kinds(self.ada).count("proof_soon"), 2)
        self.assertIn("expired", self.kinds(self.ada))

    def test_say_who_is_late_to_both_sides_once(self):
        made = people.verified(self.ada)
        for _ in range(2):
            clock.keep_time(made.verified_at + timedelta(days=8))
        self.assertEqual(self.kinds(self.ada).count("late"), 1)
        self.assertEqual(self.kinds(self.grace).count("late"), 1)
        clock.keep_time(made.verified_at + timedelta(days=24))
        self.assertEqual(self.kinds(self.grace).count("legal_clock"), 1)

    def test_many_at_once_are_one_notice_for_the_staff(self):
        for number in range(22):
            people.verified(self.ada, f"account{number}")
        Notice.objects.all().delete()
        for _ in range(2):
            clock.keep_time(timezone.now() + timedelta(days=8))
        self.assertEqual(self.kinds(self.grace).count("many_late"), 1)
        self.assertEqual(Notice.objects.get(user=self.grace, kind="many_late").facts["count"], 22)
        self.assertEqual(self.kinds(self.ada).count("late"), 22)

    def test_nobody_is_reminded_as_staff_of_a_request_of_their_own(self):
        made = people.verified(self.grace)
        clock.keep_time(made.verified_at + timedelta(days=8))
        self.assertEqual(self.kinds(self.grace, for_staff=True), [])

    def test_every_text_can_be_filled_in(self):
        made = people.sent(self.ada)
        now = timezone.now()
        for staff, texts in ((False, TEXTS), (True, STAFF)):
            for kind in texts:
                with self.subTest(kind=kind):
                    notice = notices.tell_user(self.ada, kind, made, staff=staff, by=now, due=now, count=3)
                    text = notices.title_of(notice) + notices.words_of(notice)
                    self.assertNotRegex(text, r"[{}]|Alpha|github")
                    self.assertTrue(notices.page_of(notice).startswith("/"))


class TwoBeats(DataFolderMixin, TransactionTestCase):
    def test_at_once_do_everything_once(self):
        ada = make_user("ada", email="ada@example.org")
        grace = people.reviewer()
        late = people.verified(ada)
        expiring = people.sent(ada, "Beta")
        people.backdate(expiring, submitted_at=31)
        now = late.verified_at + timedelta(days=8)
        ready, failed = threading.Barrier(3), []

        def beat():
            try:
                ready.wait()
                failed.append(clock.keep_time(now)["failed"])
                mails.send_due(now + timedelta(days=1))
            finally:
                connection.close()

        threads = [threading.Thread(target=beat) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failed, [0, 0, 0])
        self.assertEqual(Notice.objects.filter(user=ada, kind="late").count(), 1)
        self.assertEqual(Notice.objects.filter(user=grace, kind="late").count(), 1)
        self.assertEqual(expiring.events.filter(kind="expired").count(), 1)
        subjects = [one.subject for one in mail.outbox]
        self.assertEqual(len(subjects), len(set(subjects)), subjects)
        self.assertFalse(Notice.objects.filter(mail=Notice.DUE).exists())


class Mails(TestCase):
    def setUp(self):
        self.ada = make_user("ada", email="ada@example.org")

    def test_name_no_account_and_hold_no_secret(self):
        made = people.verified(self.ada, "Zebra-Quartz")
        decisions.reject(made, people.reviewer(), "Zebra-Quartz is not yours.")
        mails.send_due()
        self.assertEqual(len(mail.outbox), 3)  # received, verified, rejected
        challenge = made.proofs.exclude(challenge="").first()
        for one in mail.outbox:
            self.assertEqual(one.to, ["ada@example.org"])
            self.assertNotRegex((one.subject + one.body).casefold(), "zebra|quartz|github")
            self.assertIn(made.reference, one.subject)
            self.assertIn("/requests/", one.body)
            if challenge:
                self.assertNotIn(challenge.challenge, one.body)
        mails.send_due()
        self.assertEqual(len(mail.outbox), 3)

    @override_settings(EMAIL_BACKEND="tests.portal.test_time.Broken")
    def test_that_cannot_be_sent_stop_nothing_and_are_tried_again(self):
        with self.captureOnCommitCallbacks(execute=True):
            made = people.sent(self.ada)
        self.assertEqual(made.state, "verifying")
        notice = Notice.objects.get(user=self.ada)
        now = timezone.now()
        for tries in range(1, mails.MOST_TRIES + 1):
            self.assertEqual(sum(mails.send_due(now + timedelta(days=tries)).values()), 1)
            notice.refresh_from_db()
            self.assertEqual(notice.mail_tries, tries)
        self.assertEqual(notice.mail, Notice.FAILED)
        self.assertEqual(sum(mails.send_due(now + timedelta(days=99)).values()), 0)

    @override_settings(EMAIL_BACKEND="tests.portal.test_time.Slow")
    def test_are_claimed_for_their_own_time_however_long_the_ones_before_took(self):
        for number in range(3):
            people.sent(self.ada, f"account{number}")
        Slow.now, Slow.claims = timezone.now(), []
        with patch("portal.services.mails.timezone.now", lambda: Slow.now):
            mails.send_due()
        self.assertEqual(Slow.claims, [1, 1, 1])

    def test_go_to_nobody_without_an_address(self):
        people.sent(make_user("bob"))
        self.assertEqual(Notice.objects.get(user__username="bob").mail, Notice.NONE)

    @override_settings(EMAIL_BACKEND="django.core.mail.backends.dummy.EmailBackend")
    def test_are_not_kept_waiting_where_the_site_sends_none(self):
        people.sent(self.ada)
        self.assertEqual(Notice.objects.get(user=self.ada).mail, Notice.NONE)


class Broken:
    """A mail server that fails."""

    def __init__(self, **kwargs):
        pass

    def send_messages(self, messages):
        raise ConnectionRefusedError("ada@example.org: no")


class Slow:
    """A mail server that takes four minutes for each mail; it counts the claims that still stand when one comes."""

    now: datetime
    claims: list[int]

    def __init__(self, **kwargs):
        pass

    def send_messages(self, messages):
        Slow.claims.append(Notice.objects.filter(mail=Notice.DUE, mail_tries=1, mail_after__gt=Slow.now).count())
        Slow.now += timedelta(minutes=4)
        return len(messages)


class Clocks(TestCase):
    def setUp(self):
        self.ada = make_user("ada")

    def test_a_clock_that_runs_behind_never_turns_the_order_of_what_happened(self):
        made = people.sent(self.ada)
        behind = timezone.now() - timedelta(hours=5)
        with patch("django.utils.timezone.now", return_value=behind):
            from portal.services import verification

            verification.verify_by_hand(made, people.reviewer(), "By telephone.")
            decisions.accept(made, people.reviewer())
        made.refresh_from_db()
        times = list(made.events.order_by("id").values_list("at", flat=True))
        self.assertEqual(times, sorted(times))
        self.assertLessEqual(made.submitted_at, made.verified_at)
        self.assertLessEqual(made.verified_at, made.decided_at)

    def test_no_change_of_clocks_on_the_wall_moves_a_deadline(self):
        for zone in ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe"):
            with self.subTest(zone=zone), timezone.override(ZoneInfo(zone)):
                made = OptOutRequest(state="triage", verified_at=datetime(2026, 10, 24, 23, 30, tzinfo=UTC))
                made.due_at = datetime(2026, 12, 1, tzinfo=UTC)
                self.assertEqual(made.next_deadline, datetime(2026, 10, 31, 23, 30, tzinfo=UTC))
                self.assertEqual(made.next_deadline.utcoffset(), timedelta(0))

    def test_every_state_under_way_has_a_deadline_within_the_legal_clock(self):
        made = people.verified(self.ada)
        now = timezone.now()
        made.asked_at = made.decided_at = made.appealed_at = made.objection_until = now
        made.due_at = now + timedelta(hours=1)
        for state in states.UNDER_WAY:
            by = states.deadline(state, made)
            self.assertIsNotNone(by, state)
            self.assertLessEqual(by, made.due_at)


class Erasure(TestCase):
    def setUp(self):
        self.ada, self.grace = make_user("ada"), people.reviewer()

    def test_after_ninety_days_nothing_tells_who_asked_for_what(self):
        made = people.scheduled(self.ada, "Zebra", "quartz")
        keyed = LedgerEntry.objects.get(kind="opt-out accepted").commitment
        OptOutRequest.objects.filter(pk=made.pk).update(
            state="closed", ended_at=timezone.now(), message="I am Zebra", decision_note="Zebra"
        )
        seen = []

        def receiver(request, **kwargs):
            seen.append(request.account)

        personal_data_erased.connect(receiver)
        self.addCleanup(personal_data_erased.disconnect, receiver)
        now = timezone.now()
        self.assertEqual(clock.keep_time(now + timedelta(days=89))["erased"], 0)
        self.assertTrue(self.ada.notices.filter(kind="erase_soon").exists())
        for number in (1, 0):
            self.assertEqual(clock.keep_time(now + timedelta(days=91))["erased"], number)
        self.assertEqual(seen, ["Zebra"])
        made.refresh_from_db()
        self.assertIsNone(made.requester)
        self.assertEqual((made.ledger_key, made.ledger_record, made.account), (None, {}, ""))
        self.assertEqual(LedgerEntry.objects.get(kind="opt-out accepted").commitment, keyed)
        left = [made.__dict__, *made.events.values(), *made.decisions.values(), *made.proofs.values()]
        self.assertNotRegex(str(left).casefold(), "zebra|quartz")
        self.assertFalse(made.events.filter(actor=self.ada).exists())
        self.assertEqual(list(self.ada.notices.values_list("kind", "request")), [("erased", None)])
        self.assertIsNotNone(made.block_position)

    def test_what_is_under_way_or_can_be_appealed_keeps_its_data(self):
        people.verified(self.ada)
        made = people.verified(self.ada, "Beta")
        decisions.reject(made, self.grace, "No.")
        self.assertEqual(clock.keep_time(timezone.now() + timedelta(days=40))["erased"], 0)

    def test_a_question_that_fails_to_be_closed_holds_up_nothing_else(self):
        made, other = people.verified(self.ada), people.sent(self.ada, "Beta")
        questions.ask(made, self.grace, "Which?")
        people.backdate(made, asked_at=20)
        people.backdate(other, submitted_at=31)
        with patch("portal.services.questions.back", side_effect=RuntimeError("boom")):
            done = clock.keep_time()
        self.assertEqual((done["failed"], done["expired"]), (1, 1))
