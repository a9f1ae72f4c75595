"""The files in a tar or zip archive, read one at a time, without unpacking to the disk and without running anything.

An archive is a stranger's: it is refused as a whole where it unpacks to more than is allowed, far more than it weighs, or has
too many entries. Links are never followed. A path that leads out is given as it stands; the ingest refuses it.
"""

import bz2
import gzip
import lzma
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import IO

from datasets_app.pipeline.atomic import is_full
from datasets_app.pipeline.errors import SourceError
from datasets_app.pipeline.sources.base import FileSkipped

CHUNK = 1 << 20
IN_MEMORY = 4 << 20  # bytes of an unpacked tar; a larger one waits in a nameless file of the scratch folder
TAR, ZIP = (".tar.gz", ".tgz", ".tar.bz2", ".tar"), (".zip", ".whl")
NOT_READ = (
    ".tar.xz",
    ".tar.zst",
    ".egg",
    ".rar",
    ".7z",
)  # xz and zst may ask for gigabytes of memory to unpack a few bytes
_BROKEN = (
    OSError,
    EOFError,
    ValueError,
    RuntimeError,  # encrypted
    NotImplementedError,  # a method of compression that we lack
    zlib.error,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
)


class ArchiveRefused(SourceError):
    """An archive that is damaged, or too large for what it says it is."""


@dataclass(frozen=True)
class ArchiveLimits:
    """How much one archive may hold.

    Attributes:
        unpacked: Bytes of all its files together.
        ratio: Bytes unpacked for each byte packed, where it unpacks to more than ``free``. Source code packs to a fifth;
            deflate can reach a thousandth.
        free: Bytes that any archive may unpack to.
        entries: How many files, links and folders.
    """

    unpacked: int = 2 << 30
    ratio: int = 100
    free: int = 16 << 20
    entries: int = 200_000

    def allowed(self, packed: int) -> int:
        """The most bytes that an archive of ``packed`` bytes may unpack to."""
        return min(self.unpacked, max(self.free, self.ratio * packed))


@dataclass(frozen=True, slots=True)
class Member:
    """One file or link of an archive: its path as it stands there, and how to read it."""

    path: str
    read: Callable[[int], bytes]


class Archive:
    """An open archive; ``members`` are its files, links and devices in its own order, folders left out.

    Args:
        path: A file whose name ends in one of :data:`TAR` or :data:`ZIP`.
        limits: See :class:`ArchiveLimits`.
        scratch: A folder for what does not fit into memory; the system's own where None.

    Raises:
        ArchiveRefused: It is damaged or too large.
    """

    def __init__(self, path: Path, limits: ArchiveLimits | None = None, scratch: Path | None = None) -> None:
        self._limits = limits or ArchiveLimits()
        self._path = path
        self._open = ExitStack()
        try:
            self.members = self._of_zip() if path.name.lower().endswith(ZIP) else self._of_tar(scratch)
        except _BROKEN as error:
            self.close()
            if isinstance(error, OSError) and is_full(error):
                raise
            raise ArchiveRefused(f"it is damaged ({type(error).__name__})") from error
        except ArchiveRefused:
            self.close()
            raise

    def __enter__(self) -> "Archive":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of it."""
        self._open.close()

    def _of_tar(self, scratch: Path | None) -> list[Member]:
        plain = self._open.enter_context(self._unpacked(scratch))
        archive = self._open.enter_context(tarfile.TarFile(fileobj=plain))
        members = []
        for at, entry in enumerate(archive):
            self._check_count(at)
            if not entry.isdir():
                members.append(Member(entry.name, partial(_read_tar, archive, entry)))
        return members

    def _unpacked(self, scratch: Path | None) -> IO[bytes]:
        name = self._path.name.lower()
        if name.endswith(".tar"):
            return self._path.open("rb")
        allowed = self._limits.allowed(self._path.stat().st_size)
        plain: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY, dir=None if scratch is None else str(scratch))  # noqa: SIM115
        with ExitStack() as failing:
            failing.callback(plain.close)
            with bz2.BZ2File(self._path) if name.endswith(".bz2") else gzip.GzipFile(self._path) as packed:
                while chunk := packed.read(CHUNK):
                    allowed -= len(chunk)
                    if allowed < 0:
                        raise ArchiveRefused("it unpacks to more than an archive of its size may")
                    plain.write(chunk)
            failing.pop_all()
        plain.seek(0)
        return plain

    def _of_zip(self) -> list[Member]:
        archive = self._open.enter_context(zipfile.ZipFile(self._path))
        entries = archive.infolist()
        self._check_count(len(entries) - 1)
        if sum(entry.file_size for entry in entries) > self._limits.allowed(self._path.stat().st_size):
            raise ArchiveRefused("it unpacks to more than an archive of its size may")
        return [Member(entry.filename, partial(_read_zip, archive, entry)) for entry in entries if not entry.is_dir()]

    def _check_count(self, at: int) -> None:
        if at >= self._limits.entries:
            raise ArchiveRefused(f"it has more than {self._limits.entries:,} entries")


def _read_tar(archive: tarfile.TarFile, entry: tarfile.TarInfo, limit: int) -> bytes:
    if entry.issym() or entry.islnk():
        raise FileSkipped("symlink", entry.name)
    if not entry.isreg():
        raise FileSkipped("not_a_file", entry.name)
    if entry.size > limit:
        raise FileSkipped("too_large", entry.name)
    try:
        file = archive.extractfile(entry)
        assert file is not None
        with file:
            content = file.read(entry.size)
    except _BROKEN as error:
        raise FileSkipped("unreadable", str(error)) from error
    if len(content) != entry.size:
        raise FileSkipped("unreadable", entry.name)
    return content


def _read_zip(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int) -> bytes:
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise FileSkipped("symlink", entry.filename)
    if entry.file_size > limit:
        raise FileSkipped("too_large", entry.filename)
    try:
        with archive.open(entry) as file:
            return file.read(entry.file_size + 1)
    except _BROKEN as error:
        raise FileSkipped("unreadable", str(error)) from error
