"""A corpus made by hand after ``format``: the tables of blobs and files themselves, without a source."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from datasets_app.pipeline import attributes
from datasets_app.pipeline.atomic import write_table
from datasets_app.pipeline.format import BLOBS, FILES
from datasets_app.pipeline.needs import needed
from datasets_app.pipeline.recipe import Recipe
from datasets_app.pipeline.snapshots import Snapshot


def git_blob_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@dataclass(frozen=True)
class Entry:
    """One file of the corpus; ``repository`` is ``owner/name`` on github.com."""

    repository: str
    path: str
    content: bytes
    language: str | None = "Python"
    licence: str | None = "MIT"
    permissive: bool = True
    rank: int = 0
    vendored: bool = False
    generated: bool = False
    sole_author: str | None = None

    @property
    def owner_key(self) -> str:
        return f"github.com/{self.repository.split('/')[0].lower()}"

    @property
    def repository_key(self) -> str:
        return f"github.com/{self.repository.lower()}"

    @property
    def blob_id(self) -> str:
        return git_blob_id(self.content)


def text(seed: str, lines: int = 30) -> bytes:
    """Source text that differs by seed and passes every filter."""
    parts = [
        f"def {seed}_{line}(value):\n    return value * {line}  # {hashlib.md5(f'{seed}{line}'.encode()).hexdigest()}\n"
        for line in range(lines)
    ]
    return "".join(parts).encode()


def write_corpus(corpus: Path, entries: Sequence[Entry], blob_files: int = 2, source: str = "handmade") -> None:
    """Write ``entries`` as the corpus's only source, their blobs spread over ``blob_files`` files of two row groups each."""
    blobs: dict[str, bytes] = {entry.blob_id: entry.content for entry in entries}
    ids = list(blobs)
    for start in range(blob_files):
        part = ids[start::blob_files]
        if not part:
            continue
        table = pa.table({"blob_id": part, "content": [blobs[blob_id] for blob_id in part]}, schema=BLOBS)
        name = hashlib.sha256("".join(part).encode()).hexdigest()
        (corpus / "blobs").mkdir(parents=True, exist_ok=True)
        pq.write_table(
            table, corpus / "blobs" / f"{name}.parquet", compression="zstd", row_group_size=max(1, len(part) // 2)
        )
    attributes.compute(corpus, needed(corpus, Recipe()), workers=1)
    write_files(corpus, entries, source)


def write_files(corpus: Path, entries: Iterable[Entry], source: str = "handmade") -> None:
    rows = [
        {
            "blob_id": entry.blob_id,
            "repository_key": entry.repository_key,
            "owner_key": entry.owner_key,
            "forge": "github.com",
            "owner": entry.repository.split("/")[0],
            "repository": entry.repository.split("/")[1],
            "path": entry.path,
            "size": len(entry.content),
            "language": entry.language,
            "licence": entry.licence,
            "licence_evidence": "metadata: License-Expression" if entry.licence else None,
            "permissive": entry.permissive,
            "vendored": entry.vendored,
            "generated": entry.generated,
            "rank": entry.rank,
            "sole_author": entry.sole_author,
        }
        for entry in entries
    ]
    (corpus / "files").mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist(rows, schema=FILES)
    snapshot = Snapshot()
    snapshot.add(table)
    write_table(corpus / "files" / f"{source}.parquet", table, snapshot.footer())


def entries_of_owners(owners: int, files: int = 4, languages: Sequence[str] = ("Python", "C")) -> list[Entry]:
    """``owners`` accounts with two repositories each; every file is its own blob."""
    return [
        Entry(f"Owner{owner}/repo{number % 2}", f"src/file{number}.txt", text(f"o{owner}n{number}"), language)
        for owner in range(owners)
        for number, language in ((number, languages[number % len(languages)]) for number in range(files))
    ]
