"""Signed notes and cosignatures: against notes made elsewhere, and read by code written apart from ours."""

import base64
import hashlib
import struct

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.core.exceptions import ImproperlyConfigured
from django.test import SimpleTestCase, override_settings
from hypothesis import given
from hypothesis import strategies as st

from core import notes, signing

# A key and a note signed by it, from the documentation of Go's package golang.org/x/mod/sumdb/note, and the key of Go's sumdb.
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
SUMDB_KEY = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = PRIVATE.public_key().public_bytes_raw()
LOG = notes.Verifier("example.org/ledger", PUBLIC)
WITNESS = notes.Verifier("witness.example.net/w1", PUBLIC, notes.COSIGNATURE)
HEAD = notes.Checkpoint("example.org/ledger", 7, hashlib.sha256(b"root").digest())


class NoteTests(SimpleTestCase):
    def test_a_note_made_by_another_implementation_is_verified(self):
        text, signers = notes.verify(GO_NOTE, [notes.Verifier.parse(GO_KEY)])
        self.assertTrue(text.endswith("your problem is.\n"))
        self.assertEqual([str(one) for one in signers], [GO_KEY])
        self.assertEqual(str(notes.Verifier.parse(SUMDB_KEY)), SUMDB_KEY)

    def test_our_notes_are_what_the_specification_says(self):
        """Read and verified here by hand, without the code under test."""
        note = notes.signed(HEAD.text, LOG, PRIVATE.sign)
        body, line = note.split("\n\n")
        self.assertEqual(body.split("\n"), ["example.org/ledger", "7", base64.b64encode(HEAD.root).decode()])
        dash, name, encoded = line.removesuffix("\n").split(" ")
        signature = base64.b64decode(encoded)
        self.assertEqual((dash, name), ("\u2014", "example.org/ledger"))
        self.assertEqual(signature[:4], hashlib.sha256(b"example.org/ledger\n\x01" + PUBLIC).digest()[:4])
        Ed25519PublicKey.from_public_bytes(PUBLIC).verify(signature[4:], (body + "\n").encode())

    def test_our_cosignatures_are_what_the_specification_says(self):
        line = str(notes.cosign(HEAD.text, WITNESS, PRIVATE.sign, 1_700_000_000))
        signature = base64.b64decode(line.split(" ")[2])
        self.assertEqual(signature[:4], hashlib.sha256(b"witness.example.net/w1\n\x04" + PUBLIC).digest()[:4])
        self.assertEqual(struct.unpack(">Q", signature[4:12]), (1_700_000_000,))
        message = b"cosignature/v1\ntime 1700000000\n" + HEAD.text.encode()
        Ed25519PublicKey.from_public_bytes(PUBLIC).verify(signature[12:], message)
        with self.assertRaises(InvalidSignature):
            Ed25519PublicKey.from_public_bytes(PUBLIC).verify(signature[12:], message.replace(b"1700", b"1701"))

    def test_log_and_witness_together(self):
        note = notes.signed(HEAD.text, LOG, PRIVATE.sign) + str(notes.cosign(HEAD.text, WITNESS, PRIVATE.sign, 5))
        text, signers = notes.verify(note, [LOG, WITNESS])
        self.assertEqual((notes.Checkpoint.parse(text), signers), (HEAD, [LOG, WITNESS]))

    @given(st.data())
    def test_whatever_is_changed_in_a_note_it_fails(self, data):
        note = notes.signed(HEAD.text, LOG, PRIVATE.sign)
        at = data.draw(st.integers(0, len(note) - 1))
        other = data.draw(st.characters(codec="utf-8").filter(lambda character: character != note[at]))
        changed = note[:at] + other + note[at + 1 :]
        cut = note[: data.draw(st.integers(0, len(note) - 1))]
        for bad in (changed, cut):
            with self.assertRaises(notes.NoteError):
                notes.verify(bad, [LOG])

    def test_a_signature_of_another_key_of_the_same_name_is_not_believed(self):
        other = Ed25519PrivateKey.from_private_bytes(b"x" * 32)
        claimed = notes.signed(HEAD.text, notes.Verifier(LOG.name, other.public_key().public_bytes_raw()), other.sign)
        with self.assertRaisesMessage(notes.NoteError, "none of the known keys"):
            notes.verify(claimed, [LOG])
        with self.assertRaisesMessage(notes.NoteError, "The signature of example.org/ledger is false"):
            notes.verify(notes.signed(HEAD.text, LOG, other.sign), [LOG])

    def test_a_log_key_does_not_pass_for_a_witness(self):
        plain = notes.SignatureLine(WITNESS.name, WITNESS.key_id, bytes(8) + PRIVATE.sign(HEAD.text.encode()))
        self.assertFalse(WITNESS.verify(HEAD.text, plain.signature))
        self.assertFalse(WITNESS.verify(HEAD.text, plain.signature[:-1]))

    def test_keys_and_checkpoints_that_are_none_are_refused(self):
        name, written, encoded = str(LOG).split("+", 2)
        for bad in (
            "",
            name,
            f"{name}+00000000+{encoded}",
            f"{name}+{written}+{encoded[:-4]}",
            f"a b+{written}+{encoded}",
        ):
            with self.assertRaises(notes.NoteError):
                notes.Verifier.parse(bad)
        root = base64.b64encode(HEAD.root).decode()
        for bad in (
            "",
            "a\n1\n",
            f"\n1\n{root}\n",
            f"a\n01\n{root}\n",
            f"a\n-1\n{root}\n",
            f"a\n1\n{root}",
            "a\n1\nAAAA\n",
            "a\n1\n!\n",
        ):
            with self.assertRaises(notes.NoteError):
                notes.Checkpoint.parse(bad)


class SigningTests(SimpleTestCase):
    def test_the_sites_key_signs_and_its_fingerprint_is_that_of_the_raw_key(self):
        with override_settings(FAIRSTACK_SIGNING_KEY=bytes(range(32)).hex()):
            self.assertEqual(signing.public_key(), PUBLIC)
            self.assertEqual(signing.fingerprint(), hashlib.sha256(PUBLIC).hexdigest())
            Ed25519PublicKey.from_public_bytes(signing.public_key()).verify(signing.sign(b"words"), b"words")

    def test_what_is_no_key_is_named(self):
        with (
            override_settings(FAIRSTACK_SIGNING_KEY="Z" * 64),
            self.assertRaisesMessage(ImproperlyConfigured, "FAIRSTACK_SIGNING_KEY has to be 64 hex digits"),
        ):
            signing.public_key()
        with (
            override_settings(FAIRSTACK_FORMER_KEYS=["abc"]),
            self.assertRaisesMessage(ImproperlyConfigured, "FAIRSTACK_FORMER_KEYS has 'abc'"),
        ):
            signing.former_keys()
