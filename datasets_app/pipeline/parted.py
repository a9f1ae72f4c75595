"""A table cut into parts by the hash of a key, so that a release can take over the parts in which nothing changed.

The parts are ``<number>-of-<parts>.parquet`` in one folder. A part that is taken over is a hard link: it costs no bytes, and
whoever writes either of the two anew (always whole, under another name, then renamed) leaves the other as it is.

Beside them ``blobs.npy`` says in which parts the rows of a blob are: the first 32 bits of blob ids, sorted, and the part of each.
It may name a part too many, never one too few; so it is taken over like a part wherever nothing new came.
"""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from datasets_app.pipeline import atomic
from datasets_app.pipeline.columns import read_columns

ROWS_A_PART = 2000  # aimed at when a table is first cut
MOST_PARTS = 4096
INDEX = "blobs.npy"

Index = npt.NDArray[np.uint32]  # (2, rows): bits of blob ids in their order, and parts

_NAME = re.compile(r"\d{5}-of-\d{5}\.parquet")


@dataclass(frozen=True)
class Parted:
    """One such table.

    Attributes:
        folder: Where its parts lie.
        schema: Of its rows, with ``blob_id``.
        key: The column whose hash says which part a row belongs to.
        hash: 64 bits of a value of it.
    """

    folder: Path
    schema: pa.Schema
    key: str
    hash: Callable[[str], int]

    @property
    def parts(self) -> int:
        """How many parts there are; 0 where there is no table."""
        for name in self._names():
            return int(name[9:14])
        return 0

    def path(self, part: int, parts: int) -> Path:
        """Where a part lies."""
        return self.folder / f"{part:05d}-of-{parts:05d}.parquet"

    def paths(self) -> list[Path]:
        """The parts that are there, in order."""
        return [self.folder / name for name in sorted(self._names())]

    def _names(self) -> list[str]:
        try:
            return [name for name in os.listdir(self.folder) if _NAME.fullmatch(name)]  # noqa: PTH208 - of plain names
        except FileNotFoundError:
            return []

    def part_of(self, value: str, parts: int) -> int:
        """The part of a key."""
        return (self.hash(value) * parts) >> 64

    def parts_of(self, values: Iterable[str]) -> set[int]:
        """The parts in which rows with these keys lie."""
        parts = self.parts
        return {self.part_of(value, parts) for value in values}

    def parts_with(self, blob_ids: pl.Series) -> set[int]:
        """The parts in which rows of these blobs may be."""
        if blob_ids.is_empty():
            return set()
        index, wanted = self._index(), np.unique(_bits(blob_ids))
        first, last = (np.searchsorted(index[0], wanted, side) for side in ("left", "right"))
        return {int(part) for one, end in zip(first, last, strict=True) for part in index[1, one:end]}

    def parts_where(self, column: str, values: pl.Series) -> set[int]:
        """The parts in which a row has one of these values in ``column``, which is read in all parts.

        None has that was written before the column came, nor was taken over from such a table.
        """
        paths = [] if values.is_empty() else [path for path in self.paths() if column in pq.read_schema(path).names]
        if not paths:
            return set()
        found = (
            pl.scan_parquet(paths, include_file_paths="part")
            .filter(pl.col(column).is_in(values.implode()))
            .select(pl.col("part").unique())
            .collect()["part"]
        )
        return {int(Path(path).name[:5]) for path in found}

    def tells(self, column: str) -> bool:
        """Whether every part was written since the column came."""
        paths = self.paths()
        return bool(paths) and all(column in pq.read_schema(path).names for path in paths)

    def write_index(self) -> None:
        """Write ``blobs.npy`` anew, of the parts that are there."""
        self._write_index(self._made_index())

    def read(self, parts: Iterable[int] | None = None, columns: list[str] | None = None) -> pl.DataFrame:
        """The rows of some parts, or of all."""
        count = self.parts
        paths = self.paths() if parts is None else [self.path(part, count) for part in sorted(parts)]
        if not paths:
            frame = pl.from_arrow(self.schema.empty_table())
            assert isinstance(frame, pl.DataFrame)
            return frame.select(columns or self.schema.names)
        return pl.concat([read_columns(path, columns or self.schema.names, self.schema) for path in paths])

    def write(self, rows: pl.DataFrame, sort: list[str], parts: int = 0) -> None:
        """Cut a whole table into parts and write them into the folder, which is to be empty."""
        parts = parts or parts_for(len(rows))
        for part, held in enumerate(self.cut(rows, parts)):
            self._write(self.path(part, parts), held.sort(sort))
        self.write_index()

    def derive(self, parent: "Parted", changed: Mapping[int, pl.DataFrame], sort: list[str]) -> None:
        """Make this table of ``parent``: the parts in ``changed`` anew with these rows, all others taken over."""
        self.folder.mkdir(parents=True, exist_ok=True)
        parts = parent.parts
        for part in range(parts):
            path = self.path(part, parts)
            if part in changed:
                self._write(path, changed[part].sort(sort))
            else:
                take_over(parent.path(part, parts), path)
        index = parent._index()
        new = [_entries(rows, part) for part, rows in changed.items()]
        if all(_holds(index, one) for one in new) and (parent.folder / INDEX).exists():
            take_over(parent.folder / INDEX, self.folder / INDEX)
        else:
            self._write_index(_sorted([index[:, ~np.isin(index[1], list(changed))], *new]))
        atomic.flush_folder(self.folder)

    def cut(self, rows: pl.DataFrame, parts: int) -> list[pl.DataFrame]:
        """The rows of each part."""
        keys = rows[self.key].unique()
        numbers = pl.Series("part", [self.part_of(value, parts) for value in keys], dtype=pl.Int32)
        numbered = rows.join(pl.DataFrame({self.key: keys, "part": numbers}), on=self.key, how="left")
        found = numbered.partition_by("part", as_dict=True, include_key=False)
        empty = numbered.drop("part").clear()
        return [found.get((part,), empty) for part in range(parts)]

    def _index(self) -> Index:
        try:
            return np.load(self.folder / INDEX, mmap_mode="r")
        except FileNotFoundError:  # an earlier version of this program wrote the release
            return self._made_index()

    def _made_index(self) -> Index:
        return _sorted(
            [_entries(pl.read_parquet(path, columns=["blob_id"]), int(path.name[:5])) for path in self.paths()]
        )

    def _write_index(self, index: Index) -> None:
        with atomic.replacing(self.folder / INDEX) as temporary, temporary.open("wb") as file:
            np.save(file, index, allow_pickle=False)

    def _write(self, path: Path, rows: pl.DataFrame) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        table = rows.select(self.schema.names).to_arrow(compat_level=pl.CompatLevel.oldest()).cast(self.schema)
        pq.write_table(table, path, compression="zstd", store_schema=False)
        atomic.flush_file(path)


def _bits(blob_ids: pl.Series) -> npt.NDArray[np.uint32]:
    return blob_ids.str.head(8).str.to_integer(base=16, dtype=pl.UInt32).to_numpy()


def _entries(rows: pl.DataFrame, part: int) -> Index:
    bits = np.unique(_bits(rows["blob_id"]))
    return np.stack([bits, np.full_like(bits, part)])


def _sorted(entries: list[Index]) -> Index:
    whole = np.concatenate([np.empty((2, 0), np.uint32), *entries], axis=1)
    return np.ascontiguousarray(whole[:, np.lexsort((whole[1], whole[0]))])


def _holds(index: Index, entries: Index) -> bool:
    """Whether the index has each of these entries, which are of one part."""
    if not entries.shape[1]:
        return True
    first, last = (np.searchsorted(index[0], entries[0], side) for side in ("left", "right"))
    part = entries[1, 0]
    return all(part in index[1, one:end] for one, end in zip(first, last, strict=True))


def parts_for(rows: int) -> int:
    """Into how many parts a table of so many rows is cut: a power of two."""
    return min(MOST_PARTS, 1 << max(0, (rows // ROWS_A_PART).bit_length()))


def take_over(source: Path, target: Path) -> None:
    """Give a file a second name; copy it where the file system has no hard links."""
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        atomic.write_bytes(target, source.read_bytes())
