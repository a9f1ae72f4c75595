"""Looking for bytes that must not be there: in every file below a folder, as it lies on the disk and as it reads.

Each file is searched raw; Parquet files also column by column, decoded; other files also inside every zstd and gzip frame
that starts anywhere in them.
"""

import os
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from datasets_app.pipeline.needles import Needles
from datasets_app.pipeline.progress import Progress, silent

_CHUNK = 4 << 20
_PIECE = 1 << 20
_ZSTD = b"\x28\xb5\x2f\xfd"
_GZIP = b"\x1f\x8b\x08"
_PARQUET = b"PAR1"


@dataclass
class Survey:
    """What was looked at, and where something was found.

    Attributes:
        files: Read to the end, or to the first hit.
        bytes: On the disk, of these files.
        hits: Those in which something was found.
    """

    files: int = 0
    bytes: int = 0
    hits: list[Path] = field(default_factory=list)


def scan(root: Path, markers: Sequence[bytes], progress: Progress = silent) -> list[Path]:
    """The files below ``root`` in which one of the markers stands. Links are not followed.

    Raises:
        ValueError: There is no marker, or an empty one.
        OSError: A file cannot be read. One that was deleted meanwhile is passed over.
    """
    if not markers or not all(markers):
        raise ValueError("markers: name at least one, none of them empty")
    return survey(root, Needles(markers), progress).hits


def survey(root: Path, markers: Needles, progress: Progress = silent, without: Collection[Path] = ()) -> Survey:
    """Look for markers in every file below ``root`` (or in the file ``root``), but for those ``without``. No marker: no file is read.

    Raises:
        OSError: A file cannot be read. One that was deleted meanwhile is passed over.
    """
    result = Survey()
    if not len(markers):
        return result
    paths = sorted(Path(parent, name) for parent, _, names in os.walk(root) for name in names)
    paths += [root] if root.is_file() else []
    for number, path in enumerate(paths):
        if path in without or path.is_symlink() or not path.is_file():
            continue
        try:
            size = path.stat().st_size
            if _holds(path, markers, partial(progress, "scanning", number, len(paths))):
                result.hits.append(path)
        except FileNotFoundError:
            continue
        result.files += 1
        result.bytes += size
    progress("scanning", len(paths), len(paths))
    return result


def _holds(path: Path, markers: Needles, tell: Callable[[], None]) -> bool:
    frames: list[int] = []
    parquet = _is_parquet(path)
    longest = max(markers.longest, len(_ZSTD))
    with path.open("rb") as file:
        tail, position = b"", 0
        while chunk := file.read(_CHUNK):
            tell()
            window = tail + chunk
            if markers.within(window):
                return True
            base = position - len(tail)
            frames += [base + at for magic in (_ZSTD, _GZIP) for at in _places(window, magic)]
            position += len(chunk)
            tail = window[-(longest - 1) :] if longest > 1 else b""
    if parquet:
        try:
            return _in_columns(path, markers, tell)
        except (OSError, pa.ArrowException):
            tell()  # Damaged: its pages are still frames, so it is searched like any other file.
    return any(_in_frame(path, start, markers) for start in sorted(set(frames)))


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(4)
        size = file.seek(0, os.SEEK_END)
        if head != _PARQUET or size < 12:
            return False
        file.seek(-4, os.SEEK_END)
        return file.read(4) == _PARQUET


def _places(data: bytes, wanted: bytes) -> Iterator[int]:
    at = data.find(wanted)
    while at >= 0:
        yield at
        at = data.find(wanted, at + 1)


def _in_columns(path: Path, markers: Needles, tell: Callable[[], None]) -> bool:
    source = pq.ParquetFile(path)
    for column in source.schema_arrow.names:
        for batch in source.iter_batches(1000, columns=[column], use_threads=False):
            tell()
            if any(_in_array(array, markers) for array in batch.columns):
                return True
    return False


def _in_array(array: pa.Array, markers: Needles) -> bool:
    """Whether one value holds a marker. The buffers are searched whole, a hit is then confirmed value by value."""
    if not any(markers.within(buffer) for buffer in array.buffers() if buffer is not None):
        return False
    while pa.types.is_nested(array.type):
        parts = array.flatten()
        if isinstance(parts, list):
            return any(_in_array(part, markers) for part in parts)
        array = parts
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if not (pa.types.is_string(array.type) or pa.types.is_large_string(array.type)):
        if not (pa.types.is_binary(array.type) or pa.types.is_large_binary(array.type)):
            return True  # Values of fixed width: where their bytes join is no border that anybody sees.
    else:
        array = array.cast(pa.large_binary())
    return any(markers.within(value) for value in array.to_pylist() if value is not None)


def _in_frame(path: Path, start: int, markers: Needles) -> bool:
    """Whether a marker stands in what a compressed frame at ``start`` holds, as far as it can be read."""
    overlap = markers.longest - 1
    tail = b""
    for piece in _decompressed(path, start):
        window = tail + piece
        if markers.within(window):
            return True
        tail = window[-overlap:] if overlap else b""
    return False


def _decompressed(path: Path, start: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        if file.read(3) == _GZIP:
            file.seek(start)
            unpack = zlib.decompressobj(wbits=31)
            try:
                while (chunk := file.read(1 << 16)) and not unpack.eof:
                    yield unpack.decompress(chunk)
            except zlib.error:
                return  # The magic stood there by chance, or the frame ends here.
            return
    # The reader of zstd fails as a whole when something else follows the frame within the piece asked for: so the rest of a
    # piece that failed is asked for again in smaller ones.
    done, size = 0, _PIECE
    while size:
        with path.open("rb") as file:
            file.seek(start)
            stream = pa.CompressedInputStream(pa.PythonFile(file, "r"), "zstd")
            try:
                skip = done
                while skip and (piece := stream.read(min(skip, _PIECE))):
                    skip -= len(piece)
                while piece := stream.read(size):
                    done += len(piece)
                    yield piece
            except (OSError, pa.ArrowException):
                size //= 32
            else:
                return
