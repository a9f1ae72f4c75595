"""Erasing for certain: from the corpus, from releases that are withdrawn, and from the decisions of those that stay.

Every act can be repeated: one that was cut off is finished by calling it again with the same arguments. Nothing that is
to stay is ever absent meanwhile.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datasets_app.pipeline import atomic, blobs, families, manifest, notes, state
from datasets_app.pipeline.corpus import locked
from datasets_app.pipeline.decide import Blocks, is_blocked
from datasets_app.pipeline.format import manifest_path, shard_path
from datasets_app.pipeline.progress import Progress, silent
from datasets_app.pipeline.scan import scan
from datasets_app.pipeline.workspace import shelf_lock, sweep_work_folders

__all__ = ["PurgeReport", "blobs_to_remove", "forget_decisions", "purge_corpus", "scan", "withdraw_release"]


@dataclass
class PurgeReport:
    """What was erased.

    Attributes:
        blobs: Blobs whose bytes were erased.
        rows: Rows that named removed files, in tables of files and decisions.
        rewritten: Files on the disk that were written anew without them.
        deleted: Files on the disk that were deleted whole (shards, decisions, holdings, leftovers).
        freed: Bytes on the disk by which all this got smaller.
    """

    blobs: int = 0
    rows: int = 0
    rewritten: int = 0
    deleted: int = 0
    freed: int = 0


def blobs_to_remove(
    files_table: pl.DataFrame,
    blocked_owners: AbstractSet[str],
    blocked_repositories: AbstractSet[str],
    blocked_blobs: AbstractSet[str],
    blocked_authors: AbstractSet[str] = frozenset(),
) -> set[str]:
    """The blobs that must go when these are blocked: blocked themselves, or held by no file that may stay.

    Args:
        files_table: FILES of all sources, as ``corpus.files_table`` gives them.
        blocked_owners: Owner keys whose files go.
        blocked_repositories: Repository keys whose files go.
        blocked_blobs: Blob ids that go whoever holds them.
        blocked_authors: Keyed hashes of people whose files go that they wrote alone.
    """
    blocks = Blocks(*map(frozenset, (blocked_owners, blocked_repositories, blocked_blobs, blocked_authors)))
    blocked = is_blocked(blocks)
    going = files_table.filter(blocked).select("blob_id").unique()
    staying = files_table.filter(~blocked).select("blob_id").unique()
    return set(going.join(staying, on="blob_id", how="anti")["blob_id"]) | set(blocked_blobs)


def purge_corpus(
    corpus: Path,
    blob_ids: AbstractSet[str],
    owner_keys: AbstractSet[str] = frozenset(),
    repository_keys: AbstractSet[str] = frozenset(),
    progress: Progress = silent,
    authors: AbstractSet[str] = frozenset(),
) -> PurgeReport:
    """Erase blobs and the files of owners, repositories and lone authors from the corpus, and blobs that no file holds any more.

    The tables of files go first, with the notes on sources, which may name anybody; then blob files and attributes are written
    anew without what goes. Blobs that no table of files names go too: what an owner had in an earlier snapshot of a source lies
    there under no name.

    Raises:
        CorpusBusy: Another process is writing to the corpus.
        CorpusDamaged: A blob file cannot be read.
    """
    report = PurgeReport()
    blocks = Blocks(*map(frozenset, (owner_keys, repository_keys, blob_ids, authors)))
    with locked(corpus):
        _count(atomic.sweep(corpus), report)
        _count(notes.forget(corpus), report)
        held: set[str] = set()
        for path in sorted((corpus / "files").glob("*.parquet")):
            _keep_rows(path, is_blocked(blocks), report)
            held.update(pq.read_table(path, columns=["blob_id"])["blob_id"].unique().to_pylist())
        paths = blobs.blob_files(corpus)
        for number, path in enumerate(paths):
            progress("purging blobs", number, len(paths))
            _purge_blob_file(corpus, path, held, report)
        progress("purging blobs", len(paths), len(paths))
        names = {path.name for path in blobs.blob_files(corpus)}
        stray = [path for path in (corpus / "attributes").rglob("*.parquet") if path.name not in names]
        _delete(stray, report)
    return report


def _purge_blob_file(corpus: Path, path: Path, held: set[str], report: PurgeReport) -> None:
    """Write one blob file, and its attributes, anew with the blobs that are held; delete the old ones."""
    ids = blobs.blob_ids(path).to_pylist()
    going = [blob_id for blob_id in ids if blob_id not in held]
    if not going:
        return
    facts = families.tables_of(corpus, path.stem)
    size = sum(one.stat().st_size for one in (path, *facts))
    if len(going) < len(ids):
        contents: dict[str, bytes] = {}
        for group in blobs.row_groups(path):
            contents |= {
                blob_id: content
                for blob_id, content in zip(group["blob_id"].to_pylist(), group["content"].to_pylist(), strict=True)
                if blob_id in held
            }
        made = blobs.write_blob_file(corpus, contents)
        for one in facts:
            table = pq.read_table(one)
            staying = pc.is_in(table["blob_id"], value_set=pa.array(list(contents), pa.string()))
            atomic.write_table(one.with_name(made.name), table.filter(staying))
        size -= sum(one.stat().st_size for one in (made, *families.tables_of(corpus, made.stem)))
        report.rewritten += 1
    path.unlink()
    for one in facts:
        one.unlink()
    atomic.flush_folder(path.parent)
    report.blobs += len(going)
    report.freed += size


def withdraw_release(releases: Path, name: str, version: str, progress: Progress = silent) -> PurgeReport:
    """Take a release back: its manifest keeps figures and digests only; every shard that no other release lists goes.

    Also deletes what killed builds left behind. May be called again for a release that was withdrawn.

    Raises:
        NoSuchRelease: There is none.
    """
    report = PurgeReport()
    found = manifest.load(releases, name, version)
    folder = manifest_path(releases, name, version).parent
    with shelf_lock(releases):
        if not found.withdrawn:
            atomic.write_bytes(folder / "manifest.json", found.as_withdrawn().to_json().encode())
        _delete([path for path in folder.rglob("*") if path.is_file() and path.name != "manifest.json"], report)
        for emptied in [path for path in folder.iterdir() if path.is_dir()]:
            emptied.rmdir()
        listed = {
            shard_path(releases, shard["digest"]) for release in manifest.load_all(releases) for shard in release.shards
        }
        stray = [path for path in (releases / "shards").glob("*/*") if path not in listed]
        for number, path in enumerate(stray):
            progress("deleting shards", number, len(stray))
            _delete([path], report)
        progress("deleting shards", len(stray), len(stray))
        _count(atomic.sweep(releases), report)
        _count(sweep_work_folders(releases), report)
    return report


def forget_decisions(
    releases: Path,
    owner_keys: AbstractSet[str],
    repository_keys: AbstractSet[str],
    blob_ids: AbstractSet[str] = frozenset(),
    authors: AbstractSet[str] = frozenset(),
) -> PurgeReport:
    """Erase the rows of owners, repositories, blobs and lone authors from the decisions of every release.

    A release that was built after a block still has a row, with the path, for each blocked file. The funnel keeps the counts.
    """
    report = PurgeReport()
    blocks = Blocks(*map(frozenset, (owner_keys, repository_keys, blob_ids, authors)))
    with shelf_lock(releases):
        for folder in sorted(releases.glob("[!.]*/[!.]*/decisions")):
            decided = state.decisions(folder.parent)
            before = report.rewritten
            for path in decided.paths():
                _keep_rows(path, is_blocked(blocks), report)
            if report.rewritten > before:
                decided.write_index()
        for path in sorted(releases.glob("[!.]*/[!.]*/repositories.parquet")):
            _keep_rows(path, is_blocked(blocks, blobs=False), report)
    return report


def _keep_rows(path: Path, going: pl.Expr, report: PurgeReport) -> None:
    """Write a table anew without the rows that go, where there are any."""
    schema = pq.read_schema(path)
    table = pl.read_parquet(path)
    wide = table if "sole_author" in table.columns else table.with_columns(sole_author=pl.lit(None, pl.String))
    staying = wide.filter(~going).select(table.columns)
    if len(staying) == len(table):
        return
    size = path.stat().st_size
    footer = {key.decode(): value.decode() for key, value in (schema.metadata or {}).items()}
    atomic.write_table(path, staying.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(schema), footer)
    report.rows += len(table) - len(staying)
    report.rewritten += 1
    report.freed += size - path.stat().st_size


def _delete(paths: list[Path], report: PurgeReport) -> None:
    for path in paths:
        report.freed += path.stat().st_size
        path.unlink()
    _count(paths, report)
    for folder in {path.parent for path in paths}:
        atomic.flush_folder(folder)


def _count(deleted: list[Path], report: PurgeReport) -> None:
    report.deleted += len(deleted)
