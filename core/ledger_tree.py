"""Reading the ledger's tree from the database: tiles, checkpoints, entries by their number."""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from core import notes, signing
from core.models import LedgerCheckpoint, LedgerCosignature, LedgerEntry, LedgerPlace, LedgerTile
from core.tiles import WIDTH, TileTree


def origin() -> str:
    """The ledger's name: that of its first checkpoint for ever; before it, what the setting says."""
    newest = latest()
    return notes.Checkpoint.parse(newest.note).origin if newest else settings.FAIRSTACK_LEDGER_ORIGIN


def log_key() -> notes.Verifier:
    """The key that signs checkpoints now, under the ledger's name."""
    return notes.Verifier(origin(), signing.public_key())


def log_keys() -> list[notes.Verifier]:
    """The key of now and those of before."""
    now = log_key()
    return [now, *(notes.Verifier(now.name, key) for key in signing.former_keys())]


def latest() -> LedgerCheckpoint | None:
    """The newest checkpoint, or None where the sequencer never ran."""
    return LedgerCheckpoint.objects.order_by("-pk").first()


def size() -> int:
    """How many entries have their place."""
    newest = latest()
    return newest.size if newest else 0


def signed_note(checkpoint: LedgerCheckpoint) -> str:
    """The checkpoint as it is served: the log's signature, then those of the witnesses that cosigned it."""
    lines = LedgerCosignature.objects.filter(size=checkpoint.size).values_list("line", flat=True)
    return checkpoint.note + "".join(lines)


def leaf_hashes(start: int, end: int) -> list[bytes]:
    """The leaf hashes of the entries with the numbers from ``start`` to before ``end``."""
    found = LedgerPlace.objects.filter(number__gte=start, number__lt=end).order_by("number")
    return [
        bytes.fromhex(text) for text in found.values_list("entry__leaf_hash", flat=True).iterator(chunk_size=10_000)
    ]


def tile_roots(level: int, start: int, end: int) -> list[bytes]:
    """The roots of full tiles of a level: the hashes of the level above."""
    found = LedgerTile.objects.filter(level=level, number__gte=start, number__lt=end).order_by("number")
    return [bytes(root) for root in found.values_list("root", flat=True).iterator(chunk_size=10_000)]


def hashes_at(level: int, start: int, end: int) -> list[bytes]:
    """The hashes from ``start`` to before ``end`` of a level of tiles."""
    return tile_roots(level - 1, start, end) if level else leaf_hashes(start, end)


def fetch(level: int, number: int, width: int) -> bytes:
    """The first ``width`` hashes of a tile: ``core.tiles.Fetch``. Shorter where the ledger has fewer."""
    full = LedgerTile.objects.filter(level=level, number=number).values_list("hashes", flat=True).first()
    if full is not None:
        return bytes(full)[: width * 32]
    return b"".join(hashes_at(level, number * WIDTH, number * WIDTH + width))


def tree(size: int) -> TileTree:
    """The tree of the first ``size`` entries."""
    return TileTree(size, fetch)


def entries(start: int, end: int) -> QuerySet[LedgerEntry, Any]:
    """The entries with the numbers from ``start`` to before ``end``, in order, each with its place."""
    return (
        LedgerEntry.objects.filter(place__number__gte=start, place__number__lt=end)
        .select_related("place")
        .order_by("place__number")
    )
