"""Pages and API of receipts: the owner and the staff see one, nobody else."""

from django.test import Client, TransactionTestCase
from django.urls import reverse

from core import signing
from core.permissions import SYSTEM
from portal.models import OptOutRequest, Receipt
from portal.services import receipts
from tests.base import make_user
from tests.portal.removing import RemovalMixin


class Pages(RemovalMixin, TransactionTestCase):
    def setUp(self):
        super().setUp()
        self.published()
        self.request = self.receipted()
        self.addresses = [
            *(reverse(f"portal:{name}", args=[self.request.reference]) for name in ("receipt", "receipt-file")),
            *(f"/api/requests/{self.request.reference}/{name}" for name in ("receipt", "receipt/file")),
        ]

    def asked(self, name=None):
        client = Client()
        if name:
            client.login(username=name, password="correct horse battery")
        return [client.get(address) for address in self.addresses]

    def test_the_owner_and_reviewers_see_it_and_to_all_others_there_is_none(self):
        make_user("eve")
        for name in ("ada", "grace"):
            self.assertEqual([answer.status_code for answer in self.asked(name)], [200] * 4, name)
        self.assertEqual([answer.status_code for answer in self.asked("eve")], [404] * 4)
        self.assertEqual([answer.status_code for answer in self.asked()], [302, 302, 401, 401])
        for answer in self.asked("eve"):
            self.assertNotIn(b"alpha", answer.content.lower())

    def test_pages_and_api_give_the_same_file_which_is_kept_by_no_cache(self):
        page, file, said, other = self.asked("ada")
        self.assertEqual(file.content, other.content)
        self.assertIn("no-store", file["Cache-Control"])
        self.assertContains(page, signing.fingerprint())
        self.assertEqual(said.json()["sha256"], Receipt.objects.get().sha256)
        self.assertEqual(said.json()["says"]["scope"]["account"], "Alpha")

    def test_how_to_check_is_public_and_the_script_is_the_one_that_is_tested(self):
        client = Client()
        self.assertContains(client.get(reverse("portal:receipts")), signing.fingerprint())
        self.assertContains(client.get(reverse("portal:receipt-script")), "def read_tree")
        self.assertEqual(client.get("/api/key").json()["fingerprint"], signing.fingerprint())
        self.assertEqual(len(client.get("/api/removals").json()["items"]), 1)

    def test_once_personal_data_is_erased_there_is_none_here(self):
        receipts.forget(OptOutRequest.objects.get(pk=self.request.pk), SYSTEM)
        self.assertEqual([answer.status_code for answer in self.asked("ada")], [404] * 4)

    def test_a_stranger_name_in_the_receipt_page_is_escaped(self):
        OptOutRequest.objects.filter(pk=self.request.pk).update(state="removed", account="<script>x</script>")
        Receipt.objects.all().delete()
        self.request.refresh_from_db()
        receipts.sign(self.request)
        self.assertNotContains(self.asked("ada")[0], "<script>x")
