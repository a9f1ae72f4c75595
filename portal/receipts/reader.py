"""Reading what is published as somebody reads it who downloads it: manifests and shards, byte by byte, with a reader of its own.

It shares no code with what decides, writes or verifies releases, so that a fault there does not hide here. Where the bytes come from is
a setting: the folder from which they are served, or the site's own addresses (``FAIRSTACK_CHECK_URL``).
"""

import hashlib
import json
import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

COLUMNS = ["blob_id", "owner_key", "repository_key", "forge", "owner", "repository", "path", "content"]


class Unreadable(Exception):
    """Something that is published cannot be read as it should be. Says what; holds no text."""


@dataclass(frozen=True)
class Part:
    """One file of a release, as its manifest lists it."""

    language: str
    bucket: int
    digest: str
    rows: int


class Place(Protocol):
    """Where published bytes are read."""

    def manifest(self, name: str, version: str) -> bytes:
        """The manifest of a release."""

    def open(self, name: str, version: str, part: Part, copy: Path) -> Path:
        """A path at which the file's bytes can be read; ``copy`` may be written."""


class ServedFolder:
    """The folder from which the site serves."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def manifest(self, name: str, version: str) -> bytes:
        """See ``Place``."""
        try:
            return (self.root / name / version / "manifest.json").read_bytes()
        except OSError as error:
            raise Unreadable(f"The manifest of {name} {version} cannot be read.") from error

    def open(self, name: str, version: str, part: Part, copy: Path) -> Path:
        """See ``Place``."""
        return self.root / "shards" / part.digest[:2] / f"{part.digest}.parquet"


class ServedSite:
    """The addresses of the site, asked as anybody asks them."""

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")

    def manifest(self, name: str, version: str) -> bytes:
        """See ``Place``."""
        with self._get(name, version, "manifest.json") as answer:
            data: bytes = answer.read()
        return data

    def open(self, name: str, version: str, part: Part, copy: Path) -> Path:
        """See ``Place``."""
        safe = "".join(
            letter if letter.isalnum() or letter in " +#-._'()*" else f"%{ord(letter):02X}" for letter in part.language
        )
        with self._get(name, version, f"data/{safe}/part-{part.bucket:05d}.parquet") as answer, copy.open("wb") as file:
            shutil.copyfileobj(answer, file, 1 << 20)
        return copy

    @contextmanager
    def _get(self, name: str, version: str, file: str) -> Iterator[Any]:
        address = f"{self.address}/releases/{quote(name)}/{quote(version)}/{quote(file)}"
        try:
            with urllib.request.urlopen(address, timeout=60) as answer:  # noqa: S310 - the address is a setting
                yield answer
        except (urllib.error.URLError, TimeoutError) as error:
            raise Unreadable(f"{name} {version}: {file} cannot be downloaded: {error}.") from error


def parts(place: Place, name: str, version: str) -> list[Part]:
    """The files that the manifest of a release lists.

    Raises:
        Unreadable: It is missing or damaged, or the release was taken back.
    """
    try:
        found = json.loads(place.manifest(name, version))
        listed = [
            Part(str(one["language"]), int(one["bucket"]), str(one["digest"]), int(one["rows"]))
            for one in found["shards"]
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise Unreadable(f"The manifest of {name} {version} is damaged.") from error
    if (found.get("name"), found.get("version")) != (name, version) or found.get("withdrawn_at") or not listed:
        raise Unreadable(f"The manifest of {name} {version} is not that of a published release.")
    return listed


def rows(place: Place, name: str, version: str, part: Part) -> Iterator[pa.RecordBatch]:
    """The rows of one file in batches, after its bytes were compared with the digest in the manifest.

    Raises:
        Unreadable: It is missing, or its bytes or rows are others.
    """
    with tempfile.TemporaryDirectory(prefix="fairstack-check-") as work:
        path = place.open(name, version, part, Path(work, "file"))
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            if digest != part.digest:
                raise Unreadable(
                    f"{name} {version}: the bytes of {part.language} {part.bucket} are not those of its manifest."
                )
            with pq.ParquetFile(path) as source:
                if source.metadata.num_rows != part.rows:
                    raise Unreadable(f"{name} {version}: {part.language} {part.bucket} has another number of rows.")
                yield from source.iter_batches(500, columns=COLUMNS, use_threads=False)
        except (OSError, pa.ArrowException) as error:
            raise Unreadable(f"{name} {version}: {part.language} {part.bucket} cannot be read.") from error
