"""Evidence from before an erasure: what every accepted request had in each release, proven in the release's own tree.

Taken when a purge begins, since the purge deletes the leaves of releases that ended. Of the files it keeps blob ids and digests, of
their text fingerprints alone. It can be taken again: what is there already stays as it is.
"""

import json
import zlib
from collections.abc import Iterable, Sequence, Set
from uuid import UUID

import polars as pl
from django.db import transaction

from core import audit, stores
from core.permissions import SYSTEM
from datasets_app.models import Release
from datasets_app.pipeline import manifest
from datasets_app.pipeline.errors import PipelineError
from datasets_app.pipeline.manifest import Manifest
from datasets_app.pipeline.release import Release as OpenRelease
from datasets_app.pipeline.release_errors import NoSuchRelease
from portal.models import OptOutRequest, RemovalEvidence, RemovalMarks
from portal.receipts import coverage, feed
from portal.receipts.coverage import Coverage
from portal.receipts.fingerprints import Fingerprints, new_multiplier
from portal.receipts.proofs import Proof, ReleaseTree, shard_paths

WAITING = ("accepted", "partial", "scheduled", "rebuilding")
COLUMNS = ["blob_id", "owner_key", "repository_key", "path", "size"]


def take(blobs: set[str], windows: Sequence[bytes], job: UUID) -> None:
    """Take the evidence that a purge is about to erase.

    Args:
        blobs: What the purge erases.
        windows: Text that stands in them alone.
        job: The purge.

    A release that is damaged gives none.
    """
    mark(blobs, windows, job)
    requests = list(OptOutRequest.objects.filter(state__in=WAITING))
    covered = {request.pk: coverage.of_request(request) for request in requests}
    for release in _published_once():
        try:
            found = manifest.load(stores.folder("releases"), release.name, release.version)
        except NoSuchRelease:
            continue
        if found.withdrawn or not found.shards:
            continue
        try:
            _of_release(release, found, requests, covered, blobs)
        except PipelineError as error:
            # What has to go goes, with evidence or without: the receipt then says that this release is not proven.
            audit.record(SYSTEM, "find no evidence", release, why=str(error)[:300])


def mark(blobs: set[str], windows: Sequence[bytes], job: UUID) -> None:
    """Keep the ids of the blobs, and fingerprints of these windows, for the check."""
    if not blobs:
        return
    multiplier = new_multiplier()
    values = Fingerprints(multiplier).of(windows)
    ids = b"".join(bytes.fromhex(blob) for blob in sorted(blobs))
    RemovalMarks.objects.update_or_create(
        purge=job, defaults={"multiplier": multiplier, "fingerprints": values, "blobs": ids}
    )


def unmark(back: Set[str]) -> None:
    """Look no more for blobs that are back by right, whichever purge marked them, in the caller's transaction.

    A fingerprint does not say of which blob it is, so those beside them go too; the ids of the others are looked for still.
    """
    for one in RemovalMarks.objects.select_for_update():
        ids = bytes(one.blobs)
        marked = {ids[at : at + 20].hex() for at in range(0, len(ids), 20)}
        if marked <= back:
            one.delete()
        elif not marked.isdisjoint(back):
            one.blobs = b"".join(bytes.fromhex(blob) for blob in sorted(marked - back))
            one.fingerprints = b""
            one.save(update_fields=["blobs", "fingerprints"])


def proof_of(evidence: RemovalEvidence) -> Proof:
    """The proof that the files were in the release."""
    proof: Proof = json.loads(zlib.decompress(evidence.tree))
    return proof


def _published_once() -> list[Release]:
    """Releases that are published, or were, oldest first."""
    rows = Release.objects.filter(state__in=("published", "withdrawn"), published_at__isnull=False)
    return list(rows.only("name", "version", "state", "reissue_of", "published_at").order_by("pk"))


def _of_release(
    release: Release,
    found: Manifest,
    requests: Iterable[OptOutRequest],
    covered: dict[int, Coverage],
    blobs: set[str],
) -> None:
    have = set(
        RemovalEvidence.objects.filter(name=found.name, version=found.version).values_list("request_id", flat=True)
    )
    asked = [request for request in requests if request.pk not in have]
    telling = release.state == "withdrawn" and not feed.has(release)
    rows = _rows(found, [covered[request.pk] for request in asked])
    if not telling and rows.is_empty():
        return
    tree = ReleaseTree(stores.folder("releases"), found)
    with transaction.atomic():
        for request in asked:
            _of_request(request, found, tree, rows, covered[request.pk])
        if telling:
            feed.tell(release, tree, blobs, SYSTEM)


def _rows(found: Manifest, covered: list[Coverage]) -> pl.DataFrame:
    """The rows of a release that any of the requests may cover. Row groups of other owners are passed over where they can be."""
    total = coverage.of_all(covered)
    if total == Coverage():
        return pl.DataFrame(schema=dict.fromkeys(COLUMNS[:-1], pl.String) | {"size": pl.Int64})
    everything = pl.scan_parquet(shard_paths(stores.folder("releases"), found)).select(COLUMNS)
    rows = everything.filter(total.rows).collect()
    if total.authors:
        places = coverage.authored(OpenRelease(stores.folder("releases"), found), total)
        alone = everything.join(places.lazy(), on=["repository_key", "path"], how="semi").collect()
        rows = pl.concat([rows, alone]).unique(["repository_key", "path"], maintain_order=True)
    return rows


def _of_request(
    request: OptOutRequest, found: Manifest, tree: ReleaseTree, rows: pl.DataFrame, covered: Coverage
) -> None:
    own = rows.filter(covered.own)
    if covered.authors:
        places = coverage.authored(OpenRelease(stores.folder("releases"), found), covered)
        own = rows.join(places, on=["repository_key", "path"], how="semi")
    others = rows.filter(covered.rows).join(own, on=["repository_key", "path"], how="anti")
    held = pl.concat([own, others])
    if held.is_empty():
        return
    proof = tree.proof(held["blob_id"])
    if len(proof["indices"]) != held["blob_id"].n_unique():
        raise PipelineError(f"The leaves of {found.name} {found.version} lack rows that its shards hold.")
    where = own.select("repository_key", "path").iter_rows()
    RemovalEvidence.objects.get_or_create(
        request=request,
        name=found.name,
        version=found.version,
        defaults={
            "tree": zlib.compress(json.dumps(proof).encode()),
            "places": b"".join(sorted(coverage.place_of(repository, path) for repository, path in where)),
            "own": len(own),
            "ring_a": len(others.filter(pl.col("blob_id").is_in(sorted(covered.ring_a)))),
            "ring_b": len(others.filter(~pl.col("blob_id").is_in(sorted(covered.ring_a)))),
            "bytes": int(held["size"].sum()),
        },
    )
