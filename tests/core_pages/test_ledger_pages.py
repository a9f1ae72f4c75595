"""The ledger over HTTP: static files, the API, the pages."""

import base64
import hashlib
import json
import re
import struct
import time
from http import HTTPStatus
from unittest import mock

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection
from django.test import TestCase, override_settings
from django.urls import reverse

from core import ledger, ledger_sequencer, merkle, notes
from core.models import AuditEntry, LedgerCosignature, LedgerEntry
from tests.append_only import Unprotected

WITNESS_KEY = Ed25519PrivateKey.from_private_bytes(b"w" * 32)
WITNESS = notes.Verifier("witness.example.net/w1", WITNESS_KEY.public_key().public_bytes_raw(), notes.COSIGNATURE)


def write(count: int) -> None:
    for number in range(count):
        ledger.append("act", {"number": number})
    ledger.sequence()


class TileTests(TestCase):
    def read(self, path: str) -> bytes:
        answer = self.client.get(f"/ledger/{path}")
        self.assertEqual(answer.status_code, HTTPStatus.OK, path)
        return answer.content

    def test_a_client_of_its_own_rebuilds_the_signed_root_from_entries_and_from_tiles(self) -> None:
        """Written after the specifications alone: nothing of ours but the addresses."""
        write(600)
        text = self.read("checkpoint").decode().split("\n\n")[0]
        origin, size, root = text.split("\n")
        self.assertEqual((origin, size), ("127.0.0.1:8000/ledger", "600"))
        leaves = []
        for path in ("tile/entries/000", "tile/entries/001", "tile/entries/002.p/88"):
            bundle = self.read(path)
            while bundle:
                (length,) = struct.unpack(">H", bundle[:2])
                leaves.append(hashlib.sha256(b"\x00" + bundle[2 : 2 + length]).digest())
                bundle = bundle[2 + length :]
        self.assertEqual(len(leaves), 600)
        self.assertEqual(b"".join(leaves[:256]), self.read("tile/0/000"))
        self.assertEqual(b"".join(leaves[512:]), self.read("tile/0/002.p/88"))

        def tree(hashes: list[bytes]) -> bytes:
            if len(hashes) == 1:
                return hashes[0]
            k = 1
            while k * 2 < len(hashes):
                k *= 2
            return hashlib.sha256(b"\x01" + tree(hashes[:k]) + tree(hashes[k:])).digest()

        self.assertEqual(base64.b64encode(tree(leaves)).decode(), root)
        upper = self.read("tile/1/000.p/2")
        self.assertEqual(upper, tree(leaves[:256]) + tree(leaves[256:512]))

    def test_what_never_changes_may_be_kept_and_the_checkpoint_may_not(self) -> None:
        write(300)
        for path, kept, kind in (
            ("checkpoint", "no-cache", "text/plain; charset=utf-8"),
            ("key", "no-cache", "text/plain; charset=utf-8"),
            ("tile/0/000", "public, max-age=31536000, immutable", "application/octet-stream"),
            ("tile/entries/000", "public, max-age=31536000, immutable", "application/octet-stream"),
            ("tile/0/001.p/44", "public, max-age=86400", "application/octet-stream"),
            ("tile/entries/001.p/44", "public, max-age=86400", "application/octet-stream"),
        ):
            answer = self.client.get(f"/ledger/{path}")
            self.assertEqual((answer["Cache-Control"], answer["Content-Type"]), (kept, kind), path)
            self.assertNotIn("Cookie", answer.get("Vary", ""), path)
            self.assertFalse(answer.cookies, path)

    def test_a_partial_tile_is_the_beginning_of_the_full_one(self) -> None:
        write(300)
        full = self.read("tile/0/000")
        self.assertEqual(len(full), 8192)
        self.assertEqual(self.read("tile/0/000.p/7"), full[: 7 * 32])

    def test_tiles_that_are_not_there_or_are_written_otherwise_are_not_found(self) -> None:
        write(300)
        ledger.append("waits", {})
        for path in (
            *("tile/0/001", "tile/0/001.p/45", "tile/0/002", "tile/1/000", "tile/1/000.p/2", "tile/63/000.p/1"),
            *("tile/64/000", "tile/00/000", "tile/0/0", "tile/0/x000/000", "tile/0/000.p/0", "tile/0/000.p/256"),
            *("tile/0/000.p/07", "tile/entries/001", "tile/0/x999/x999/x999/x999/x999/x999/x999/999"),
        ):
            self.assertEqual(self.client.get(f"/ledger/{path}").status_code, HTTPStatus.NOT_FOUND, path)

    def test_whoever_asks_for_the_checkpoint_gets_one_over_what_waits(self) -> None:
        """Where all workers are busy nobody hears the clock; no more than one question a second does its work."""
        with mock.patch.object(ledger_sequencer, "PAUSE", float("inf")):
            self.assertEqual(self.client.get("/ledger/checkpoint").status_code, HTTPStatus.NOT_FOUND)
            self.assertEqual(self.client.get("/ledger/").status_code, HTTPStatus.OK)
        ledger.append("act", {})
        for pause, size in ((0.0, b"1"), (3600.0, b"1"), (0.0, b"2")):
            with mock.patch.object(ledger_sequencer, "PAUSE", pause):
                self.assertEqual(self.read("checkpoint").split(b"\n")[1], size)
            if pause == 0.0:
                ledger.append("act", {})

    def test_a_damaged_ledger_serves_the_last_checkpoint_and_says_so_in_the_log(self) -> None:
        write(1)
        before = self.read("checkpoint")
        ledger.append("act", {})
        with Unprotected("core_ledgerplace"), connection.cursor() as cursor:
            cursor.execute("DELETE FROM core_ledgerplace")
        with (
            mock.patch.object(ledger_sequencer, "PAUSE", 0.0),
            self.assertLogs("core.ledger_sequencer", "ERROR") as logged,
        ):
            self.assertEqual(self.read("checkpoint"), before)
        self.assertIn("The tree of 1 entries cannot be built", "".join(logged.output))


class ApiTests(TestCase):
    def get(self, path: str, status: int = HTTPStatus.OK) -> dict:
        answer = self.client.get(f"/api/ledger/{path}")
        self.assertEqual(answer.status_code, status, answer.content)
        return answer.json()

    def test_proofs_of_the_api_hold(self) -> None:
        write(3)
        old = self.get("checkpoint")
        write(300)
        new = self.get("checkpoint")
        proof = self.get(f"consistency?old={old['size']}&new={new['size']}")
        self.assertTrue(
            merkle.check_consistency(
                3,
                303,
                bytes.fromhex(old["root"]),
                bytes.fromhex(new["root"]),
                [bytes.fromhex(one) for one in proof["hashes"]],
            )
        )
        shown = self.get("inclusion?number=299")
        self.assertTrue(
            merkle.check_inclusion(
                bytes.fromhex(shown["leaf_hash"]),
                299,
                303,
                [bytes.fromhex(one) for one in shown["hashes"]],
                bytes.fromhex(new["root"]),
            )
        )
        self.assertEqual(shown["leaf_hash"], self.get("entries/299")["leaf_hash"])
        self.assertEqual([row["number"] for row in self.get("entries?start=300&limit=50")], [300, 301, 302])

    def test_what_is_not_there_is_told(self) -> None:
        self.get("checkpoint", HTTPStatus.NOT_FOUND)
        write(2)
        self.get("entries/2", HTTPStatus.NOT_FOUND)
        self.get("inclusion?number=-1", HTTPStatus.NOT_FOUND)
        self.assertIn("has 2 entries", self.get("consistency?old=1&new=3", HTTPStatus.UNPROCESSABLE_ENTITY)["error"])
        self.get("consistency?old=2&new=1", HTTPStatus.UNPROCESSABLE_ENTITY)

    def test_keys_are_published(self) -> None:
        with override_settings(FAIRSTACK_FORMER_KEYS=["ab" * 32], FAIRSTACK_WITNESSES=[str(WITNESS)]):
            keys = self.get("keys")
            lines = self.client.get("/ledger/key").content.decode().splitlines()
        self.assertEqual([keys["key"], *keys["former"]], lines)
        self.assertEqual(notes.Verifier.parse(lines[0]).fingerprint, keys["fingerprint"])
        self.assertEqual(notes.Verifier.parse(lines[1]).key.hex(), "ab" * 32)
        self.assertEqual(keys["witnesses"], [str(WITNESS)])


@override_settings(FAIRSTACK_WITNESSES=[str(WITNESS)])
class CosignatureTests(TestCase):
    def setUp(self) -> None:
        write(2)
        self.text, _ = notes.split(self.client.get("/ledger/checkpoint").content.decode())

    def post(self, line: object, size: int = 2) -> tuple[int, dict]:
        answer = self.client.post(
            "/api/ledger/cosignatures", {"size": size, "line": str(line)}, content_type="application/json"
        )
        return answer.status_code, answer.json()

    def test_a_known_witness_is_served_with_the_checkpoint_and_shown(self) -> None:
        self.assertContains(self.client.get("/ledger/"), "No witness has cosigned")
        line = notes.cosign(self.text, WITNESS, WITNESS_KEY.sign, int(time.time()))
        self.assertEqual(self.post(line), (200, {"size": 2, "witness": WITNESS.name}))
        self.assertEqual(self.post(line)[0], 200)  # the same again changes nothing
        self.assertEqual(LedgerCosignature.objects.count(), 1)
        self.assertEqual(AuditEntry.objects.filter(action="take cosignature").count(), 1)
        note = self.client.get("/ledger/checkpoint").content.decode()
        self.assertEqual(notes.verify(note, [WITNESS]), (self.text, [WITNESS]))
        self.assertIn(str(line), ledger.inclusion(LedgerEntry.objects.get(place__number=0)).checkpoint)
        page = self.client.get("/ledger/")
        self.assertNotContains(page, "No witness has cosigned")
        self.assertContains(page, WITNESS.name)

    def test_what_is_false_is_refused(self) -> None:
        now = int(time.time())
        other = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
        stranger = notes.Verifier("stranger.example", other.public_key().public_bytes_raw(), notes.COSIGNATURE)
        forked = notes.Checkpoint(notes.Checkpoint.parse(self.text).origin, 2, bytes(32)).text
        good = notes.cosign(self.text, WITNESS, WITNESS_KEY.sign, now)
        for line, size, reason in (
            (notes.cosign(self.text, stranger, other.sign, now), 2, "no witness that this site knows"),
            (notes.cosign(self.text, WITNESS, other.sign, now), 2, "does not fit the checkpoint"),
            (notes.cosign(forked, WITNESS, WITNESS_KEY.sign, now), 2, "does not fit the checkpoint"),
            (notes.cosign(self.text, WITNESS, WITNESS_KEY.sign, now + 3600), 2, "from the future"),
            (good, 1, "no checkpoint of 1 entries"),
            (good, -1, "A size is a number"),
            ("— nothing", 2, "No signature line"),
        ):
            status, answer = self.post(line, size)
            self.assertEqual(status, 422)
            self.assertIn(reason, answer["error"])
        self.assertEqual(LedgerCosignature.objects.count(), 0)


class PageTests(TestCase):
    def test_the_page_shows_plain_entries_and_hides_what_is_personal(self) -> None:
        ledger.append("release published", {"name": "<b>demo</b>", "version": "v1.0"})
        ledger.append_personal("opt-out accepted", {"owner": "github.com/ada"})
        ledger.sequence()
        ledger.append("waits", {})
        page = self.client.get(reverse("core:ledger"))
        self.assertContains(page, "release published")
        self.assertContains(page, "&lt;b&gt;demo")
        self.assertContains(page, "a commitment")
        self.assertContains(page, "would not be seen")
        self.assertNotContains(page, "github.com/ada")
        self.assertNotContains(page, "<b>demo")
        self.assertEqual(page.context["waiting"], 1)

    def test_an_entrys_page_has_all_that_proves_it(self) -> None:
        write(5)
        entry, _ = ledger.append_personal("opt-out accepted", {"owner": "github.com/ada"})
        ledger.sequence()
        page = self.client.get(reverse("core:ledger-entry", args=[5]))
        self.assertContains(page, entry.commitment)
        data = page.context["bytes"].encode()
        path = [bytes.fromhex(one) for one in re.findall(r"<li>([0-9a-f]{64})</li>", page.content.decode())]
        head = notes.Checkpoint.parse(notes.split(page.context["proof"].checkpoint)[0])
        self.assertTrue(merkle.check_inclusion(merkle.leaf_hash(data), 5, head.size, path, head.root))
        self.assertEqual(json.loads(data)["commitment"], entry.commitment)
        self.assertEqual(self.client.get(reverse("core:ledger-entry", args=[6])).status_code, 404)

    def test_one_finds_an_entry_by_its_number(self) -> None:
        write(120)
        self.assertRedirects(self.client.get("/ledger/?number=7"), reverse("core:ledger-entry", args=[7]))
        for wrong in ("120", "-1", "seven", "9" * 40, "٣"):
            self.assertContains(self.client.get("/ledger/", {"number": wrong}), "There is no entry", status_code=404)
        self.assertContains(self.client.get("/ledger/?page=3"), ">0</a>")

    def test_the_page_takes_the_same_few_queries_however_long_the_ledger_is(self) -> None:
        write(200)
        with self.assertNumQueries(8):
            self.client.get("/ledger/")
