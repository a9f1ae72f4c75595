"""Windows of text that stand in removed blobs alone: what a scan after a purge looks for, to show that nothing is left.

Windows are taken from the removed blobs before they are erased; each one that also stands in a text which stays is
dropped, so that whatever is found afterwards is a text that should be gone. Windows are content: they are kept nowhere but in memory
and in the purge's own file, which goes when the purge is done.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datasets_app.pipeline import blobs
from datasets_app.pipeline.corpus import files_table
from datasets_app.pipeline.format import shard_path
from datasets_app.pipeline.manifest import Manifest
from datasets_app.pipeline.needles import Needles
from datasets_app.pipeline.progress import Progress, silent

Form = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.uint8]]
"""Gives another form of texts: their bytes with each run of white space taken for one space, for one."""

WIDTH = 32
"""Bytes of a window."""

PER_BLOB = 8
"""Windows of each kind that are taken from a blob at most, evenly spread."""

MOST = 20_000
"""Windows at most; of more blobs than that, some give none."""

_VARIED = 12  # different bytes in a window at least: padding and rules of dashes stand in files of every kind
# A window within one line, of letters that no format writes in another way: JSON keeps quotes, controls and the like escaped.
_PLAIN = re.compile(rb"[^\x00-\x1f\x22\x26\x27\x3c\x3e\x5c\x7f-\xff]{%d,}" % WIDTH)

# A window of such letters alone may be part of a name or an address, which stays in rows that stay.
_NAME = re.compile(rb"[A-Za-z0-9_./:@~-]+")


@dataclass(frozen=True)
class Markers:
    """What to look for after a purge.

    Attributes:
        windows: Bytes that stand in removed blobs alone, ``WIDTH`` each, sorted.
        blobs: Removed blobs whose texts were at hand.
        marked: Those of them that have a window; the others are too short, or nothing in them is theirs alone.
    """

    windows: list[bytes]
    blobs: int
    marked: int


def choose(
    corpus: Path,
    releases: Path,
    removed: AbstractSet[str],
    *,
    going: Sequence[Manifest] = (),
    staying: Sequence[Manifest] = (),
    known: Iterable[bytes] = (),
    names: Iterable[bytes] = (),
    forms: Sequence[Form] = (),
    progress: Progress = silent,
) -> Markers:
    """Windows for these blobs.

    Args:
        corpus: Holds their texts still, and the texts that stay.
        releases: The folder of the releases.
        removed: The blobs that are about to be erased.
        going: Releases whose bytes are about to be deleted: they may hold texts that the corpus has lost already.
        staying: Releases that stay: a text in them which is not removed is no sign of anything.
        known: Windows that an earlier attempt chose; they are checked again.
        names: Names and addresses that are kept by right, in pieces of any size. A window of text without spaces that stands in
            one of them, or in a name or path of the corpus's files that stay, says nothing of a leftover.
        forms: In which the texts that stay are kept as well, by an index for one. What stands in one of these is no leftover either.
        progress: Told how far it is.

    Raises:
        CorpusDamaged: A blob file cannot be read.
    """
    windows: dict[bytes, str] = {}
    for window in known:
        windows[window] = ""
    seen: set[str] = set()
    each = max(1, min(PER_BLOB, MOST // (2 * len(removed)))) if removed else 0
    every = -(-len(removed) // MOST) if removed else 1
    asked = pa.array(sorted(removed), pa.string())
    for table in _texts(corpus, releases, going, progress, "taking windows", asked):
        if removed and len(windows) < 2 * MOST:
            here = table.filter(pc.is_in(table["blob_id"], value_set=asked))
            for blob_id, content in zip(here["blob_id"].to_pylist(), here["content"].to_pylist(), strict=True):
                if blob_id not in seen:
                    seen.add(blob_id)
                    if int(blob_id[:8], 16) % every == 0:
                        windows.update(dict.fromkeys(windows_of(content, each), blob_id))
    needles = Needles(windows)
    found = np.zeros(len(needles), dtype=np.bool_)
    if len(needles):
        for table in _texts(corpus, releases, staying, progress, "comparing windows", None):
            stays = table.filter(pc.invert(pc.is_in(table["blob_id"], value_set=asked)))["content"]
            for chunk in stays.chunks:
                # The texts end to end: a window across two of them is dropped too, which harms nobody.
                if (data := chunk.buffers()[2]) is not None:
                    needles.mark(data, found)
                    for form in forms:
                        needles.mark(form(np.frombuffer(data, np.uint8)), found)
    alone = [text for text, elsewhere in zip(needles.texts, found.tolist(), strict=True) if not elsewhere]
    alone = _without_names(alone, chain(_names_of_files(corpus, removed), names))
    marked = {windows[window] for window in alone} - {""}
    return Markers(alone, len(seen), len(marked))


def windows_of(content: bytes, each: int = PER_BLOB) -> set[bytes]:
    """Windows of one text: up to ``each`` within lines and up to ``each`` anywhere, evenly spread, none of few letters."""
    lines = [at for match in _PLAIN.finditer(content) for at in range(match.start(), match.end() - WIDTH + 1, WIDTH)]
    anywhere = range(0, len(content) - WIDTH + 1)
    return {
        window
        for places in (lines, anywhere)
        for at in _spread(places, each)
        if len(set(window := content[at : at + WIDTH])) >= _VARIED
    }


def _without_names(windows: list[bytes], kept: Iterable[bytes]) -> list[bytes]:
    """Those that are no part of a name or address that is kept. ``kept`` is read only where a window might be one."""
    needles = Needles(window for window in windows if _NAME.fullmatch(window))
    if not len(needles):
        return windows
    found = np.zeros(len(needles), dtype=np.bool_)
    for piece in kept:
        needles.mark(piece, found)
    dropped = {window for window, there in zip(needles.texts, found.tolist(), strict=True) if there}
    return [window for window in windows if window not in dropped]


def _names_of_files(corpus: Path, removed: AbstractSet[str]) -> Iterator[bytes]:
    """Keys, names, addresses and paths of the files that stay, a column at a time."""
    staying = files_table(corpus).filter(~pl.col("blob_id").is_in(removed)).select(pl.col(pl.String).exclude("blob_id"))
    for column in staying.iter_columns():
        yield "\n".join(column.drop_nulls().unique()).encode()


def _spread(places: Sequence[int], count: int) -> Iterator[int]:
    """``count`` of the places, evenly spread."""
    if len(places) <= count:
        yield from places
        return
    for number in range(count):
        yield places[number * len(places) // count]


def _texts(
    corpus: Path, releases: Path, listed: Sequence[Manifest], progress: Progress, stage: str, only: pa.Array | None
) -> Iterator[pa.Table]:
    """Blob ids and contents of the corpus, then of the shards of some releases, a row group at a time; of blob files that hold
    none of the blobs ``only`` (unless it is None) no content is read.

    A shard's row whose blob the corpus holds is passed over: its text was there already.
    """
    paths = blobs.blob_files(corpus)
    digests = sorted({shard["digest"] for release in listed for shard in release.shards})
    total = len(paths) + len(digests)
    held: list[pa.Array] = []
    for number, path in enumerate(paths):
        progress(stage, number, total)
        ids = blobs.blob_ids(path)
        held += ids.chunks
        if only is None or pc.any(pc.is_in(ids, value_set=only)).as_py():
            yield from blobs.row_groups(path)
    there = pa.concat_arrays(held) if held else pa.array([], pa.string())
    for number, digest in enumerate(digests, len(paths)):
        progress(stage, number, total)
        with pq.ParquetFile(shard_path(releases, digest)) as shard:
            for group in range(shard.num_row_groups):
                ids = shard.read_row_group(group, columns=["blob_id"], use_threads=False)["blob_id"]
                fresh = pc.invert(pc.is_in(ids, value_set=there))
                if pc.any(fresh).as_py():
                    content = shard.read_row_group(group, columns=["content"], use_threads=False)["content"]
                    table = pa.table({"blob_id": ids, "content": content.cast(pa.large_binary())})
                    yield table.filter(fresh)
    progress(stage, total, total)
