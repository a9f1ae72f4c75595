"""The packages installed in a Python environment, as repositories of their owners.

A package's metadata names its repository on a forge; several packages of one repository (``django-stubs`` and
``django-stubs-ext``) become one, and each keeps its own licence on its files. A package that names none stands under
the fallback owner ``pypi.org/<package>``: an index, no forge, so that it can be found and opted out all the same.

Paths are those below site-packages, which are not always those in the repository (``src/`` is gone). Compiled files and
the installer's own (``*.dist-info``) are no files of the repository and are not counted at all.
"""

import sysconfig
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from datasets_app.pipeline.errors import SourceError
from datasets_app.pipeline.progress import Progress
from datasets_app.pipeline.sources.base import RepositoryRecord, SourceFile
from datasets_app.pipeline.sources.forges import Place
from datasets_app.pipeline.sources.metadata import FALLBACK_FORGE, Package, is_tools_own, read_package, record_of
from datasets_app.pipeline.sources.reading import read_below


class InstalledPackages:
    """A source over the ``*.dist-info`` folders of site-packages.

    Args:
        name: The source's slug.
        paths: The folders to read; this environment's own where None.
    """

    def __init__(self, name: str = "installed-packages", paths: tuple[Path, ...] | None = None) -> None:
        self.name = name
        self.paths = paths if paths is not None else environment_paths()
        self.notes: list[str] = []
        self.expected_files = 0

    def repositories(self, progress: Progress) -> Iterator[tuple[RepositoryRecord, Iterable[SourceFile]]]:
        """Each repository once, ordered by its key.

        Raises:
            SourceError: A folder is not there or cannot be listed.
        """
        self.notes = []
        groups: dict[str, list[tuple[Path, Package, Place]]] = {}
        for root, package in self._packages(progress):
            self.notes.extend(package.problems)
            place = package.place or Place(FALLBACK_FORGE, package.name, package.name)
            key = f"{place.forge}/{place.owner}/{place.repository}".casefold()
            groups.setdefault(key, []).append((root, package, place))
        self.expected_files = sum(len(_own_paths(package)) for group in groups.values() for _, package, _ in group)
        for key in sorted(groups):
            group = groups[key]
            yield record_of(group[0][2], [package.licence for _, package, _ in group]), _files(group)

    def _packages(self, progress: Progress) -> Iterator[tuple[Path, Package]]:
        folders: list[tuple[Path, str]] = []
        for path in self.paths:
            root = Path(path).resolve()
            try:
                found = sorted(entry.name for entry in root.iterdir() if entry.name.endswith(".dist-info"))
            except OSError as error:
                raise SourceError(
                    f"The folder of installed packages {path} cannot be listed: {error.strerror}. "
                    "Name an existing site-packages folder."
                ) from error
            folders.extend((root, name) for name in found)
        for done, (root, folder) in enumerate(folders):
            if done % 10 == 0:
                progress("reading packages", done, len(folders))
            yield root, read_package(root, folder)
        progress("reading packages", len(folders), len(folders))


def environment_paths() -> tuple[Path, ...]:
    """The site-packages folders of the running Python: of pure and of compiled packages, most often one."""
    paths = [Path(sysconfig.get_path(kind)).resolve() for kind in ("purelib", "platlib")]
    return tuple(path for at, path in enumerate(paths) if path not in paths[:at])


def _files(packages: list[tuple[Path, Package, Place]]) -> Iterator[SourceFile]:
    for root, package, place in packages:
        # A place on a forge is a better origin of a blob than the index.
        rank = 1 if place.forge == FALLBACK_FORGE else 0
        for path in _own_paths(package):
            yield SourceFile(path, partial(read_below, root, path), package.licence, rank)


def _own_paths(package: Package) -> list[str]:
    return sorted(path for path in package.files if not is_tools_own(path))
