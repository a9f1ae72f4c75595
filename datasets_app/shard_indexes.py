"""Indexes beside the shards of published releases: made by jobs for what is published, one store for all, swept with every purge.

A *kind* of index lies in ``indexes/<name>/``: one file or folder a shard, and where the kind has them, one more a release. A shard
never changes, so neither does its index: a new release needs the indexes of its new shards alone. What is missing, damaged or
of older rules is made anew; what belongs to no published release goes.

A module that wants one declares a ``Kind`` and hands it to ``add`` at the start; everything else follows.
"""

import fcntl
import functools
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any, Generic, Protocol, TypeVar, cast

from django.db.models import QuerySet

from core import stores
from core.jobs import ExpectedFailure, JobContext, enqueue, job_kind
from core.permissions import SYSTEM
from core.stores import Cleared, Markers, Store
from datasets_app import data_engine, purging
from datasets_app.models import Release
from datasets_app.pipeline import manifest
from datasets_app.pipeline.atomic import TEMPORARY
from datasets_app.pipeline.errors import PipelineError
from datasets_app.pipeline.format import shard_path
from datasets_app.pipeline.release_errors import NoSuchRelease
from datasets_app.services import blocklist
from datasets_app.signals import purge_finished, release_published

FOLDER = "indexes"
LOOK_EVERY = 10.0  # seconds between two looks whether a kept index was deleted


class Index(Protocol):
    """What a purge asks of an open index."""

    def holds(self, blob_ids: Sequence[bytes]) -> bool:
        """Whether it knows one of these blobs (20 bytes each)."""

    def named(self) -> tuple[AbstractSet[str], AbstractSet[str]]:
        """The owner keys and the repository keys that stand in it."""


I_co = TypeVar("I_co", bound=Index, covariant=True)


@dataclass(frozen=True)
class OfRelease:
    """Indexes that are made once a release, for what its shards do not tell.

    Attributes:
        path: Where that of a release lies, from the folder of the kind, the release's name and its version.
        make: Makes it, whole or not at all, from the folder of the release's manifest at a path.
    """

    path: Callable[[Path, str, str], Path]
    make: Callable[[Path, Path], object]


@dataclass(frozen=True)
class Kind(Generic[I_co]):
    """One kind of index.

    Attributes:
        name: Its folder below ``indexes/``, and what its jobs are called by.
        title: Of the job that makes what is missing.
        task: The engine's task (a name in ``executors.TASKS``) ``(releases, out, {"digest"})``, which makes the index of a shard in
            the folder ``out``, whole or not at all, and gives at least ``digest`` and ``rows``.
        path: Where the index of a shard lies, from the folder of the kind and the shard's digest: in a subfolder of it.
        open: Opens an index. Raises ``FileNotFoundError`` where there is none, ``damaged`` where it cannot be used.
        damaged: See ``open``.
        of_release: Indexes of releases, where the kind has such.
    """

    name: str
    title: str
    task: str
    path: Callable[[Path, str], Path]
    open: Callable[[Path], I_co]
    damaged: type[Exception]
    of_release: OfRelease | None = None

    @property
    def job(self) -> str:
        """The kind of the jobs that make it."""
        return f"datasets.index_{self.name}"

    @property
    def folder(self) -> Path:
        """Where its indexes lie."""
        return stores.folder(FOLDER) / self.name

    def of_shard(self, digest: str) -> I_co | None:
        """The index of a shard, kept open; None where it is missing or cannot be used."""
        return self._opened(self.path(self.folder, digest))

    def of(self, release: Release) -> I_co | None:
        """The index of a release itself, likewise."""
        return self._opened(path) if (path := self.release_path(release)) else None

    def release_path(self, release: Release) -> Path | None:
        """Where the index of a release itself lies; None where the kind has no such."""
        return self.of_release.path(self.folder, release.name, release.version) if self.of_release else None

    def ask(self) -> None:
        """Have what is missing made, by a job. Asking again while it waits or runs does nothing."""
        enqueue(self.job, {}, actor=SYSTEM, dedupe_key=self.job)

    def _opened(self, path: Path) -> I_co | None:
        try:
            written = path.stat().st_mtime_ns
            kept = _kept.get(path)
            if kept is None or kept[0] != written:
                kept = _kept[path] = written, self.open(path)
                _watch()
            return cast(I_co, kept[1])
        except (FileNotFoundError, self.damaged):
            return None


_kinds: dict[str, Kind[Any]] = {}
_kept: dict[Path, tuple[int, Index]] = {}  # what this process keeps open, with the time at which it was written
_watched_in = 0  # the process in which the watch runs: a fork takes no thread along


def register() -> None:
    """The store, and what the indexes follow: a publication, and a purge. Called once, at the start."""
    stores.register(Store("indexes", (FOLDER,), purge=_purge, scan=_scan))
    release_published.connect(_changed, dispatch_uid="datasets.index-shards")
    purge_finished.connect(_changed, dispatch_uid="datasets.index-shards-again")


def add(kind: Kind[Any]) -> None:
    """A kind of index that this site keeps, and the job that makes it. Called once a kind, at the start."""
    _kinds[kind.name] = kind
    job_kind(kind.job, queue="data", title=kind.title, expected=(PipelineError,))(functools.partial(_make, kind))


def kinds() -> list[Kind[Any]]:
    """All kinds of index that this site keeps."""
    return list(_kinds.values())


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


def let_go() -> None:
    """Close what this process keeps open of indexes that were deleted or written anew: a file that is mapped stays on the disk."""
    for path, (written, _) in list(_kept.items()):
        try:
            there = path.stat().st_mtime_ns == written
        except FileNotFoundError:
            there = False
        if not there:
            _kept.pop(path, None)


def _watch() -> None:
    """Let go in this process by the clock, so that what a purge deleted is gone from the disk though nobody asks any more."""
    global _watched_in
    if _watched_in != os.getpid():
        _watched_in = os.getpid()
        Thread(target=_let_go_by_the_clock, name="deleted indexes", daemon=True).start()


def _let_go_by_the_clock() -> None:
    while True:
        time.sleep(LOOK_EVERY)
        let_go()


def missing(kind: Kind[Any]) -> tuple[list[str], list[Release]]:
    """The shards and the releases that have no index of this kind yet."""
    releases = list(published())
    digests = dict.fromkeys(digest for release in releases for digest in shards_of(release))
    return (
        [digest for digest in digests if kind.of_shard(digest) is None],
        [one for one in releases if kind.of_release and shards_of(one) and kind.of(one) is None],
    )


def _make(kind: Kind[Any], ctx: JobContext) -> dict[str, Any]:
    """Make every index of a kind that is missing, then delete those that nothing needs. May be run again after a kill."""
    shards, releases = missing(kind)
    done = rows = 0

    def tell() -> None:
        ctx.progress("indexing code", done, len(shards) + len(releases))

    tell()
    with stores.temporary_folder(f"{kind.name}-index") as work:
        run = data_engine.executor().run(
            kind.task,
            (str(purging.releases_folder()), str(work)),
            [{"digest": digest} for digest in shards if _there(digest)],
            tell,
        )
        for _, made in _until_gone(run):
            # Only under the lock, and only while the shard is published: a purge may have gone by meanwhile.
            with _alone(kind):
                if made["digest"] in _wanted():
                    _put(kind.path(work, made["digest"]), kind.path(kind.folder, made["digest"]))
            rows += made["rows"]
            done += 1
            tell()
        for release in releases:
            with _alone(kind):
                if published().filter(pk=release.pk).exists():
                    assert kind.of_release is not None
                    kind.of_release.make(release.folder, cast(Path, kind.release_path(release)))
            done += 1
            tell()
    swept = sweep(kind)
    ctx.log(
        f"{len(shards)} shards and {len(releases)} releases were indexed; {swept} indexes that nothing needs were deleted."
    )
    return {"shards": len(shards), "releases": len(releases), "rows": rows, "deleted": swept}


def sweep(kind: Kind[Any]) -> int:
    """Delete the indexes of what is not published any more, and what a kill left. Gives how many went."""
    with _alone(kind):
        wanted = {kind.path(kind.folder, digest) for digest in _wanted()}
        wanted |= {path for release in published() if (path := kind.release_path(release))}
        gone = [path for path in _paths(kind) if path not in wanted]
        for path in gone:
            _delete(path)
    return len(gone)


def _paths(kind: Kind[Any]) -> list[Path]:
    """Every index of a kind, and whatever else stands in its folder."""
    return sorted(kind.folder.glob("*/*"))


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
    """Move an index, a file or a folder, into place: under its name it is whole or absent."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = _beside(target)
    try:
        source.rename(beside)
    except OSError:  # another file system
        shutil.copytree(source, beside) if source.is_dir() else shutil.copyfile(source, beside)
    if target.is_dir():
        _delete(target)
    beside.replace(target)


def _delete(path: Path) -> None:
    """Delete an index. A folder loses its name first, so that nobody opens the half of one."""
    if not path.is_dir():
        path.unlink(missing_ok=True)
        return
    beside = _beside(path)
    path.rename(beside)
    shutil.rmtree(beside)


def _beside(path: Path) -> Path:
    return path.with_name(f"{TEMPORARY}{uuid.uuid4().hex[:12]}-{path.name}")


def _purge(blob_ids: set[str], progress: stores.Progress) -> Cleared:
    """Delete the indexes of what is published no more, those that know a removed blob, and those that name who is blocked."""
    cleared = Cleared("indexes")
    wanted = [bytes.fromhex(blob) for blob in blob_ids]
    owners, repositories = blocklist.blocked_keys()
    for kind in kinds():
        cleared.files += sweep(kind)
        with _alone(kind):
            paths = _paths(kind)
            for number, path in enumerate(paths):
                progress("purging code indexes", number, len(paths))
                if _going(kind, path, wanted, owners, repositories):
                    _delete(path)
                    cleared.files += 1
            progress("purging code indexes", len(paths), len(paths))
    let_go()
    return cleared


def _going(
    kind: Kind[Any],
    path: Path,
    blob_ids: Sequence[bytes],
    owners: AbstractSet[str] = frozenset(),
    repositories: AbstractSet[str] = frozenset(),
) -> bool:
    try:
        index: Index = kind.open(path)
        if index.holds(blob_ids):
            return True
        owner_keys, repository_keys = index.named()
    except (FileNotFoundError, kind.damaged):
        return True
    # Asked this way round: keys that are blocked may be known as hashes alone.
    return any(key in owners for key in owner_keys) or any(key in repositories for key in repository_keys)


def _scan(markers: Markers, progress: stores.Progress) -> list[str]:
    """The indexes that still know a removed blob: their bytes may show no text, so that no window would be found in them."""
    wanted = [bytes.fromhex(blob) for blob in markers.blob_ids]
    return [str(path) for kind in kinds() for path in _paths(kind) if _going(kind, path, wanted)]


def _changed(**kwargs: Any) -> None:
    for kind in kinds():
        if any(missing(kind)):
            kind.ask()


@contextmanager
def _alone(kind: Kind[Any]) -> Iterator[None]:
    """One writer of a kind at a time, over all processes that share the folder."""
    kind.folder.mkdir(parents=True, exist_ok=True)
    with (kind.folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
