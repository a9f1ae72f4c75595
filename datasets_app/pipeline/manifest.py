"""The manifest of a release: its shards, figures and digests. It names no owner and no repository."""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import MISSING, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypedDict

from datasets_app.pipeline import merkle, storage
from datasets_app.pipeline.format import manifest_path
from datasets_app.pipeline.reasons import FunnelRow
from datasets_app.pipeline.release_errors import NoSuchRelease, ReleaseError
from datasets_app.pipeline.shards import ShardEntry
from datasets_app.pipeline.storage import Place

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,95}")
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,63}")
_NOT_NAMES = {"shards"}


class LanguageRow(TypedDict):
    """What a release holds of one language."""

    language: str
    files: int
    bytes: int


class LicenceRow(TypedDict):
    """What a release holds under one licence expression."""

    licence: str
    files: int
    bytes: int


class Plan(TypedDict):
    """How rows are placed. Children of the same name and major version keep it."""

    buckets: dict[str, int]


@dataclass(frozen=True)
class Manifest:
    """A release. Sizes are bytes of source.

    Attributes:
        name: Of the data set.
        version: Of the release.
        parent: Name and version of the release that this one was made from, or ``None``.
        recipe: As ``Recipe.to_dict`` writes it.
        recipe_digest: Its digest.
        plan: Buckets by language.
        blocklist_position: How far the block-list had come when the release was built.
        shards: Sorted by language and bucket; empty after a withdrawal.
        rows: Files in the release.
        bytes: Of source in them.
        funnel: Files and bytes by public bucket (``reasons.PUBLIC_TEXTS``).
        languages: Largest first.
        licences: Largest first.
        digest_bytes: Merkle root (hex) over the shard digests in their order.
        digest_logical: SHA-256 (hex) over place and logical digest of each shard: equal values, whatever wrote them.
        tree_root: Root (hex) of the Merkle tree over the rows, sorted by blob id.
        writer: What wrote the shards, with versions.
        created_at: ISO 8601, UTC.
        withdrawn_at: When the release was withdrawn, or ``None``.
        reissue_of: The version of the release that this one is, issued again without what was blocked since; ``None`` for
            a release that a build made. ``parent`` is then the release whose shards it was made from.
        rules: The attributes that it was decided and written by, each with the version of its rules (``families``).
    """

    name: str
    version: str
    parent: tuple[str, str] | None
    recipe: dict[str, Any]
    recipe_digest: str
    plan: Plan
    blocklist_position: int
    shards: list[ShardEntry]
    rows: int
    bytes: int
    funnel: list[FunnelRow]
    languages: list[LanguageRow]
    licences: list[LicenceRow]
    digest_bytes: str
    digest_logical: str
    tree_root: str
    writer: dict[str, str | int]
    created_at: str
    withdrawn_at: str | None = None
    reissue_of: str | None = None
    rules: tuple[str, ...] = ()

    def to_json(self) -> str:
        """The manifest as it stands on the disk: a field a line."""
        lines = (f" {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in vars(self).items())
        return "{\n" + ",\n".join(lines) + "\n}\n"

    @classmethod
    def from_json(cls, text: str) -> "Manifest":
        """The manifest that ``to_json`` wrote; fields that came later take their defaults where it was written before.

        Raises:
            ValueError: It is not one.
        """
        values = json.loads(text)
        known = {field.name for field in fields(cls)}
        required = {field.name for field in fields(cls) if field.default is MISSING}
        if not isinstance(values, dict) or not required <= values.keys() <= known:
            raise ValueError("not a manifest")
        parent = values.pop("parent")
        values["rules"] = tuple(values.get("rules", ()))
        return cls(**values, parent=tuple(parent) if parent else None)

    @property
    def withdrawn(self) -> bool:
        """Whether its bytes were taken back; only figures are left then."""
        return self.withdrawn_at is not None

    def as_withdrawn(self) -> "Manifest":
        """The same release without its shards, marked as withdrawn now."""
        return replace(self, shards=[], withdrawn_at=now())


def now() -> str:
    """This moment as ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def check_name(name: str, version: str) -> None:
    """Check the name and version of a release: they become folders.

    Raises:
        ReleaseError: Says which of them is bad and what it may be.
    """
    if not _NAME.fullmatch(name) or name in _NOT_NAMES:
        raise ReleaseError(
            f"{name!r} cannot name a data set: use lower-case letters, digits, '.', '_' and '-', not {sorted(_NOT_NAMES)}."
        )
    if not _VERSION.fullmatch(version):
        raise ReleaseError(f"{version!r} cannot be a version: use letters, digits, '.', '+', '_' and '-', as in 1.0.")


def major(version: str) -> str:
    """The part of a version before its first dot."""
    return version.partition(".")[0]


def load(releases: Place, name: str, version: str) -> Manifest:
    """Read the manifest of a release, withdrawn or not.

    Raises:
        NoSuchRelease: There is none.
        ReleaseError: It cannot be read.
    """
    check_name(name, version)
    place, path = storage.at(releases), manifest_path(Path(), name, version).as_posix()
    try:
        return Manifest.from_json(storage.read_bytes(place, path).decode())
    except FileNotFoundError:
        raise NoSuchRelease(f"There is no release {name} {version} at {place.address}.") from None
    except ValueError as error:
        raise ReleaseError(
            f"The manifest {place.address}/{path} is damaged: {error}. Restore it or build the release again."
        ) from error


def load_all(releases: Place) -> list[Manifest]:
    """Every manifest below the releases folder, withdrawn ones included, by name and version.

    Raises:
        ReleaseError: One cannot be read.
    """
    if isinstance(releases, Path):
        paths = sorted(releases.glob("[!.]*/[!.]*/manifest.json"))
    else:
        paths = [Path(file.name) for file in releases.files() if re.fullmatch(r"[^/]+/[^/]+/manifest\.json", file.name)]
    return [load(releases, path.parent.parent.name, path.parent.name) for path in paths]


def bytes_digest(shards: Iterable[ShardEntry]) -> str:
    """Merkle root (hex) over the SHA-256 of the shards in their order."""
    return merkle.root([merkle.leaf_hash(bytes.fromhex(shard["digest"])) for shard in shards]).hex()


def logical_digest(shards: Iterable[ShardEntry]) -> str:
    """SHA-256 (hex) over language, bucket and logical digest of the shards in their order."""
    state = hashlib.sha256()
    for shard in shards:
        language = shard["language"].encode()
        state.update(len(language).to_bytes(8, "little") + language + shard["bucket"].to_bytes(8, "little"))
        state.update(bytes.fromhex(shard["logical"]))
    return state.hexdigest()
