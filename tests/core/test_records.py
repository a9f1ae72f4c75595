"""The audit trail and the ledger cannot be changed, and personal entries give nothing away."""

from django.db import DatabaseError, connection, transaction
from django.test import TestCase

from core import audit, ledger
from core.keyed import keyed_hash
from core.models import AuditEntry, LedgerEntry
from core.permissions import SYSTEM
from tests.base import make_user


class AppendOnlyTests(TestCase):
    def test_rows_cannot_be_changed_or_deleted_through_the_models(self) -> None:
        entry = ledger.append("release.published", {"name": "demo", "version": "1.0"})
        user = make_user()
        for change in (
            entry.save,
            entry.delete,
            LedgerEntry.objects.all().delete,
            lambda: LedgerEntry.objects.update(kind="x"),
            audit.record(user, "act", user).save,
        ):
            with self.assertRaisesMessage(TypeError, "append-only"):
                change()

    def test_the_database_itself_refuses(self) -> None:
        ledger.append("release.published", {"name": "demo"})
        audit.record(SYSTEM, "act", make_user())
        there = LedgerEntry.objects.count(), AuditEntry.objects.count()
        for table in ("core_ledgerentry", "core_auditentry"):
            for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET at = at"):
                with (
                    self.assertRaisesMessage(DatabaseError, "append-only"),
                    transaction.atomic(),
                    connection.cursor() as cursor,
                ):
                    cursor.execute(statement)
        self.assertEqual((LedgerEntry.objects.count(), AuditEntry.objects.count()), there)


class LedgerTests(TestCase):
    def test_a_plain_entry_is_bound_to_what_it_says(self) -> None:
        entry = LedgerEntry.objects.get(pk=ledger.append("release.published", {"rows": 3, "name": "demo"}).pk)
        self.assertTrue(ledger.check(entry))
        entry.body = {"rows": 4, "name": "demo"}
        self.assertFalse(ledger.check(entry))

    def test_a_personal_entry_shows_a_commitment_that_only_its_key_opens(self) -> None:
        record = {"owner": "github.com/ada", "scope": "account"}
        entry, key = ledger.append_personal("request.accepted", record)
        entry = LedgerEntry.objects.get(pk=entry.pk)
        self.assertTrue(ledger.check(entry))
        self.assertIsNone(entry.body)
        self.assertEqual(ledger.commit(key, record), entry.commitment)
        self.assertNotEqual(ledger.commit(key, record | {"owner": "github.com/bob"}), entry.commitment)

    def test_the_same_record_twice_gives_entries_that_cannot_be_matched(self) -> None:
        first, _ = ledger.append_personal("k", {"owner": "a"})
        second, _ = ledger.append_personal("k", {"owner": "a"})
        self.assertNotEqual(first.commitment, second.commitment)

    def test_keyed_hashes_differ_by_purpose(self) -> None:
        self.assertEqual(keyed_hash("a", "x"), keyed_hash("a", "x"))
        self.assertNotEqual(keyed_hash("a", "x"), keyed_hash("b", "x"))
