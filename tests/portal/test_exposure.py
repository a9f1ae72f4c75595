"""The exposure matrix: what the verified owner and the desk see of an account, and that nobody else sees any of it."""

import csv
import io
import json
import re

from allauth.socialaccount.models import SocialAccount
from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core import sign_in
from datasets_app.models import FormerLogin, Holding, Owner, Release, Repository
from datasets_app.services import blocklist, masks
from modelzoo.models import LicenceTerms, Revision, ZooModel
from portal import matrix, matrix_files
from portal.may_see import may_see, owners_of
from portal.models import OptOutRequest, Proof
from tests.base import DataFolderMixin, make_user
from tests.datasets_app.floor import FloorMixin
from tests.portal import people

CSRF = re.compile(r'name="csrfmiddlewaretoken" value="\w+"')


def revision(name: str, release: Release | None, base: Revision | None = None) -> Revision:
    """A row of a model; its files are made elsewhere."""
    terms, _ = LicenceTerms.objects.get_or_create(key="mit", version=1, defaults={"title": "MIT"})
    model = ZooModel.objects.create(org="fairstack", name=name, licence_key="mit")
    return Revision.objects.create(model=model, sha=name.ljust(40, "0"), release=release, base=base, terms=terms)


class WhoMaySee(DataFolderMixin, TestCase):
    def setUp(self):
        super().setUp()
        self.owner = people.hold("Alpha", "one")
        self.ada, self.eve = make_user("ada"), make_user("eve")

    def test_the_verified_owner_and_the_desk_and_nobody_else(self):
        self.assertFalse(may_see(self.ada, self.owner))
        made = people.sent(self.ada, "Alpha")
        self.assertFalse(may_see(self.ada, self.owner), "a request without proof shows nothing")
        people.verified(make_user("bob"), "Beta")
        people.verification.verify_by_hand(made, people.reviewer(), "By telephone.")
        self.assertTrue(may_see(self.ada, self.owner))
        self.assertTrue(may_see(people.reviewer(), self.owner))
        self.assertFalse(may_see(self.eve, self.owner))
        self.assertEqual((owners_of(self.ada), owners_of(self.eve)), ([self.owner], []))
        for state in ("rejected", "expired", "withdrawn"):
            OptOutRequest.objects.filter(pk=made.pk).update(state=state)
            self.assertFalse(may_see(self.ada, self.owner), state)

    def test_a_proof_of_authorship_is_none_of_the_account(self):
        made = people.verified(self.ada, "Alpha")
        Proof.objects.filter(request=made).update(kind="author_mail")
        self.assertFalse(may_see(self.ada, self.owner))
        Proof.objects.filter(request=made).update(kind="challenge_file")
        OptOutRequest.objects.filter(pk=made.pk).update(scope=OptOutRequest.AUTHORED)
        self.assertFalse(may_see(self.ada, self.owner))

    def test_who_has_linked_the_account_by_its_number_sees_it(self):
        owner = Owner.objects.create(
            key="github.com:7", forge="github.com", account_id="7", login="lin", login_folded="lin"
        )
        SocialAccount.objects.create(user=self.ada, provider="github", uid="7", extra_data={"login": "lin"})
        self.assertFalse(may_see(self.ada, owner), "a provider that is not in use vouches for nobody")
        table = sign_in.parse('{"github.com": {"kind": "github", "client_id": "a", "secret": "b"}}')
        with self.settings(FAIRSTACK_SIGN_IN=table, SOCIALACCOUNT_PROVIDERS=sign_in.for_allauth(table)):
            self.assertEqual((may_see(self.ada, owner), may_see(self.eve, owner)), (True, False))
            self.assertEqual(owners_of(self.ada), [owner])
            self.assertFalse(may_see(self.ada, self.owner))

    def test_who_takes_over_a_freed_name_sees_nothing_of_who_had_it_before(self):
        first = Owner.objects.create(
            key="github.com:1", forge="github.com", account_id="1", login="new", login_folded="new"
        )
        FormerLogin.objects.create(owner=first, login="free", login_folded="free")
        second = Owner.objects.create(
            key="github.com:2", forge="github.com", account_id="2", login="free", login_folded="free"
        )
        made = people.verified(self.ada, "free")
        self.assertEqual(Proof.objects.get(request=made, passed_at__isnull=False).owner_key, second.key)
        self.assertEqual((may_see(self.ada, first), may_see(self.ada, second)), (False, True))
        Proof.objects.filter(request=made).update(owner_key="github.com/free")  # given before the number was known
        self.assertEqual((may_see(self.ada, first), may_see(self.ada, second)), (False, False))

    def test_every_page_is_missing_for_others_as_if_there_were_no_account(self):
        people.verified(self.ada, "Alpha")
        repository = Repository.objects.get(name="one")
        addresses = [
            reverse("portal:exposure", args=[self.owner.pk]),
            reverse("portal:exposure-repository", args=[self.owner.pk, repository.pk]),
            reverse("portal:exposure-download", args=[self.owner.pk, "csv"]),
            reverse("portal:exposure-download", args=[self.owner.pk, "json"]),
            reverse("portal:exposure-of-request", args=[OptOutRequest.objects.get().reference]),
        ]
        for address in addresses:
            self.client.logout()
            self.assertEqual(self.client.get(address).status_code, 302, address)
            self.client.force_login(self.eve)
            self.assertEqual(self.client.get(address).status_code, 404, address)
            self.client.force_login(self.ada)
            self.assertIn(self.client.get(address).status_code, (200, 302), address)
        self.client.force_login(self.eve)
        missing = reverse("portal:exposure", args=[999_999])
        never = self.client.get(missing).content.decode().replace(missing, addresses[0])
        here = self.client.get(addresses[0]).content.decode()
        self.assertEqual(CSRF.sub("", here), CSRF.sub("", never))
        self.assertContains(self.client.get(reverse("portal:exposure-accounts")), "Nothing to show")


class TheMatrix(DataFolderMixin, TestCase):
    def setUp(self):
        super().setUp()
        self.ada = make_user("ada")
        self.old = people.publish("v1.0", state="withdrawn")
        self.owner = people.hold("Alpha", "one", "two", release=self.old)
        people.verified(self.ada, "Alpha", "two")  # masks the repository named two
        self.two = Repository.objects.get(name="two")
        blocked = Repository.objects.create(key="k/gone", owner=self.owner, name="gone", name_folded="gone")
        blocklist.add(people.reviewer(), self.owner, blocked)
        self.new = people.publish("v1.1", position=blocklist.position())
        people.hold("Alpha", "one", "two", release=self.new)
        self.base = revision("base", self.old)
        other = people.publish("v9.0")
        self.models = [
            self.base,
            revision("tuned", self.new, self.base),
            revision("other", other),
            revision("x", None),
        ]
        self.client.force_login(self.ada)

    def test_each_repository_by_release_and_by_model(self):
        found = matrix.of(self.owner)
        rows = {row.repository.name: row for row in found.rows(list(matrix.repositories_of(self.owner)))}
        names = [release.version for release in found.releases]
        cells = {
            name: {version: cell.standing for version, cell in zip(names, row.releases, strict=True)}
            for name, row in rows.items()
        }
        self.assertEqual(cells, {
            "gone": {"v9.0": "never", "v1.1": "removed", "v1.0": "never"},
            "one": {"v9.0": "never", "v1.1": "in", "v1.0": "removed"},
            "two": {"v9.0": "never", "v1.1": "masked", "v1.0": "removed"},
        })  # fmt: skip
        models = [column.revision.model.name for column in found.models]
        self.assertEqual(
            dict(zip(models, [cell.standing for cell in rows["one"].models], strict=True)),
            {"x": "unknown", "other": "excluded", "tuned": "trained before", "base": "trained before"},
        )
        totals = {one.release.version: (one.standing, one.files) for one in matrix.totals(found)}
        self.assertEqual(totals, {"v9.0": ("never", 0), "v1.1": ("in", 6), "v1.0": ("removed", 6)})

    def test_a_fine_tune_whose_base_is_not_recorded_is_unknown(self):
        other = Owner.objects.create(key="github.com/other", forge="github.com", login="other", login_folded="other")
        repository = Repository.objects.create(key="o/r", owner=other, name="r", name_folded="r")
        tuned = revision("again", self.new, self.models[3])
        found = matrix.of(other)
        cells = dict(zip([one.revision for one in found.models], found.rows([repository])[0].models, strict=True))
        self.assertEqual((cells[tuned].standing, cells[self.base].standing), ("unknown", "excluded"))

    def test_the_pages_and_the_downloads(self):
        address = reverse("portal:exposure", args=[self.owner.pk])
        page = self.client.get(address)
        for words in (
            "in it, hidden",
            "removed",
            "trained before",
            "fairstack/tuned",
            "What a request would change",
            "not proven",
        ):
            (self.assertContains if words != "not proven" else self.assertNotContains)(page, words)
        self.assertContains(self.client.get(address, {"effects": 1}), "Files that")
        self.assertContains(self.client.get(address, {"begins": "TW"}), ">two<")
        self.assertNotContains(self.client.get(address, {"begins": "TW"}), ">one<")
        text = b"".join(self.client.get(f"{address}download.csv").streaming_content).decode()
        rows = list(csv.DictReader(io.StringIO(text)))
        self.assertEqual(len(rows), 3 * (3 + 4))
        told = {(row["repository"], row["release or model"]): row["standing"] for row in rows}
        self.assertEqual(told["two", "the-stack-demo v1.1"], "masked")
        whole = json.loads(b"".join(self.client.get(f"{address}download.json").streaming_content))
        self.assertEqual([one["repository"] for one in whole["repositories"]], ["gone", "one", "two"])
        self.assertEqual(self.client.get(f"{address}download.xml").status_code, 404)

    def test_by_api(self):
        found = self.client.get("/api/exposure", {"account": "ALPHA"}).json()
        self.assertEqual([(one["account"], one["count"]) for one in found], [("Alpha", 3)])
        two = found[0]["repositories"][2]
        self.assertEqual((two["repository"], two["releases"]["the-stack-demo v1.1"]["standing"]), ("two", "masked"))
        self.assertEqual(
            self.client.get("/api/exposure", {"account": "alpha", "page": 9}).json()[0]["repositories"], []
        )
        self.client.force_login(make_user("eve"))
        for name in ("alpha", "never"):
            self.assertEqual(self.client.get("/api/exposure", {"account": name}).json(), [])
        self.client.logout()
        self.assertEqual(self.client.get("/api/exposure", {"account": "alpha"}).status_code, 401)

    def test_ten_thousand_repositories_take_as_few_queries_as_one(self):
        address = reverse("portal:exposure", args=[self.owner.pk])
        with CaptureQueriesContext(connection) as few:
            self.client.get(address)
        rows = [
            Repository(key=f"big/{number}", owner=self.owner, name=f"R{number:05}", name_folded=f"r{number:05}")
            for number in range(10_000)
        ]
        Repository.objects.bulk_create(rows)
        made = Repository.objects.filter(key__startswith="big/")
        Holding.objects.bulk_create(
            [Holding(release=self.new, repository=one, owner=self.owner, files=1) for one in made]
        )
        with self.assertNumQueries(len(few)):
            page = self.client.get(address, {"page": 150})
        self.assertContains(page, "10,002")
        found = list(matrix.everything(self.owner))
        self.assertEqual(len(found), 10_003)
        self.assertEqual(len({row.repository.pk for _, row in found}), 10_003)


class TheFiles(FloorMixin, TestCase):
    def test_each_file_by_release(self):
        first = self.published()
        owner = Owner.objects.get(login_folded="alpha")
        repository = owner.repositories.get(name="one")
        found = matrix_files.files(matrix.of(owner), repository)
        cells = {row.path: row.cells[0] for row in found.rows}
        self.assertEqual(cells["alpha_one/only.py"].standing, "in")
        self.assertEqual(
            {cell.standing for cell in cells.values()} - {"in"}, {"never"} & {cell.standing for cell in cells.values()}
        )
        clamp = next(cell for path, cell in cells.items() if path.endswith("clamp.py"))
        self.assertEqual(clamp.standing, "in")
        masks.mask_contents(
            self.staff, "R-9", files=[(repository.key, "alpha_one/only.py", blob_of(first, "alpha_one/only.py"))]
        )
        masked = {row.path: row.cells[0].standing for row in matrix_files.files(matrix.of(owner), repository).rows}
        self.assertEqual((masked["alpha_one/only.py"], masked["alpha_one/clamp.py"]), ("masked", "in"))
        self.opt_out("alpha", "one")
        second = self.publish(self.build())
        after = matrix.of(owner)
        self.assertEqual([release.version for release in after.releases][:1], [second.version])
        cells = after.rows([repository])[0].releases
        self.assertEqual({cell.standing for cell in cells}, {"removed"})
        gamma = Owner.objects.get(login_folded="gamma")
        why = matrix_files.files(matrix.of(gamma), gamma.repositories.get()).rows[0].cells[0]
        self.assertEqual(why.standing, "never")
        self.assertIn("licence", why.why)

    def test_the_page_of_a_repository(self):
        self.published()
        owner = Owner.objects.get(login_folded="alpha")
        self.client.force_login(self.staff)
        page = self.client.get(
            reverse("portal:exposure-repository", args=[owner.pk, owner.repositories.get(name="one").pk])
        )
        self.assertContains(page, "alpha_one/only.py")
        self.assertContains(page, "in it")


def blob_of(release: Release, path: str) -> str:
    from datasets_app.browsing import open_release

    return next(row["blob_id"] for row in open_release(release).files(limit=100) if row["path"] == path)
