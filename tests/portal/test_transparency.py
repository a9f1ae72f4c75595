"""Transparency: numbers that are true, months that are joined until nobody can be told apart, policies with the site's own numbers."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.test import SimpleTestCase, TestCase, override_settings
from django.urls import reverse

from core import columns, ledger
from portal import documents, transparency
from portal.models import OptOutRequest
from portal.references import new_reference
from portal.transparency import FEW, FEWEST
from tests.base import make_user


def finished(user: object, removed: datetime, days: float, *, late: bool = False, state: str = "closed") -> None:
    received = removed - timedelta(days=days)
    OptOutRequest.objects.create(
        reference=new_reference(),
        requester=user,
        state=state,
        forge="github.com",
        account="zebra-quartz",
        submitted_at=received,
        verified_at=received,
        decided_at=received + timedelta(days=1),
        removed_at=removed,
        due_at=removed + timedelta(days=-1 if late else 1),
    )


class FigureTests(TestCase):
    def setUp(self) -> None:
        self.ada = make_user("ada")

    def months(self) -> list[tuple[str, int, int]]:
        return [(month.label, month.done, month.in_time) for month in transparency.months()]

    def test_months_are_joined_until_enough_were_carried_out_and_the_rest_waits(self) -> None:
        for month, number in ((1, 5), (2, 2), (3, 2), (4, 1), (5, 7), (6, 4)):
            for day in range(number):
                finished(
                    self.ada, datetime(2026, month, 1 + day, 23, 30, tzinfo=UTC), 3 + day, late=month == 5 and day == 0
                )
        self.assertEqual(self.months(), [("Jan 2026", 5, 5), ("Feb 2026 to Apr 2026", 5, 5), ("May 2026", 7, 6)])
        first = transparency.months()[0]
        self.assertEqual((first.median, first.longest), (timedelta(days=5), timedelta(days=7)))
        finished(self.ada, datetime(2026, 6, 30, tzinfo=UTC), 1)
        self.assertEqual(self.months()[-1], ("Jun 2026", 5, 5))

    def test_nothing_is_told_of_fewer_than_five(self) -> None:
        for _ in range(FEWEST - 1):
            finished(self.ada, datetime(2026, 5, 2, tzinfo=UTC), 3)
        shown = transparency.shown()
        self.assertEqual(shown.counts["received"], FEW)
        self.assertIsNone(shown.median_time)
        self.assertIsNone(shown.within_promise)
        self.assertEqual(shown.months, [])
        page = self.client.get(reverse("portal:transparency"))
        self.assertContains(page, "no times are shown")
        self.assertNotContains(page, '<svg class="columns"')

    def test_a_number_that_is_not_told_cannot_be_computed_from_the_others(self) -> None:
        told = transparency.cells({"under way": 40, "carried out": 12, "rejected": 1, "undone": 0})
        self.assertEqual(told, {"under way": "40", "carried out": "not shown", "rejected": FEW, "undone": "0"})
        two = transparency.cells({"under way": 40, "rejected": 1, "undone": 2})
        self.assertEqual(two, {"under way": "40", "rejected": FEW, "undone": FEW})

    def test_every_state_is_counted_once(self) -> None:
        for state in ("closed", "receipted", "removed"):
            finished(self.ada, datetime(2026, 5, 2, tzinfo=UTC), 3, state=state)
        for state in ("rejected", "restored", "expired", "withdrawn"):
            OptOutRequest.objects.create(reference=new_reference(), requester=self.ada, state=state)
        found = transparency.figures()
        parts = found.under_way + found.removed + found.rejected + found.not_proven + found.restored
        self.assertEqual((found.received, found.removed, parts), (7, 3, 7))

    def test_page_and_api_say_the_same_and_name_nobody(self) -> None:
        for day in range(6):
            finished(self.ada, datetime(2026, 5, 2 + day, tzinfo=UTC), 3 + day, late=day == 0)
        ledger.append("release published", {"name": "x"})
        ledger.sequence()
        page = self.client.get(reverse("portal:transparency"))
        self.assertContains(page, "83%")
        self.assertContains(page, '<svg class="columns"')
        self.assertContains(page, "May 2026")
        self.assertNotRegex(page.content.decode().casefold(), "zebra|>ada<")
        told = self.client.get("/api/transparency").json()
        self.assertEqual((told["median_days"], told["longest_days"]), (5.5, 8.0))
        self.assertEqual(told["months"][0]["in_time"], 5)
        self.assertEqual(told["decided_in_time"], 1.0)
        self.assertContains(page, told["ledger_root"])
        self.assertContains(page, told["key_fingerprint"])
        self.assertEqual(told["ledger_size"], 1)


class PolicyTests(TestCase):
    def test_each_policy_is_linked_and_has_the_numbers_of_the_site(self) -> None:
        with override_settings(FAIRSTACK_PROMISES={"triage": 3, "undo": 1}, FAIRSTACK_CONTACT="*Acme* <b>"):
            page = self.client.get(reverse("portal:transparency"))
            self.assertGreaterEqual(len(documents.policies()), 4)
            for policy in documents.policies():
                self.assertContains(page, policy.url)
                text = self.client.get(policy.url).content.decode()
                self.assertNotIn("{{", text, policy.slug)
            terms = self.client.get(reverse("portal:document", args=["policies-opt-out"]))
            self.assertContains(terms, "3 days after the proof")
            self.assertContains(terms, "1 day after removal")
            self.assertContains(
                self.client.get(reverse("portal:document", args=["policies-privacy"])), "*Acme* &lt;b&gt;"
            )

    def test_a_site_has_its_own_policies(self) -> None:
        folder = Path(tempfile.mkdtemp())
        (folder / "policies-privacy.md").write_text("# Our privacy\n\nWithin {{ answer }}. <script>x</script>\n")
        (folder / "policies-extra.md").write_text("# One more\n")
        with override_settings(FAIRSTACK_POLICIES=str(folder)):
            page = self.client.get(reverse("portal:transparency"))
            self.assertContains(page, "Our privacy")
            self.assertContains(page, "One more")
            own = self.client.get(reverse("portal:document", args=["policies-privacy"]))
            self.assertContains(own, "Within 30 days.")
            self.assertNotContains(own, "<script>x")
            self.assertContains(
                self.client.get(reverse("portal:document", args=["policies-retention"])), "What is kept"
            )


class ColumnTests(SimpleTestCase):
    def test_columns_fill_their_room_and_add_up(self) -> None:
        picture = columns.draw([("a", 10, 10), ("b", 4, 1)])
        full, part = picture.columns
        self.assertEqual(full.good, columns.HEIGHT - columns.TOP - columns.BOTTOM)
        self.assertEqual(full.bad, 0)
        self.assertAlmostEqual((part.good + part.bad) / full.good, 0.4, places=2)
        self.assertAlmostEqual(part.bad_y + part.bad, part.good_y, places=1)
        self.assertEqual(columns.draw([]).columns, [])
