"""The independent check after a removal: nothing of what went stands in anything that is published or stored.

Three ways of looking, none of which trusts another: whose a published row says it is; what its text is (its blob id, computed
anew); and fingerprints of text that stood in removed files alone, in every file of every store.
"""

import gzip
import hashlib
import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core import stores
from core.stores import Progress, Scanned
from portal.models import OptOutRequest, RemovalEvidence, RemovalMarks
from portal.receipts import coverage, evidence, reader
from portal.receipts.coverage import PLACE, place_of
from portal.receipts.fingerprints import WIDTH, Fingerprints
from portal.receipts.proofs import shown_blobs
from portal.receipts.reader import Place, Unreadable

_CHUNK = 4 << 20
_GZIP, _ZSTD, _PARQUET = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1"


@dataclass
class Report:
    """What was read, and what was found.

    Attributes:
        releases: Published releases that were read.
        rows: Rows in them; what several releases share is read once.
        files: Files of the stores.
        bytes: Of the published files' texts and of the stores' files.
        everywhere: Findings that concern every request of the check: places, never text.
        found: Findings by the key of the request that they concern.
    """

    releases: int = 0
    rows: int = 0
    files: int = 0
    bytes: int = 0
    everywhere: list[str] = field(default_factory=list)
    found: dict[int, list[str]] = field(default_factory=dict)

    def of(self, request: OptOutRequest) -> list[str]:
        """What was found of one request."""
        return self.everywhere + self.found.get(request.pk, [])


class Wanted:
    """What the check looks for. It is a ``core.stores.Markers`` too."""

    def __init__(self, requests: Sequence[OptOutRequest], marks: Iterable[RemovalMarks]) -> None:
        """Gather it from the requests, their evidence and the marks of purges."""
        self.requests = requests
        self.erased: set[str] = set()
        self.fingerprints: list[Fingerprints] = []
        for mark in marks:
            ids = bytes(mark.blobs)
            self.erased |= {ids[at : at + 20].hex() for at in range(0, len(ids), 20)}
            self.fingerprints.append(Fingerprints(bytes(mark.multiplier), bytes(mark.fingerprints)))
        self.covered = {request.pk: coverage.of_request(request) for request in requests}
        self.names = {request.pk: (request.forge, request.account.casefold()) for request in requests}
        self.held = {request.pk: set[str]() for request in requests}
        self.places = {request.pk: set[bytes]() for request in requests}
        for one in RemovalEvidence.objects.filter(request__in=[request.pk for request in requests]):
            places = bytes(one.places)
            self.held[one.request_id] |= set(shown_blobs(evidence.proof_of(one)))
            self.places[one.request_id] |= {places[at : at + PLACE] for at in range(0, len(places), PLACE)}

    @cached_property
    def blob_ids(self) -> set[str]:
        """The erased blobs."""
        return self.erased

    def within(self, data: bytes) -> bool:
        """Whether text that stood in erased blobs alone stands in ``data``."""
        return any(one.within(data) for one in self.fingerprints)

    def in_file(self, path: Path) -> bool:
        """Whether it stands in a file, as it lies on the disk or as it reads."""
        return any(self.within(piece) for piece in _readings(path))


def check(place: Place, releases: Iterable[tuple[str, str]], wanted: Wanted, progress: Progress) -> Report:
    """Read every published release and every store.

    Args:
        place: Where published bytes are read.
        releases: Name and version of each published release.
        wanted: What to look for.
        progress: Told how far it is.
    """
    report = Report()
    listed: dict[str, tuple[str, str, reader.Part]] = {}
    for name, version in releases:
        report.releases += 1
        try:
            listed |= {part.digest: (name, version, part) for part in reader.parts(place, name, version)}
        except Unreadable as error:
            report.everywhere.append(str(error))
    for number, (name, version, part) in enumerate(listed.values()):
        progress("reading what is published", number, len(listed))
        try:
            for batch in reader.rows(place, name, version, part):
                _look_at_rows(batch, f"{name} {version}, {part.language} {part.bucket}", wanted, report)
        except Unreadable as error:
            report.everywhere.append(str(error))
    for scanned in stores.scan_everywhere(wanted, _look_at_files, progress):
        report.files += scanned.files
        report.bytes += scanned.bytes
        report.everywhere += [f"{scanned.store}: {hit}" for hit in scanned.hits]
    return report


def _look_at_rows(batch: pa.RecordBatch, where: str, wanted: Wanted, report: Report) -> None:
    table = pa.table(batch)
    texts = [text.encode() for text in table["content"].to_pylist()]
    report.rows += len(texts)
    report.bytes += sum(map(len, texts))
    computed = [hashlib.sha1(b"blob %d\0" % len(text) + text, usedforsecurity=False).hexdigest() for text in texts]
    stated, repositories, paths = (table[name].to_pylist() for name in ("blob_id", "repository_key", "path"))
    for request in wanted.requests:
        covered, (forge, account) = wanted.covered[request.pk], wanted.names[request.pk]
        elsewhere = covered.ring_a | covered.ring_b
        whole = pc.and_(pc.equal(table["forge"], forge), pc.equal(pc.utf8_lower(table["owner"]), account))
        # An account with another number is another's, who took the name later or had it before.
        whole = pc.and_not(whole, pc.starts_with(table["owner_key"], f"{forge}:"))
        theirs = pc.or_(_in(table["owner_key"], covered.owners), _in(table["repository_key"], covered.repositories))
        if covered.owners:
            theirs = pc.or_(theirs, whole)
        if pc.any(theirs).as_py():
            _find(report, request, f"{where}: rows under the requester's name")
        for said, is_one, repository, path in zip(stated, computed, repositories, paths, strict=True):
            if said in wanted.held[request.pk] and place_of(repository, path) in wanted.places[request.pk]:
                _find(report, request, f"{where}: a removed file in its old place")
            # Under its own id a text may stay, where another owner published it too; under another id it is a leftover.
            if is_one in elsewhere or said in elsewhere or (is_one != said and is_one in wanted.held[request.pk]):
                _find(report, request, f"{where}: a removed file under another name")
                break
    if not wanted.erased.isdisjoint(stated) or not wanted.erased.isdisjoint(computed):
        report.everywhere.append(f"{where}: a blob that was erased")
    if wanted.within(b"\0".join(texts)):
        report.everywhere.append(f"{where}: text of an erased file")


def _find(report: Report, request: OptOutRequest, what: str) -> None:
    found = report.found.setdefault(request.pk, [])
    if what not in found:
        found.append(what)


def _in(column: pa.ChunkedArray, values: Iterable[str]) -> pa.ChunkedArray:
    return pc.is_in(column, value_set=pa.array(sorted(values), pa.string()))


def _look_at_files(path: Path, markers: stores.Markers, progress: Progress) -> Scanned:
    """Read every file below a folder."""
    scanned = Scanned("")
    paths = sorted(Path(parent, name) for parent, _, names in os.walk(path) for name in names)
    paths += [path] if path.is_file() else []
    for number, one in enumerate(paths):
        progress("reading what is stored", number, len(paths))
        if one.is_symlink() or not one.is_file():
            continue
        try:
            size = one.stat().st_size
            if markers.in_file(one):
                scanned.hits.append(str(one))
        except FileNotFoundError:
            continue  # deleted meanwhile
        scanned.files += 1
        scanned.bytes += size
    return scanned


def _readings(path: Path) -> Iterator[bytes]:
    """A file's bytes as they lie there, in pieces that overlap; then as they read, where it is Parquet, gzip or zstd."""
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(0)
        yield from _pieces(file)
    if head == _PARQUET:
        yield from _columns(path)
    elif head.startswith(_GZIP) or head == _ZSTD:
        yield from _unpacked(path, head == _ZSTD)


def _pieces(file: object) -> Iterator[bytes]:
    tail = b""
    while chunk := file.read(_CHUNK):  # type: ignore[attr-defined]
        yield tail + chunk
        tail = chunk[-(WIDTH - 1) :]


def _columns(path: Path) -> Iterator[bytes]:
    """The texts and bytes in the columns of a Parquet file; one that cannot be read was searched as it lies."""
    try:
        with pq.ParquetFile(path) as source:
            for batch in source.iter_batches(1000, use_threads=False):
                for array in batch.columns:
                    yield from _values(array)
    except (OSError, pa.ArrowException):
        return


def _values(array: pa.Array) -> Iterator[bytes]:
    kind = array.type
    if pa.types.is_dictionary(kind):
        array = array.dictionary_decode()
    elif pa.types.is_nested(kind):
        parts = array.flatten()
        for part in parts if isinstance(parts, list) else [parts]:
            yield from _values(part)
        return
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        array = array.cast(pa.large_binary())
    if pa.types.is_binary(array.type) or pa.types.is_large_binary(array.type):
        yield b"\0".join(value for value in array.to_pylist() if value is not None)


def _unpacked(path: Path, zstd: bool) -> Iterator[bytes]:
    try:
        with pa.input_stream(str(path), compression="zstd") if zstd else gzip.open(path) as file:
            yield from _pieces(file)
    except (OSError, EOFError, zlib.error, pa.ArrowException):
        return  # no such file after all, or cut off
