"""What a purge is about to erase from the corpus for one request, sealed so that it can be brought back for some time.

A bundle is a sealed file (:mod:`sealing`) of records, each a head in JSON and a body:

``files``      rows of one source's table of files, with the row's number in it
``gaps``       the same numbers with (repository key, path, blob id) for all rows of that table that this purge takes out
``blob file``  the ids of one blob file of the corpus, in its order
``facts``      rows of one family's facts of that file, for the blobs of the bundle
``blobs``      some blobs of it with their bytes
``end``        the figures

The work follows what is sealed: of tables and of blob files the keys are read, as the purge itself does, contents only of row
groups that hold something of the request.
"""

import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datasets_app.pipeline import atomic, blobs, families, sealing
from datasets_app.pipeline.decide import Blocks, is_blocked
from datasets_app.pipeline.errors import CorpusDamaged
from datasets_app.pipeline.format import FILES
from datasets_app.pipeline.progress import Progress, silent
from datasets_app.pipeline.sealing import Records, SealBroken, Sealer
from datasets_app.pipeline.snapshots import KEY as SNAPSHOT

VERSION = 1
ROW = "row"  # the row's number in its table
GAP = ["repository_key", "path", "blob_id"]
_KEYS = ("owner_key", "repository_key", "blob_id", "sole_author")  # as Keys has them
ROWS = 20_000  # of a table, in one record


@dataclass
class Sealed:
    """What a bundle holds.

    Attributes:
        files: Rows of tables of files.
        repositories: Repositories among them.
        blobs: Blobs with their bytes.
        bytes: Of these blobs.
        read: Bytes of content that were read to find them.
    """

    files: int = 0
    repositories: int = 0
    blobs: int = 0
    bytes: int = 0
    read: int = 0


@dataclass(frozen=True)
class Record:
    """One record of a bundle: what it is about, and its rows (None in ``end``)."""

    head: dict[str, Any]
    table: pa.Table | None


@dataclass(frozen=True)
class Keys:
    """By what the rows of files that go are known: owners, repositories, blobs and lone authors."""

    owners: frozenset[str]
    repositories: frozenset[str]
    blobs: frozenset[str]
    authors: frozenset[str]

    def any_of(self, blocks: Blocks) -> bool:
        """Whether one of these rows is blocked by this."""
        return any(getattr(self, field.name) & getattr(blocks, field.name, frozenset()) for field in fields(self))


def keys_of(corpus: Path, going: Blocks) -> Keys:
    """By what the rows that go are known.

    Raises:
        CorpusDamaged: A table of files cannot be read.
    """
    found: dict[str, set[str]] = {column: set() for column in _KEYS}
    for table in sorted((corpus / "files").glob("[!.]*.parquet")):
        rows = _going(table, going)
        for column, keys in found.items():
            keys.update(rows[column].drop_nulls())
    return Keys(*(frozenset(found[column]) for column in _KEYS))


def seal(
    corpus: Path, path: Path, key: bytes, covered: Blocks, going: Blocks, progress: Progress = silent
) -> Sealed | None:
    """Seal everything in the corpus that ``covered`` names. Gives what was sealed, or None (and no file) where that is nothing.

    Args:
        corpus: Before the purge.
        path: Of the bundle; it appears whole or not at all.
        key: For this bundle alone.
        covered: What the request blocks.
        going: What the purge takes out, by all requests.
        progress: Told how far it is.

    Raises:
        CorpusDamaged: A file of the corpus cannot be read, or a blob has no bytes in it.
    """
    tables = [
        (table, rows)
        for table in sorted((corpus / "files").glob("[!.]*.parquet"))
        if len(rows := _going(table, going)) and len(rows.filter(is_blocked(covered)))
    ]
    if not tables:
        return None
    done = Sealed()
    wanted: set[str] = set()
    repositories: set[str] = set()
    with atomic.replacing(path) as temporary, Sealer(temporary, key) as sealer:
        for table, rows in tables:
            mine = rows.filter(is_blocked(covered))
            wanted.update(mine["blob_id"])
            repositories.update(mine["repository_key"])
            done.files += len(mine)
            _write_table(sealer, table, mine, rows)
        done.repositories = len(repositories)
        _write_blobs(corpus, sealer, wanted, done, progress)
        if done.blobs < len(wanted):
            raise CorpusDamaged(
                f"{len(wanted) - done.blobs} blobs of the corpus {corpus} are named by files and are not there. Ingest again."
            )
        _write(sealer, {"kind": "end", "version": VERSION, **asdict(done)})
        temporary.chmod(0o600)
    return done


def _going(table: Path, going: Blocks) -> pl.DataFrame:
    """The rows of a table of files that go, with their numbers."""
    try:
        frame = pl.scan_parquet(table).with_row_index(ROW)
        missing = set(FILES.names) - set(pq.read_schema(table).names)
        empty = pl.from_arrow(FILES.empty_table())
        assert isinstance(empty, pl.DataFrame)
        frame = frame.with_columns(pl.lit(None, empty.schema[name]).alias(name) for name in sorted(missing))
        return frame.filter(is_blocked(going)).collect()
    except (OSError, pa.ArrowException, pl.exceptions.PolarsError) as error:
        raise CorpusDamaged(f"The table of files {table} cannot be read ({error}). Ingest its source again.") from error


def _write_table(sealer: Sealer, table: Path, mine: pl.DataFrame, going: pl.DataFrame) -> None:
    metadata = pq.read_metadata(table)
    footer = (metadata.metadata or {}).get(SNAPSHOT.encode(), b"").decode()
    head = {"source": table.stem, "snapshot": footer, "rows": metadata.num_rows}
    numbered = pa.schema([(ROW, pa.uint32()), *FILES])
    for part in mine.iter_slices(ROWS):
        whole = part.select(ROW, *FILES.names).to_arrow(compat_level=pl.CompatLevel.oldest()).cast(numbered)
        _write(sealer, {"kind": "files", **head}, whole)
    for part in going.iter_slices(ROWS):
        whole = part.select(ROW, *GAP).to_arrow(compat_level=pl.CompatLevel.oldest())
        _write(sealer, {"kind": "gaps", **head}, whole)


def _write_blobs(corpus: Path, sealer: Sealer, wanted: set[str], done: Sealed, progress: Progress) -> None:
    asked = pa.array(sorted(wanted), pa.string())
    seen: set[str] = set()
    paths = blobs.blob_files(corpus)
    for number, path in enumerate(paths):
        progress("sealing", number, len(paths))
        ids = blobs.blob_ids(path).combine_chunks()
        here = pc.is_in(ids, value_set=asked)
        if not pc.any(here).as_py():
            continue
        _write(sealer, {"kind": "blob file", "file": path.stem}, pa.table({"blob_id": ids}))
        for facts in families.tables_of(corpus, path.stem):
            table = pq.read_table(facts)
            of_mine = table.filter(pc.is_in(table["blob_id"], value_set=asked))
            _write(sealer, {"kind": "facts", "file": path.stem, "family": facts.parent.name}, of_mine)
        for group in blobs.groups_with(path, here):
            done.read += group.nbytes
            mine = group.filter(pc.is_in(group["blob_id"], value_set=asked))
            fresh = [blob not in seen for blob in mine["blob_id"].to_pylist()]
            mine = mine.filter(pa.array(fresh, pa.bool_()))  # a purge that was cut off leaves a blob in two files
            seen.update(mine["blob_id"].to_pylist())
            done.bytes += pc.sum(pc.binary_length(mine["content"])).as_py() or 0
            _write(sealer, {"kind": "blobs", "file": path.stem}, mine)
    done.blobs = len(seen)
    progress("sealing", len(paths), len(paths))


def _write(sealer: Sealer, head: dict[str, Any], table: pa.Table | None = None) -> None:
    body = b""
    if table is not None:
        sink = io.BytesIO()
        with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
            writer.write_table(table)
        body = sink.getvalue()
    sealer.write(sealing.record(json.dumps(head).encode(), body))


def read(path: Path, key: bytes) -> Iterator[Record]:
    """The records of a bundle, in its order.

    Raises:
        SealBroken: It is damaged or cut short, or the key is not its own. The records given before are sound.
    """
    ended = False
    for head, body in Records(sealing.unsealed(path, key)):
        said = json.loads(head)
        ended = said["kind"] == "end"
        if ended and said["version"] != VERSION:
            raise SealBroken(f"The bundle is of version {said['version']}, which this program does not know.")
        yield Record(said, pa.ipc.open_stream(body).read_all() if body else None)
    if not ended:
        raise SealBroken("The bundle has no end.")


def check(path: Path, key: bytes, progress: Progress = silent) -> Sealed:
    """Read a bundle to its end, comparing the bytes of each blob with its id. Gives what it holds.

    Raises:
        SealBroken: Something is not as it was written.
    """
    found = 0
    for record in read(path, key):
        if record.head["kind"] == "blobs" and record.table is not None:
            found += record.table.num_rows
            progress("reading the bundle", found, 0)
            for blob, content in zip(*(record.table[name] for name in ("blob_id", "content")), strict=True):
                if blobs.blob_id(content.as_py()) != blob.as_py():
                    raise SealBroken("A blob of the bundle does not have the bytes that its id names.")
        elif record.head["kind"] == "end":
            sealed = Sealed(**{name: record.head[name] for name in Sealed.__dataclass_fields__})
    if sealed.blobs != found:
        raise SealBroken("The bundle does not hold as many blobs as it says.")
    progress("reading the bundle", found, found)
    return sealed
