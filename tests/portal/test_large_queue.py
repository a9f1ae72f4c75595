"""Five thousand open requests: the desk stays usable, and the beat gets through them."""

import time
from datetime import timedelta

from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from core import tokens
from portal.models import Notice, OptOutRequest, RequestEvent
from portal.references import new_reference
from portal.services import clock
from tests.base import make_user
from tests.portal import people

MANY = 5000


def fill(user, number=MANY, **fields):
    """So many requests of one person, each due a minute after the one before."""
    now = timezone.now()
    rows = [
        OptOutRequest(
            requester=user, reference=new_reference(), state="triage", forge="github.com", account=f"account{n}",
            owner_key=f"github.com/account{n}", scope="account", fingerprint=f"{n:064x}", submitted_at=now, verified_at=now,
            weighed_from=now, due_at=now + timedelta(days=30, minutes=n),
        )
        for n in range(number)
    ]  # fmt: skip
    made = OptOutRequest.objects.bulk_create(rows, batch_size=500)
    OptOutRequest.objects.update(**fields) if fields else None
    RequestEvent.objects.bulk_create([RequestEvent(request=one, kind="triage") for one in made], batch_size=1000)
    return made


class FiveThousand(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.ada = make_user("ada")
        cls.grace = people.reviewer()
        cls.made = fill(cls.ada)

    def setUp(self):
        self.client.force_login(self.grace)

    def test_the_queue_takes_few_queries_and_little_time_on_any_page(self):
        for query in (
            {},
            {"page": 100},
            {"q": "account4711"},
            {"show": "second"},
            {"show": "objections"},
            {"overdue": "on"},
        ):
            with self.subTest(query=query):
                began = time.perf_counter()
                with CaptureQueriesContext(connection) as asked:
                    page = self.client.get(reverse("portal:desk"), query)
                self.assertLessEqual(len(asked), 8)
                self.assertEqual(page.status_code, 200)
                self.assertLess(time.perf_counter() - began, 2)
        page = self.client.get(reverse("portal:desk"))
        self.assertContains(page, self.made[0].reference)
        self.assertNotContains(page, self.made[50].reference)
        self.assertContains(page, "5,000 requests")

    def test_one_request_takes_few_queries(self):
        address = reverse("portal:desk-request", args=[self.made[2500].reference])
        self.client.get(address)
        with CaptureQueriesContext(connection) as asked:
            self.client.get(address)
        self.assertLessEqual(len(asked), 23)

    def test_the_api_gives_any_part_of_it(self):
        _, token = tokens.issue(self.grace, "desk", ["read"])
        seen = set()
        for offset in range(0, MANY, 200):
            rows = self.client.get(
                f"/api/desk/requests?limit=200&offset={offset}", headers={"Authorization": f"Bearer {token}"}
            ).json()
            seen |= {one["reference"] for one in rows}
        self.assertEqual(len(seen), MANY)

    def test_a_beat_gets_through_all_of_them_and_the_next_one_tells_nobody_twice(self):
        later = timezone.now() + timedelta(days=8)
        began = time.perf_counter()
        clock.keep_time(later)
        first = time.perf_counter() - began
        self.assertEqual(Notice.objects.filter(kind="late", user=self.ada).count(), MANY)
        self.assertEqual(Notice.objects.filter(user=self.grace).count(), 1)
        began = time.perf_counter()
        self.assertEqual(clock.keep_time(later)["reminded"], 0)
        self.assertLess(time.perf_counter() - began, 15)
        self.assertLess(first, 120)
