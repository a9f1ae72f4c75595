"""Two people approve a release: one person counts once, whichever way and however often they ask."""

import threading

from django.db import connection
from django.test import TestCase, TransactionTestCase, override_settings
from django.urls import reverse

from core.errors import Conflict, FairstackError
from core.models import AuditEntry
from datasets_app.models import Release
from datasets_app.services import releases
from tests.base import DataFolderMixin
from tests.core.test_roles import make_with

NAME = "the-stack-demo"


def built(created_by: object = None) -> Release:
    return Release.objects.create(name=NAME, version="v1.0", state="built", created_by=created_by)


@override_settings(FAIRSTACK_APPROVALS=2)
class ApprovalTests(DataFolderMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.builder, self.other = make_with("bea", "curator"), make_with("otto", "curator")
        self.release = built(self.builder)

    def approvals(self) -> list[str]:
        return sorted(self.release.approvals.values_list("user__username", flat=True))

    def test_the_builder_counts_once_by_page_and_api(self) -> None:
        self.client.force_login(self.builder)
        page = reverse("datasets:approve", args=[NAME, "v1.0"])
        for _ in range(2):
            self.client.post(page)
            self.client.post(f"/api/releases/{NAME}/v1.0/approve", content_type="application/json")
        self.assertEqual(self.approvals(), ["bea"])
        self.assertEqual(AuditEntry.objects.filter(action="approve release").count(), 1)
        self.assertEqual(releases.approvals_missing(self.release), 1)
        self.assertEqual(self.client.post(f"/api/releases/{NAME}/v1.0/publish").status_code, 409)
        self.client.post(reverse("datasets:publish", args=[NAME, "v1.0"]))
        self.release.refresh_from_db()
        self.assertEqual(self.release.state, "built")
        with self.assertRaisesMessage(Conflict, "one more person"):
            releases.publish(self.release, self.builder)

    def test_two_people_suffice_and_both_stand_in_the_audit_trail(self) -> None:
        releases.approve(self.release, self.builder)
        releases.approve(self.release, self.other)
        self.assertEqual(releases.approvals_missing(self.release), 0)
        self.client.force_login(self.other)
        page = self.client.get(reverse("datasets:desk-release", args=[NAME, "v1.0"]))
        self.assertContains(page, "approve release")
        self.assertNotContains(page, "/audit/?object=")
        actors = AuditEntry.objects.filter(action="approve release", object_id=str(self.release.pk))
        self.assertEqual(set(actors.values_list("actor__username", flat=True)), {"bea", "otto"})


@override_settings(FAIRSTACK_APPROVALS=2)
class ApprovalRace(DataFolderMixin, TransactionTestCase):
    def test_ten_approvals_of_one_person_at_once_are_one(self) -> None:
        builder = make_with("bea", "curator")
        release = built(builder)
        ready = threading.Barrier(10)
        wrong: list[Exception] = []

        def approve() -> None:
            try:
                ready.wait(20)
                releases.approve(Release.objects.get(pk=release.pk), builder)
            except FairstackError as error:
                wrong.append(error)
            finally:
                connection.close()

        threads = [threading.Thread(target=approve) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        self.assertEqual((release.approvals.count(), wrong), (1, []))
        self.assertEqual(AuditEntry.objects.filter(action="approve release").count(), 1)
        self.assertEqual(releases.approvals_missing(release), 1)
