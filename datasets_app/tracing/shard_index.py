"""The trace index of one shard: its texts in both forms, and the fingerprints by which stretches of them are found.

One file a shard (:mod:`datasets_app.pipeline.array_file`), made of the published shard alone, so it knows nothing that the shard
does not show. A shard never changes, so neither does its index. Of a megabyte of text it takes 1.8 MB for the two texts, which
lie there as they are, and 0.3 MB of fingerprints for each. Everything is read where it lies: a question touches a few pages of
each index.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from datasets_app.pipeline import array_file, atomic
from datasets_app.pipeline.array_file import IndexDamaged as IndexDamaged
from datasets_app.pipeline.code_index import FACTS, Indexed, facts_array, sorted_heads
from datasets_app.pipeline.format import shard_path
from datasets_app.tracing.fingerprints import PARTS, table
from datasets_app.tracing.question import FORMS, Form
from datasets_app.tracing.white_space import collapse, origins
from datasets_app.tracing.windows import WINDOW, sample

MAGIC = b"fairstack trace index 1\n"
RULES = f"1/windows of {WINDOW}"
"""What an index was made by. One of other rules counts as damaged."""

MOST_BYTES = (1 << 32) - 1
"""Of the texts of a shard, with one more for each: places are kept in 32 bits."""


class ShardTooLarge(ValueError):
    """The texts of a shard are more than places of 32 bits reach: build the release with smaller shards."""


class Place(NamedTuple):
    """Where a stretch lies in a published text: lines counted from 1, characters from 0, the end exclusive."""

    first_line: int
    last_line: int
    start: int
    end: int


def index_path(folder: Path, digest: str) -> Path:
    """Where the trace index of the shard with this digest lies."""
    return folder / digest[:2] / f"{digest}.trace"


def index_shard(releases: str, out: str, spec: Mapping[str, Any]) -> Indexed:
    """Make the trace index of one shard (``digest``), whole or not at all. Gives what is there where it was made before.

    Args:
        releases: The folder of releases.
        out: The folder of trace indexes.
        spec: ``{"digest": SHA-256 of the shard}``.

    Raises:
        FileNotFoundError: The shard is gone.
        ShardTooLarge: Its texts are 4 GiB or more.
    """
    digest = str(spec["digest"])
    path = index_path(Path(out), digest)
    try:
        rows = ShardIndex.open(path).rows
    except (FileNotFoundError, IndexDamaged):
        with pq.ParquetFile(shard_path(Path(releases), digest)) as shard:
            published = shard.read(["blob_id", "content", *FACTS], use_threads=False)
        rows = published.num_rows
        with atomic.replacing(path) as temporary:
            array_file.write(temporary, MAGIC, RULES, arrays_of(published))
    return Indexed(digest=digest, rows=rows, bytes=path.stat().st_size)


def arrays_of(published: pa.Table) -> dict[str, npt.NDArray[Any]]:
    """The arrays of the index of these rows, of which ``blob_id``, ``content`` and ``code_index.FACTS`` are read."""
    ids = np.frombuffer(bytes.fromhex("".join(published["blob_id"].to_pylist())), np.uint8).reshape(-1, 20)
    text, bounds = _joined(published["content"].cast(pa.large_binary()).to_pylist())
    arrays: dict[str, npt.NDArray[Any]] = {
        "blob_ids": ids,
        **sorted_heads("blob", ids),
        "facts": facts_array(published.select(FACTS)),
    }
    for form in FORMS:
        if form == "collapsed":
            text, bounds = collapse(text, bounds)
        parts = table(*sample(text))
        arrays |= {f"{form}_text": text, f"{form}_bounds": bounds}
        arrays |= {f"{form}_{name}": parts[name] for name in PARTS}
    return arrays


def _joined(texts: Iterable[bytes]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint32]]:
    """Texts in one array, each with a NUL behind it, and where each begins; the last figure is the end."""
    listed = [*texts, b""]
    bounds = np.cumsum([0, *(len(text) + 1 for text in listed[:-1])], dtype=np.uint64)
    if bounds[-1] > MOST_BYTES:
        raise ShardTooLarge(
            f"The shard holds {int(bounds[-1]):,} bytes of text, and {MOST_BYTES:,} can be indexed at most."
        )
    return np.frombuffer(b"\0".join(listed), np.uint8), bounds.astype(np.uint32)


@dataclass(frozen=True)
class Fingerprints:
    """One form of a shard's texts, with its table (:mod:`fingerprints`): ``bounds`` tell where in ``text`` each row begins."""

    text: npt.NDArray[np.uint8]
    bounds: npt.NDArray[np.uint32]
    filter: npt.NDArray[np.uint64]
    buckets: npt.NDArray[np.uint32]
    tags: npt.NDArray[np.uint16]
    places: npt.NDArray[np.uint32]

    @property
    def nbytes(self) -> int:
        """Bytes of the table."""
        return self.filter.nbytes + self.buckets.nbytes + self.tags.nbytes + self.places.nbytes


class ShardIndex:
    """A trace index, opened. What is mapped stays readable until ``close``, also when the file is deleted."""

    def __init__(self, path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Use :meth:`open`."""
        self.path = path
        self._blob_ids, self._facts = arrays["blob_ids"], arrays["facts"]
        self._blob_keys, self._blob_rows = arrays["blob_keys"], arrays["blob_rows"]
        self.forms: dict[Form, Fingerprints] = {
            form: Fingerprints(**{name: arrays[f"{form}_{name}"] for name in ("text", "bounds", *PARTS)})
            for form in FORMS
        }

    @classmethod
    def open(cls, path: Path) -> "ShardIndex":
        """Open a trace index.

        Raises:
            FileNotFoundError: There is none.
            IndexDamaged: It cannot be used.
        """
        arrays = array_file.read(path, MAGIC, RULES)
        try:
            return cls(path, arrays)
        except KeyError as error:
            raise IndexDamaged(f"{path} lacks the array {error}") from error

    def close(self) -> None:
        """Let the file go. Nothing can be asked of the index afterwards."""
        self.__dict__.clear()

    @property
    def rows(self) -> int:
        """How many rows the shard has."""
        return len(self._blob_ids)

    def holds(self, blob_ids: Sequence[bytes]) -> bool:
        """Whether a row is one of these blobs (20 bytes each)."""
        for blob in blob_ids:
            head = np.uint64(int.from_bytes(blob[:8]))
            first, last = (int(np.searchsorted(self._blob_keys, head, side)) for side in ("left", "right"))
            if any(bytes(self._blob_ids[row]) == blob for row in self._blob_rows[first:last]):
                return True
        return False

    def named(self) -> tuple[set[str], set[str]]:
        """The owner keys and the repository keys of its rows."""
        return set(self.table["owner_key"].to_pylist()), set(self.table["repository_key"].to_pylist())

    def facts(self, row: int) -> dict[str, Any]:
        """What is known of a row: ``code_index.FACTS``, and its ``blob_id``."""
        values: dict[str, Any] = self.table.slice(row, 1).to_pylist()[0]
        return values | {"blob_id": bytes(self._blob_ids[row]).hex()}

    @cached_property
    def table(self) -> pa.Table:
        """``code_index.FACTS`` of every row, without a copy of them."""
        return pa.ipc.open_file(pa.py_buffer(self._facts)).read_all()

    def text(self, row: int, form: Form = "exact") -> bytes:
        """The published text of a row, in UTF-8."""
        held = self.forms[form]
        return held.text[held.bounds[row] : held.bounds[row + 1] - 1].tobytes()

    def place(self, row: int, form: Form, at: int, size: int) -> Place:
        """Where a stretch of a row lies that takes ``size`` bytes of its text in this form, from the byte ``at`` on.

        Lines end with ``\\n``, ``\\r\\n`` or ``\\r``; an end of line belongs to the line that it ends.
        """
        text = self.text(row)
        start, end = at, at + size
        if form == "collapsed":
            starts, ends = origins(np.frombuffer(text, np.uint8))
            start, end = int(starts[start]), int(ends[end - 1])
        before, within = text[:start].decode(), text[start:end].decode()
        return Place(_line(text, start), _line(text, end - 1), len(before), len(before) + len(within))


def _line(text: bytes, at: int) -> int:
    """The line, from 1, that the byte ``at`` lies in."""
    before = text[:at]
    split = before.endswith(b"\r") and text[at : at + 1] == b"\n"
    return 1 + before.count(b"\n") + before.count(b"\r") - before.count(b"\r\n") - split
