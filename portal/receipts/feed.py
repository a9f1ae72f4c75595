"""The removal feed: which blobs left which published release, for those who downloaded it.

Each item names the digest of the one before it and stands in the ledger by its digest; the head, which names the last item, is
signed. So nobody can be shown a shorter or another feed without it being seen. It names no owner, no request and no reason.
"""

import hashlib
from datetime import datetime
from typing import Any

import rfc8785
from django.db import connection, transaction
from django.utils import timezone

from core import audit, ledger, signing, stores
from core.permissions import Actor
from datasets_app.models import Release
from datasets_app.pipeline import removal_feed, state
from datasets_app.pipeline.format import manifest_path
from portal.models import FeedItem
from portal.receipts.proofs import ReleaseTree

MOST_BLOBS = 10_000  # an item; more are told in several
A_PAGE = 100
KIND = "removal feed item"


def has(release: Release) -> bool:
    """Whether the feed tells of this release already."""
    return FeedItem.objects.filter(name=release.name, version=release.version).exists()


def tell(release: Release, tree: ReleaseTree, erased: set[str], actor: Actor) -> list[FeedItem]:
    """Add what left a release that ended, in the caller's transaction, while its leaves are still there.

    Where it was issued again, that is what the re-issue holds no more; else what is erased for certain.
    """
    again = release.issued_again
    if again is not None:
        folder = manifest_path(stores.folder("releases"), again.name, again.version).parent
        left = {blob.hex() for blob in state.read_leaves(folder)["blob_id"].to_pylist()}
        going = sorted({tree.ids[at : at + 20].hex() for at in range(0, len(tree.ids), 20)} - left)
    else:
        going = tree.present(erased)
    rows_after, root_after = tree.root_without(going)
    chunks = [going[at : at + MOST_BLOBS] for at in range(0, len(going), MOST_BLOBS)] or [[]]
    made = []
    for part, chunk in enumerate(chunks, 1):
        last = part == len(chunks)
        made.append(
            _append(
                name=release.name,
                version=release.version,
                part=part,
                parts=len(chunks),
                replaced_by=again.version if again else "",
                blobs=b"".join(bytes.fromhex(blob) for blob in chunk),
                rows_before=tree.manifest.rows,
                rows_after=rows_after,
                root_before=tree.manifest.tree_root,
                root_after=root_after if last else "",
            )
        )
        audit.record(actor, "tell removal feed", made[-1], blobs=len(chunk))
    return made


def document(item: FeedItem) -> dict[str, Any]:
    """An item as it is published; its digest is over this."""
    return {
        "sequence": item.sequence,
        "at": _text(item.at),
        "release": {"name": item.name, "version": item.version},
        "part": item.part,
        "parts": item.parts,
        "replaced_by": item.replaced_by,
        "blobs": [bytes(item.blobs)[at : at + 20].hex() for at in range(0, len(item.blobs), 20)],
        "rows_before": item.rows_before,
        "rows_after": item.rows_after,
        "root_before": item.root_before,
        "root_after": item.root_after,
        "previous": item.previous,
    }


def head() -> dict[str, Any]:
    """The signed head: the last item's number and digest."""
    last = FeedItem.objects.order_by("-sequence").first()
    said: dict[str, Any] = {
        "format": removal_feed.FORMAT,
        "sequence": last.sequence if last else 0,
        "digest": last.digest if last else removal_feed.START,
        "at": _text(last.at) if last else "",
    }
    return {
        "head": said,
        "public_key": signing.public_key().hex(),
        "signature": signing.sign(removal_feed.SIGNED_AS + rfc8785.dumps(said)).hex(),
    }


def page(after: int, limit: int = A_PAGE) -> dict[str, Any]:
    """Items after a number, the signed head, and the number to ask for next, or None."""
    items = list(FeedItem.objects.filter(sequence__gt=after).order_by("sequence")[:limit])
    signed = head()
    more = bool(items) and items[-1].sequence < signed["head"]["sequence"]
    return {**signed, "items": [document(item) for item in items], "next": items[-1].sequence if more else None}


def _append(**values: Any) -> FeedItem:
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(f"LOCK TABLE {FeedItem._meta.db_table} IN SHARE ROW EXCLUSIVE MODE")
        last = FeedItem.objects.order_by("-sequence").first()
        item = FeedItem(
            sequence=last.sequence + 1 if last else 1,
            at=timezone.now().replace(microsecond=0),
            previous=last.digest if last else removal_feed.START,
            **values,
        )
        item.digest = hashlib.sha256(rfc8785.dumps(document(item))).hexdigest()
        item.ledger_entry = ledger.append(KIND, {"sequence": item.sequence, "digest": item.digest})
        item.save(force_insert=True)
    return item


def _text(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
