"""The sequencer: every entry gets one place, in order, whoever writes and whoever dies."""

import signal
import subprocess
import sys
import threading
from functools import partial
from unittest import mock

from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection, connections, transaction
from django.test import TestCase, TransactionTestCase, override_settings

from core import ledger, ledger_sequencer, ledger_tree, merkle, notes, signing
from core.errors import InvalidInput
from core.models import (
    LedgerCheckpoint,
    LedgerCosignature,
    LedgerEntry,
    LedgerPending,
    LedgerPlace,
    LedgerTile,
)
from core.tasks import sequence_ledger
from tests.append_only import Unprotected
from tests.environment import unmeasured


def hashes_in_order() -> list[bytes]:
    """The leaf hashes in the order of their places, read without the code under test."""
    places = LedgerPlace.objects.order_by("number").select_related("entry")
    return [bytes.fromhex(place.entry.leaf_hash) for place in places]


class Whole:
    """What has to hold after anything."""

    def assert_whole(self, entries: int) -> None:
        places = list(LedgerPlace.objects.order_by("number").values_list("number", flat=True))
        self.assertEqual(places, list(range(entries)))
        self.assertEqual(LedgerPending.objects.count(), 0)
        newest = ledger_tree.latest()
        self.assertEqual((newest.size, newest.root), (entries, merkle.root(hashes_in_order()).hex()))
        text, _ = notes.verify(newest.note, [ledger_tree.log_key()])
        self.assertEqual(notes.Checkpoint.parse(text).root.hex(), newest.root)


class SequencerTests(Whole, TestCase):
    def test_an_empty_ledger_has_a_checkpoint_of_nothing(self) -> None:
        self.assertEqual(ledger.sequence(), 0)
        self.assert_whole(0)

    def test_entries_get_places_in_their_order_and_the_tree_is_that_of_rfc_6962(self) -> None:
        written = []
        for batch in (1, 2, 253, 1, 300):
            written += [ledger.append("act", {"number": number}).pk for number in range(batch)]
            self.assertEqual(ledger.sequence(), batch)
            self.assert_whole(len(written))
        self.assertEqual(list(LedgerPlace.objects.order_by("number").values_list("entry", flat=True)), written)
        self.assertEqual(list(LedgerTile.objects.values_list("level", "number")), [(0, 0), (0, 1)])
        self.assertEqual(LedgerCheckpoint.objects.count(), 5)
        self.assertEqual(ledger.sequence(), 0)
        self.assertEqual(LedgerCheckpoint.objects.count(), 5)  # nothing new, nothing signed

    def test_a_great_backlog_is_taken_in_several_transactions(self) -> None:
        with mock.patch.object(ledger_sequencer, "BATCH", 100):
            for number in range(250):
                ledger.append("act", {"number": number})
            self.assertEqual(ledger.sequence(), 250)
        self.assert_whole(250)
        sizes = LedgerCheckpoint.objects.values_list("size", flat=True)
        self.assertEqual(list(sizes), [100, 200, 250])

    def test_proofs_of_inclusion_hold_against_the_signed_checkpoint(self) -> None:
        entries = [ledger.append("act", {"number": number}) for number in range(300)]
        with self.assertRaises(ledger.NotSequenced):
            ledger.inclusion(entries[0])
        ledger.sequence()
        for entry in (entries[0], entries[255], entries[256], entries[299]):
            proof = ledger.inclusion(entry)
            text, _ = notes.verify(proof.checkpoint, [ledger_tree.log_key()])
            head = notes.Checkpoint.parse(text)
            leaf = merkle.leaf_hash(ledger.entry_bytes(LedgerEntry.objects.get(pk=entry.pk)))
            self.assertEqual((head.size, proof.size), (300, 300))
            self.assertTrue(merkle.check_inclusion(leaf, proof.index, head.size, proof.hashes, head.root))

    def test_proofs_of_consistency_hold_between_any_two_checkpoints(self) -> None:
        for batch in (3, 254, 2, 260):
            for number in range(batch):
                ledger.append("act", {"number": number})
            ledger.sequence()
        heads = [(head.size, bytes.fromhex(head.root)) for head in LedgerCheckpoint.objects.all()]
        for old, old_root in heads:
            for new, new_root in heads:
                if old <= new:
                    proof = ledger.consistency(old, new)
                    self.assertTrue(merkle.check_consistency(old, new, old_root, new_root, proof))
        for wrong in ((-1, 3), (4, 3), (0, 520)):
            with self.assertRaises(InvalidInput):
                ledger.consistency(*wrong)

    def test_proofs_in_a_ledger_of_thousands_take_few_queries(self) -> None:
        entry = [ledger.append("act", {"number": number}) for number in range(1030)][700]
        ledger.sequence()
        with self.assertNumQueries(8):
            ledger.inclusion(entry)

    def test_an_act_that_is_undone_leaves_no_gap(self) -> None:
        try:
            with transaction.atomic():
                ledger.append("act", {})
                raise RuntimeError
        except RuntimeError:
            pass
        ledger.append("act", {})
        ledger.sequence()
        self.assert_whole(1)

    def test_an_entry_that_no_bundle_could_hold_is_refused(self) -> None:
        with self.assertRaisesMessage(ValueError, "at most 65535 bytes"):
            ledger.append("act", {"text": "x" * 65_535})

    def test_a_new_key_signs_at_once_and_the_old_one_stays_known(self) -> None:
        ledger.append("act", {})
        ledger.sequence()
        before, old = ledger_tree.latest(), signing.public_key()
        with override_settings(FAIRSTACK_SIGNING_KEY="5" * 64, FAIRSTACK_FORMER_KEYS=[old.hex()]):
            ledger.sequence()
            after = ledger_tree.latest()
            self.assertEqual((after.size, after.root), (before.size, before.root))
            self.assertNotEqual(after.signer, before.signer)
            notes.verify(after.note, [ledger_tree.log_key()])
            notes.verify(before.note, ledger_tree.log_keys())

    def test_a_tree_that_was_changed_behind_its_back_is_not_signed(self) -> None:
        entry = ledger.append("act", {"number": 1})
        ledger.sequence()
        ledger.append("act", {"number": 2})
        with Unprotected("core_ledgerentry"), connection.cursor() as cursor:
            cursor.execute("UPDATE core_ledgerentry SET leaf_hash = %s WHERE id = %s", ["0" * 64, entry.pk])
        with self.assertRaisesMessage(ledger.LedgerDamaged, "The tree of 1 entries"):
            ledger.sequence()
        self.assertEqual((LedgerPending.objects.count(), LedgerCheckpoint.objects.count()), (1, 1))

    def test_a_tree_of_which_rows_are_missing_is_not_signed(self) -> None:
        for number in range(257):
            ledger.append("act", {"number": number})
        ledger.sequence()
        ledger.append("act", {"number": 257})
        for table, row in (("core_ledgerplace", "number = 256"), ("core_ledgertile", "number = 0")):
            with Unprotected(table), connection.cursor() as cursor:
                cursor.execute(f"CREATE TEMPORARY TABLE taken AS SELECT * FROM {table} WHERE {row}")
                cursor.execute(f"DELETE FROM {table} WHERE {row}")
            with self.assertRaisesMessage(ledger.LedgerDamaged, "The tree of 257 entries cannot be built"):
                ledger.sequence()
            self.assertEqual((LedgerPending.objects.count(), LedgerCheckpoint.objects.count()), (1, 1))
            with connection.cursor() as cursor:
                cursor.execute(f"INSERT INTO {table} SELECT * FROM taken")
                cursor.execute("DROP TABLE taken")
        ledger.sequence()
        self.assert_whole(258)

    def test_the_task_sequences(self) -> None:
        ledger.append("act", {})
        sequence_ledger()
        self.assert_whole(1)


class AppendOnlyTests(TestCase):
    def test_nothing_of_the_tree_can_be_changed_or_deleted(self) -> None:
        for number in range(256):
            ledger.append("act", {"number": number})
        ledger.sequence()
        LedgerCosignature.objects.create(size=256, witness="w", line="l")
        for model in (LedgerPlace, LedgerTile, LedgerCheckpoint, LedgerCosignature):
            row = model.objects.first()
            for change in (row.save, row.delete, model.objects.all().delete, partial(model.objects.update, pk=9)):
                with self.assertRaisesMessage(TypeError, "append-only"):
                    change()
            key = row._meta.pk.column
            for statement in (f"DELETE FROM {row._meta.db_table}", f"UPDATE {row._meta.db_table} SET {key} = {key}"):
                with (
                    self.assertRaisesMessage(DatabaseError, "append-only"),
                    transaction.atomic(),
                    connection.cursor() as cursor,
                ):
                    cursor.execute(statement)


class MigrationTests(Whole, TransactionTestCase):
    def test_entries_from_before_the_tree_get_their_places(self) -> None:
        entry = ledger.append("act", {})
        ledger.sequence()
        try:
            call_command("migrate", "core", "0003", verbosity=0)
            with connection.cursor() as cursor:  # as it was written then: no trigger puts it among those that wait
                cursor.execute(
                    "INSERT INTO core_ledgerentry (at, kind, body, commitment, leaf_hash) "
                    "SELECT at, kind, body, commitment, leaf_hash FROM core_ledgerentry WHERE id = %s",
                    [entry.pk],
                )
        finally:
            call_command("migrate", verbosity=0)
        self.assertEqual(ledger.sequence(), 2)
        self.assert_whole(2)


class ConcurrencyTests(Whole, TransactionTestCase):
    def test_eight_threads_write_and_sequence_and_every_entry_has_one_place(self) -> None:
        failures: list[BaseException] = []

        def write(name: int) -> None:
            try:
                for number in range(25):
                    with transaction.atomic():
                        ledger.append("act", {"thread": name, "number": number})
                    if number % 5 == name % 5:
                        ledger.sequence(wait=bool(name % 2))
            except BaseException as error:
                failures.append(error)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=write, args=(name,)) for name in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        ledger.sequence()
        self.assert_whole(200)
        heads = list(LedgerCheckpoint.objects.values_list("size", "root"))
        self.assertEqual(heads, sorted(heads))
        hashes = hashes_in_order()
        for size, root in heads:
            self.assertEqual(merkle.root(hashes[:size]).hex(), root)

    def test_what_commits_late_comes_late_and_is_not_lost(self) -> None:
        """A lower id may commit after a higher one (on SQLite writers wait for each other, so it cannot)."""
        if connection.vendor != "postgresql":
            self.skipTest("one writer at a time")
        written, may_commit = threading.Event(), threading.Event()

        def slow() -> None:
            with transaction.atomic():
                ledger.append("slow", {})
                written.set()
                may_commit.wait(120)
            connections.close_all()

        thread = threading.Thread(target=slow)
        thread.start()
        self.assertTrue(written.wait(120))
        quick = ledger.append("quick", {})
        ledger.sequence()
        self.assertEqual(list(LedgerPlace.objects.values_list("entry", flat=True)), [quick.pk])
        may_commit.set()
        thread.join()
        ledger.sequence()
        self.assertEqual(list(LedgerPlace.objects.values_list("entry__kind", flat=True)), ["quick", "slow"])
        self.assert_whole(2)

    def test_an_act_that_commits_is_sequenced_without_anybody_asking(self) -> None:
        with mock.patch.object(ledger_sequencer, "PAUSE", 0.0):
            with transaction.atomic():
                ledger.append("act", {})
            self.assert_whole(1)
            ledger.append("act", {})  # outside of a transaction
            self.assert_whole(2)

    def test_within_a_transaction_it_refuses(self) -> None:
        with mock.patch.object(ledger_sequencer, "PAUSE", float("inf")):
            ledger.append("act", {})
        with self.assertRaisesMessage(RuntimeError, "durable"), transaction.atomic():
            ledger.sequence()


KILLED = """
import django, os, signal, sys
django.setup()
from core import ledger_sequencer, ledger_tree
step = getattr(ledger_sequencer, sys.argv[1])
def die(*arguments):
    if sys.argv[2] == "after":
        step(*arguments)
    print("here", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(ledger_sequencer, sys.argv[1], die)
ledger_sequencer.sequence()
"""


class CrashTests(Whole, TransactionTestCase):
    def test_a_sequencer_killed_at_any_step_leaves_nothing_to_mend(self) -> None:
        with mock.patch.object(ledger_sequencer, "PAUSE", float("inf")):  # nobody but the processes that are killed
            for number in range(255):
                ledger.append("act", {"number": number})
            ledger.sequence()
            for number in range(3):
                ledger.append("act", {"number": number})
        before = LedgerPlace.objects.count()
        self.assertEqual((before, LedgerPending.objects.count()), (255, 3))
        for step in ("_place", "_fill_tiles", "_sign"):
            for moment in ("before", "after"):
                environment = unmeasured() | {
                    "DJANGO_SETTINGS_MODULE": "config.settings",
                    "FAIRSTACK_DATABASE_NAME": str(connection.settings_dict["NAME"]),
                }
                killed = subprocess.run(
                    [sys.executable, "-c", KILLED, step, moment],
                    cwd=settings.BASE_DIR,
                    env=environment,
                    capture_output=True,
                    text=True,
                )
                self.assertEqual((killed.returncode, killed.stdout), (-signal.SIGKILL, "here\n"), killed.stderr)
                self.assertEqual((LedgerPlace.objects.count(), LedgerPending.objects.count()), (255, 3), step)
                self.assertEqual(LedgerTile.objects.count(), 0)
                self.assertEqual(LedgerCheckpoint.objects.count(), 1)
        self.assertEqual(ledger.sequence(), 3)
        self.assert_whole(258)
