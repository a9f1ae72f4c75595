"""Applying the removal feed to a local copy of a release: the rows of removed blobs go, everything else stays as it is.

A copy is a folder with the release's ``manifest.json`` and any of its Parquet files below it, as they were downloaded. What was applied
is noted in ``removals.json`` beside the manifest; a run that was killed is finished by running it again. The items come from
:mod:`removal_feed`, checked. Needs no Django and asks nobody anything.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datasets_app.pipeline import atomic, merkle
from datasets_app.pipeline.errors import PipelineError
from datasets_app.pipeline.progress import Progress, silent

NOTES = "removals.json"


class CopyDamaged(PipelineError):
    """The local copy is no release, or does not give the digests that it should."""


@dataclass
class Applied:
    """What was done.

    Attributes:
        items: Items of the feed that concern the copy and were applied now.
        rows: Rows that were taken out.
        rewritten: Files that were written anew.
        deleted: Files of which nothing was left.
        left: Rows that the copy holds now.
        whole: Whether the root over all rows was compared with that of the feed; a copy of some files alone cannot give it.
        withdrawn: The release was taken back whole: what is left should be deleted too.
        sequence: The last item of the feed that was looked at.
    """

    items: int = 0
    rows: int = 0
    rewritten: int = 0
    deleted: int = 0
    left: int = 0
    whole: bool = False
    withdrawn: bool = False
    sequence: int = 0
    versions: list[str] = field(default_factory=list)


def tell(done: Applied) -> list[str]:
    """What was done, in lines for people."""
    lines = []
    if done.items:
        lines.append(
            f"{done.rows} rows taken out; {done.rewritten} files written anew, {done.deleted} deleted; {done.left} rows are left."
        )
        lines.append(
            "The root over all rows is the one that the feed says."
            if done.whole
            else "Every text that is left was compared with its digest. The copy is not whole, so its root was not."
        )
    else:
        lines.append(
            f"Nothing new in the feed concerns this copy, which has {done.left} rows. It knows the feed up to {done.sequence}."
        )
    if done.withdrawn:
        lines.append("The release was taken back whole. Delete the copy, and use a later release.")
    elif len(done.versions) > 1:
        lines.append(f"The release was issued again, as {done.versions[-1]}.")
    return lines


def apply(items: list[dict[str, Any]], folder: Path, progress: Progress = silent) -> Applied:
    """Take out of a local copy what the feed says, item by item, and check the copy after each.

    Raises:
        CopyDamaged: The folder holds no release, or a digest is wrong before or after. What was read wrongly is not changed.
    """
    manifest = _manifest(folder)
    notes = _notes(folder, manifest)
    done = Applied(sequence=notes["sequence"], versions=notes["versions"])
    for group in _groups(items, manifest["name"], done):
        last = group[-1]
        going = {blob for item in group for blob in item["blobs"]}
        _check_before(folder, manifest, notes, progress)
        _take_out(folder, going, notes, done, progress)
        exact = last["release"]["version"] == manifest["version"]
        _check_after(folder, going, last if exact else None, manifest, done, progress)
        done.items += len(group)
        done.sequence = last["sequence"]
        done.withdrawn = not last["replaced_by"]
        if last["replaced_by"]:
            done.versions.append(last["replaced_by"])
        notes |= {"sequence": done.sequence, "versions": done.versions, "withdrawn": done.withdrawn}
        _write_notes(folder, notes)
    if items:
        done.sequence = max(done.sequence, items[-1]["sequence"])
    if not done.items:
        done.left = sum(pq.read_metadata(path).num_rows for path in _shards(folder))
        done.withdrawn = notes["withdrawn"]
    return done


def _groups(items: list[dict[str, Any]], name: str, done: Applied) -> Iterator[list[dict[str, Any]]]:
    """The items that concern the copy, those of one removal together. A copy is what it was, and what took its place since."""
    group: list[dict[str, Any]] = []
    for item in items:
        release = item["release"]
        if item["sequence"] <= done.sequence or release["name"] != name or release["version"] not in done.versions:
            continue
        group.append(item)
        if item["part"] == item["parts"]:
            yield group
            group = []


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / "manifest.json").read_bytes())
        if not isinstance(found["name"], str) or not isinstance(found["version"], str):
            raise ValueError("it names no release")
        found["shards"] = {shard["digest"]: shard["rows"] for shard in found["shards"]}
    except FileNotFoundError:
        raise CopyDamaged(
            f"There is no manifest.json in {folder}. Download it from the page of the release, beside its files."
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise CopyDamaged(f"{folder / 'manifest.json'} is no manifest of a release: {error}.") from error
    return found


def _notes(folder: Path, manifest: Mapping[str, Any]) -> dict[str, Any]:
    fresh = {"sequence": 0, "versions": [manifest["version"]], "withdrawn": False, "files": {}}
    try:
        return fresh | json.loads((folder / NOTES).read_bytes())
    except FileNotFoundError:
        return fresh
    except ValueError as error:
        raise CopyDamaged(f"{folder / NOTES} is damaged: {error}. Delete it and run the command again.") from error


def _write_notes(folder: Path, notes: Mapping[str, Any]) -> None:
    atomic.write_bytes(folder / NOTES, json.dumps(notes, indent=1).encode())


def _shards(folder: Path) -> list[Path]:
    """The Parquet files of the copy that hold rows of a release."""
    return [
        path
        for path in sorted(folder.rglob("*.parquet"))
        if not path.name.startswith(".") and {"blob_id", "content"} <= _columns(path)
    ]


def _columns(path: Path) -> set[str]:
    try:
        return set(pq.read_schema(path).names)
    except (OSError, pa.ArrowException) as error:
        raise CopyDamaged(f"{path} is no whole Parquet file. Download it again.") from error


def _check_before(folder: Path, manifest: Mapping[str, Any], notes: Mapping[str, Any], progress: Progress) -> None:
    """Every file is as it was published, or as this command left it."""
    atomic.sweep(folder)
    paths = _shards(folder)
    if not paths and not notes["files"]:
        raise CopyDamaged(f"There is no Parquet file of a release below {folder}.")
    for number, path in enumerate(paths):
        progress("checking what is there", number, len(paths))
        digest = _digest(path)
        if digest not in manifest["shards"] and digest not in notes["files"]:
            raise CopyDamaged(
                f"{path} is neither a file of {manifest['name']} {manifest['version']} nor one that this command wrote. "
                "Download it again."
            )


def _take_out(folder: Path, going: set[str], notes: dict[str, Any], done: Applied, progress: Progress) -> None:
    paths = _shards(folder)
    values = pa.array(sorted(going), pa.string())
    for number, path in enumerate(paths):
        progress("taking rows out", number, len(paths))
        hit = pc.is_in(pq.read_table(path, columns=["blob_id"])["blob_id"], value_set=values)
        count = pc.sum(hit).as_py() or 0
        if not count:
            continue
        done.rows += count
        if count == len(hit):
            path.unlink()
            atomic.flush_folder(path.parent)
            done.deleted += 1
            continue
        with atomic.replacing(path) as temporary:
            _copy_without(path, temporary, values)
            # The digest first: a file that a killed run left behind is then known again.
            notes["files"][_digest(temporary)] = path.relative_to(folder).as_posix()
            _write_notes(folder, notes)
        done.rewritten += 1


def _copy_without(path: Path, target: Path, values: pa.Array) -> None:
    """Copy a shard row group by row group, without the rows of some blobs. No statistics of the text: they would hold parts of it."""
    with pq.ParquetFile(path) as source:
        named = [
            name
            for name in source.schema_arrow.names
            if name not in ("content", "sha256", "published_sha256", "blob_id")
        ]
        with pq.ParquetWriter(
            target, source.schema_arrow, compression="zstd", write_statistics=named, store_schema=False
        ) as writer:
            for group in range(source.num_row_groups):
                table = source.read_row_group(group, use_threads=False)
                left = table.filter(pc.invert(pc.is_in(table["blob_id"], value_set=values)))
                if len(left):
                    writer.write_table(left)


def _check_after(
    folder: Path,
    going: set[str],
    item: Mapping[str, Any] | None,
    manifest: Mapping[str, Any],
    done: Applied,
    progress: Progress,
) -> None:
    """Read everything again: no row of what went, each text as it was published, and of a whole copy the root of its tree."""
    leaves: list[tuple[str, bytes, bytes]] = []
    paths = _shards(folder)
    for number, path in enumerate(paths):
        progress("checking what is left", number, len(paths))
        with pq.ParquetFile(path) as source:
            for group in range(source.num_row_groups):
                table = source.read_row_group(
                    group, columns=["blob_id", "content", "sha256", "published_sha256"], use_threads=False
                )
                for row in table.to_pylist():
                    if row["blob_id"] in going:
                        raise CopyDamaged(f"{path} still holds the blob {row['blob_id']}.")
                    if hashlib.sha256(row["content"].encode()).digest() != row["published_sha256"]:
                        raise CopyDamaged(f"{path}: the text of the blob {row['blob_id']} is not the one published.")
                    leaves.append((row["blob_id"], row["sha256"], row["published_sha256"]))
    done.left = len(leaves)
    done.whole = False
    if item is None or len(leaves) != item["rows_after"]:
        return  # a copy of some files alone, or one that was cleared before: nobody has signed its root
    root = merkle.release_root(leaves).hex() if leaves else ""
    if root != item["root_after"]:
        raise CopyDamaged(
            f"The copy of {manifest['name']} {manifest['version']} does not give the root that the feed says."
        )
    done.whole = True


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
