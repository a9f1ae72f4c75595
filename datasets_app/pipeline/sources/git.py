"""Repositories of git: a folder of clones, or addresses to clone, each at a stated commit.

Blobs are read from the objects, never from a checkout, so no filter, hook or LFS download ever runs. Submodules, links and
pointers of Git LFS are skipped with their reason. Where the whole history is at hand and a key is given, each file carries its
authors as keyed hashes (:mod:`~datasets_app.pipeline.sources.authors`). Marks in ``.gitattributes`` win over the rules on paths.
"""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from datasets_app.pipeline.errors import SourceError
from datasets_app.pipeline.progress import Progress
from datasets_app.pipeline.sources.authors import authors_of
from datasets_app.pipeline.sources.base import FileSkipped, RepositoryRecord, SourceFile
from datasets_app.pipeline.sources.clones import check_address, cloned, find_clones
from datasets_app.pipeline.sources.forges import Place
from datasets_app.pipeline.sources.git_objects import (
    SUBMODULE,
    SYMLINK,
    BlobReader,
    Entry,
    check_revision,
    is_shallow,
    resolve,
    tree,
)
from datasets_app.pipeline.sources.git_process import Git, GitFailed, GitLimits
from datasets_app.pipeline.sources.gitattributes import FILE_NAME, LIMIT, Attributes


@dataclass(frozen=True)
class GitOptions:
    """How repositories of git are read.

    Attributes:
        commit: A branch, tag or hash, looked for in every repository; the default branch of each where None.
        history: Whether clones are made with all commits. Authors are told only where the whole history is at hand.
        author_key: The site's secret for the hashes of authors; no authors where None.
        forge: Host name of the forge of clones in a folder whose path alone tells the owner.
        protocols: What clones may be made by.
        limits: Of each git command.
    """

    commit: str | None = None
    history: bool = True
    author_key: bytes | None = None
    forge: str = "github.com"
    protocols: tuple[str, ...] = ("https",)
    limits: GitLimits = field(default_factory=GitLimits)

    def __post_init__(self) -> None:
        if self.commit is not None:
            check_revision(self.commit)
        if self.author_key is not None and len(self.author_key) < 16:
            raise ValueError("The key for the hashes of authors is shorter than 16 bytes")


@dataclass(frozen=True)
class _Found:
    """A repository that is to be read: where, or the address to clone, and whose."""

    where: Path | str
    shown: str
    place: Place


class GitRepositories:
    """A source over repositories of git.

    Args:
        name: The source's slug.
        folder: A folder of bare or working clones, at most four folders deep.
        addresses: Or addresses to clone, one repository at a time.
        scratch: A folder for clones and for git's empty home; the system's own where None.
        options: See :class:`GitOptions`.

    Raises:
        SourceError: An address cannot be cloned here.
    """

    def __init__(
        self,
        name: str,
        *,
        folder: Path | None = None,
        addresses: tuple[str, ...] = (),
        scratch: Path | None = None,
        options: GitOptions | None = None,
    ) -> None:
        if (folder is None) == (not addresses):
            raise SourceError("Give either a folder of clones or addresses to clone.")
        self.name = name
        self.options = options or GitOptions()
        self.notes: list[str] = []
        self.expected_files = 0
        self._folder = folder
        self._scratch = scratch
        self._addresses = [_Found(one, one, check_address(one, self.options.protocols)) for one in addresses]

    def repositories(self, progress: Progress) -> Iterator[tuple[RepositoryRecord, Iterable[SourceFile]]]:
        """Each repository once, ordered by its key; what cannot be read is told in the notes.

        Raises:
            SourceError: The folder cannot be listed, or not one repository could be read.
        """
        self.notes, self.expected_files = [], 0
        options, given, trouble = self.options, 0, ""
        with tempfile.TemporaryDirectory(prefix="git-", dir=self._scratch) as scratch:
            found = self._find(Path(scratch), progress)
            for at, one in enumerate(found):
                progress("opening repositories", at, len(found))
                try:
                    with self._opened(one, Path(scratch)) as git:
                        commit = resolve(git, options.commit, asked_for=isinstance(one.where, str))
                        with BlobReader(git) as reader:
                            yield self._read(git, one.place, commit, reader)
                            given += 1
                except GitFailed as error:
                    trouble = str(error)
                    self.notes.append(f"{one.shown}: {error}")
            progress("opening repositories", len(found), len(found))
        if not given:
            raise SourceError(f"Not one repository could be read. {trouble or 'There is none whose owner is known.'}")

    def _find(self, scratch: Path, progress: Progress) -> list[_Found]:
        found = list(self._addresses)
        if self._folder is not None:
            progress("looking for repositories", 0, 0)
            for clone in find_clones(self._folder, scratch, self.options.forge, self.options.limits):
                if clone.place is None:
                    self.notes.append(
                        f"{clone.shown}: nothing says whose it is. Give it an origin, or name it owner/name.git."
                    )
                else:
                    found.append(_Found(clone.folder, clone.shown, clone.place))
        by_key: dict[str, _Found] = {}
        for one in found:
            key = f"{one.place.forge}/{one.place.owner}/{one.place.repository}".casefold()
            if by_key.setdefault(key, one) is not one:
                self.notes.append(f"{one.shown}: the same repository as {by_key[key].shown}, which was taken")
        return [by_key[key] for key in sorted(by_key)]

    @contextmanager
    def _opened(self, one: _Found, scratch: Path) -> Iterator[Git]:
        options = self.options
        if isinstance(one.where, Path):
            yield Git(one.where, scratch, (), options.limits)
            return
        clone = cloned(
            one.where, scratch, options.protocols, options.limits, revision=options.commit, history=options.history
        )
        with clone as folder:
            yield Git(folder, scratch, (), options.limits)

    def _read(
        self, git: Git, place: Place, commit: str, reader: BlobReader
    ) -> tuple[RepositoryRecord, Iterable[SourceFile]]:
        entries = list(tree(git, commit))
        self.expected_files += len(entries)
        # No metadata states a licence: the ingest asks the headers of files and the licence files of their folders.
        record = RepositoryRecord(
            forge=place.forge,
            account_id=None,
            owner=place.owner,
            repository=place.repository,
            url=place.url,
            licence=None,
            licence_evidence=None,
            permissive=False,
        )
        return record, _files(entries, reader, commit, self._authors(git, place, commit, entries))

    def _authors(
        self, git: Git, place: Place, commit: str, entries: list[Entry]
    ) -> Mapping[bytes, tuple[str, ...]] | None:
        if self.options.author_key is None:
            return None
        try:
            if is_shallow(git):
                return None
            return authors_of(git, commit, (entry.path for entry in entries), self.options.author_key)
        except GitFailed as error:
            self.notes.append(f"{place.owner}/{place.repository}: its authors are unknown: {error}")
            return None


def _files(
    entries: list[Entry], reader: BlobReader, commit: str, authors: Mapping[bytes, tuple[str, ...]] | None
) -> Iterator[SourceFile]:
    attributes = _attributes(entries, reader)
    for entry in entries:
        path = entry.text_path
        if entry.mode in (SYMLINK, SUBMODULE):
            yield SourceFile(path, partial(_skip, "symlink" if entry.mode == SYMLINK else "submodule"))
        else:
            yield SourceFile(
                path,
                partial(reader.read, entry.object_id),
                commit=commit,
                authors=None if authors is None else authors.get(entry.path),
                vendored=attributes.mark(path, "vendored"),
                generated=attributes.mark(path, "generated"),
            )


def _attributes(entries: list[Entry], reader: BlobReader) -> Attributes:
    files = {}
    for entry in entries:
        folder, _, name = entry.text_path.rpartition("/")
        if name == FILE_NAME and entry.mode not in (SYMLINK, SUBMODULE):
            try:
                files[folder] = reader.read(entry.object_id, LIMIT)
            except FileSkipped:
                continue  # it says nothing; the rules on paths decide
    return Attributes(files)


def _skip(reason: str, limit: int) -> bytes:
    raise FileSkipped(reason)
