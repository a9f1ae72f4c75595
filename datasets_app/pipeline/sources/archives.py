"""Archives of packages in a folder: source distributions (``.tar.gz``, ``.tgz``, ``.tar.bz2``, ``.zip``) and wheels.

Owner, repository and licence come from PKG-INFO or METADATA, by the same rules as for installed packages; a package that names
no repository stands under ``pypi.org/<package>``. Of one package the newest version stands (PEP 440), of one version the source
distribution before a wheel. Where all releases are asked for, each stands in a folder of its own, so that the repository has one
key and its paths are unique.

Paths: those of the archive without its top folder ``name-version/``. Several packages of one repository stand each below
``<package>/``; with all releases, each below ``<package>-<version>/``.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from datasets_app.pipeline.errors import SourceError
from datasets_app.pipeline.licence_files import is_licence_file
from datasets_app.pipeline.progress import Progress
from datasets_app.pipeline.sources.archive_files import (
    NOT_READ,
    TAR,
    ZIP,
    Archive,
    ArchiveLimits,
    ArchiveRefused,
    Member,
)
from datasets_app.pipeline.sources.base import FileSkipped, RepositoryRecord, SourceFile
from datasets_app.pipeline.sources.metadata import (
    FALLBACK_FORGE,
    METADATA_LIMIT,
    Description,
    describe,
    is_tools_own,
    no_repository,
    record_of,
)

_SDIST = re.compile(r"(?P<name>.+?)-(?P<version>v?\d[^-]*(?:-\d+)?)", re.ASCII)
_WHEEL = re.compile(r"(?P<name>[^-]+)-(?P<version>[^-]+)-.+", re.ASCII)
_WHEEL_FOLDER = re.compile(r"[^/]+\.dist-info/METADATA")


@dataclass(frozen=True)
class _Release:
    """One archive as its file's name describes it."""

    path: Path
    package: str
    version: str
    wheel: bool

    @property
    def order(self) -> tuple[bool, Version, bool, str]:
        """The greatest is the one that stands: valid and newest version, sources before wheels, then by name."""
        try:
            return True, Version(self.version), not self.wheel, self.path.name
        except InvalidVersion:
            return False, Version("0"), not self.wheel, self.version + self.path.name


class PackageArchives:
    """A source over a folder of archives.

    Args:
        name: The source's slug.
        folder: Archives are taken from it and all folders below.
        all_releases: Whether every version is taken, not the newest alone.
        limits: Of each archive.
        scratch: A folder for what does not fit into memory; the system's own where None.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        *,
        all_releases: bool = False,
        limits: ArchiveLimits | None = None,
        scratch: Path | None = None,
    ) -> None:
        self.name = name
        self.folder = folder
        self.all_releases = all_releases
        self.notes: list[str] = []
        self.expected_files = 0
        self._limits = limits
        self._scratch = scratch

    def repositories(self, progress: Progress) -> Iterator[tuple[RepositoryRecord, Iterable[SourceFile]]]:
        """Each repository once, ordered by its key; archives that are refused are told in the notes.

        Raises:
            SourceError: The folder is not there, or holds no archive that can be read.
        """
        self.notes, self.expected_files = [], 0
        groups: dict[str, list[tuple[_Release, Description]]] = {}
        releases = self._releases()
        for at, release in enumerate(releases):
            progress("reading archives", at, len(releases))
            try:
                with Archive(release.path, self._limits, self._scratch) as archive:
                    found = _describe(release, archive)
                    self.expected_files += sum(1 for _ in _own_files(release, archive))
            except ArchiveRefused as error:
                self.notes.append(f"{release.path.name}: refused, {error}")
                continue
            self.notes.extend(found.problems or ([] if found.place else [no_repository(found.name)]))
            place = found.stands_at
            groups.setdefault(f"{place.forge}/{place.owner}/{place.repository}".casefold(), []).append((release, found))
        progress("reading archives", len(releases), len(releases))
        if not groups:
            raise SourceError(
                f"{self.folder} holds no archive of a package that can be read. {self.notes[0] if self.notes else ''}"
            )
        for key in sorted(groups):
            with ExitStack() as opened:
                yield self._repository(groups[key], opened)

    def _releases(self) -> list[_Release]:
        if not self.folder.is_dir():
            raise SourceError(f"There is no folder {self.folder}. Name a folder of package archives.")
        found = []
        for path in sorted(self.folder.rglob("*")):
            if path.name.lower().endswith((*TAR, *ZIP)) and path.is_file():
                found.append(_named(path))
            elif path.name.lower().endswith(NOT_READ):
                self.notes.append(f"{path.name}: archives of this kind are not read")
        chosen: dict[tuple[str, str], _Release] = {}
        for release in found:
            key = (release.package, release.version if self.all_releases else "")
            best = chosen.setdefault(key, release)
            if release.order > best.order:
                chosen[key] = release
        return sorted(chosen.values(), key=lambda release: (release.package, release.order))

    def _repository(
        self, group: list[tuple[_Release, Description]], opened: ExitStack
    ) -> tuple[RepositoryRecord, Iterable[SourceFile]]:
        files: list[SourceFile] = []
        for release, found in group:
            folder = ""
            if self.all_releases:
                folder = f"{release.package}-{release.version}/"
            elif len(group) > 1:
                folder = f"{release.package}/"
            archive = opened.enter_context(Archive(release.path, self._limits, self._scratch))
            # A place on a forge is a better origin of a blob than the index.
            rank = 1 if found.stands_at.forge == FALLBACK_FORGE else 0
            files.extend(
                SourceFile(_below(folder, path), member.read, found.licence, rank)
                for path, member in _own_files(release, archive)
            )
        place = group[0][1].stands_at
        return record_of(place, [found.licence for _, found in group]), files


def _named(path: Path) -> _Release:
    name = path.name
    suffix = next(ending for ending in (*TAR, *ZIP) if name.lower().endswith(ending))
    stem, wheel = name[: -len(suffix)], suffix == ".whl"
    match = (_WHEEL if wheel else _SDIST).fullmatch(stem)
    package = canonicalize_name(match["name"] if match else stem)
    return _Release(path, package, match["version"] if match else "", wheel)


def _below(folder: str, path: str) -> str:
    """The path in its release's folder; one that leads out stays as it is, to be refused as such."""
    return path if path.startswith(("/", "\\", "../")) else folder + path


def _top(archive: Archive) -> str:
    """The top folder of a source distribution with its slash; empty where its files have none in common."""
    tops = {member.path.removeprefix("./").partition("/")[0] for member in archive.members if "/" in member.path}
    for member in archive.members:
        top, _, rest = member.path.removeprefix("./").partition("/")
        if rest == "PKG-INFO" and top not in ("", ".."):
            return f"{top}/"
    return f"{tops.pop()}/" if len(tops) == 1 and tops.isdisjoint({"", ".."}) else ""


def _own_files(release: _Release, archive: Archive) -> Iterator[tuple[str, Member]]:
    """The files of the repository, with their paths in it."""
    top = "" if release.wheel else _top(archive)
    for member in archive.members:
        path = member.path.removeprefix("./").removeprefix(top)
        if not is_tools_own(path) and path != "PKG-INFO":
            yield path, member


def _describe(release: _Release, archive: Archive) -> Description:
    top = "" if release.wheel else _top(archive)
    by_path = {member.path.removeprefix("./").removeprefix(top): member for member in reversed(archive.members)}
    wanted = (
        next((path for path in sorted(by_path) if _WHEEL_FOLDER.fullmatch(path)), "") if release.wheel else "PKG-INFO"
    )
    text = _text(by_path[wanted]) if wanted in by_path else ""
    folder = wanted.rpartition("/")[0]
    found = describe(release.package, text, _licence_files(by_path, folder))
    if text:
        return found
    problem = f"{release.path.name}: it has no metadata; its owner and licence are unknown"
    return Description(found.name, found.place, found.licence, (problem,))


def _licence_files(by_path: dict[str, Member], folder: str) -> Iterator[tuple[str, str]]:
    """Of a source distribution those at its top, of a wheel those of its dist-info folder."""
    places = {folder, f"{folder}/licenses"} if folder else {""}
    for path in sorted(by_path):
        above, _, name = path.rpartition("/")
        if above in places and is_licence_file(name) and (text := _text(by_path[path])):
            yield name, text


def _text(member: Member) -> str:
    try:
        return member.read(METADATA_LIMIT).decode("utf-8", errors="replace")
    except FileSkipped:
        return ""  # what cannot be read says nothing; the package is then held out
