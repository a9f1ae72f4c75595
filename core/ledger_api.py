"""The ledger's API: for programs that want proofs ready made. The static tiles below ``/ledger/`` give the same without trusting this.

Hashes are in hex. All of it is public but the cosignatures, which only known witnesses can give.
"""

from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest
from ninja import Field, Router, Schema

from core import ledger, ledger_tree, ledger_witnesses, limits, notes, signing
from core.errors import InvalidInput
from core.models import LedgerEntry

router = Router(tags=["ledger"])


class CheckpointOut(Schema):
    """A signed tree head."""

    size: int
    root: str
    at: datetime
    note: str = Field(description="The signed note, with the witnesses' cosignatures.")


class EntryOut(Schema):
    """One act. A personal one has a commitment in place of a body."""

    number: int
    at: datetime
    kind: str
    body: Any | None
    commitment: str
    leaf_hash: str


class InclusionOut(Schema):
    """That an entry stands in the tree of ``size`` entries."""

    index: int
    size: int
    leaf_hash: str
    hashes: list[str]
    checkpoint: str


class ConsistencyOut(Schema):
    """That the tree of ``new`` entries begins with that of ``old``."""

    old: int
    new: int
    hashes: list[str]


class KeysOut(Schema):
    """The keys that sign, as text (``name+id+base64``)."""

    key: str
    fingerprint: str = Field(
        description="SHA-256 of the raw public key: compare it with one that you have from elsewhere."
    )
    former: list[str]
    witnesses: list[str]


class CosignatureIn(Schema):
    """A witness's line for the checkpoint of ``size`` entries."""

    size: int
    line: str = Field(max_length=1000)


class CosignatureOut(Schema):
    """That it was taken."""

    size: int
    witness: str


@router.get("ledger/checkpoint", response=CheckpointOut, auth=None, summary="The newest checkpoint")
def get_checkpoint(request: HttpRequest) -> dict[str, Any]:
    """404 before the first one."""
    newest = ledger_tree.latest()
    if newest is None:
        raise Http404("There is no checkpoint yet.")
    return {"size": newest.size, "root": newest.root, "at": newest.at, "note": ledger_tree.signed_note(newest)}


@router.get("ledger/keys", response=KeysOut, auth=None, summary="Keys of the ledger and its witnesses")
def get_keys(request: HttpRequest) -> dict[str, Any]:
    """Public keys only."""
    now, *former = ledger_tree.log_keys()
    return {
        "key": str(now),
        "fingerprint": signing.fingerprint(),
        "former": [str(one) for one in former],
        "witnesses": [str(one) for one in ledger_witnesses.known()],
    }


@router.get("ledger/entries", response=list[EntryOut], auth=None, summary="Entries in order")
def get_entries(request: HttpRequest, start: int = 0, limit: int = 100) -> list[dict[str, Any]]:
    """From number ``start`` on, at most 256."""
    first = max(0, min(start, 2**62))
    return [_shown(entry) for entry in ledger_tree.entries(first, first + max(1, min(limit, 256)))]


@router.get("ledger/entries/{int:number}", response=EntryOut, auth=None, summary="One entry")
def get_entry(request: HttpRequest, number: int) -> dict[str, Any]:
    """404 where there is none."""
    return _shown(_entry(number))


@router.get("ledger/inclusion", response=InclusionOut, auth=None, summary="Proof of inclusion")
def get_inclusion(request: HttpRequest, number: int) -> dict[str, Any]:
    """Against the newest checkpoint."""
    entry = _entry(number)
    proof = ledger.inclusion(entry)
    return {
        "index": proof.index,
        "size": proof.size,
        "leaf_hash": entry.leaf_hash,
        "hashes": [one.hex() for one in proof.hashes],
        "checkpoint": proof.checkpoint,
    }


@router.get("ledger/consistency", response=ConsistencyOut, auth=None, summary="Proof of consistency")
def get_consistency(request: HttpRequest, old: int, new: int) -> dict[str, Any]:
    """422 where the ledger has not that many entries."""
    return {"old": old, "new": new, "hashes": [one.hex() for one in ledger.consistency(old, new)]}


@router.post("ledger/cosignatures", response=CosignatureOut, auth=None, summary="Cosign a checkpoint")
def post_cosignature(request: HttpRequest, given: CosignatureIn) -> dict[str, Any]:
    """For witnesses whose key this site knows; the signature is the permission. 422 where it is false."""
    limits.hit("cosign", limits.network(request))
    if not 0 <= given.size < 2**62:
        raise InvalidInput("A size is a number of entries.", "size")
    kept = ledger_witnesses.accept(given.size, given.line)
    return {"size": kept.size, "witness": notes.Verifier.parse(kept.witness).name}


def _entry(number: int) -> LedgerEntry:
    entry = ledger_tree.entries(number, number + 1).first() if 0 <= number < 2**62 else None
    if entry is None:
        raise Http404("The ledger has no entry of this number.")
    return entry


def _shown(entry: LedgerEntry) -> dict[str, Any]:
    return {
        "number": entry.place.number,
        "at": entry.at,
        "kind": entry.kind,
        "body": entry.body,
        "commitment": entry.commitment,
        "leaf_hash": entry.leaf_hash,
    }
