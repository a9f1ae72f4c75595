"""Receipts: what they hold, and that the script which people download tells good ones from bad ones."""

import copy
import json
import subprocess
import sys
from pathlib import Path
from unittest import mock

import rfc8785
from django.test import TransactionTestCase

from core import ledger, signing
from core.models import LedgerEntry
from portal import receipts as package
from portal.models import OptOutRequest, Receipt, RemovalEvidence, RemovalMarks
from portal.receipts import document, verify_receipt
from portal.services import receipts, removal
from tests.portal.removing import RemovalMixin

SCRIPT = Path(package.__file__).with_name("verify_receipt.py")


class Made(RemovalMixin, TransactionTestCase):
    """One request is carried to its receipt; each test then looks at it."""

    def setUp(self):
        super().setUp()
        self.first = self.published()
        self.own_files = sorted(Path(f"{self.data}-site-packages").rglob("*.py"))
        self.kept = {path: path.read_bytes() for path in self.own_files}
        self.request = self.receipted()
        self.receipt = Receipt.objects.get(request=self.request)
        self.content = json.loads(self.receipt.file)
        self.folder = self.work_folder()

    def check(self, content=None, *options, fingerprint=None):
        """Run the script as a person does, in a process that knows nothing of this site."""
        path = self.folder / "receipt.json"
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content or self.content).encode())
        return subprocess.run(
            [sys.executable, "-I", SCRIPT, path, "--fingerprint", fingerprint or signing.fingerprint(), *map(str, options)],
            capture_output=True, text=True, cwd=self.folder, env={"PATH": ""},
        )  # fmt: skip

    def test_a_good_receipt_passes_every_step_and_says_in_words_what_it_proves(self):
        self.assertEqual(self.request.state, "receipted")
        self.assertEqual(RemovalMarks.objects.count(), 0)
        done = self.check(self.receipt.file, "--reference", self.request.reference, "--release", str(self.first))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for words in (self.request.reference, "are in none of these releases", "It cannot prove", "has forgotten"):
            self.assertIn(words, done.stdout)
        self.assertEqual(done.stdout.count("passed"), len(verify_receipt.STEPS))
        said = self.content["receipt"]
        self.assertEqual([one["version"] for one in said["releases"]["before"]], ["v1.0"])
        self.assertEqual({one["version"] for one in said["releases"]["after"]}, {"v1.0+r1", "v1.1"})
        self.assertGreater(said["removed"]["blobs"], 0)
        self.assertIn("corpus", [one["store"] for one in said["cleared"]])

    def test_the_owners_own_files_are_found_in_it_and_other_files_are_not(self):
        gone = [path for path in self.own_files if b"zq4w-alpha" in self.kept[path]]
        mine, other = self.folder / "mine.py", self.folder / "other.py"
        mine.write_bytes(self.kept[gone[0]])
        other.write_text("something else\n")
        done = self.check(None, "--files", mine)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("is in none of the releases after", done.stdout)
        done = self.check(None, "--files", mine, other)
        self.assertEqual(done.returncode, 3)
        self.assertIn("shows nothing about it", done.stdout)

    def test_a_receipt_of_another_request_or_release_or_key_is_refused(self):
        for options, step in (
            (("--reference", "FS-0000-0000-0000"), "request"),
            (("--release", "the-stack-demo v9.9"), "presence"),
        ):
            done = self.check(None, *options)
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"({step},", done.stdout)
        done = self.check(None, fingerprint="0" * 64)
        self.assertEqual((done.returncode, "(key," in done.stdout), (1, True))

    def test_every_field_that_is_changed_breaks_the_signature(self):
        runs = 0
        for path in leaves_of(self.content["receipt"]):
            changed = copy.deepcopy(self.content)
            change(changed["receipt"], path)
            done = verify(self.folder, json.dumps(changed).encode())
            self.assertEqual(done[0], 1, path)
            self.assertRegex(done[1], r"FAILED at step \d+ \((form|signature),", path)
            runs += 1
        self.assertGreater(runs, 60)
        for part in ("public_key", "signature"):
            changed = {**self.content, part: "00" * (len(self.content[part]) // 2)}
            self.assertEqual(verify(self.folder, json.dumps(changed).encode())[0], 1)

    def test_a_truncated_receipt_says_so_wherever_it_was_cut(self):
        for length in range(0, len(self.receipt.file) - 2, max(1, len(self.receipt.file) // 40)):
            code, said = verify(self.folder, self.receipt.file[:length])
            self.assertEqual(code, 1)
            self.assertIn("(form,", said)
        doubled = self.receipt.file.replace(b'{"public_key"', b'{"signature":"00","public_key"', 1)
        self.assertIn("twice", verify(self.folder, doubled)[1])

    def test_what_the_site_itself_would_sign_falsely_is_found_by_the_step_that_it_breaks(self):
        """Here the liar has the key: the signature is good, and the proofs are not."""
        other = LedgerEntry.objects.exclude(pk=self.request.ledger_entry_id).filter(kind="release published").first()
        lies = {
            "entry": [
                lambda said: said["scope"].update(account="Beta"),
                lambda said: said["ledger"]["acceptance"]["record"].update(account="Beta"),
                lambda said: said["ledger"]["acceptance"].update(key="11" * 32),
                lambda said: said.update(reference="FS-0000-0000-0000"),
            ],
            "inclusion": [
                lambda said: said["ledger"]["acceptance"]["entry"].update(at="2020-01-01T00:00:00+00:00"),
                lambda said: said["ledger"]["acceptance"].update(index=said["ledger"]["acceptance"]["index"] + 1),
                lambda said: said["ledger"]["acceptance"]["path"].pop(),
                lambda said: said["ledger"]["releases"][0]["entry"]["body"].update(tree_root="22" * 32),
                lambda said: said["ledger"].update(checkpoint=said["ledger"]["checkpoint"].replace("\n\n", "\nx\n\n")),
            ],
            "consistency": [
                lambda said: said["ledger"]["consistency"].pop(),
                lambda said: said["ledger"]["consistency"].__setitem__(0, "33" * 32),
            ],
            "presence": [
                lambda said: said["releases"]["before"][0]["tree"].update(root="44" * 32),
                lambda said: said["releases"]["before"][0].update(version="v0.9"),
                lambda said: said["removed"].update(blobs=said["removed"]["blobs"] + 1),
                lambda said: said["remains"].update(blobs=["ab" * 20]),
                lambda said: said["ledger"]["releases"].pop(0),
            ],
            "absence": [
                lambda said: said["releases"]["after"][0]["tree"].update(said["releases"]["before"][0]["tree"]),
                lambda said: said["releases"]["after"][0]["tree"]["indices"].pop(),
                lambda said: said["releases"]["after"].append(said["releases"]["before"][0]),
                lambda said: said["releases"]["after"][0].update(version="v7.7"),
            ],
            "request": [lambda said: said["dates"].update(removed="2001-01-01T00:00:00+00:00")],
        }
        self.assertIsNotNone(other)
        for step, acts in lies.items():
            for number, act in enumerate(acts):
                said = copy.deepcopy(self.content["receipt"])
                act(said)
                code, words = verify(self.folder, document.sign(said))
                self.assertEqual(code, 1, (step, number))
                self.assertIn(f"({step},", words, (number, words[-300:]))

    def test_a_file_that_was_never_removed_cannot_be_called_absent(self):
        """The tree after has the leaves of those who stayed; leaving one out of the proof does not make it absent."""
        said = copy.deepcopy(self.content["receipt"])
        self.assertTrue(said["releases"]["after"][0]["tree"]["indices"])
        said["releases"]["after"] = said["releases"]["after"][:1]
        said["releases"]["after"][0]["tree"]["indices"] = []
        said["releases"]["after"][0]["tree"]["leaves"] = ""
        self.assertIn("(absence,", verify(self.folder, document.sign(said))[1])

    def test_the_ledger_of_today_is_compared_with_that_of_the_receipt(self):
        old_size = self.receipt.ledger_size
        for _ in range(3):
            entry = ledger.append("test", {"n": 1})
        ledger.sequence()
        place = ledger.inclusion(entry)
        (self.folder / "checkpoint").write_text(place.checkpoint)
        proof = [one.hex() for one in ledger.consistency(old_size, place.size)]
        (self.folder / "proof.json").write_text(json.dumps({"hashes": proof}))
        given = ["--checkpoint", self.folder / "checkpoint"]
        done = self.check(None, *given, "--consistency", self.folder / "proof.json")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("still holds all that it held", done.stdout)
        self.assertIn("(consistency,", self.check(None, *given).stdout)
        (self.folder / "proof.json").write_text(json.dumps({"hashes": ["55" * 32, *proof[1:]]}))
        self.assertIn("rewritten", self.check(None, *given, "--consistency", self.folder / "proof.json").stdout)

    def test_asked_for_the_ledger_of_today_the_site_answers_itself(self):
        ledger.append("test", {"n": 1})
        ledger.sequence()
        self.receipt_file = self.folder / "receipt.json"
        self.receipt_file.write_bytes(self.receipt.file)

        def load(place):
            if not place.startswith("http://site/"):
                return Path(place).read_bytes()
            answer = self.client.get(place.removeprefix("http://site"))
            self.assertEqual(answer.status_code, 200, place)
            return answer.getvalue()

        with mock.patch.object(verify_receipt, "load", load):
            code = verify_receipt.main(
                [str(self.receipt_file), "--fingerprint", signing.fingerprint(), "--site", "http://site/"]
            )
        self.assertEqual(code, 0)

    def test_signing_again_gives_the_same_receipt_and_forgetting_leaves_it_valid_in_the_owners_hand(self):
        self.assertEqual(receipts.sign(self.request), self.receipt)
        self.assertEqual(removal.find_unfinished(), {"checks": 0, "receipts": 0})
        file = self.receipt.file
        receipts.forget(self.request)
        receipts.forget(self.request)
        kept = OptOutRequest.objects.get(pk=self.request.pk)
        self.assertEqual((kept.ledger_key, kept.ledger_record, RemovalEvidence.objects.count()), (None, {}, 0))
        self.assertFalse(Receipt.objects.exists())
        self.assertEqual(verify(self.folder, file)[0], 0)

    def test_a_killed_signing_is_found_again(self):
        OptOutRequest.objects.filter(pk=self.request.pk).update(state="removed")
        Receipt.objects.all().delete()
        self.assertEqual(removal.find_unfinished()["receipts"], 1)
        self.assertEqual(removal.find_unfinished()["receipts"], 0)
        self.run_jobs()
        self.request.refresh_from_db()
        self.assertEqual(self.request.state, "receipted")
        self.assertEqual(self.check(Receipt.objects.get().file).returncode, 0)


def verify(folder, data):
    """The script's own ``main`` in this process, for many receipts."""
    import contextlib
    import io

    path = folder / "one.json"
    path.write_bytes(data)
    heard = io.StringIO()
    with contextlib.redirect_stdout(heard):
        code = verify_receipt.main([str(path), "--fingerprint", signing.fingerprint()])
    return code, heard.getvalue()


def leaves_of(value, path=()):
    """The way to every value that is no object and no list, and to every list and object itself that is empty."""
    if isinstance(value, dict) and value:
        for name in value:
            yield from leaves_of(value[name], (*path, name))
    elif isinstance(value, list) and value:
        for at in range(len(value)):
            yield from leaves_of(value[at], (*path, at))
    else:
        yield path


def change(value, path):
    for name in path[:-1]:
        value = value[name]
    old = value[path[-1]]
    if isinstance(old, bool):
        new = not old
    elif isinstance(old, int):
        new = old + 1
    elif isinstance(old, str):
        new = old + "x"
    elif old is None:
        new = "x"
    else:
        new = [*old, "x"] if isinstance(old, list) else {"x": 1}
    value[path[-1]] = new


class CanonicalForm(TransactionTestCase):
    """The script writes values as the library does, for all that receipts hold."""

    def test_the_scripts_canonical_form_is_that_of_rfc_8785(self):
        from hypothesis import given
        from hypothesis import strategies as st

        texts = st.text(st.characters(exclude_categories=["Cs"]))
        plain = st.one_of(st.none(), st.booleans(), st.integers(-(2**53) + 1, 2**53 - 1), texts)
        names = st.text(st.characters(max_codepoint=126, min_codepoint=32))
        values = st.recursive(plain, lambda inner: st.lists(inner) | st.dictionaries(names, inner), max_leaves=20)

        @given(values)
        def same(value):
            self.assertEqual(verify_receipt.canonical(value), rfc8785.dumps(value))

        same()
