"""Bringing back what a bundle holds: blobs, their facts, and rows of the tables of files, to where they were.

A blob file that the purge had written anew is put together again in its former order, so that, where nothing else was taken out
of it meanwhile, it has the same name and the same bytes as before; the tables of files likewise. Blobs come first and rows last, and
what is there already is left as it is: whoever is killed leaves a sound corpus, and doing it again gives the same.

A release that goes on from one whose purge forgot these files would not know of them: so every release is marked, and the next one is
decided from scratch.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datasets_app.pipeline import atomic, blobs, bundles, families, state
from datasets_app.pipeline.bundles import GAP, ROW
from datasets_app.pipeline.corpus import locked
from datasets_app.pipeline.file_rows import write_rows
from datasets_app.pipeline.format import FILES, FILES_LATER
from datasets_app.pipeline.progress import Progress, silent
from datasets_app.pipeline.snapshots import KEY as SNAPSHOT
from datasets_app.pipeline.workspace import shelf_lock

PLACE = ["repository_key", "path"]
RESTORED = "brought back"
"""Why no release may go on from one that was made before something was brought back."""


@dataclass
class Restored:
    """What came back.

    Attributes:
        files: Rows that were put back now.
        blobs: Blobs that were put back now.
        left_out: Rows of the bundle that may not come back, since something else still blocks them.
        blob_ids: The blobs of all rows of the bundle that may be there.
    """

    files: int = 0
    blobs: int = 0
    left_out: int = 0
    blob_ids: set[str] = field(default_factory=set)


@dataclass
class _Table:
    """What a bundle says of one table of files."""

    rows_then: int
    snapshot: str
    rows: list[pa.Table] = field(default_factory=list)
    gaps: list[pa.Table] = field(default_factory=list)


def restore(
    corpus: Path, path: Path, key: bytes, blocked: Callable[[pl.DataFrame], pl.Series], progress: Progress = silent
) -> Restored:
    """Put back what a bundle holds, apart from rows that are still ``blocked`` (one flag a row of FILES).

    Raises:
        SealBroken: The bundle is damaged: call :func:`bundles.check` first, then nothing has changed.
        CorpusBusy: Another process is writing to the corpus.
        CorpusDamaged: A file of the corpus cannot be read.
    """
    done = Restored()
    with locked(corpus):
        atomic.sweep(corpus)
        tables = _tables(path, key, blocked, done)
        _restore_blobs(corpus, bundles.read(path, key), done, progress)
        for number, (source, table) in enumerate(sorted(tables.items())):
            progress("putting back the files", number, len(tables))
            done.files += _restore_table(corpus, source, table)
        progress("putting back the files", len(tables), len(tables))
    return done


def mark_releases(releases: Path) -> int:
    """Have what goes on from any release of now be decided from scratch. Gives how many were marked."""
    marked = 0
    with shelf_lock(releases):
        for path in sorted(releases.glob("[!.]*/[!.]*/state.json")):
            facts = state.read_facts(path.parent)
            if facts is not None and facts.ground.apart != RESTORED:
                state.write_facts(path.parent, replace(facts, ground=replace(facts.ground, apart=RESTORED)))
                marked += 1
    return marked


def _tables(path: Path, key: bytes, blocked: Callable[[pl.DataFrame], pl.Series], done: Restored) -> dict[str, _Table]:
    found: dict[str, _Table] = {}
    for record in bundles.read(path, key):
        if record.head["kind"] not in ("files", "gaps"):
            break  # the tables come first
        assert record.table is not None
        of = found.setdefault(record.head["source"], _Table(record.head["rows"], record.head["snapshot"]))
        if record.head["kind"] == "gaps":
            of.gaps.append(record.table)
            continue
        frame = pl.from_arrow(record.table)
        assert isinstance(frame, pl.DataFrame)
        stays = ~blocked(frame)
        done.left_out += len(frame) - int(stays.sum())
        of.rows.append(record.table.filter(stays.to_arrow()))
        done.blob_ids.update(frame.filter(stays)["blob_id"])
    return found


def _restore_blobs(corpus: Path, records: Iterator[bundles.Record], done: Restored, progress: Progress) -> None:
    """Blob file by blob file: what the bundle holds of it, and what is left of it."""
    here = {path: blobs.blob_ids(path).combine_chunks() for path in blobs.blob_files(corpus)}
    wanted = pa.array(sorted(done.blob_ids), pa.string())
    held = {blob for ids in here.values() for blob in ids.filter(pc.is_in(ids, value_set=wanted)).to_pylist()}
    missing = done.blob_ids - held
    order: pa.Array | None = None
    facts: dict[str, pa.Table] = {}
    contents: dict[str, bytes] = {}

    def finish() -> None:
        if order is not None and contents:
            _put_together(corpus, here, order, contents, facts)
            done.blobs += len(contents.keys() & missing)
            progress("putting back the blobs", done.blobs, len(missing))

    for record in records:
        if record.table is None:
            continue
        if record.head["kind"] == "blob file":
            finish()
            order, facts, contents = record.table["blob_id"].combine_chunks(), {}, {}
        elif record.head["kind"] == "facts":
            facts[record.head["family"]] = record.table
        elif record.head["kind"] == "blobs":
            for blob, content in zip(*(record.table[name] for name in ("blob_id", "content")), strict=True):
                if blob.as_py() in done.blob_ids:
                    contents[blob.as_py()] = content.as_py()
    finish()


def _put_together(
    corpus: Path, here: dict[Path, pa.Array], order: pa.Array, back: dict[str, bytes], facts: dict[str, pa.Table]
) -> None:
    """Write one blob file: these blobs, and those that are left of the file in which they were; then the left ones go."""
    left = {path: ids for path, ids in here.items() if len(ids) and pc.all(pc.is_in(ids, value_set=order)).as_py()}
    elsewhere = {blob for path, ids in here.items() if path not in left for blob in _among(ids, back)}
    back = {blob: content for blob, content in back.items() if blob not in elsewhere}
    present = back.keys() | {blob for ids in left.values() for blob in ids.to_pylist()}
    ids = [blob for blob in order.to_pylist() if blob in present]
    made = blobs.blob_file(corpus, ids)
    lacking = [name for name in facts if not (corpus / "attributes" / name / made.name).exists()]
    if not back or (list(left) == [made] and not lacking):
        return
    if made not in left:
        contents = dict(back)
        for path in left:
            for group in blobs.row_groups(path):
                contents |= dict(zip(group["blob_id"].to_pylist(), group["content"].to_pylist(), strict=True))
        blobs.write_blob_file(corpus, {blob: contents[blob] for blob in ids})
    for family in lacking:
        rows = _facts(corpus / "attributes" / family, facts[family], list(back), left, ids)
        if rows is not None:  # else the next build computes them for the whole file
            atomic.write_table(corpus / "attributes" / family / made.name, rows)
    for path in left:
        if path != made:
            for one in families.tables_of(corpus, path.stem):
                one.unlink()
            path.unlink()
        here.pop(path)
    atomic.flush_folder(made.parent)
    here[made] = pa.array(ids, pa.string())


def _facts(
    folder: Path, sealed: pa.Table, back: list[str], left: dict[Path, pa.Array], ids: list[str]
) -> pa.Table | None:
    """The facts of one family for a blob file that is put together, in its order; None where some are not at hand."""
    known = set(back)
    parts = [sealed.filter(pc.is_in(sealed["blob_id"], value_set=pa.array(back, pa.string())))]
    for path, held in left.items():
        if (folder / path.name).exists():
            table = pq.read_table(folder / path.name).cast(sealed.schema)
            fresh = pa.array([blob for blob in held.to_pylist() if blob not in known], pa.string())
            parts.append(table.filter(pc.is_in(table["blob_id"], value_set=fresh)))
            known.update(fresh.to_pylist())
    if known < set(ids):
        return None
    whole = pa.concat_tables(parts)
    places = pc.index_in(whole["blob_id"], value_set=pa.array(ids, pa.string())).to_numpy()
    return whole.take(pa.array(np.argsort(places, kind="stable"))).combine_chunks()


def _among(ids: pa.Array, wanted: dict[str, bytes]) -> list[str]:
    return ids.filter(pc.is_in(ids, value_set=pa.array(list(wanted), pa.string()))).to_pylist()


def _restore_table(corpus: Path, source: str, said: _Table) -> int:
    """Put rows back into one table of files; give how many were missing."""
    path = corpus / "files" / f"{source}.parquet"
    back = pa.concat_tables(said.rows)
    if path.exists():
        now = pq.read_table(path)
        footer = (pq.read_metadata(path).metadata or {}).get(SNAPSHOT.encode(), b"").decode()
        for name in FILES_LATER - set(now.column_names):
            now = now.append_column(FILES.field(name), pa.nulls(len(now), FILES.field(name).type))
        now = now.select(FILES.names).cast(FILES)
    else:
        now, footer = FILES.empty_table(), said.snapshot
    # What the source has under the same path since is newer.
    lost = _keys(back, PLACE).with_row_index("at").join(_keys(now, PLACE), on=PLACE, how="anti")["at"]
    back = back.take(lost.sort().to_arrow())
    if not len(back):
        return 0
    places = _places(now, said) if footer == said.snapshot else None
    rows = pa.concat_tables([now, back.select(FILES.names).cast(FILES)])
    if places is not None:
        order = np.argsort(np.concatenate([places, back[ROW].to_numpy()]), kind="stable")
        rows = rows.take(pa.array(order))
    write_rows(path, rows, {SNAPSHOT: footer} if footer else {})
    return len(back)


def _places(now: pa.Table, said: _Table) -> npt.NDArray[np.int64] | None:
    """The numbers that the rows of now had when the bundle was made; None where that cannot be told any more."""
    gaps = _keys(pa.concat_tables(said.gaps), [*GAP, ROW])
    places = _keys(now, GAP).join(gaps, on=GAP, how="left", maintain_order="left")[ROW].cast(pl.Int64)
    others = np.setdiff1d(np.arange(said.rows_then), gaps[ROW].to_numpy())
    stayed = places.is_null().to_numpy()
    if int(stayed.sum()) != len(others):
        return None  # something else was taken out, or put back, since
    numbers = places.fill_null(-1).to_numpy().copy()
    numbers[stayed] = others
    return numbers


def _keys(table: pa.Table, columns: list[str]) -> pl.DataFrame:
    frame = pl.from_arrow(table.select(columns))
    assert isinstance(frame, pl.DataFrame)
    return frame
