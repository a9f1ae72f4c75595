"""What the data floor does when blobs are purged, and the check that follows: the published bytes, read again."""

from pathlib import Path

import polars as pl

from core import stores
from core.stores import Cleared, Store
from datasets_app.models import Release
from datasets_app.pipeline import held, purge
from datasets_app.pipeline.corpus import files_table
from datasets_app.pipeline.decide import Blocks
from datasets_app.pipeline.errors import PipelineError
from datasets_app.pipeline.manifest import load
from datasets_app.pipeline.progress import Progress
from datasets_app.pipeline.release import Release as OpenRelease
from datasets_app.pipeline.release_errors import NoSuchRelease
from datasets_app.pipeline.verify import verify
from datasets_app.services import blocklist

GONE = ("withdrawn", "rejected", "failed")


class PurgeIncomplete(PipelineError):
    """The check after a purge found what should be gone, or a published release that is damaged."""


def corpus_folder() -> Path:
    """Where the corpus lies."""
    return stores.folder("corpus")


def releases_folder() -> Path:
    """Where the releases lie."""
    return stores.folder("releases")


def register_stores() -> None:
    """The places of the data floor that hold content."""
    stores.register(Store("corpus", ("corpus",), purge=_purge_corpus))
    stores.register(Store("releases", ("releases",), purge=_purge_releases))


def blobs_to_remove() -> set[str]:
    """The blobs that no file holds which may stay, by the block-list of now."""
    blocks = blocklist.blocks()
    return purge.blobs_to_remove(
        files_table(corpus_folder()), blocks.owners, blocks.repositories, blocks.blobs, blocks.authors
    )


def _purge_corpus(blob_ids: set[str], progress: stores.Progress) -> Cleared:
    blocks = blocklist.blocks()
    report = purge.purge_corpus(corpus_folder(), blob_ids, blocks.owners, blocks.repositories, progress, blocks.authors)
    return Cleared("corpus", items=report.blobs, files=report.rewritten + report.deleted)


def _purge_releases(blob_ids: set[str], progress: stores.Progress) -> Cleared:
    """Delete the bytes of every release that is withdrawn, rejected or failed, and forget the paths of what is blocked."""
    blocks = blocklist.blocks()
    report = purge.forget_decisions(releases_folder(), blocks.owners, blocks.repositories, blocks.blobs, blocks.authors)
    cleared = Cleared("releases", items=report.rows, files=report.rewritten)
    for release in Release.objects.filter(state__in=GONE).order_by("pk"):
        try:
            before = load(releases_folder(), release.name, release.version)
        except NoSuchRelease:
            continue  # it never got as far as a manifest
        one = purge.withdraw_release(releases_folder(), release.name, release.version, progress)
        cleared.items += 0 if before.withdrawn else before.rows
        cleared.files += one.deleted
    return cleared


def check_published(blob_ids: set[str], progress: Progress) -> int:
    """Read every published release again. Gives how many rows were read.

    Raises:
        PurgeIncomplete: One does not verify, or still has a row of a purged blob, a blocked owner or a blocked repository.
    """
    blocks = blocklist.blocks()
    rows = 0
    for release in Release.objects.filter(state="published").order_by("pk"):
        report = verify(releases_folder(), release.name, release.version, progress)
        if not report.ok:
            raise PurgeIncomplete(f"{release} does not verify: {report.problems[0]}")
        rows += report.rows
        gone = (
            pl.col("blob_id").is_in(blob_ids)
            | pl.col("owner_key").is_in(blocks.owners)
            | pl.col("repository_key").is_in(blocks.repositories)
        )
        opened = OpenRelease.open(releases_folder(), release.name, release.version)
        found = len(held.rows(opened, Blocks(authors=blocks.authors)))
        for batch in opened.iter_rows(["blob_id", "owner_key", "repository_key"], batch=50_000):
            frame = pl.from_arrow(batch)
            assert isinstance(frame, pl.DataFrame)
            found += len(frame.filter(gone))
        if found:
            raise PurgeIncomplete(
                f"{release} still holds {found} files that should be gone. Honour the block-list now, or build and publish "
                "the next one."
            )
    return rows
