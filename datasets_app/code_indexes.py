"""The indexes by which pasted code is found: made by a job for what is published, a store of their own, swept with every purge.

They lie in ``indexes/code/``: one file a shard, one more a release for the copies of its blobs. A new release needs the indexes of its
new shards alone. What is missing, damaged or of older rules is made anew; what belongs to no published release goes.
"""

import fcntl
import functools
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db.models import QuerySet

from core import stores
from core.jobs import ExpectedFailure, JobContext, enqueue, job_kind
from core.permissions import SYSTEM
from core.stores import Cleared, Markers, Store
from datasets_app import data_engine, purging
from datasets_app.models import Release
from datasets_app.pipeline import manifest
from datasets_app.pipeline.atomic import TEMPORARY
from datasets_app.pipeline.code_copies import copies_path, index_copies, names
from datasets_app.pipeline.code_index import CodeIndex, IndexDamaged, index_path
from datasets_app.pipeline.errors import PipelineError
from datasets_app.pipeline.format import shard_path
from datasets_app.pipeline.release_errors import NoSuchRelease
from datasets_app.services import blocklist
from datasets_app.signals import purge_finished, release_published

FOLDER = "indexes"
KIND = "datasets.index_code"
OPEN = 4096  # indexes that one process keeps mapped


def folder() -> Path:
    """Where the indexes of code lie."""
    return stores.folder(FOLDER) / "code"


def register() -> None:
    """The store, and what the indexes follow: a publication, and a purge. Called once, at the start."""
    stores.register(Store("code index", (FOLDER,), purge=_purge, scan=_scan))
    release_published.connect(_changed, dispatch_uid="datasets.index-code")
    purge_finished.connect(_changed, dispatch_uid="datasets.index-code-again")


def published() -> QuerySet[Release]:
    """The releases that are searched, the newest first."""
    rows = Release.objects.filter(state="published").defer("recipe", "funnel", "languages", "licences")
    return rows.order_by("-published_at", "-pk")


def shards_of(release: Release) -> tuple[str, ...]:
    """The digests of a release's shards; none where its manifest is gone."""
    return _shards(str(purging.releases_folder()), release.name, release.version, release.digest_bytes)


@functools.lru_cache(maxsize=256)
def _shards(root: str, name: str, version: str, digest: str) -> tuple[str, ...]:
    try:
        return tuple(shard["digest"] for shard in manifest.load(Path(root), name, version).shards)
    except NoSuchRelease:
        return ()


def opened(path: Path) -> CodeIndex | None:
    """An index, kept open; None where it is missing or cannot be used."""
    try:
        return _opened(path, path.stat().st_mtime_ns)
    except (FileNotFoundError, IndexDamaged):
        return None


@functools.lru_cache(maxsize=OPEN)
def _opened(path: Path, written: int) -> CodeIndex:
    return CodeIndex.open(path)


def missing() -> tuple[list[str], list[Release]]:
    """The shards and the releases that have no index yet."""
    releases = list(published())
    digests = dict.fromkeys(digest for release in releases for digest in shards_of(release))
    return (
        [digest for digest in digests if opened(index_path(folder(), digest)) is None],
        [one for one in releases if shards_of(one) and opened(copies_path(folder(), one.name, one.version)) is None],
    )


def ask_for_indexes() -> None:
    """Have what is missing made, by a job. Asking again while it waits or runs does nothing."""
    enqueue(KIND, {}, actor=SYSTEM, dedupe_key=KIND)


@job_kind(KIND, queue="data", title="Index code for search", expected=(PipelineError,))
def make_indexes(ctx: JobContext) -> dict[str, Any]:
    """Make every index that is missing, then delete those that nothing needs. May be run again after a kill."""
    shards, copies = missing()
    ctx.progress("indexing code", 0, len(shards) + len(copies))
    done = rows = 0
    with stores.temporary_folder("code-index") as work:
        run = data_engine.executor().run(
            "index_shard",
            (str(purging.releases_folder()), str(work)),
            [{"digest": digest} for digest in shards if _there(digest)],
            lambda: ctx.progress("indexing code", done, len(shards) + len(copies)),
        )
        for _, made in _until_gone(run):
            # Only under the lock, and only while the shard is published: a purge may have gone by meanwhile.
            with _alone():
                if made["digest"] in _wanted():
                    _put(index_path(work, made["digest"]), index_path(folder(), made["digest"]))
            rows += made["rows"]
            done += 1
            ctx.progress("indexing code", done, len(shards) + len(copies))
        for release in copies:
            with _alone():
                if published().filter(pk=release.pk).exists():
                    index_copies(release.folder, copies_path(folder(), release.name, release.version))
            done += 1
            ctx.progress("indexing code", done, len(shards) + len(copies))
    swept = sweep()
    ctx.log(
        f"{len(shards)} shards and {len(copies)} releases were indexed; {swept} indexes that nothing needs were deleted."
    )
    return {"shards": len(shards), "releases": len(copies), "rows": rows, "deleted": swept}


def sweep() -> int:
    """Delete the indexes of what is not published any more, and what a kill left. Gives how many files went."""
    with _alone():
        root, wanted = folder(), _wanted()
        releases = {copies_path(root, one.name, one.version) for one in published()}
        gone = [
            path
            for path in root.rglob("*")
            if path.is_file()
            and path != root / "lock"
            and path not in releases
            and (path.stem not in wanted or path.name.startswith(TEMPORARY))
        ]
        for path in gone:
            path.unlink()
    return len(gone)


def _wanted() -> set[str]:
    return {digest for release in published() for digest in shards_of(release)}


def _there(digest: str) -> bool:
    return shard_path(purging.releases_folder(), digest).exists()


def _until_gone(run: Iterator[tuple[int, Any]]) -> Iterator[tuple[int, Any]]:
    try:
        yield from run
    except FileNotFoundError as error:
        raise ExpectedFailure(
            "A shard was withdrawn while it was indexed. What is missing is made when the purge ends."
        ) from error


def _put(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        source.replace(target)
    except OSError:  # another file system
        beside = target.with_name(f"{TEMPORARY}{target.name}")
        shutil.copyfile(source, beside)
        beside.replace(target)


def _purge(blob_ids: set[str], progress: stores.Progress) -> Cleared:
    """Delete the indexes of what is published no more, those that know a removed blob, and those that name who is blocked."""
    cleared = Cleared("code index", files=sweep())
    wanted = [bytes.fromhex(blob) for blob in blob_ids]
    owners, repositories = blocklist.blocked_keys()
    with _alone():
        paths = sorted(folder().rglob("*.index"))
        for number, path in enumerate(paths):
            progress("purging code indexes", number, len(paths))
            try:
                index = CodeIndex.open(path)
                going = index.holds(wanted) or names(index, owners, repositories)
            except IndexDamaged:
                going = True
            if going:
                path.unlink()
                cleared.files += 1
        progress("purging code indexes", len(paths), len(paths))
    return cleared


def _scan(markers: Markers, progress: stores.Progress) -> list[str]:
    """The indexes that still know a removed blob: their bytes show no text, so no window would be found in them."""
    wanted = [bytes.fromhex(blob) for blob in markers.blob_ids]
    found = []
    for path in sorted(folder().rglob("*.index")):
        try:
            if CodeIndex.open(path).holds(wanted):
                found.append(str(path))
        except IndexDamaged:
            found.append(str(path))
    return found


def _changed(**kwargs: Any) -> None:
    if any(missing()):
        ask_for_indexes()


@contextmanager
def _alone() -> Iterator[None]:
    """One writer at a time, over all processes that share the folder."""
    folder().mkdir(parents=True, exist_ok=True)
    with (folder() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
