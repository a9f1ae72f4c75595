"""The sequencer: gives entries their places in the order in which they were written, fills tiles, and signs a checkpoint.

Entries are written in the transactions of their acts and wait in ``LedgerPending``. One sequencer at a time (a lock of the
database) takes what waits, in one transaction: all of it is there or nothing, so a sequencer that is killed leaves nothing to
mend. Before it signs, it builds the root of its last checkpoint again from what is stored; where that fails, it signs nothing.
"""

import logging
import time

from django.db import DatabaseError, connection, transaction

from core import ledger_tree, merkle, notes, signing
from core.models import LedgerCheckpoint, LedgerPending, LedgerTile
from core.tiles import WIDTH

logger = logging.getLogger(__name__)

BATCH = 65_536  # entries a transaction
LOCK = 0x4C45_4447_4552  # any number, the same for all sequencers of a database
PAUSE = 1.0  # seconds between two runs that a process starts by itself; Celery's clock has the same

_last_run = 0.0


class LedgerDamaged(RuntimeError):
    """What is stored does not fit the checkpoint that was signed over it."""


def sequence(*, wait: bool = True) -> int:
    """Give places to all entries that wait, and sign a checkpoint over them. Gives how many they were.

    Call it outside of any transaction. Where another sequencer is at work, ``wait`` says whether to wait for it and go on, or to
    give up.

    Raises:
        LedgerDamaged: The tree that is stored is not the one that was signed last. Nothing was changed.
    """
    placed = 0
    while True:
        step = _step(wait)
        placed += step
        if step < BATCH:
            return placed


def soon() -> None:
    """Sequence now, unless this process did so within the last second: then the clock's next run takes it along.

    Called after each commit of an entry, and when somebody asks for the checkpoint: so entries get their places where all
    workers are busy with long jobs, too. What goes wrong is logged, and is not the caller's business.
    """
    global _last_run
    now = time.monotonic()
    if now - _last_run >= PAUSE:
        _last_run = now
        try:
            sequence(wait=False)
        except (LedgerDamaged, DatabaseError):
            logger.exception("The ledger could not be sequenced; its entries wait.")


def _step(wait: bool) -> int:
    """One transaction of at most ``BATCH`` entries."""
    # (in the order of the key: an index steps over entries placed before, a heap of them would be read through)
    if not LedgerPending.objects.order_by("pk")[:1] and _signed(ledger_tree.size()):
        return 0
    with transaction.atomic(durable=True):
        if not _lock(wait):
            return 0
        newest = ledger_tree.latest()
        old = newest.size if newest else 0
        if newest and _root(old).hex() != newest.root:
            raise LedgerDamaged(f"The tree of {old} entries has not the root that was signed. No checkpoint is signed.")
        placed = _place(old)
        if placed or not _signed(old):
            _fill_tiles(old, old + placed)
            _sign(old + placed)
        return placed


def _signed(size: int) -> bool:
    """Whether the key of now signed this size."""
    return LedgerCheckpoint.objects.filter(size=size, signer=str(ledger_tree.log_key())).exists()


def _root(size: int) -> bytes:
    """The root of the first ``size`` entries, from what is stored."""
    try:
        return ledger_tree.tree(size).root()
    except ValueError as error:  # rows are missing, or hold no hash
        raise LedgerDamaged(f"The tree of {size} entries cannot be built: {error}. No checkpoint is signed.") from None


def _lock(wait: bool) -> bool:
    """Be the only sequencer until the transaction ends. On SQLite every writing transaction is the only one already."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        if wait:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
            return True
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        return bool(cursor.fetchone()[0])


def _place(size: int) -> int:
    """Move what waits behind the ``size`` entries that have their places."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core_ledgerplace (number, entry_id) "
            "SELECT %s + row_number() OVER (ORDER BY entry_id) - 1, entry_id "
            "FROM (SELECT entry_id FROM core_ledgerpending ORDER BY entry_id LIMIT %s) AS waiting",
            [size, BATCH],
        )
        placed = cursor.rowcount
        cursor.execute(
            "DELETE FROM core_ledgerpending WHERE entry_id IN (SELECT entry_id FROM core_ledgerplace WHERE number >= %s)",
            [size],
        )
    return placed


def _fill_tiles(old: int, new: int) -> None:
    """Store the tiles that became full between two sizes, level by level."""
    level, first, end = 0, old // WIDTH, new // WIDTH
    while end > first:
        hashes = ledger_tree.hashes_at(level, first * WIDTH, end * WIDTH)
        if len(hashes) != (end - first) * WIDTH:
            raise LedgerDamaged(f"Level {level} of the tree has gaps between tiles {first} and {end}.")
        tiles = [hashes[at : at + WIDTH] for at in range(0, len(hashes), WIDTH)]
        LedgerTile.objects.bulk_create(
            (
                LedgerTile(level=level, number=number, hashes=b"".join(tile), root=merkle.root(tile))
                for number, tile in enumerate(tiles, first)
            ),
            batch_size=100,
        )
        level, first, end = level + 1, first // WIDTH, end // WIDTH


def _sign(size: int) -> None:
    """Write the checkpoint of ``size`` entries."""
    root, key = _root(size), ledger_tree.log_key()
    text = notes.Checkpoint(key.name, size, root).text
    LedgerCheckpoint.objects.create(
        size=size, root=root.hex(), signer=str(key), note=notes.signed(text, key, signing.sign)
    )
