"""The whole loop, through the pages that people use: from real files to a release, a request, a proof, and nothing left."""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from django.test import Client, TransactionTestCase, override_settings
from django.urls import reverse

from core import stores
from core.jobs import execute_here
from core.models import Job, LedgerEntry
from datasets_app.models import Release
from datasets_app.pipeline.scan import scan
from datasets_app.pipeline.verify import verify
from portal.models import OptOutRequest
from tests.base import make_user
from tests.datasets_app.floor import MARKER, FloorMixin
from tests.portal.forge import LocalForge


class TheLoop(FloorMixin, TransactionTestCase):
    """One owner leaves; the others stay."""

    def setUp(self):
        super().setUp()
        root = Path(tempfile.mkdtemp(prefix="fairstack-forge-"))
        self.addCleanup(shutil.rmtree, root, ignore_errors=True)
        self.forge = LocalForge(root)
        overridden = override_settings(FAIRSTACK_FORGES=self.forge.settings())
        overridden.enable()
        self.addCleanup(overridden.disable)
        make_user("ada")
        self.owner, self.desk, self.public = Client(), Client(), Client()
        self.owner.login(username="ada", password="correct horse battery")
        self.desk.force_login(self.staff)

    def page(self, client, name, *args, **query):
        response = client.get(reverse(name, args=args), query)
        self.assertEqual(response.status_code, 200, name)
        return re.sub(r"\s+", " ", response.content.decode())

    def send(self, client, name, *args, **data):
        response = client.post(reverse(name, args=args), data, follow=True)
        self.assertEqual(response.status_code, 200, f"{name}: {response.content[:2000]!r}")
        return response

    def run_jobs(self):
        """What a worker would do."""
        while job := Job.objects.filter(state="queued").order_by("created_at").first():
            done = execute_here(job)
            self.assertEqual(done.state, "succeeded", f"{done.kind}: {done.error} {done.crash}")

    def ask(self, account):
        """The form, page by page."""
        self.send(self.owner, "portal:opt-out")
        self.send(self.owner, "portal:opt-out-account", account=account, forge="github.com")
        self.send(self.owner, "portal:opt-out-scope", scope="account")
        self.send(self.owner, "portal:opt-out-message", message="")
        draft = OptOutRequest.objects.get(state="draft")
        sent = self.send(self.owner, "portal:opt-out-check", reference=draft.reference, mine="on")
        self.assertContains(sent, draft.reference)
        return draft.reference

    def check_receipt(self, reference):
        """As the owner does it: both files downloaded, and the script run without this site."""
        folder = self.data.parent / f"{self.data.name}-owner"
        folder.mkdir()
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        for name, args in (("portal:receipt-script", []), ("portal:receipt-file", [reference])):
            (folder / name[7:]).write_bytes(self.owner.get(reverse(name, args=args)).content)
        page = self.page(self.public, "portal:receipts")
        fingerprint = re.search(r"[0-9a-f]{64}", page)[0]
        done = subprocess.run(
            [sys.executable, "-I", "receipt-script", "receipt-file", "--fingerprint", fingerprint],
            cwd=folder, capture_output=True, text=True,
        )  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("are in none of these releases", done.stdout)

    def test_from_real_files_to_nothing_left(self):
        first = self.published()
        self.assertTrue(scan(self.data, [MARKER]), "the marker must be there before, or finding nothing proves nothing")
        for asked in ("alpha", "ALPHA/one", "https://github.com/Alpha/"):
            self.assertIn("is in The Stack", self.page(self.public, "portal:search", q=asked))

        reference = self.ask("Alpha")
        proof = self.page(self.owner, "portal:proof-file", reference)
        challenge = re.search(r"fairstack-challenge=[\w.-]+", proof)[0]
        self.send(self.owner, "portal:proof-file", reference, repository="one")
        self.run_jobs()
        self.assertIn("Not yet", self.page(self.owner, "portal:proof-file", reference))
        self.forge.prove("Alpha", "one", challenge)
        self.send(self.owner, "portal:proof-file", reference, repository="one")
        self.run_jobs()
        self.assertIn("With the reviewers", self.page(self.owner, "portal:request", reference))
        self.assertIn("is not held", self.page(self.public, "portal:search", q="alpha"))

        self.assertIn(reference, self.page(self.desk, "portal:desk"))
        self.assertIn("leave the data set", self.page(self.desk, "portal:desk-request", reference))
        self.send(self.desk, "portal:desk-accept", reference, remark="")
        self.assertIn("Scheduled", self.page(self.owner, "portal:request", reference))

        self.send(self.desk, "datasets:build", version="v1.1", recipe="")
        self.run_jobs()
        second = Release.objects.get(version="v1.1")
        self.send(self.desk, "datasets:approve", second.name, second.version)
        self.send(self.desk, "datasets:publish", second.name, second.version)
        self.assertIn("Erasing", self.page(self.owner, "portal:request", reference))
        self.run_jobs()

        request = OptOutRequest.objects.get(reference=reference)
        self.assertEqual(request.state, "receipted")
        self.check_receipt(reference)
        for asked in ("alpha", "ALPHA/one", "https://github.com/Alpha/"):
            self.assertIn("is not held", self.page(self.public, "portal:search", q=asked))
        self.assertIn("is in The Stack", self.page(self.public, "portal:search", q="beta"))
        shown = self.page(self.owner, "portal:request", reference)
        self.assertIn("What was removed", shown)
        self.assertGreater(request.removed["files"], 0)
        self.assertEqual([one["version"] for one in request.removed["releases"]], ["v1.0"])
        self.assertIn("its bytes were erased", shown)

        self.assertEqual(scan(self.data, [MARKER]), [])
        for path in self.data.rglob("*"):
            if path.is_file():
                self.assertNotIn(MARKER, path.read_bytes(), path)
        self.assertEqual(stores.unowned_paths(), [])
        gone = self.public.get(first.get_absolute_url())
        self.assertEqual(gone.status_code, 410)
        self.assertEqual(self.public.get(second.get_absolute_url()).status_code, 200)
        again = Release.objects.get(version="v1.0+r1")
        self.assertContains(gone, again.get_absolute_url(), status_code=410)
        self.assertEqual(self.public.get(again.get_absolute_url()).status_code, 200)
        self.assertEqual(verify(self.data / "releases", again.name, again.version).problems, [])

        ledger = self.page(self.public, "portal:transparency")
        self.assertIn("opt-out accepted", ledger)
        self.assertIn("a person", ledger)
        self.assertNotIn("alpha", ledger.casefold())
        self.assertEqual(LedgerEntry.objects.filter(kind="opt-out accepted", body__isnull=True).count(), 1)

        # The next ingest does not take the account up again.
        self.ingest()
        self.assertEqual(scan(self.data, [MARKER]), [])
