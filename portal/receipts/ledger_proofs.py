"""What a receipt shows of the ledger: its entries under one signed checkpoint, and that the ledger only grew since the acceptance."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core import ledger
from core.errors import Conflict
from core.ledger import Inclusion
from core.models import LedgerCheckpoint, LedgerEntry

_TRIES = 5


@dataclass(frozen=True)
class Shown:
    """Entries with their places under one checkpoint.

    Attributes:
        checkpoint: The signed note.
        size: Of the ledger in it.
        places: The place of each entry, by its key.
    """

    checkpoint: str
    size: int
    places: dict[int, Inclusion]

    def of(self, entry: LedgerEntry) -> dict[str, Any]:
        """The entry, its number and the hashes beside its way up."""
        place = self.places[entry.pk]
        return {"entry": said(entry), "index": place.index, "path": [one.hex() for one in place.hashes]}


def show(entries: Sequence[LedgerEntry]) -> Shown:
    """Give the entries their places, and prove them all under the same checkpoint.

    Raises:
        Conflict: The ledger grew each time that it was tried.
    """
    ledger.sequence()
    for _ in range(_TRIES):
        places = {entry.pk: ledger.inclusion(entry) for entry in entries}
        notes = {(place.size, place.checkpoint) for place in places.values()}
        if len(notes) == 1:
            size, note = notes.pop()
            return Shown(note, size, places)
    raise Conflict("The ledger grows too quickly to prove several entries at once. It is tried again.")


def growth(since: datetime, size: int) -> tuple[str | None, list[str]]:
    """The last checkpoint before a moment, if there was one, and the hashes that show that the ledger of ``size`` begins with it."""
    earlier = (
        LedgerCheckpoint.objects.filter(at__lte=since, size__gt=0, size__lte=size).order_by("-size", "-pk").first()
    )
    if earlier is None:
        return None, []
    hashes = ledger.consistency(earlier.size, size) if earlier.size < size else []
    return earlier.note, [one.hex() for one in hashes]


def said(entry: LedgerEntry) -> dict[str, Any]:
    """What the leaf of an entry is the hash of."""
    plain = {"body": entry.body} if entry.body is not None else {"commitment": entry.commitment}
    return {"at": entry.at.isoformat(), "kind": entry.kind, **plain}


def of_release(kind: str, name: str, version: str) -> LedgerEntry | None:
    """The entry that a release was published or withdrawn, as it stands last."""
    return LedgerEntry.objects.filter(kind=kind, body__name=name, body__version=version).order_by("-pk").first()
