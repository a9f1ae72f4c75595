"""Proof by an SSH signature: real ssh-keygen, and a forge on loopback that publishes keys; whose a name is, asked of it."""

import shutil
import subprocess
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from django.test import TestCase, override_settings
from django.utils import timezone

from core.errors import Conflict, InvalidInput
from datasets_app.models import Owner
from portal.models import AccountPin, OptOutRequest, Proof, ProofCheck
from portal.proofs import challenge, git, identity, ssh, web
from portal.services import verification
from tests.base import DataFolderMixin, make_user
from tests.portal import people
from tests.portal.forge import LocalForge
from tests.portal.web_forge import WebForge


class Keys:
    """Key pairs in a folder, made and used by ssh-keygen."""

    def __init__(self, case):
        self.root = Path(tempfile.mkdtemp(prefix="fairstack-keys-"))
        case.addCleanup(shutil.rmtree, self.root, ignore_errors=True)

    def make(self, name, *options):
        run("ssh-keygen", "-q", "-N", "", "-C", "ada@secret.example", "-f", str(self.root / name), *options)
        return (self.root / f"{name}.pub").read_text()

    def sign(self, name, text, namespace=ssh.NAMESPACE):
        done = run("ssh-keygen", "-Y", "sign", "-n", namespace, "-f", str(self.root / name), given=text.encode())
        return done.decode()


def run(*command, given=None):
    return subprocess.run(command, input=given, capture_output=True, check=True).stdout


class SshCase(DataFolderMixin, TestCase):
    def setUp(self):
        super().setUp()
        self.web = WebForge(self)
        self.web.accounts = {"101": "Alpha"}
        self.keys = Keys(self)
        self.ada = make_user("ada")

    def ask(self, request):
        return verification.issue_challenge(request, request.requester, Proof.SSH).challenge

    def check(self, request, signature):
        check = people.run(verification.start_check(request, request.requester, kind=Proof.SSH, signature=signature))
        request.refresh_from_db()
        return check.outcome


class ASignature(SshCase):
    def test_of_each_kind_of_key_verifies_a_request(self):
        for number, options in enumerate(
            (["-t", "ed25519"], ["-t", "rsa", "-b", "2048"], ["-t", "ecdsa", "-b", "256"], ["-t", "ecdsa", "-b", "521"])
        ):
            with self.subTest(options=options):
                published = self.keys.make(f"key{number}", *options)
                self.web.keys["alpha"] = f"{self.keys.make(f'other{number}', '-t', 'ed25519')}{published}"
                made = people.sent(make_user(f"user{number}"))
                signature = self.keys.sign(f"key{number}", self.ask(made) + "\n")
                self.assertEqual(self.check(made, signature), "signed")
                self.assertEqual(made.state, "triage")

    def test_pins_the_keys_of_that_moment_and_forgets_what_it_was_given(self):
        self.web.keys["alpha"] = self.keys.make("key", "-t", "ed25519")
        made = people.sent(self.ada)
        self.check(made, self.keys.sign("key", self.ask(made)))
        proof = made.proofs.get(kind=Proof.SSH)
        self.assertEqual(proof.account_id, "101")
        self.assertEqual(proof.evidence["keys"], [" ".join(self.web.keys["alpha"].split()[:2])])
        fingerprint = run("ssh-keygen", "-l", "-f", str(self.keys.root / "key.pub")).decode().split()[1]
        self.assertEqual(proof.evidence["key"], fingerprint)
        self.assertNotIn("secret.example", str(proof.evidence))
        self.assertEqual(ProofCheck.objects.get(proof=proof).given, "")

    def test_with_or_without_the_line_end_of_any_system(self):
        key = ssh.read_keys(self.keys.make("key", "-t", "ed25519"))
        for end in ("", "\n", "\r\n"):
            with tempfile.TemporaryDirectory() as folder:
                signature = self.keys.sign("key", f"fairstack-challenge=x{end}")
                self.assertEqual(ssh.judge(signature, "fairstack-challenge=x", key, Path(folder))[0], "signed")

    def test_that_is_not_as_it_should_be_is_refused_in_words(self):
        self.web.keys["alpha"] = self.keys.make("key", "-t", "ed25519")
        self.keys.make("stranger", "-t", "ed25519")
        made = people.sent(self.ada)
        line = self.ask(made)
        good = self.keys.sign("key", line)
        middle = len(good) // 2
        broken = good[:middle] + ("A" if good[middle] != "A" else "B") + good[middle + 1 :]
        for expected, signature in (
            ("other_key", self.keys.sign("stranger", line)),
            ("wrong_namespace", self.keys.sign("key", line, "git")),
            ("wrong_message", self.keys.sign("key", line + " ")),
            ("not_a_signature", "-----BEGIN SSH SIGNATURE-----\nU1NI\n-----END SSH SIGNATURE-----"),
        ):
            with self.subTest(expected=expected):
                self.assertEqual(self.check(made, signature), expected)
        self.assertIn(self.check(made, broken), ("wrong_message", "other_key", "not_a_signature"))
        self.assertEqual(made.state, "verifying")
        with self.assertRaises(InvalidInput):
            verification.start_check(made, self.ada, kind=Proof.SSH, signature="hello")

    def test_that_is_made_to_be_slow_to_read_is_read_at_once(self):
        began = time.monotonic()
        for text in (ssh.BEGIN + " " * 16_000, ssh.BEGIN + "A " * 8_000, ssh.BEGIN + "\n" * 16_000 + "-----END"):
            self.assertEqual(ssh.judge(text, "x", [], Path("/nowhere")), ("not_a_signature", ""))
        self.assertLess(time.monotonic() - began, 5)

    def test_of_another_request_an_older_challenge_or_another_kind_does_not_count(self):
        self.web.keys["alpha"] = self.keys.make("key", "-t", "ed25519")
        eve = make_user("eve")
        made, other = people.sent(self.ada), people.sent(eve)
        old = self.keys.sign("key", self.ask(made))
        self.ask(other)
        self.assertEqual(self.check(other, old), "wrong_message")
        self.ask(made)
        self.assertEqual(self.check(made, old), "wrong_message")
        of_the_file = self.keys.sign("key", verification.current_challenge(made).challenge)
        self.assertEqual(self.check(made, of_the_file), "wrong_message")
        stolen = verification.current_challenge(made, Proof.SSH).challenge
        other.proofs.filter(kind=Proof.SSH).update(challenge=stolen)
        self.assertEqual(self.check(other, self.keys.sign("key", stolen)), "other_challenge")

    def test_after_the_challenge_expired_or_passed_is_refused(self):
        self.web.keys["alpha"] = self.keys.make("key", "-t", "ed25519")
        made = people.sent(self.ada)
        signature = self.keys.sign("key", self.ask(made))
        check = verification.start_check(made, self.ada, kind=Proof.SSH, signature=signature)
        made.proofs.filter(kind=Proof.SSH).update(expires_at=timezone.now() - timedelta(seconds=1))
        self.assertEqual(people.run(check).outcome, "expired")
        OptOutRequest.objects.filter(pk=made.pk).update(organisation=False, copies=True)
        made.refresh_from_db()
        signature = self.keys.sign("key", self.ask(made))
        self.assertEqual(self.check(made, signature), "signed")
        self.assertEqual(made.state, "verifying")
        with self.assertRaisesRegex(Conflict, "passed already"):
            verification.start_check(made, self.ada, kind=Proof.SSH, signature=signature)

    def test_an_account_without_keys_and_a_forge_that_is_away(self):
        made = people.sent(self.ada)
        self.keys.make("key", "-t", "ed25519")
        signature = self.keys.sign("key", self.ask(made))
        self.web.keys["alpha"] = "ssh-dss AAAA\nno keys here\n"
        self.assertEqual(self.check(made, signature), "no_keys")
        del self.web.keys["alpha"]
        self.assertEqual(self.check(made, signature), "keys_unreachable")

    def test_a_hostile_list_of_keys_cannot_bring_options_or_authorities(self):
        real = self.keys.make("key", "-t", "ed25519").split()[1]
        text = (
            f'cert-authority ssh-ed25519 {real}\nowner namespaces="git" ssh-ed25519 {real}\n'
            f"ssh-rsa {real}\nssh-ed25519 AAAA\nssh-ed25519 not*base64\n* ssh-ed25519 {real}\n"
        )
        self.assertEqual(ssh.read_keys(text), [])
        self.assertEqual([str(key) for key in ssh.read_keys(f"ssh-ed25519 {real} x\n")], [f"ssh-ed25519 {real}"])


class WhoseTheNameIs(SshCase):
    """The account is held under number 101."""

    def setUp(self):
        super().setUp()
        Owner.objects.create(
            key="github.com:101", forge="github.com", account_id="101", login="Alpha", login_folded="alpha"
        )
        root = Path(tempfile.mkdtemp(prefix="fairstack-forge-"))
        self.addCleanup(shutil.rmtree, root, ignore_errors=True)
        self.forge = LocalForge(root)
        overridden = override_settings(FAIRSTACK_FORGES=self.forge.settings())
        overridden.enable()
        self.addCleanup(overridden.disable)

    def by_git(self, request, owner):
        self.forge.prove(owner, "one", verification.current_challenge(request).challenge)
        outcome = people.run(verification.start_check(request, request.requester, "one")).outcome
        request.refresh_from_db()
        return outcome

    def test_a_renamed_account_is_followed_by_git_and_by_ssh(self):
        self.web.accounts = {"101": "omega"}
        self.web.keys["omega"] = self.keys.make("key", "-t", "ed25519")
        made = people.sent(self.ada)
        self.assertEqual(self.check(made, self.keys.sign("key", self.ask(made))), "signed")
        self.assertEqual(made.state, "triage")
        again = people.sent(make_user("ada2"))
        self.assertEqual(self.by_git(again, "omega"), "passed")

    def test_a_newcomer_under_the_old_name_does_not_count(self):
        self.web.accounts = {"101": "omega", "666": "Alpha"}
        self.web.keys["alpha"] = self.keys.make("key", "-t", "ed25519")
        made = people.sent(self.ada)
        self.assertEqual(self.by_git(made, "Alpha"), "unreachable")
        self.assertEqual(self.check(made, self.keys.sign("key", self.ask(made))), "keys_unreachable")
        with override_settings(FAIRSTACK_ACCOUNT_NUMBERS={}):  # the forge tells of names alone
            self.assertEqual(self.by_git(made, "Alpha"), "newcomer")
            self.assertEqual(self.check(made, self.keys.sign("key", self.ask(made))), "newcomer")
        self.assertEqual(made.state, "verifying")

    def test_an_account_that_is_gone_and_was_taken_again(self):
        self.web.accounts = {"666": "Alpha"}
        made = people.sent(self.ada)
        self.assertEqual(self.by_git(made, "Alpha"), "account_gone")
        self.web.keys["alpha"] = self.keys.make("key", "-t", "ed25519")
        self.assertEqual(self.check(made, self.keys.sign("key", self.ask(made))), "account_gone")

    def test_a_forge_that_does_not_say_lets_nobody_through(self):
        made = people.sent(self.ada)
        self.web.pages["/user/101"] = b"<html>busy</html>"
        self.assertEqual(self.by_git(made, "Alpha"), "number_unknown")
        with override_settings(FAIRSTACK_ACCOUNTS={}, FAIRSTACK_ACCOUNT_NUMBERS={}):
            self.assertEqual(self.by_git(made, "Alpha"), "number_unknown")
        self.assertEqual(made.state, "verifying")

    def test_without_a_number_in_the_corpus_the_first_proof_pins_it_against_later_ones(self):
        Owner.objects.all().delete()
        made = people.sent(self.ada)
        self.assertEqual(self.by_git(made, "Alpha"), "passed")
        self.assertEqual(AccountPin.objects.get().account_id, "101")
        self.web.accounts = {"666": "Alpha"}
        late = people.sent(make_user("eve"))
        self.assertEqual(self.by_git(late, "Alpha"), "account_gone")

    def test_what_a_forge_may_answer(self):
        self.assertEqual(identity.read({"id": 7, "login": "a", "blog": None}), identity.Account("7", "a", ""))
        self.assertEqual(identity.read([{"id": 7, "username": "a"}]).number, "7")
        self.assertEqual(identity.read({"data": [{"id": 7, "login": "a", "website": "x.org"}]}).website, "x.org")
        for answer, outcome in (
            ([], "account_gone"),
            ({}, "number_unknown"),
            ({"id": True, "login": "a"}, "number_unknown"),
            ("x", "number_unknown"),
        ):
            with self.subTest(answer=answer), self.assertRaises(identity.Unsure) as caught:
                identity.read(answer)
            self.assertEqual(caught.exception.outcome, outcome)


class ABranch(WhoseTheNameIs):
    def test_with_the_challenge_as_its_name_is_enough(self):
        made = people.sent(self.ada)
        line = verification.current_challenge(made).challenge
        bare = self.forge.push("Alpha", "one", {"README.md": "x"})
        run("git", "-C", str(bare), "branch", line, "main")
        self.assertEqual(people.run(verification.start_check(made, self.ada, "one")).outcome, "passed")

    def test_of_another_request_does_not_count(self):
        first, second = people.sent(self.ada), people.sent(make_user("eve"))
        bare = self.forge.push("Alpha", "one", {"README.md": "x"})
        run("git", "-C", str(bare), "branch", verification.current_challenge(first).challenge, "main")
        self.assertEqual(
            people.run(verification.start_check(second, second.requester, "one")).outcome, "other_challenge"
        )

    def test_a_pull_request_or_a_tag_of_that_name_is_no_branch(self):
        made = people.sent(self.ada)
        line = verification.current_challenge(made).challenge
        bare = self.forge.push("Alpha", "one", {"README.md": "x"})
        run("git", "-C", str(bare), "update-ref", f"refs/pull/1/{line}", "main")
        run("git", "-C", str(bare), "tag", line, "main")
        self.assertEqual(people.run(verification.start_check(made, self.ada, "one")).outcome, "missing")

    def test_branches_are_listed_by_prefix(self):
        bare = self.forge.push("Alpha", "one", {"README.md": "x"})
        run("git", "-C", str(bare), "branch", f"x/{challenge.PREFIX}y", "main")
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(git.branches(f"file://{bare}", challenge.PREFIX, Path(folder)), [])


class Fetching(SshCase):
    def refused(self, path, **how):
        with self.assertRaises(web.WebRefused) as caught:
            web.fetch(f"{self.web.address}{path}", **how)
        return str(caught.exception)

    def test_redirects_are_not_followed(self):
        def away(handler):
            handler.send_response(302)
            handler.send_header("Location", "/users/alpha")
            handler.end_headers()

        self.web.pages["/away"] = away
        self.assertIn("302", self.refused("/away"))
        self.assertEqual(self.web.asked, ["/away"])

    def test_size_has_an_end_whatever_was_promised(self):
        def endless(handler):
            handler.send_response(200)
            handler.end_headers()
            try:
                while True:
                    handler.wfile.write(b"x" * 65536)
            except OSError:
                pass

        self.web.pages["/endless"] = endless
        self.assertIn("too large", self.refused("/endless"))

    def test_time_has_an_end_however_slowly_bytes_drip(self):
        def drip(handler):
            handler.send_response(200)
            handler.end_headers()
            try:
                for _ in range(100):
                    handler.wfile.write(b"x")
                    handler.wfile.flush()
                    time.sleep(0.1)
            except OSError:
                pass

        self.web.pages["/drip"] = drip
        began = time.monotonic()
        self.refused("/drip", timeout=0.5)
        self.assertLess(time.monotonic() - began, 3)

    def test_private_networks_are_refused_unless_the_host_is_named(self):
        with override_settings(FAIRSTACK_PRIVATE_HOSTS=[]):
            for address in ("http://127.0.0.1:9/", "http://localhost:9/", "http://169.254.169.254/", "http://[::1]:9/"):
                with self.subTest(address=address), self.assertRaisesRegex(web.WebRefused, "private network"):
                    web.fetch(address)
        for address in ("file:///etc/passwd", "ftp://example.org/", "http:///x"):
            with self.assertRaises(web.WebRefused):
                web.fetch(address)
