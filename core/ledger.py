"""Writing to the ledger: an append-only list of acts of governance.

Release and model entries are plain. A personal record enters as HMAC-SHA-256 under a random key of its own; whoever has the key and
the record can show what the entry means, and destroying the key erases the meaning while the ledger stays whole. A plain hash
of an account's name would be reversed by trying all names.
"""

import hashlib
import hmac
import secrets
from typing import Any

import rfc8785
from django.utils import timezone

from core.models import LedgerEntry


def append(kind: str, body: dict[str, Any]) -> LedgerEntry:
    """Append a plain entry, in the caller's transaction. ``body`` holds strings, integers, lists and the like; no names of people."""
    at = timezone.now()
    return LedgerEntry.objects.create(
        at=at, kind=kind, body=body, leaf_hash=leaf_hash({"at": at.isoformat(), "kind": kind, "body": body})
    )


def append_personal(kind: str, record: dict[str, Any]) -> tuple[LedgerEntry, bytes]:
    """Append a commitment to ``record`` and give the key (32 bytes) that opens it. The caller keeps key and record."""
    key = secrets.token_bytes(32)
    commitment = commit(key, record)
    at = timezone.now()
    entry = LedgerEntry.objects.create(
        at=at,
        kind=kind,
        commitment=commitment,
        leaf_hash=leaf_hash({"at": at.isoformat(), "kind": kind, "commitment": commitment}),
    )
    return entry, key


def commit(key: bytes, record: dict[str, Any]) -> str:
    """The commitment to ``record`` under ``key``, in hex."""
    return hmac.new(key, rfc8785.dumps(record), hashlib.sha256).hexdigest()


def leaf_hash(entry: dict[str, Any]) -> str:
    """SHA-256(0x00 || canonical bytes), in hex (RFC 6962 section 2.1; RFC 8785)."""
    return hashlib.sha256(b"\x00" + rfc8785.dumps(entry)).hexdigest()


def check(entry: LedgerEntry) -> bool:
    """Whether the entry's hash still fits what it says."""
    said: dict[str, Any] = {"at": entry.at.isoformat(), "kind": entry.kind}
    said |= {"body": entry.body} if entry.body is not None else {"commitment": entry.commitment}
    return leaf_hash(said) == entry.leaf_hash
