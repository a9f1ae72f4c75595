"""Finding published files by their text: one small index a shard, mapped into memory.

The index of a shard knows each row by its blob id, by the SHA-256 of its published text, and by the sketch of that text
(:mod:`sketches`): its band keys, sorted, lead to the candidates, and the sketches tell how alike they are. It is made of the
published shard alone, so it knows nothing that the shard does not show. A shard never changes, so neither does its index: a new
release needs new ones for its new shards and no others.

One file a shard (:mod:`array_file`). Rows take about 730 bytes. Every array is read where it lies, so a look-up touches a few
pages of each index.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from datasets_app.pipeline import array_file, atomic
from datasets_app.pipeline.array_file import IndexDamaged as IndexDamaged
from datasets_app.pipeline.duplicates import estimate
from datasets_app.pipeline.format import shard_path
from datasets_app.pipeline.sketches import BANDS, SHINGLE, SKETCHES, sketch_texts

MAGIC = b"fairstack code index 1\n"
RULES = f"1/{SKETCHES.rules}"
"""What an index was made by. One of other rules counts as missing."""

MOST_CANDIDATES = 2000  # of one shard that are compared; those that share most bands come first
FACTS = ["path", "forge", "owner", "repository", "repository_key", "owner_key", "language", "licence", "size", "copies"]
MARK = b"\xef\xbb\xbf"  # what some editors put before a text in UTF-8


class Indexed(TypedDict):
    """What ``index_shard`` tells of an index that it made."""

    digest: str
    rows: int
    bytes: int


def index_path(folder: Path, digest: str) -> Path:
    """Where the index of the shard with this digest lies."""
    return folder / digest[:2] / f"{digest}.index"


def index_shard(releases: str, out: str, spec: Mapping[str, Any]) -> Indexed:
    """Make the index of one shard (``digest``), whole or not at all. Gives what is there where it was made before.

    Args:
        releases: The folder of releases.
        out: The folder of indexes.
        spec: ``{"digest": SHA-256 of the shard}``.

    Raises:
        FileNotFoundError: The shard is gone.
    """
    digest = str(spec["digest"])
    path = index_path(Path(out), digest)
    try:
        there = CodeIndex.open(path)
        return Indexed(digest=digest, rows=there.rows, bytes=path.stat().st_size)
    except (FileNotFoundError, IndexDamaged):
        pass
    arrays = _arrays(shard_path(Path(releases), digest))
    with atomic.replacing(path) as temporary:
        write(temporary, arrays)
    return Indexed(digest=digest, rows=len(arrays["blob_ids"]), bytes=path.stat().st_size)


def _arrays(shard: Path) -> dict[str, npt.NDArray[Any]]:
    blob_ids: list[str] = []
    texts: list[bytes] = []
    sketches, bands, facts = [], [], []
    with pq.ParquetFile(shard) as source:
        for group in range(source.num_row_groups):
            table = source.read_row_group(group, ["blob_id", "content", "published_sha256", *FACTS], use_threads=False)
            blob_ids += table["blob_id"].to_pylist()
            texts += table["published_sha256"].to_pylist()
            content = pa.concat_arrays(table["content"].cast(pa.large_binary()).chunks)
            tokens, sketch, band = sketch_texts(content)
            band[tokens < SHINGLE] = 0
            sketches.append(sketch)
            bands.append(band)
            facts.append(table.select(FACTS))
    ids = np.frombuffer(b"".join(bytes.fromhex(one) for one in blob_ids), np.uint8).reshape(-1, 20)
    hashes = np.frombuffer(b"".join(texts), np.uint8).reshape(-1, 32)
    keys = np.concatenate(bands) if bands else np.empty((0, BANDS), np.uint64)
    sketched = np.flatnonzero(keys.any(axis=1))
    flat = keys[sketched].ravel()
    order = np.argsort(flat, kind="stable")
    return {
        "blob_ids": ids,
        "texts": hashes,
        **sorted_heads("blob", ids),
        **sorted_heads("text", hashes),
        "band_keys": flat[order],
        "band_rows": np.repeat(sketched.astype(np.uint32), BANDS)[order],
        "sketches": np.concatenate(sketches) if sketches else np.empty((0, 32), np.uint64),
        "facts": facts_array(pa.concat_tables(facts) if facts else pa.table({name: [] for name in FACTS})),
    }


def sorted_heads(name: str, digests: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[Any]]:
    """The arrays by which digests are found: their first 64 bits, sorted, and the row of each."""
    keys = _heads(digests)
    order = np.argsort(keys, kind="stable")
    return {f"{name}_keys": keys[order], f"{name}_rows": order.astype(np.uint32)}


def _heads(digests: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    """The first 64 bits of each digest."""
    return np.ascontiguousarray(digests[:, :8]).view(">u8").ravel().astype(np.uint64)


def facts_array(table: pa.Table) -> npt.NDArray[np.uint8]:
    """A table as bytes that are read where they lie."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return np.frombuffer(sink.getvalue(), np.uint8)


def write(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write an index: these arrays by name."""
    array_file.write(path, MAGIC, RULES, arrays)


@dataclass(frozen=True)
class Likeness:
    """A row of a shard that is like a text; ``alike`` is the share of common runs of five words, estimated, 0..1."""

    row: int
    alike: float


@dataclass(frozen=True)
class CodeIndex:
    """An index, opened. Its arrays are mapped: they stay readable until it is let go, also when it is deleted."""

    path: Path
    arrays: Mapping[str, npt.NDArray[Any]]

    @classmethod
    def open(cls, path: Path) -> "CodeIndex":
        """Open an index.

        Raises:
            FileNotFoundError: There is none.
            IndexDamaged: It cannot be used.
        """
        return cls(path, array_file.read(path, MAGIC, RULES))

    @property
    def rows(self) -> int:
        """How many rows the shard has."""
        return len(self.arrays["blob_ids"])

    def by_blob(self, blob_ids: Sequence[bytes]) -> list[int]:
        """The rows whose source is one of these blobs (20 bytes each)."""
        return self._exact("blob", "blob_ids", blob_ids)

    def by_text(self, hashes: Sequence[bytes]) -> list[int]:
        """The rows whose published text has one of these SHA-256."""
        return self._exact("text", "texts", hashes)

    def alike(self, sketch: npt.NDArray[np.uint64], bands: npt.NDArray[np.uint64], least: float) -> list[Likeness]:
        """The rows that share a band with a text and are at least as like it as ``least``, the most alike first."""
        keys = self.arrays["band_keys"]
        starts = np.searchsorted(keys, bands, "left")
        ends = np.searchsorted(keys, bands, "right")
        found = [self.arrays["band_rows"][start:end] for start, end in zip(starts, ends, strict=True) if end > start]
        if not found:
            return []
        rows, shared = np.unique(np.concatenate(found), return_counts=True)
        if len(rows) > MOST_CANDIDATES:
            rows = rows[np.argsort(-shared, kind="stable")[:MOST_CANDIDATES]]
        sketches = self.arrays["sketches"]
        likeness = [Likeness(int(row), float(estimate(sketch, sketches[row]))) for row in rows]
        return sorted((one for one in likeness if one.alike >= least), key=lambda one: (-one.alike, one.row))

    def facts(self, row: int) -> dict[str, Any]:
        """What is known of a row: :data:`FACTS`, and its ``blob_id``."""
        values: dict[str, Any] = self.table().slice(row, 1).to_pylist()[0]
        return values | {"blob_id": bytes(self.arrays["blob_ids"][row]).hex()}

    def repository_keys(self, rows: Sequence[int]) -> list[str]:
        """The repository of each of these rows."""
        keys: list[str] = self.table()["repository_key"].take(pa.array(rows, pa.int64())).to_pylist()
        return keys

    def table(self) -> pa.Table:
        """What is known of every row, without copying it."""
        return pa.ipc.open_file(pa.py_buffer(self.arrays["facts"])).read_all()

    def holds(self, blob_ids: Sequence[bytes]) -> bool:
        """Whether a row is one of these blobs."""
        wanted = np.unique(_heads(np.frombuffer(b"".join(blob_ids), np.uint8).reshape(-1, 20)))
        known = self.arrays["blob_keys"]
        if not len(known) or not len(wanted):
            return False
        places = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
        return bool((known[places] == wanted).any()) and bool(self.by_blob(blob_ids))

    def named(self) -> tuple[set[str], set[str]]:
        """The owner keys and the repository keys of its rows."""
        table = self.table()
        return set(table["owner_key"].to_pylist()), set(table["repository_key"].to_pylist())

    def _exact(self, name: str, whole: str, digests: Sequence[bytes]) -> list[int]:
        keys, rows, known = self.arrays[f"{name}_keys"], self.arrays[f"{name}_rows"], self.arrays[whole]
        found = set()
        for digest in digests:
            head = np.uint64(int.from_bytes(digest[:8]))
            for at in range(int(np.searchsorted(keys, head, "left")), int(np.searchsorted(keys, head, "right"))):
                if bytes(known[rows[at]]) == digest:
                    found.add(int(rows[at]))
        return sorted(found)


@dataclass(frozen=True)
class Asked:
    """A text that is looked for.

    Attributes:
        blob_ids: Of the bytes as they came, and of the same text with other line ends or without the last one.
        texts: SHA-256 of these.
        sketch: Of the text; None where it has fewer than five words.
        bands: Its band keys.
    """

    blob_ids: dict[bytes, str]
    texts: dict[bytes, str]
    sketch: npt.NDArray[np.uint64] | None
    bands: npt.NDArray[np.uint64] | None


SAME, LINE_ENDS = "same", "line_ends"


def ask(content: bytes) -> Asked:
    """What a text is looked for by. Line ends and the last one are easily changed on the way, so each form is tried."""
    blobs: dict[bytes, str] = {}
    texts: dict[bytes, str] = {}
    for form in _forms(content):
        how = SAME if form == content else LINE_ENDS
        git = hashlib.sha1(b"blob %d\0" % len(form) + form, usedforsecurity=False).digest()
        blobs.setdefault(git, how)
        texts.setdefault(hashlib.sha256(form).digest(), how)
    tokens, sketches, bands = sketch_texts(pa.array([content], pa.large_binary()))
    if tokens[0] < SHINGLE:
        return Asked(blobs, texts, None, None)
    return Asked(blobs, texts, sketches[0], bands[0])


def _forms(content: bytes) -> list[bytes]:
    """The text as it came first; then with line ends of either kind, with and without the last one, with and without a mark."""
    plain = content.removeprefix(MARK).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    short = plain.removesuffix(b"\n")
    unmarked = [text for unix in (plain, short, plain + b"\n") for text in (unix, unix.replace(b"\n", b"\r\n"))]
    return list(dict.fromkeys([content, *unmarked, *(MARK + text for text in unmarked)]))
