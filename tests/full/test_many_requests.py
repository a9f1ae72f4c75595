"""Five thousand requests by API from many people at once: none is lost, and they come in much faster than in an hour."""

import json
import threading
import time
from collections import Counter

from django.db import connection
from django.test import Client, TransactionTestCase, tag
from django.urls import reverse

from core import tokens
from core.models import User
from portal.models import OptOutRequest
from tests.base import DataFolderMixin
from tests.portal import people

PEOPLE, EACH, THREADS = 500, 10, 8


@tag("full")
class ManyRequests(DataFolderMixin, TransactionTestCase):
    def test_in_an_hour_lose_none_and_leave_the_queue_usable(self):
        users = User.objects.bulk_create(User(username=f"person{n}") for n in range(PEOPLE))
        work = [
            (tokens.issue(user, "load", ["read", "write"])[1], f"account-{n}-{k}")
            for n, user in enumerate(users)
            for k in range(EACH)
        ]
        answers: Counter[int] = Counter()
        references: set[str] = set()
        lock = threading.Lock()

        def send():
            client = Client(raise_request_exception=False)
            try:
                while True:
                    with lock:
                        if not work:
                            return
                        token, account = work.pop()
                    answer = client.post(
                        "/api/requests",
                        json.dumps({"account": account, "forge": "github.com"}),
                        content_type="application/json",
                        headers={"Authorization": f"Bearer {token}"},
                    )
                    with lock:
                        answers[answer.status_code] += 1
                        if answer.status_code == 201:
                            references.add(answer.json()["reference"])
            finally:
                connection.close()

        connection.close()  # the pool of PostgreSQL has as many connections as there are threads
        began = time.monotonic()
        threads = [threading.Thread(target=send) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.monotonic() - began
        print(f"{PEOPLE * EACH} requests in {seconds:.0f} s: {PEOPLE * EACH / seconds * 3600:,.0f} an hour")
        print(f"answers: {dict(answers)}")
        self.assertEqual(answers, {201: PEOPLE * EACH})
        self.assertEqual(len(references), PEOPLE * EACH)
        self.assertEqual(
            set(OptOutRequest.objects.filter(state="verifying").values_list("reference", flat=True)), references
        )
        self.assertLess(seconds, 3600)
        client = Client()
        client.force_login(people.reviewer())
        began = time.monotonic()
        self.assertContains(client.get(reverse("portal:desk")), "5,000 requests")
        self.assertLess(time.monotonic() - began, 3)
