"""The witness against a real server process on loopback: growth passes; a ledger that shrank, forked or is badly signed is refused."""

import fcntl
import hashlib
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from unittest import mock

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import TransactionTestCase

from core import ledger, ledger_sequencer, notes, processes, signing, witnessing
from core.ledger_site import Site
from core.models import LedgerCosignature, LedgerEntry
from tests.append_only import Unprotected
from tests.environment import unmeasured

OTHER_KEY = "0f" * 32
TABLES = [f"core_ledger{name}" for name in ("entry", "place", "tile", "checkpoint")]


class WitnessTests(TransactionTestCase):
    def setUp(self) -> None:
        self.enterContext(mock.patch.object(ledger_sequencer, "PAUSE", float("inf")))  # here; the server keeps its own
        self.folder = Path(tempfile.mkdtemp(prefix="fairstack-witness-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.state = self.folder / "ledger.json"
        self.own_key = self.folder / "witness-key"
        self.own_key.write_text("aa" * 32)
        private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex("aa" * 32))
        self.me = notes.Verifier("w.example/1", private.public_key().public_bytes_raw(), notes.COSIGNATURE)
        self.log = notes.Verifier("127.0.0.1:8000/ledger", signing.public_key())
        self.write(300)
        self.serve()

    def write(self, count: int, kind: str = "act") -> None:
        for number in range(count):
            ledger.append(kind, {"number": number})
        ledger.sequence()

    def serve(self, **more: str) -> None:
        """The site in a process of its own, on the tests' database. ``more`` goes into its environment."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        environment = unmeasured() | {
            "FAIRSTACK_DATABASE_NAME": str(connection.settings_dict["NAME"]),
            "FAIRSTACK_DATA": str(self.folder / "var"),
            "FAIRSTACK_WITNESSES": str(self.me),
            **more,
        }
        server = subprocess.Popen(
            processes.here(processes.web(f"127.0.0.1:{port}", workers=1)),
            cwd=settings.BASE_DIR,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.addCleanup(server.wait, 20)
        self.addCleanup(os.killpg, server.pid, signal.SIGKILL)
        self.site = f"http://127.0.0.1:{port}"
        end = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(f"{self.site}/ledger/checkpoint", timeout=5).close()
                return
            except OSError:
                self.assertLess(time.monotonic(), end, "the server does not answer")
                time.sleep(0.2)

    def witness(self, *more: str, trust: bool = True) -> tuple[int, str]:
        """One visit; gives the exit code and what it said."""
        said = StringIO()
        with redirect_stdout(said), redirect_stderr(said):
            code = witnessing.main(self.arguments(*more, trust=trust))
        return code, said.getvalue()

    def arguments(self, *more: str, trust: bool = True) -> list[str]:
        trusted = ["--fingerprint", signing.fingerprint()] if trust else []
        return [self.site, *trusted, "--state", str(self.state), *more]

    def test_it_runs_alone_without_the_settings_of_a_site(self) -> None:
        answer = subprocess.run(
            [sys.executable, "-m", "core.witnessing", *self.arguments()],
            cwd=settings.BASE_DIR,
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
        )
        self.assertEqual((answer.returncode, "First visit" in answer.stdout), (0, True), answer.stderr)

    def test_a_ledger_that_grows_passes_and_is_cosigned(self) -> None:
        code, said = self.witness()
        self.assertEqual((code, "First visit" in said), (0, True), said)
        self.write(700)
        code, said = self.witness("--cosign", str(self.own_key), "--name", self.me.name, "--post")
        self.assertEqual(code, 0, said)
        self.assertIn("begins with the 300 entries of the last visit", said)
        self.assertIn("The site has taken the cosignature", said)
        self.assertEqual(LedgerCosignature.objects.get().size, 1000)
        served = urllib.request.urlopen(f"{self.site}/ledger/checkpoint").read().decode()
        self.assertEqual(notes.verify(served, [self.me])[1], [self.me])
        code, said = self.witness("--full")
        self.assertEqual((code, "Nothing new" in said), (0, True), said)
        out = StringIO()
        call_command(
            "witness", self.site, "--fingerprint", signing.fingerprint(), "--state", str(self.state), stdout=out
        )
        self.assertIn("Nothing new", out.getvalue())

    def test_a_rewritten_entry_is_a_fork_and_both_checkpoints_are_kept(self) -> None:
        self.assertEqual(self.witness()[0], 0)
        remembered = self.state.read_text()
        self.rewrite(entry=17)
        self.write(5)
        code, said = self.witness("--cosign", str(self.own_key), "--name", self.me.name, "--post")
        self.assertEqual(code, 1, said)
        self.assertIn("REFUSED. The ledger FORKED: the 305 entries", said)
        self.assertEqual(LedgerCosignature.objects.count(), 0)
        self.assertEqual(self.state.read_text(), remembered)
        evidence = Path(f"{self.state}.evidence").read_text()
        for size in ("300", "305"):
            self.assertIn(f"/ledger\n{size}\n", evidence)
        self.assertEqual(evidence.count("— 127.0.0.1:8000/ledger "), 2)
        with self.assertRaisesMessage(CommandError, "FORKED"):
            call_command("witness", self.site, "--fingerprint", signing.fingerprint(), "--state", str(self.state))

    def test_the_same_size_with_another_root_is_a_fork(self) -> None:
        self.assertEqual(self.witness()[0], 0)
        self.rewrite(entry=299)
        code, said = self.witness()
        self.assertEqual((code, "FORKED" in said), (1, True), said)

    def test_a_ledger_that_shrank_is_refused(self) -> None:
        self.assertEqual(self.witness()[0], 0)
        self.rewrite(drop=1)
        code, said = self.witness()
        self.assertEqual((code, "SHRANK: it had 300 entries and signs 299" in said), (1, True), said)

    def test_two_visits_at_once_do_not_accuse_the_ledger(self) -> None:
        """One that asked before another, and remembers after it, would find fewer entries than are remembered."""
        self.assertEqual(self.witness()[0], 0)
        with ThreadPoolExecutor(1) as pool, Path(f"{self.state}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # as another visit does
            late = pool.submit(witnessing.visit, Site(self.site), [self.log], self.state)
            time.sleep(1)
            self.write(5)
            served = urllib.request.urlopen(f"{self.site}/ledger/checkpoint").read().decode()
            self.state.write_text(json.dumps({"note": served, "seen": 0}))
            fcntl.flock(lock, fcntl.LOCK_UN)
            self.assertEqual(late.result(60).head.size, 305)

    def test_entries_that_do_not_give_the_signed_root_are_refused(self) -> None:
        with Unprotected("core_ledgerentry"), connection.cursor() as cursor:
            cursor.execute(
                "UPDATE core_ledgerentry SET kind = 'other' WHERE id = %s", [LedgerEntry.objects.all()[9].pk]
            )
        code, said = self.witness()
        self.assertEqual((code, "do not give the root" in said), (1, True), said)
        self.assertFalse(self.state.exists())

    def test_a_ledger_that_somebody_else_signs_is_refused(self) -> None:
        self.assertEqual(self.witness()[0], 0)
        with self.settings(FAIRSTACK_SIGNING_KEY=OTHER_KEY):
            ledger.sequence()
        self.serve(FAIRSTACK_SIGNING_KEY=OTHER_KEY)  # one with the ledger's own key would sign again
        code, said = self.witness("--key", str(self.log), trust=False)
        self.assertEqual((code, "none of the known keys" in said), (1, True), said)
        code, said = self.witness()
        self.assertEqual((code, "publishes no key with the fingerprint" in said), (1, True), said)

    def test_what_cannot_be_read_is_no_judgement(self) -> None:
        self.assertEqual(self.witness(trust=False)[0], 2)
        self.assertEqual(self.witness("--post")[0], 2)
        self.state.write_text("{}")
        code, said = self.witness()
        self.assertEqual((code, "no file of a witness" in said), (2, True), said)
        self.state = self.folder / "missing" / "ledger.json"
        code, said = self.witness()
        self.assertEqual((code, "No such file" in said), (2, True), said)
        self.site = "http://127.0.0.1:9"
        self.state = self.folder / "another.json"
        code, said = self.witness()
        self.assertEqual((code, "cannot be read" in said), (2, True), said)

    def test_a_witness_makes_its_key_once_and_keeps_it_to_itself(self) -> None:
        new = self.folder / "new-key"
        first = self.witness("--cosign", str(new), "--name", "w.example/2")[1]
        again = self.witness("--cosign", str(new), "--name", "w.example/2")[1]
        self.assertEqual(stat.S_IMODE(new.stat().st_mode), 0o600)
        vkeys = {
            line.split()[-1] for said in (first, again) for line in said.splitlines() if line.startswith("Cosigned by")
        }
        self.assertEqual(len(vkeys), 1)
        code, said = self.witness("--cosign", str(new), "--name", "w.example/2", "--post")
        self.assertEqual((code, "no witness that this site knows" in said), (2, True), said)

    def rewrite(self, entry: int = -1, drop: int = 0) -> None:
        """What a dishonest operator with the site's key and database can do: write history anew and sign it."""
        with Unprotected(*TABLES), connection.cursor() as cursor:
            for table in ("place", "tile", "checkpoint", "pending"):
                cursor.execute(f"DELETE FROM core_ledger{table}")
            rows = list(LedgerEntry.objects.order_by("pk"))
            if entry >= 0:
                row = rows[entry]
                row.body = {"number": "another"}
                row.leaf_hash = hashlib.sha256(b"\x00" + ledger.entry_bytes(row)).hexdigest()
                cursor.execute(
                    "UPDATE core_ledgerentry SET body = %s, leaf_hash = %s WHERE id = %s",
                    [json.dumps(row.body), row.leaf_hash, row.pk],
                )
            for row in rows[len(rows) - drop :]:
                cursor.execute("DELETE FROM core_ledgerentry WHERE id = %s", [row.pk])
            cursor.execute("INSERT INTO core_ledgerpending (entry_id) SELECT id FROM core_ledgerentry")
        ledger.sequence()
