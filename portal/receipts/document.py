"""What a receipt says: put together from the request, the evidence before, the releases of now and the ledger."""

from collections.abc import Iterable
from typing import Any

import rfc8785
from django.conf import settings
from django.utils import timezone

from core import signing, stores
from core.errors import Conflict
from core.models import LedgerEntry
from datasets_app.models import Release
from datasets_app.pipeline import manifest
from modelzoo.models import Revision
from portal.models import OptOutRequest, Proof
from portal.receipts import evidence, ledger_proofs
from portal.receipts.proofs import ReleaseTree, shown_blobs

FORMAT = "fairstack-receipt-1"
SIGNED_AS = b"fairstack receipt 1\n"
PUBLISHED, WITHDRAWN = "release published", "release withdrawn"

LIMITS = [
    "Copies that others downloaded before are out of our reach.",
    "Models that were trained before stay as they are.",
    "Single lines that also stand in files of others (snippets) stay, and are shown by attribution.",
]


class Trees:
    """The trees of the published releases, opened once for many receipts."""

    def __init__(self) -> None:
        self._open: dict[int, ReleaseTree] = {}

    def published(self) -> list[tuple[Release, ReleaseTree]]:
        """Every published release with its tree, oldest first.

        Raises:
            PipelineError: One is damaged.
        """
        root = stores.folder("releases")
        found = []
        for release in Release.objects.filter(state="published").order_by("pk"):
            if release.pk not in self._open:
                self._open[release.pk] = ReleaseTree(root, manifest.load(root, release.name, release.version))
            found.append((release, self._open[release.pk]))
        return found


def build(request: OptOutRequest, trees: Trees) -> dict[str, Any]:
    """The content of the receipt of a request that is removed.

    Raises:
        Conflict: The ledger lacks an entry that the receipt needs.
        PipelineError: A published release is damaged.
    """
    assert request.ledger_entry is not None and request.decided_at is not None
    taken = list(request.evidence.all())
    before = {(one.name, one.version): evidence.proof_of(one) for one in taken}
    held = {blob for proof in before.values() for blob in shown_blobs(proof)}
    published = trees.published()
    remains = {blob for _, tree in published for blob in tree.present(held)}
    gone = sorted(held - remains)
    after = [(release, tree.proof(gone)) for release, tree in published]
    entries = [request.ledger_entry]
    for name, version in before:
        entries += [_entry(PUBLISHED, name, version), _entry(WITHDRAWN, name, version)]
    entries += [_entry(PUBLISHED, release.name, release.version) for release, _ in after]
    shown = ledger_proofs.show(entries)
    first, consistency = ledger_proofs.growth(request.decided_at, shown.size)
    return {
        "format": FORMAT,
        "site": {
            "name": settings.FAIRSTACK_SITE_NAME,
            "url": settings.FAIRSTACK_SITE_URL,
            "contact": settings.FAIRSTACK_CONTACT,
        },
        "reference": request.reference,
        "scope": {
            "forge": request.forge,
            "account": request.account,
            "scope": request.scope,
            "repositories": request.ledger_record["repositories"],
            "copies": request.copies,
        },
        "proofs": _proofs(request),
        "dates": {
            "received": _date(request.submitted_at),
            "verified": _date(request.verified_at),
            "accepted": request.ledger_record["accepted_at"],
            "removed": _date(request.removed_at),
            "signed": _date(timezone.now()),
        },
        "ledger": {
            "checkpoint": shown.checkpoint,
            "checkpoint_at_acceptance": first,
            "consistency": consistency,
            "acceptance": {
                **shown.of(request.ledger_entry),
                "key": bytes(request.ledger_key or b"").hex(),
                "record": request.ledger_record,
            },
            "releases": [shown.of(entry) for entry in entries[1:]],
        },
        "releases": {
            "before": [
                {
                    "name": one.name,
                    "version": one.version,
                    "tree": before[one.name, one.version],
                    "files": {"own": one.own, "ring_a": one.ring_a, "ring_b": one.ring_b},
                    "bytes": one.bytes,
                }
                for one in taken
            ],
            "after": [{"name": one.name, "version": one.version, "tree": proof} for one, proof in after],
        },
        "removed": {
            "blobs": len(gone),
            "ring_a": max((one.ring_a for one in taken), default=0),
            "ring_b": max((one.ring_b for one in taken), default=0),
            "own": max((one.own for one in taken), default=0),
        },
        "remains": {
            "blobs": sorted(remains),
            "issued_again": [f"{one.name} {one.version}" for one, _ in after if one.reissue_of_id],
            "limits": LIMITS,
        },
        "unproven": _unproven(request, before),
        "cleared": request.removed.get("cleared", []),
        "check": request.removed.get("check", {}),
        "models": models(request, before),
        "next_training": _next_training(published),
    }


def sign(receipt: dict[str, Any]) -> bytes:
    """The file: the receipt with the signature over its RFC 8785 form."""
    signature = signing.sign(SIGNED_AS + rfc8785.dumps(receipt))
    envelope: dict[str, Any] = {
        "receipt": receipt,
        "public_key": signing.public_key().hex(),
        "signature": signature.hex(),
    }
    return rfc8785.dumps(envelope) + b"\n"


def models(request: OptOutRequest, before: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """Each revision in the zoo: trained before on what went, or not, or nobody knows."""
    held = set(before) | {
        (entry["name"], entry["version"]) for entry in request.exposure if entry["files"] or entry.get("copies")
    }
    rows = Revision.objects.filter(withdrawn_at=None).select_related("model", "release").order_by("model_id", "pk")
    found = []
    for revision in rows:
        release = revision.release
        if release is None:
            standing = "unknown"
        elif (release.name, release.version) in held:
            standing = "trained before"
        else:
            standing = "excluded"
        on = f"{release.name} {release.version}" if release else ""
        found.append({"name": f"{revision.model.repo_id}@{revision.sha[:10]}", "release": on, "standing": standing})
    return found


def _entry(kind: str, name: str, version: str) -> LedgerEntry:
    found = ledger_proofs.of_release(kind, name, version)
    if found is None:
        raise Conflict(f"The ledger has no entry “{kind}” of {name} {version}, so its root cannot be shown.")
    return found


def _proofs(request: OptOutRequest) -> list[str]:
    passed = Proof.objects.filter(request=request, passed_at__isnull=False)
    return sorted(set(passed.values_list("kind", flat=True)))


def _unproven(request: OptOutRequest, before: Iterable[tuple[str, str]]) -> list[str]:
    """Releases that held something when the request was accepted, by the site's own list, and of which there is no proof."""
    proven = set(before)
    return [
        f"{entry['name']} {entry['version']}"
        for entry in request.exposure
        if entry["files"] and (entry["name"], entry["version"]) not in proven
    ]


def _next_training(published: list[tuple[Release, ReleaseTree]]) -> str:
    if not published:
        return "No release is published: no run can start."
    newest = max((release for release, _ in published), key=lambda one: (one.blocklist_position, one.pk))
    first = f"{newest.name} {newest.version}"
    return f"Runs start on published releases alone, whose block-list is current. From {first} on, they are without it."


def _date(at: object) -> str:
    return at.isoformat() if hasattr(at, "isoformat") else ""
