"""Copies of releases in a second storage, a bucket most often, from which anybody can read them as they read the first.

The layout is that of the releases folder, without the decisions (which are for staff). Shards go first, each read back; the
manifest comes last, by conditional creation: a release without it does not exist. What is withdrawn keeps its figures alone, and
shards that no manifest lists are deleted with every former version and every unfinished upload.

One process at a time writes to a mirror: those who call these functions take turns.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from datasets_app.pipeline import manifest
from datasets_app.pipeline.errors import StorageError
from datasets_app.pipeline.format import manifest_path, shard_path
from datasets_app.pipeline.manifest import Manifest
from datasets_app.pipeline.progress import Progress, silent
from datasets_app.pipeline.release import Release
from datasets_app.pipeline.release_errors import NoSuchRelease, ReleaseExists
from datasets_app.pipeline.storage import Storage, file_digest, read_bytes

# A mirror may lie beside other files, and these alone are its own to delete.
_OURS = re.compile(r"shards/[0-9a-f]{2}/[0-9a-f]{64}\.parquet|[^/]+/[^/]+/holdings\.parquet")


@dataclass
class MirrorReport:
    """What was done.

    Attributes:
        shards: Shards of the releases concerned.
        copied: Files that were stored.
        bytes: In them.
        deleted: Files that were deleted, former versions and unfinished uploads included.
        withdrawn: Releases that were withdrawn now.
    """

    shards: int = 0
    copied: int = 0
    bytes: int = 0
    deleted: int = 0
    withdrawn: int = 0


def push(releases: Path, mirror: Storage, name: str, version: str, progress: Progress = silent) -> MirrorReport:
    """Copy a release to the mirror. What is there already is not copied again, so a push that was cut off goes on.

    Raises:
        NoSuchRelease: There is none, or it was withdrawn.
        ReleaseExists: The mirror has another release of this name and version, or withdrew it.
        StorageError: The mirror does not answer, or gives back other bytes than it was given.
    """
    release = Release.open(releases, name, version)
    place = manifest_path(Path(), name, version)
    if (there := _there(mirror, release.manifest)) is not None:
        _check_same(release.manifest, there, mirror)
    report = MirrorReport(shards=len(release.manifest.shards))
    files = [(shard_path(Path(), shard["digest"]), shard["digest"]) for shard in release.manifest.shards]
    files.append((place.with_name("holdings.parquet"), ""))
    for number, (file, digest) in enumerate(files):
        progress("copying to the mirror", number, len(files))
        source = releases / file
        if mirror.size(file.as_posix()) == source.stat().st_size:
            continue
        mirror.put(file.as_posix(), source)
        if file_digest(mirror, file.as_posix()) != (digest or file_digest(release.storage, file.as_posix())):
            mirror.delete([file.as_posix()])
            raise StorageError(f"{mirror.address} gives back other bytes of {file} than it was given. Try again.")
        report.copied += 1
        report.bytes += source.stat().st_size
    if not mirror.create(place.as_posix(), read_bytes(release.storage, place.as_posix())):
        _check_same(release.manifest, manifest.load(mirror, name, version), mirror)
    progress("copying to the mirror", len(files), len(files))
    return report


def clear(mirror: Storage, withdrawn: Iterable[tuple[str, str]], progress: Progress = silent) -> MirrorReport:
    """Withdraw these releases from the mirror, and delete for good whatever no release of it lists any more.

    May be called again: one that was cut off is finished so. Releases that the mirror does not have are passed over.

    Raises:
        StorageError: The mirror does not answer, or does not delete.
    """
    report = MirrorReport()
    for name, version in withdrawn:
        try:
            report.withdrawn += _withdraw(mirror, name, version)
        except NoSuchRelease:
            continue
    stray = _unlisted(mirror)
    for number, file in enumerate(stray):
        progress("deleting from the mirror", number, len(stray))
        report.deleted += mirror.delete([file])
    report.deleted += mirror.sweep()
    if left := _unlisted(mirror):
        raise StorageError(f"{len(left)} files of {mirror.address} should be gone and are still there. Try again.")
    progress("deleting from the mirror", len(stray), len(stray))
    return report


def _unlisted(mirror: Storage) -> list[str]:
    """The files of a mirror's own that no release lists which stands."""
    standing = [found for found in manifest.load_all(mirror) if not found.withdrawn]
    listed = {shard_path(Path(), shard["digest"]) for found in standing for shard in found.shards}
    listed |= {manifest_path(Path(), found.name, found.version).with_name("holdings.parquet") for found in standing}
    return [file.name for file in mirror.files() if _OURS.fullmatch(file.name) and Path(file.name) not in listed]


def _withdraw(mirror: Storage, name: str, version: str) -> bool:
    """Leave the figures of a release in its manifest; whether this call did."""
    place = manifest_path(Path(), name, version).as_posix()
    found = manifest.load(mirror, name, version)
    if found.withdrawn:
        return False
    before = read_bytes(mirror, place)
    if not mirror.replace(place, before, found.as_withdrawn().to_json().encode()):
        raise StorageError(f"{place} at {mirror.address} was changed by somebody else at the same moment. Try again.")
    return True


def _there(mirror: Storage, wanted: Manifest) -> Manifest | None:
    try:
        return manifest.load(mirror, wanted.name, wanted.version)
    except NoSuchRelease:
        return None


def _check_same(wanted: Manifest, there: Manifest, mirror: Storage) -> None:
    if there.withdrawn:
        raise ReleaseExists(f"{mirror.address} withdrew {there.name} {there.version}; its number is not used again.")
    if there.digest_bytes != wanted.digest_bytes:
        raise ReleaseExists(
            f"{mirror.address} has another release {there.name} {there.version}: its digest is {there.digest_bytes}. "
            "Two sites may not share a mirror: give each a prefix of its own."
        )
