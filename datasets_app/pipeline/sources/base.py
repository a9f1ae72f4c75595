"""What every source gives: repositories, and for each of them its files."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from datasets_app.pipeline.licences import Licence
from datasets_app.pipeline.progress import Progress

# Why a file of a source did not enter the corpus. The keys stand in reports; the texts are shown to people.
SKIP_REASONS = {
    "binary": "It is not text: it has a NUL byte near its start, or its name says so.",
    "duplicate_path": "The repository had a file under this path already.",
    "empty": "It has no content.",
    "lfs_pointer": "It is a pointer of Git LFS: its content lies elsewhere.",
    "missing": "The source lists it, but it is not there.",
    "not_a_file": "A folder, device or pipe stands in its place.",
    "outside": "Its path leads out of the source: it is absolute or has '..' in it.",
    "path_invalid": "Its path is empty, too long, or has characters that no table can hold.",
    "opted_out": "Its owner, its repository, its content or who wrote it alone is on the block-list.",
    "reserved": "The repository reserves it: it says in a file that machines can read that it is not to be used for this.",
    "submodule": "It is a submodule: another repository, which has to be a source of its own.",
    "symlink": "It is a link: what it leads to is taken where it stands.",
    "symlink_outside": "It is a link to something outside the source.",
    "too_large": "It is larger than the limit of the ingest.",
    "unreadable": "The system refused to read it.",
}


class FileSkipped(Exception):
    """One file cannot be taken. It is counted, and the ingest goes on.

    Args:
        reason: A key of :data:`SKIP_REASONS`.
        detail: What the system said, for the log.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(detail or SKIP_REASONS[reason])
        self.reason = reason


def owner_key(forge: str, account_id: str | None, owner: str) -> str:
    """The stable key of an owner: by numeric account where the forge gives one, else by login folded to lower case."""
    return f"{forge}:{account_id}" if account_id else f"{forge}/{owner.casefold()}"


def repository_key(owner: str, repository: str) -> str:
    """The stable key of a repository below its owner's key."""
    return f"{owner}/{repository.casefold()}"


@dataclass(frozen=True)
class RepositoryRecord:
    """One repository of a source, named as its forge writes it.

    ``licence`` is an SPDX expression, None where none was recognised; ``licence_evidence`` says what gave it;
    ``permissive`` follows from the expression (see :mod:`datasets_app.pipeline.licences`).
    """

    forge: str
    account_id: str | None
    owner: str
    repository: str
    url: str
    licence: str | None
    licence_evidence: str | None
    permissive: bool

    @property
    def owner_key(self) -> str:
        """See :func:`owner_key`."""
        return owner_key(self.forge, self.account_id, self.owner)

    @property
    def repository_key(self) -> str:
        """See :func:`repository_key`."""
        return repository_key(self.owner_key, self.repository)

    @property
    def owner_keys(self) -> tuple[str, ...]:
        """Every key that the owner may stand under: the present one, and the one of a time before its number was known."""
        return tuple(dict.fromkeys((self.owner_key, owner_key(self.forge, None, self.owner))))

    @property
    def repository_keys(self) -> tuple[str, ...]:
        """Likewise for the repository."""
        return tuple(repository_key(key, self.repository) for key in self.owner_keys)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a repository: its path, and how to read it. It holds no content, so that a repository's can stand in a list.

    Attributes:
        path: Below the repository, with ``/``.
        reader: Gives the bytes, given the most that may be read; may be called again.
        licence: Where this file's licence is known better than its repository's.
        rank: Tells apart places of the same blob that are otherwise equal: the smaller is the better origin.
        commit: The commit that it was read at, in hex.
        authors: Keyed hashes of the addresses of all who wrote it (:mod:`~datasets_app.pipeline.sources.authors`), sorted;
            None where there is no history.
        stars: Of its repository.
        vendored: What the repository says of it; None where the rules of :mod:`~datasets_app.pipeline.marks` decide.
        generated: Likewise.
    """

    path: str
    reader: Callable[[int], bytes]
    licence: Licence | None = None
    rank: int = 0
    commit: str | None = None
    authors: tuple[str, ...] | None = None
    stars: int | None = None
    vendored: bool | None = None
    generated: bool | None = None

    @property
    def sole_author(self) -> str | None:
        """Who wrote it alone, as in ``authors``; None for several people, or where there is no history."""
        return self.authors[0] if self.authors and len(self.authors) == 1 else None

    def read(self, limit: int = 1 << 62) -> bytes:
        """The bytes of the file.

        Args:
            limit: The most bytes to read; nothing is read of a file that has more.

        Raises:
            FileSkipped: It cannot be taken; the reason says why.
        """
        return self.reader(limit)


class Source(Protocol):
    """Where code comes from. Files are read one at a time, as the iterators advance."""

    @property
    def name(self) -> str:
        """A slug: it names the table ``corpus/files/<name>.parquet``."""

    @property
    def notes(self) -> list[str]:
        """What a person should know of the last reading, such as packages without metadata."""

    @property
    def expected_files(self) -> int:
        """About how many files there will be, for the progress bar, once the first repository is given; 0 if unknown."""

    def repositories(self, progress: Progress) -> Iterator[tuple[RepositoryRecord, Iterable[SourceFile]]]:
        """Each repository once, with its files, always in the same order.

        Raises:
            SourceError: The source cannot be read.
        """
