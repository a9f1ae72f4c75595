"""The corpus: what was ingested from all sources, each blob once, with a table of files for each source.

An ingest adds the blobs that are new and then, as its last act, replaces the source's table of files as a whole. Whatever
stops it before that leaves the former table standing; blobs that it had stored by then are found and used by the next
ingest. Ingesting the same source again changes nothing and reads every file once. The rows of a repository wait for its
end, since a licence file may come after the files below it.
"""

import fcntl
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from datasets_app.pipeline import file_licences, notes, reservation
from datasets_app.pipeline.atomic import TEMPORARY, is_full, replacing
from datasets_app.pipeline.blobs import BLOB_FILE_BYTES, BlobIndex, BlobWriter, blob_files, blob_id, read_blob
from datasets_app.pipeline.decide import Blocks
from datasets_app.pipeline.errors import CorpusBusy, CorpusDamaged, SourceError, StorageError
from datasets_app.pipeline.file_licences import FileLicences
from datasets_app.pipeline.file_rows import FilesWriter, licensed, row_of
from datasets_app.pipeline.format import FILES, FILES_LATER
from datasets_app.pipeline.licences import Licence
from datasets_app.pipeline.pending import PendingRows
from datasets_app.pipeline.progress import Progress, silent
from datasets_app.pipeline.sources.base import FileSkipped, RepositoryRecord, Source, SourceFile
from datasets_app.pipeline.sources.reading import check_path, is_lfs_pointer

__all__ = ["IngestLimits", "IngestReport", "blob_files", "files_table", "ingest", "locked", "read_blob"]

BINARY_HEAD = 8000  # bytes; git takes a file for binary if a NUL stands in so many
BEAT = 0.2  # seconds between two reports of progress

# Files that are never text, by the end of their name: they are not even opened.
_BINARY = re.compile(
    r"\.(?:so(?:\.[\d.]+)?|dll|dylib|pyd|exe|a|lib|o|obj|bin|class|jar|wasm|mo|pkl|npy|npz|mat|sav|h5|parquet|png|jpe?g|gif|ico|webp|bmp"
    r"|tiff?|ttf|otf|woff2?|eot|zip|gz|bz2|xz|zst|tar|tgz|whl|7z|wav|mp3|mp4|ogg|pdf|sqlite3?|db|mtx\.gz)$",
    re.I,
)


@dataclass(frozen=True)
class IngestLimits:
    """How much an ingest takes of one file, and how large it makes its own.

    Attributes:
        max_file_bytes: Larger files are left out unread. The default, 10 MB, is above any source file that a person
            wrote and below the memory of the smallest machine.
        blob_file_bytes: Content after which a blob file is closed; the most that is held in memory, one file apart.
    """

    max_file_bytes: int = 10_000_000
    blob_file_bytes: int = BLOB_FILE_BYTES

    def __post_init__(self) -> None:
        for name in ("max_file_bytes", "blob_file_bytes"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be a whole number of bytes above 0, not {value!r}")


@dataclass
class IngestReport:
    """What an ingest did. ``skipped`` counts by key of :data:`~datasets_app.pipeline.sources.base.SKIP_REASONS`."""

    source: str
    repositories: list[RepositoryRecord] = field(default_factory=list)
    files: int = 0
    blobs: int = 0  # distinct, among the files
    new_blobs: int = 0  # of them, that the corpus did not hold
    bytes: int = 0  # of all files
    skipped: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@contextmanager
def locked(corpus: Path) -> Iterator[None]:
    """Hold the corpus alone while writing to it. The lock goes with the process, however it ends.

    Raises:
        CorpusBusy: Somebody else is writing to it.
    """
    corpus.mkdir(parents=True, exist_ok=True)
    with (corpus / ".lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CorpusBusy(
                f"Another job is writing to the corpus {corpus}. Wait until it has ended, then try again."
            ) from error
        yield


def ingest(
    source: Source,
    corpus: Path,
    *,
    blocked_owners: frozenset[str] = frozenset(),
    blocked_repositories: frozenset[str] = frozenset(),
    blocked_blobs: frozenset[str] = frozenset(),
    blocked_authors: frozenset[str] = frozenset(),
    aliases: frozenset[str] = frozenset(),
    limits: IngestLimits | None = None,
    progress: Progress = silent,
) -> IngestReport:
    """Take a source into the corpus.

    Args:
        source: Where the code comes from.
        corpus: The folder of the corpus; made if it is not there.
        blocked_owners: Owner keys; their files are counted, never opened. An account with a number is known by its login too.
        blocked_repositories: Repository keys, likewise.
        blocked_blobs: Blob ids that are not stored.
        blocked_authors: Keyed hashes of people; a file that one of them wrote alone is not opened.
        aliases: Of the keys of owners and repositories, those that are mere names of numbered accounts: they do not count for an
            account whose number the source tells, which may have taken a freed name.
        limits: See :class:`IngestLimits`.
        progress: Told of every fifth of a second; whatever it raises stops the ingest.

    Raises:
        SourceError: The source cannot be read, or gave a repository twice.
        StorageError: The disk is full. The corpus is as it was.
        CorpusBusy: Another job is writing to the corpus.
        CorpusDamaged: A blob file of the corpus cannot be read.
    """
    limits = limits or IngestLimits()
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,63}", source.name):
        raise SourceError(f"{source.name!r} cannot name a source. Use lower-case letters, digits and hyphens.")
    report = IngestReport(source.name)
    skipped: Counter[str] = Counter()
    try:
        with locked(corpus):
            index = BlobIndex(corpus)
            writer = BlobWriter(corpus, limits.blob_file_bytes)
            with replacing(corpus / "files" / f"{source.name}.parquet") as temporary:
                try:
                    with FilesWriter(temporary) as table:
                        blocked = Blocks(blobs=blocked_blobs, authors=blocked_authors)
                        intake = _Intake(source, index, writer, table, limits, blocked, skipped, report, progress)
                        intake.take_all(blocked_owners, blocked_repositories, aliases)
                    notes.keep(corpus, source.name, source.notes)
                except OSError as error:
                    if is_full(error):
                        writer.discard()  # the room is needed more than a head start for the next ingest
                    raise
    except OSError as error:
        if is_full(error):
            raise StorageError(
                f"The disk is full: the source {source.name!r} could not be taken into {corpus}. The corpus is as it was; "
                "make room and ingest again."
            ) from error
        raise
    report.blobs, report.new_blobs = index.touched, index.new
    report.skipped = dict(sorted(skipped.items()))
    report.notes = list(source.notes)
    return report


def files_table(corpus: Path) -> pl.DataFrame:
    """The tables of files of all sources, one below the other, with the columns of ``format.FILES``.

    A table that was written before a column came reads as null there; its next ingest fills it.

    Raises:
        CorpusDamaged: One of them cannot be read.
    """
    tables = [FILES.empty_table()]
    for path in sorted((corpus / "files").glob("*.parquet")):
        if path.name.startswith(TEMPORARY):
            continue
        try:
            table = pq.read_table(path)
            for name in FILES_LATER - set(table.column_names):
                table = table.append_column(FILES.field(name), pa.nulls(len(table), FILES.field(name).type))
            tables.append(table.select(FILES.names).cast(FILES))
        except (OSError, pa.ArrowException, KeyError) as error:
            raise CorpusDamaged(
                f"The table of files {path} cannot be read ({error}). Ingest its source again."
            ) from error
    frame = pl.from_arrow(pa.concat_tables(tables))
    assert isinstance(frame, pl.DataFrame)
    return frame


@dataclass
class _Intake:
    """One ingest under way."""

    source: Source
    index: BlobIndex
    writer: BlobWriter
    table: FilesWriter
    limits: IngestLimits
    blocked: Blocks
    skipped: Counter[str]
    report: IngestReport
    progress: Progress
    seen: set[str] = field(default_factory=set)
    told: float = 0.0

    def take_all(
        self, blocked_owners: frozenset[str], blocked_repositories: frozenset[str], aliases: frozenset[str]
    ) -> None:
        """Take the whole source, apart from what is blocked."""
        for record, files in self.source.repositories(self.progress):
            passed_over = aliases if record.account_id else frozenset()
            if any(key in blocked_owners for key in record.owner_keys if key not in passed_over) or any(
                key in blocked_repositories for key in record.repository_keys if key not in passed_over
            ):
                self.skipped["opted_out"] += sum(1 for _ in files)
            else:
                self.take(record, files)
        self.writer.flush()
        self.tell(force=True)

    def take(self, record: RepositoryRecord, files: Iterable[SourceFile]) -> None:
        """Take the files of one repository."""
        if record.repository_key in self.seen:
            raise SourceError(f"The source {self.source.name!r} gave the repository {record.repository_key} twice.")
        self.seen.add(record.repository_key)
        paths: set[str] = set()
        files = list(files)
        reserved = reservation.read(files)  # before anything is stored
        spoken, pending = FileLicences(), PendingRows()
        for file in files:
            self.tell()
            try:
                check_path(file.path)
                if reserved.covers(file.path):
                    raise FileSkipped("reserved")
                if file.path in paths:
                    raise FileSkipped("duplicate_path")
                paths.add(file.path)
                blob, content = self._take_file(file)
                spoken.see(file.path, content)
                pending.add(row_of(record, file, blob, content), file_licences.header(file.path, content), file.licence)
            except FileSkipped as skip:
                self.skipped[skip.reason] += 1
        stated = Licence(record.licence, record.licence_evidence, record.permissive)
        for row, header, of_file in pending:
            self.table.add(licensed(row, spoken.of(row["path"], header, of_file or stated)))
        if not record.licence_evidence:
            whole = spoken.of_root()
            record = replace(
                record, licence=whole.expression, licence_evidence=whole.evidence, permissive=whole.permissive
            )
        self.report.repositories.append(record)

    def _take_file(self, file: SourceFile) -> tuple[str, bytes]:
        if file.sole_author in self.blocked.authors:
            raise FileSkipped("opted_out")
        if _BINARY.search(file.path):
            raise FileSkipped("binary")
        content = file.read(self.limits.max_file_bytes)
        if not content:
            raise FileSkipped("empty")
        if b"\0" in content[:BINARY_HEAD]:
            raise FileSkipped("binary")
        if is_lfs_pointer(content):
            raise FileSkipped("lfs_pointer")
        blob = blob_id(content)
        if blob in self.blocked.blobs:
            raise FileSkipped("opted_out")
        if self.index.add(blob):
            self.writer.add(blob, content)
        self.report.files += 1
        self.report.bytes += len(content)
        return blob, content

    def tell(self, *, force: bool = False) -> None:
        """Report progress if it is time to."""
        now = time.monotonic()
        if force or now - self.told >= BEAT:
            self.told = now
            done = self.report.files + self.skipped.total()
            self.progress("reading files", done, max(done, self.source.expected_files))
