"""What the data floor writes into the journal (``core.journal``), and what each line says.

``block``    entries that came on the block-list: kind, keyed hashes (or blob ids), the request
``lift``     the entries of a request that were lifted
``purge``    blobs that were erased
``restore``  blobs that were brought back by an undo
"""

from collections.abc import Iterable

from django.db import transaction

from core import journal

BLOCK, LIFT, PURGE, RESTORE = "block", "lift", "purge", "restore"


def blocked(kind: str, values: Iterable[str], reference: str, *, commits: bool = False, issues: bool = False) -> None:
    """Entries came on the block-list; in their transaction."""
    body = {"kind": kind, "values": sorted(values), "reference": reference, "commits": commits, "issues": issues}
    journal.write(BLOCK, body)


def lifted(reference: str) -> None:
    """A request's entries were lifted; in that transaction."""
    journal.write(LIFT, {"reference": reference})


def purged(blobs: Iterable[str]) -> None:
    """A purge has erased these blobs from everything that is in the data folder, and blocked rows with them."""
    with transaction.atomic():
        journal.reach(journal.write(PURGE, {"blobs": sorted(blobs)}).key)


def restored(reference: str, blobs: Iterable[str]) -> None:
    """An undo brought these blobs back; in the transaction that lifts the blocks."""
    journal.write(RESTORE, {"reference": reference, "blobs": sorted(blobs)})
