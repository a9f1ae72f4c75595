"""What every maker of a release does around its shards: clear a work folder, and commit by one rename."""

import shutil
from pathlib import Path

from datasets_app.pipeline import atomic, placement, planning, shards
from datasets_app.pipeline.format import manifest_path, shard_path
from datasets_app.pipeline.manifest import Manifest
from datasets_app.pipeline.progress import Progress
from datasets_app.pipeline.release_errors import ShardsGone
from datasets_app.pipeline.shards import ShardEntry
from datasets_app.pipeline.workspace import shelf_lock


def drop_unfinished(work: Path) -> None:
    """Leave in the work folder of a killed maker only its finished shards."""
    atomic.sweep(work)
    shutil.rmtree(work / "release", ignore_errors=True)
    (work / planning.ROWS_NAME).unlink(missing_ok=True)


def commit(releases: Path, work: Path, result: Manifest, progress: Progress) -> None:
    """Move the new shards to the shelf and ``work/release`` to its place. The rename of that folder is the commit.

    Raises:
        ShardsGone: A shard that was to be taken over stands on the shelf no more.
    """
    progress("committing", 0, 1)
    with shelf_lock(releases):
        made = {path.stem for path in work.glob("*.parquet")}
        for entry in result.shards:
            if entry["input_digest"] in made:
                pending = shards.pending_path(work, entry["input_digest"])
                shelf = shard_path(releases, entry["digest"])
                shelf.parent.mkdir(parents=True, exist_ok=True)
                pending.rename(shelf)
                atomic.flush_folder(shelf.parent)
            elif not planning.is_whole(releases, entry):
                raise gone(entry)
        home = manifest_path(releases, result.name, result.version).parent
        (work / "release").rename(home)
        atomic.flush_folder(home.parent)
    progress("committing", 1, 1, f"{result.name} {result.version} stands, digest {result.digest_bytes}")


def gone(entry: ShardEntry) -> ShardsGone:
    """The error for a shard that went while a release was being made of it."""
    return ShardsGone(
        f"The shard {placement.shard_name(entry['language'], entry['bucket'])} that was to be taken over was deleted in "
        "the meantime, because its release was withdrawn. Build again."
    )
