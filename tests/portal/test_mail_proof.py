"""Proof by mail to a commit author: the corpus has real commits, and Django's outbox what went out."""

import json
import re
import shutil
import smtplib
import tempfile
from datetime import timedelta
from pathlib import Path
from unittest import mock

import pyarrow as pa
import pyarrow.parquet as pq
from django.conf import settings
from django.core import mail
from django.db import connection
from django.test import Client, TestCase, override_settings
from django.urls import reverse
from django.utils import timezone

from core.errors import Conflict, InvalidInput, TooMany
from core.jobs import execute_here
from core.models import Job
from datasets_app import authors
from datasets_app.pipeline.corpus import ingest
from datasets_app.pipeline.format import FILES
from datasets_app.pipeline.sources.git import GitOptions, GitRepositories
from datasets_app.purging import corpus_folder
from portal import tasks
from portal.models import OptOutRequest, Proof, ProofCheck
from portal.proofs import sealed
from portal.services import author_mail, verification
from tests.base import DataFolderMixin, make_user
from tests.portal import people
from tests.portal.forge import LocalForge

ADA = "Ada.L@Example.ORG"


class MailCase(DataFolderMixin, TestCase):
    def setUp(self):
        super().setUp()
        self.ada = make_user("ada")
        self.client.force_login(self.ada)
        self.commit("Alpha", "one", ADA)
        self.commit("Beta", "two", "bob@example.net")

    def commit(self, owner, name, address):
        """A table of files as an ingest writes it, with this author."""
        folder = corpus_folder() / "files"
        folder.mkdir(parents=True, exist_ok=True)
        key = authors.author_key(address)
        row = {field.name: None for field in FILES} | {
            "blob_id": "0" * 40, "owner_key": f"github.com/{owner.casefold()}", "authors": [key], "sole_author": key,
        }  # fmt: skip
        pq.write_table(pa.Table.from_pylist([row], schema=FILES), folder / f"{name}.parquet")

    def authored(self, account="ada"):
        made = people.sent(self.ada, account)
        OptOutRequest.objects.filter(pk=made.pk).update(scope=OptOutRequest.AUTHORED)
        made.refresh_from_db()
        return made

    def ask(self, request, address):
        proof = author_mail.ask(request, request.requester, address)
        execute_here(proof.checks.get().job)
        proof.refresh_from_db()
        return proof

    def code(self):
        return re.search(r"^ {4}(\S{5}-\S{5})$", mail.outbox[-1].body, re.MULTILINE)[1]


class ToAnAuthor(MailCase):
    def test_a_code_goes_out_and_verifies_what_was_written_alone(self):
        made = self.authored()
        proof = self.ask(made, " ada.l@EXAMPLE.org ")
        [sent] = mail.outbox
        self.assertEqual(sent.to, ["ada.l@EXAMPLE.org"])
        self.assertNotIn("Alpha", sent.body + sent.subject)
        self.assertEqual(author_mail.confirm(made, self.ada, self.code().lower()), "confirmed")
        made.refresh_from_db()
        self.assertEqual(made.state, "triage")
        proof.refresh_from_db()
        self.assertEqual(proof.author_key, authors.author_key(ADA))
        self.assertEqual(proof.token, "")

    def test_the_address_is_kept_nowhere(self):
        made = self.authored()
        author_mail.ask(made, self.ada, ADA)
        self.assertNotIn("example.org", self.database().casefold(), "while the mail is still to be sent")
        execute_here(Job.objects.get(kind="portal.write_to_author"))
        author_mail.confirm(made, self.ada, self.code())
        self.assertNotIn("example.org", self.database().casefold())
        self.assertFalse(ProofCheck.objects.exclude(given="").exists())

    def database(self):
        rows = []
        for table in connection.introspection.table_names():
            with connection.cursor() as cursor:
                cursor.execute(f'SELECT * FROM "{table}"')
                rows += [repr(row) for row in cursor.fetchall()]
        return "\n".join(rows)

    def test_the_answer_tells_nobody_whose_addresses_are_held(self):
        pages, answers, checks = [], [], []
        for name, address in (("visitor-one", ADA), ("visitor-two", "nobody@example.com")):
            user = make_user(name)
            made = people.sent(user, name)
            OptOutRequest.objects.filter(pk=made.pk).update(scope=OptOutRequest.AUTHORED)
            client = Client()
            client.force_login(user)
            url = reverse("portal:proof-mail", args=[made.reference])
            answers.append(client.post(url, {"act": "address", "address": address}).status_code)
            job = Job.objects.filter(kind="portal.write_to_author").latest("created_at")
            self.assertIsNone(job.requested_by_id)
            execute_here(job)
            job.refresh_from_db()
            page = client.get(url).content.decode()
            self.assertNotIn(address, page)
            pages.append(re.sub(rf"csrf\S+ value=\S+|{made.reference}|<time.*?</time>|\b{name}\b", "", page))
            checks.append((job.state, job.result, job.error, list(ProofCheck.objects.values_list("outcome"))[-1]))
            self.assertContains(client.get(url), "stands in commits that we hold")
        self.assertEqual(*answers)
        self.assertEqual(*pages)
        self.assertEqual(*checks)
        self.assertEqual(len(mail.outbox), 1)

    def test_a_wrong_code_says_the_same_whether_or_not_a_mail_went_out(self):
        made = self.authored()
        self.ask(made, "nobody@example.com")
        self.assertEqual(author_mail.confirm(made, self.ada, "AAAAA-AAAAA"), "wrong_code")
        self.assertEqual(author_mail.confirm(made, self.ada, ""), "wrong_code")
        self.ask(made, ADA)
        self.assertEqual(author_mail.confirm(made, self.ada, "AAAAA-AAAAA"), "wrong_code")

    def test_a_code_ends_after_wrong_ones_when_it_expires_when_used_and_when_another_is_asked_for(self):
        made = self.authored()
        self.ask(made, ADA)
        for _ in range(author_mail.MOST_TRIES):
            author_mail.confirm(made, self.ada, "AAAAA-AAAAA")
        self.assertEqual(author_mail.confirm(made, self.ada, self.code()), "wrong_code")
        self.ask(made, ADA)
        first = self.code()
        self.ask(made, ADA)
        self.assertEqual(author_mail.confirm(made, self.ada, first), "wrong_code")
        Proof.objects.filter(kind=Proof.MAIL).update(expires_at=timezone.now() - timedelta(seconds=1))
        self.assertEqual(author_mail.confirm(made, self.ada, self.code()), "wrong_code")
        self.ask(made, ADA)
        OptOutRequest.objects.filter(pk=made.pk).update(copies=True)
        made.refresh_from_db()
        self.assertEqual(author_mail.confirm(made, self.ada, self.code()), "confirmed")
        self.assertEqual(author_mail.confirm(made, self.ada, self.code()), "used")

    def test_a_code_of_another_request_does_not_count(self):
        made = self.authored()
        self.ask(made, ADA)
        eve = make_user("eve")
        other = people.sent(eve, "eve")
        OptOutRequest.objects.filter(pk=other.pk).update(scope=OptOutRequest.AUTHORED)
        other.refresh_from_db()
        author_mail.ask(other, eve, ADA)
        self.assertEqual(author_mail.confirm(other, eve, self.code()), "wrong_code")

    def test_for_an_account_it_has_to_be_an_author_of_that_account_and_supports_alone(self):
        made = people.sent(self.ada, "Alpha")
        with self.assertRaises(Conflict):  # one strong proof is needed, and mail is none
            author_mail.ask(made, self.ada, ADA)
        OptOutRequest.objects.filter(pk=made.pk).update(copies=True)
        made.refresh_from_db()
        self.ask(made, "bob@example.net")
        self.assertEqual(mail.outbox, [])
        self.ask(made, ADA)
        self.assertEqual(author_mail.confirm(made, self.ada, self.code()), "confirmed")
        made.refresh_from_db()
        self.assertEqual(made.state, "verifying")
        verification.verify_by_hand(made, people.reviewer(), "By telephone.")
        made.refresh_from_db()
        self.assertIn(made.state, ("triage", "objection"))

    def test_no_address_at_all_is_told_at_its_field(self):
        made = self.authored()
        with self.assertRaises(InvalidInput):
            author_mail.ask(made, self.ada, "ada at example")
        url = reverse("portal:proof-mail", args=[made.reference])
        page = self.client.post(url, {"act": "address", "address": "x\r\nBcc: y@z.org"})
        self.assertContains(page, 'href="#id_address"', status_code=422)

    def test_is_sent_again_where_the_mail_server_failed_and_its_words_are_kept_nowhere(self):
        made = self.authored()
        refused = smtplib.SMTPRecipientsRefused({ADA: (450, ADA.encode())})
        with mock.patch("django.core.mail.EmailMessage.send", side_effect=refused):
            proof = self.ask(made, ADA)
            self.assertNotIn("example.org", repr(list(Job.objects.values())).casefold())
        self.assertEqual(mail.outbox, [])
        tasks.send_mails()
        execute_here(proof.checks.get().job)
        self.assertEqual(author_mail.confirm(made, self.ada, self.code()), "confirmed")
        self.assertFalse(ProofCheck.objects.exclude(given="").exists())
        self.assertEqual(author_mail.write_again(), 0)

    def test_is_not_sent_again_once_the_lock_opens_no_more(self):
        made = self.authored()
        author_mail.ask(made, self.ada, ADA)
        Job.objects.filter(kind="portal.write_to_author").update(state="failed")
        check = ProofCheck.objects.get(proof__kind=Proof.MAIL)
        ProofCheck.objects.filter(pk=check.pk).update(given="x")
        self.assertEqual(author_mail.write_again(), 1)
        check.refresh_from_db()
        execute_here(check.job)
        self.assertEqual((mail.outbox, author_mail.write_again()), ([], 0))

    def test_an_address_that_is_sent_after_the_session_ended_is_not_kept(self):
        made, client = self.authored(), Client()
        url = reverse("portal:proof-mail", args=[made.reference])
        answer = client.post(url, {"act": "address", "address": ADA})
        self.assertRedirects(answer, f"{reverse('core:sign-in')}?next={url}")
        self.assertNotIn("example.org", repr(dict(client.session)).casefold())

    def test_a_lock_opens_for_its_time_alone(self):
        self.assertEqual(sealed.unseal(sealed.seal(ADA)), ADA)
        self.assertIsNone(sealed.unseal("x"))
        with override_settings(FAIRSTACK_KEY="y" * 40):
            other = sealed.seal(ADA)
        self.assertIsNone(sealed.unseal(other))

    def test_what_a_job_that_never_ran_was_given_is_forgotten(self):
        made = self.authored()
        author_mail.ask(made, self.ada, ADA)
        ProofCheck.objects.update(asked_at=timezone.now() - timedelta(hours=2))
        tasks.expire_requests()
        self.assertFalse(ProofCheck.objects.exclude(given="").exists())

    @override_settings(FAIRSTACK_LIMITS={"author-mail.account": "2/hour"})
    def test_how_often_is_limited_by_account_and_by_address(self):
        made = self.authored()
        for _ in range(2):
            author_mail.ask(made, self.ada, ADA)
        with self.assertRaises(TooMany):
            author_mail.ask(made, self.ada, "other@example.org")
        eve = make_user("eve")
        other = people.sent(eve, "eve")
        OptOutRequest.objects.filter(pk=other.pk).update(scope=OptOutRequest.AUTHORED)
        other.refresh_from_db()
        with self.assertRaises(TooMany):
            author_mail.ask(other, eve, ADA)


class RealCommits(DataFolderMixin, TestCase):
    def test_the_authors_of_an_ingest_are_found_by_their_address(self):
        root = Path(tempfile.mkdtemp(prefix="fairstack-forge-"))
        self.addCleanup(shutil.rmtree, root, ignore_errors=True)
        LocalForge(root).push("Alpha", "one", {"a.py": "print(1)\n", "LICENSE": "MIT"})
        options = GitOptions(author_key=settings.FAIRSTACK_KEY.encode())
        ingest(GitRepositories("git", folder=root, options=options), corpus_folder())
        self.assertTrue(authors.wrote(authors.author_key("T@localhost")))
        self.assertFalse(authors.wrote(authors.author_key("t@elsewhere")))
        self.assertTrue(authors.wrote(authors.author_key("t@localhost"), {"github.com/alpha"}))
        self.assertFalse(authors.wrote(authors.author_key("t@localhost"), {"github.com/beta"}))
        self.assertNotIn("t@localhost", json.dumps(authors.author_key("t@localhost")))
