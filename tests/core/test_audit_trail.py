"""The audit trail as auditors read it: filters, pages by key, CSV, API; staff by name and nobody else."""

import csv
import io
from datetime import UTC, date, datetime, timedelta

from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core import audit, audit_trail, roles
from core.audit_trail import Filter
from core.errors import InvalidInput, PermissionDenied
from core.models import AuditEntry
from core.permissions import SYSTEM
from tests.base import make_user
from tests.core.test_roles import make_with


class TrailTests(TestCase):
    def setUp(self) -> None:
        self.auditor = make_with("audrey", "auditor")
        self.reviewer = make_with("rita", "reviewer")
        self.visitor = make_user("victor-the-visitor")
        self.mine = audit.record_named(self.reviewer, "accept request", "portal.optoutrequest", "17", state="accepted")
        audit.record_named(self.visitor, "send request", "portal.optoutrequest", "17", scope="account")
        audit.record_named(SYSTEM, "expire request", "portal.optoutrequest", "18")
        AuditEntry.objects.bulk_create(
            AuditEntry(at=datetime(2026, 1, day, 23, 59, tzinfo=UTC), action="tick", object_type="core.job", object_id="x")
            for day in (1, 2, 3)
        )  # fmt: skip

    def read(self, **wanted: object) -> list[str]:
        return [line.entry.action for line in audit_trail.page(self.auditor, Filter(**wanted)).lines]

    def test_it_is_read_by_action_object_actor_and_day(self) -> None:
        self.assertEqual(self.read(action="accept request"), ["accept request"])
        self.assertEqual(self.read(object="portal.optoutrequest:17"), ["send request", "accept request"])
        self.assertEqual(len(self.read(object="portal.optoutrequest")), 3)
        self.assertEqual(self.read(actor="rita"), ["accept request"])
        self.assertEqual(self.read(actor="system", object="portal.optoutrequest"), ["expire request"])
        day = datetime(2026, 1, 2, tzinfo=UTC).date()
        self.assertEqual(len(self.read(since=day, action="tick")), 2)
        self.assertEqual(len(self.read(until=day, action="tick")), 2)
        self.assertEqual(len(self.read(since=day, until=day)), 1)
        self.assertEqual(len(self.read(since=date.min, until=date.max, action="tick")), 3)
        for wrong in ({"actor": "victor-the-visitor"}, {"object": "17"}):
            with self.assertRaises(InvalidInput):
                self.read(**wrong)

    def test_only_the_staff_is_named_also_after_a_role_was_taken(self) -> None:
        lines = audit_trail.page(self.auditor, Filter(object="portal.optoutrequest")).lines
        self.assertEqual([line.actor for line in lines], ["the system", "an account", "rita"])
        roles.give(SYSTEM, self.visitor, "curator")
        roles.take(SYSTEM, self.visitor, "curator")
        self.assertIn("victor-the-visitor", [line.actor for line in audit_trail.of_object("portal.optoutrequest", 17)])

    def test_pages_by_key_lead_to_the_end_and_back_and_miss_nothing(self) -> None:
        AuditEntry.objects.bulk_create(
            AuditEntry(action="tick", object_type="core.job", object_id=str(number)) for number in range(25)
        )
        seen, before, pages = [], 0, []
        while True:
            page = audit_trail.page(self.auditor, Filter(), before=before, limit=10)
            pages.append(page)
            seen += [line.entry.pk for line in page.lines]
            if not page.older:
                break
            before = page.older
        self.assertEqual(seen, list(AuditEntry.objects.order_by("-pk").values_list("pk", flat=True)))
        back = audit_trail.page(self.auditor, Filter(), after=pages[-1].newer, limit=10)
        self.assertEqual([line.entry.pk for line in back.lines], [line.entry.pk for line in pages[-2].lines])
        first = audit_trail.page(self.auditor, Filter(), after=back.newer, limit=100)
        self.assertEqual(first.newer, 0)

    def test_who_may_not_read_it_gets_nothing(self) -> None:
        for user in (self.reviewer, self.visitor):
            with self.assertRaises(PermissionDenied):
                audit_trail.page(user, Filter())
            with self.assertRaises(PermissionDenied):
                audit_trail.exported(user, Filter())

    def test_the_page_and_its_filters(self) -> None:
        self.client.force_login(self.auditor)
        answer = self.client.get(reverse("core:audit"), {"object": "portal.optoutrequest:17"})
        self.assertContains(answer, "accept request")
        self.assertNotContains(answer, "victor-the-visitor")
        self.assertContains(answer, "object=portal.optoutrequest%3A17")
        wrong = self.client.get(reverse("core:audit"), {"actor": "nobody"})
        self.assertContains(wrong, "Nobody of the staff is called", status_code=422)
        self.assertEqual(self.client.get(reverse("core:audit"), {"since": "yesterday"}).status_code, 422)
        self.assertEqual(self.client.get(reverse("core:audit"), {"before": "x" * 30}).status_code, 200)

    def test_a_page_costs_the_same_however_long_the_trail_is(self) -> None:
        with CaptureQueriesContext(connection, ) as few:  # fmt: skip
            audit_trail.page(self.auditor, Filter())
        self.assertLessEqual(len(few), 5)

    def test_the_export_has_the_same_entries_and_no_formulas(self) -> None:
        audit.record_named(self.reviewer, "=cmd()", "portal.thing", "1", note="+1")
        self.client.force_login(self.auditor)
        answer = self.client.get(reverse("core:audit-export"), {"object": "portal.optoutrequest"})
        rows = list(csv.reader(io.StringIO(b"".join(answer).decode())))
        self.assertEqual(rows[0], list(audit_trail.COLUMNS))
        self.assertEqual([row[3] for row in rows[1:]], ["expire request", "send request", "accept request"])
        self.assertEqual(rows[3][2:], ["rita", "accept request", "portal.optoutrequest:17", "state: accepted"])
        text = b"".join(self.client.get(reverse("core:audit-export"))).decode()
        self.assertIn("'=cmd()", text)
        self.assertNotIn("victor", text)
        self.assertEqual(self.client.get(reverse("core:audit-export"), {"actor": "nobody"}).status_code, 422)

    def test_the_api_pages_alike(self) -> None:
        self.client.force_login(self.auditor)
        answer = self.client.get("/api/audit", {"object": "portal.optoutrequest:17", "limit": 1}).json()
        self.assertEqual([entry["action"] for entry in answer["entries"]], ["send request"])
        older = self.client.get("/api/audit", {"object": "portal.optoutrequest:17", "before": answer["older"]}).json()
        self.assertEqual(older["entries"][0]["actor"], "rita")
        self.assertEqual(older["older"], 0)
        future = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
        self.assertEqual(self.client.get("/api/audit", {"since": future}).json()["entries"], [])
        self.assertEqual(self.client.get("/api/audit", {"object": "x"}).status_code, 422)
        self.client.force_login(self.reviewer)
        self.assertEqual(self.client.get("/api/audit").status_code, 403)
