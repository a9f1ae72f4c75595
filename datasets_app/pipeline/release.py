"""Reading a release: its files by language, owner or repository, and the text of one of them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from datasets_app.pipeline import manifest, placement
from datasets_app.pipeline.format import HOLDINGS, SHARD, manifest_path, shard_path
from datasets_app.pipeline.manifest import Manifest
from datasets_app.pipeline.release_errors import NoSuchRelease
from datasets_app.pipeline.shards import ShardEntry
from datasets_app.pipeline.storage import Place, Storage, at

LISTED = [name for name in SHARD.names if name not in ("content", "sha256", "published_sha256")]
"""The columns that a listing of files gives."""


@dataclass(frozen=True)
class Release:
    """A published state of a data set, opened for reading.

    Attributes:
        releases: The folder of all releases, or the storage that holds them.
        manifest: What the release holds.
    """

    releases: Place
    manifest: Manifest

    @classmethod
    def open(cls, releases: Place, name: str, version: str) -> "Release":
        """Open a release.

        Raises:
            NoSuchRelease: There is none, or it was withdrawn.
            ReleaseError: Its manifest cannot be read.
        """
        found = manifest.load(releases, name, version)
        if found.withdrawn:
            raise NoSuchRelease(f"Release {name} {version} was withdrawn on {found.withdrawn_at}. Use a later version.")
        return cls(releases, found)

    @property
    def storage(self) -> Storage:
        """Where its files lie."""
        return at(self.releases)

    @property
    def folder(self) -> Path:
        """Where manifest, decisions and holdings lie, of a release in a folder."""
        assert isinstance(self.releases, Path)
        return manifest_path(self.releases, self.manifest.name, self.manifest.version).parent

    def shard_paths(self, languages: Iterable[str] | None = None) -> list[Path]:
        """The files of the shards, of all languages or of some, in the order of the manifest, of a release in a folder."""
        assert isinstance(self.releases, Path)
        wanted = None if languages is None else set(languages)
        return [
            shard_path(self.releases, shard["digest"])
            for shard in self.manifest.shards
            if wanted is None or shard["language"] in wanted
        ]

    def served_names(self) -> dict[str, ShardEntry]:
        """The shards by the stable name under which they are served, ``data/<language>/part-NNNNN.parquet``."""
        return {placement.shard_name(shard["language"], shard["bucket"]): shard for shard in self.manifest.shards}

    def holdings(self) -> pa.Table:
        """What the release holds of each repository, as ``format.HOLDINGS``, sorted by repository key."""
        return pq.read_table(self._open_holdings()).cast(HOLDINGS)

    def holding(self, repository_key: str) -> dict[str, Any] | None:
        """What the release holds of one repository, or ``None``."""
        found = pq.read_table(
            self._open_holdings(), filters=[("repository_key", "==", repository_key)], use_threads=False
        )
        return found.to_pylist()[0] if found.num_rows else None

    def count(
        self, *, language: str | None = None, owner_key: str | None = None, repository_key: str | None = None
    ) -> int:
        """How many files ``files`` would list without a limit."""
        where = _Filter(language, owner_key, repository_key)
        if where.by_owner is None:
            return sum(shard["rows"] for shard in self._shards(where))
        return sum(
            len(table)
            for shard in self._shards(where)
            for table in self._matching(shard, where, ["owner_key", "repository_key"])
        )

    def files(
        self,
        *,
        language: str | None = None,
        owner_key: str | None = None,
        repository_key: str | None = None,
        offset: int = 0,
        limit: int = 100,
    ) -> list[dict[str, Any]]:
        """Files of the release, as rows of ``LISTED``, in the order of the shards. No content is read.

        Args:
            language: Only files of this language.
            owner_key: Only files whose named origin is of this owner.
            repository_key: Only files whose named origin lies in this repository.
            offset: How many to pass over.
            limit: How many to give at most.
        """
        where = _Filter(language, owner_key, repository_key)
        rows: list[dict[str, Any]] = []
        for shard in self._shards(where):
            if where.by_owner is None and offset >= shard["rows"]:
                offset -= shard["rows"]
                continue
            for table in self._matching(shard, where, LISTED, offset if where.by_owner is None else 0):
                part = table.slice(offset, limit - len(rows))
                offset = max(0, offset - len(table))
                rows += part.to_pylist()
                if len(rows) >= limit:
                    return rows
        return rows

    def read_text(self, repository_key: str, path: str) -> dict[str, Any] | None:
        """The row of one file with its ``content``, or ``None`` where the release has no such file.

        Reads the keys of the row groups in question, then the one row group that holds the file.
        """
        held = self.holding(repository_key)
        if held is None:
            return None
        for language in held["languages"]:
            where = _Filter(language, held["owner_key"], repository_key)
            for shard in self._shards(where):
                source = self.open_shard(shard)
                for group in _groups(source, "repository_key", repository_key):
                    keys = source.read_row_group(group, ["repository_key", "path"], use_threads=False)
                    hit = pc.and_(pc.equal(keys["repository_key"], repository_key), pc.equal(keys["path"], path))
                    rows = pc.indices_nonzero(hit)
                    if len(rows):
                        return source.read_row_group(group, use_threads=False).slice(rows[0].as_py(), 1).to_pylist()[0]
        return None

    def iter_rows(self, columns: Sequence[str] | None = None, batch: int = 1000) -> Iterator[pa.RecordBatch]:
        """All rows in the order of the shards, in batches of at most ``batch`` rows with these columns."""
        for shard in self.manifest.shards:
            yield from self.open_shard(shard).iter_batches(batch, columns=None if columns is None else list(columns))

    def open_shard(self, shard: ShardEntry) -> pq.ParquetFile:
        """A shard of the release, for reading.

        Raises:
            FileNotFoundError: It is gone.
        """
        return pq.ParquetFile(self.storage.open(shard_path(Path(), shard["digest"]).as_posix()))

    def _open_holdings(self) -> pa.NativeFile:
        there = manifest_path(Path(), self.manifest.name, self.manifest.version).with_name("holdings.parquet")
        return self.storage.open(there.as_posix())

    def _shards(self, where: "_Filter") -> Iterator[ShardEntry]:
        for shard in self.manifest.shards:
            if where.language not in (None, shard["language"]):
                continue
            if where.by_owner is not None:
                owner_key = where.owner_key or self._owner_of(where.repository_key)
                buckets = self.manifest.plan["buckets"][shard["language"]]
                if owner_key is None or placement.bucket_of(owner_key, buckets) != shard["bucket"]:
                    continue
            yield shard

    def _owner_of(self, repository_key: str | None) -> str | None:
        held = self.holding(repository_key) if repository_key else None
        return held["owner_key"] if held else None

    def _matching(self, shard: ShardEntry, where: "_Filter", columns: list[str], skip: int = 0) -> Iterator[pa.Table]:
        """Row groups of a shard, cut to the rows that match. Groups within the first ``skip`` rows come without columns."""
        source = self.open_shard(shard)
        if where.by_owner is None:
            for group in range(source.num_row_groups):
                rows = source.metadata.row_group(group).num_rows
                passed_over = skip >= rows
                skip = max(0, skip - rows)
                yield source.read_row_group(group, columns[:1] if passed_over else columns, use_threads=False)
            return
        column, value = where.by_owner
        for group in _groups(source, column, value):
            table = source.read_row_group(group, columns, use_threads=False)
            yield table.filter(pc.equal(table[column], value))


@dataclass(frozen=True)
class _Filter:
    language: str | None
    owner_key: str | None
    repository_key: str | None

    @property
    def by_owner(self) -> tuple[str, str] | None:
        """The column and value that single out rows within a shard; a repository is narrower than its owner."""
        if self.repository_key is not None:
            return "repository_key", self.repository_key
        if self.owner_key is not None:
            return "owner_key", self.owner_key
        return None


def _groups(source: pq.ParquetFile, column: str, value: str) -> Iterator[int]:
    """The row groups whose statistics allow this value in this column."""
    place = source.schema_arrow.get_field_index(column)
    for group in range(source.num_row_groups):
        statistics = source.metadata.row_group(group).column(place).statistics
        if statistics is None or not statistics.has_min_max or statistics.min <= value <= statistics.max:
            yield group
