"""The ledger: an append-only list of acts of governance, and proofs of what stands in it.

Release and model entries are plain. A personal record enters as HMAC-SHA-256 under a random key of its own; whoever has the key and
the record can show what the entry means, and destroying the key erases the meaning while the ledger stays whole. A plain hash
of an account's name would be reversed by trying all names.

Appending touches no row of the tree. The sequencer gives entries their places within seconds (``core.ledger_sequencer``); from then on
there are proofs against the signed checkpoint. docs/ledger.md has the formats.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any

import rfc8785
from django.db import transaction
from django.utils import timezone

from core import ledger_tree, merkle, tiles
from core.errors import Conflict, InvalidInput
from core.ledger_sequencer import LedgerDamaged, sequence, soon
from core.models import LedgerEntry, LedgerPlace

__all__ = [
    "Inclusion",
    "LedgerDamaged",
    "NotSequenced",
    "append",
    "append_personal",
    "check",
    "commit",
    "consistency",
    "entry_bytes",
    "inclusion",
    "leaf_hash",
    "sequence",
]


class NotSequenced(Conflict):
    """The entry has no place in the tree yet: the sequencer gives it one within seconds."""


@dataclass(frozen=True)
class Inclusion:
    """That an entry stands in the ledger.

    Attributes:
        index: Its number, from 0.
        size: Entries in the tree of the checkpoint.
        hashes: The audit path from the leaf upwards (32 bytes each).
        checkpoint: The signed note, with cosignatures where there are some.
    """

    index: int
    size: int
    hashes: list[bytes]
    checkpoint: str


def append(kind: str, body: dict[str, Any]) -> LedgerEntry:
    """Append a plain entry, in the caller's transaction. ``body`` holds strings, integers, lists and the like; no names of people.

    Raises:
        ValueError: The entry would be longer than 65,535 bytes.
    """
    return _write(kind, {"body": body})


def append_personal(kind: str, record: dict[str, Any]) -> tuple[LedgerEntry, bytes]:
    """Append a commitment to ``record`` and give the key (32 bytes) that opens it. The caller keeps key and record."""
    key = secrets.token_bytes(32)
    return _write(kind, {"commitment": commit(key, record)}), key


def _write(kind: str, content: dict[str, Any]) -> LedgerEntry:
    at = timezone.now()
    data = rfc8785.dumps({"at": at.isoformat(), "kind": kind} | content)
    if len(data) > tiles.MOST:
        raise ValueError(f"An entry of the ledger has at most {tiles.MOST} bytes, and this one {len(data)}.")
    entry = LedgerEntry.objects.create(at=at, kind=kind, leaf_hash=_hash(data), **content)
    transaction.on_commit(soon)  # behind the entry: outside of a transaction it runs at once
    return entry


def inclusion(entry: LedgerEntry) -> Inclusion:
    """The proof that an entry stands in the tree of the newest checkpoint.

    Raises:
        NotSequenced: It has no place yet. ``sequence()`` gives it one.
    """
    place = LedgerPlace.objects.filter(entry=entry).first()
    newest = ledger_tree.latest()
    if place is None or newest is None:
        raise NotSequenced("The entry has no place in the ledger yet. It gets one within seconds: ask again.")
    hashes = ledger_tree.tree(newest.size).inclusion(place.number)
    return Inclusion(place.number, newest.size, hashes, ledger_tree.signed_note(newest))


def consistency(old_size: int, new_size: int) -> list[bytes]:
    """The proof that the tree of ``new_size`` entries begins with that of ``old_size``.

    Raises:
        InvalidInput: The ledger has not that many entries, or the sizes stand the wrong way round.
    """
    if not 0 <= old_size <= new_size:
        raise InvalidInput("The old size has to be at least 0 and at most the new size.", "old")
    if new_size > (there := ledger_tree.size()):
        raise InvalidInput(f"The ledger has {there} entries: no tree of {new_size} yet.", "new")
    return ledger_tree.tree(new_size).consistency(old_size)


def entry_bytes(entry: LedgerEntry) -> bytes:
    """What is hashed into the tree, in the canonical form of RFC 8785."""
    said: dict[str, Any] = {"at": entry.at.isoformat(), "kind": entry.kind}
    said |= {"body": entry.body} if entry.body is not None else {"commitment": entry.commitment}
    return rfc8785.dumps(said)


def commit(key: bytes, record: dict[str, Any]) -> str:
    """The commitment to ``record`` under ``key``, in hex."""
    return hmac.new(key, rfc8785.dumps(record), hashlib.sha256).hexdigest()


def leaf_hash(entry: dict[str, Any]) -> str:
    """SHA-256(0x00 || canonical bytes), in hex (RFC 6962 section 2.1; RFC 8785)."""
    return _hash(rfc8785.dumps(entry))


def check(entry: LedgerEntry) -> bool:
    """Whether the entry's hash still fits what it says."""
    return _hash(entry_bytes(entry)) == entry.leaf_hash


def _hash(data: bytes) -> str:
    return merkle.leaf_hash(data).hex()
