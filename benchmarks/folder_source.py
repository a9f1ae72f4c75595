"""The unpacked corpus as a source: thousands of made-up owners, and as many times the code as wanted.

A project's folders, three levels deep, each belong to an owner of their own; the releases of a project are that owner's repositories.
All counts as MIT: what is measured is cost, and nothing is published. Further copies of the code have other owners and other
letters (each is moved along the alphabet), so that they are no near-duplicates of the first and yet as long, as regular and as
hard to compress.
"""

import hashlib
import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks import corpus
from datasets_app.pipeline.progress import Progress
from datasets_app.pipeline.sources.base import RepositoryRecord, SourceFile

DEPTH = 3  # folders of a project that tell owners apart
MOST_COPIES = 26


def moved(copy: int) -> bytes:
    """The table for ``bytes.translate`` that moves ASCII letters on by so many places."""
    lower, upper = string.ascii_lowercase, string.ascii_uppercase
    letters = lower[copy:] + lower[:copy] + upper[copy:] + upper[:copy]
    return bytes.maketrans((lower + upper).encode(), letters.encode())


@dataclass
class FolderSource:
    """A source of ``datasets_app.pipeline`` over folders of unpacked releases.

    Attributes:
        folders: One for each release, named ``<project>-<version>``.
        copies: How many times the code is given, 1 to 26.
    """

    folders: list[Path]
    copies: int = 1
    name: str = "bench"
    notes: list[str] = field(default_factory=list)
    expected_files: int = 0

    def repositories(self, progress: Progress) -> Iterator[tuple[RepositoryRecord, Iterable[SourceFile]]]:
        """See ``datasets_app.pipeline.sources.base.Source``."""
        for copy in range(self.copies):
            for folder in self.folders:
                owned: dict[str, list[Path]] = {}
                for path in corpus.files_of(folder):
                    owned.setdefault(owner_of(folder.name, path.relative_to(folder), copy), []).append(path)
                for owner, paths in sorted(owned.items()):
                    yield record(owner, folder.name), [_file(path, folder, copy) for path in paths]


def owner_of(release: str, path: Path, copy: int) -> str:
    """The login of the owner of a file."""
    project = release.rpartition("-")[0]
    place = "/".join([project, *path.parts[:-1][:DEPTH]])
    return f"c{copy}-{hashlib.sha1(place.encode()).hexdigest()[:12]}"


def record(owner: str, release: str) -> RepositoryRecord:
    """A release as a repository of this owner, under MIT."""
    return RepositoryRecord(
        forge="bench.example",
        account_id=None,
        owner=owner,
        repository=release,
        url=f"https://bench.example/{owner}/{release}",
        licence="MIT",
        licence_evidence="benchmark",
        permissive=True,
    )


def _file(path: Path, folder: Path, copy: int) -> SourceFile:
    return SourceFile(path=str(path.relative_to(folder)), reader=partial(_read, path, copy))


def _read(path: Path, copy: int, _limit: int) -> bytes:
    content = path.read_bytes()
    return content.translate(moved(copy)) if copy else content
