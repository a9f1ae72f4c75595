"""Is this code in it? A pasted text or an uploaded file, looked up in the published releases: exact copies, then near copies.

What is masked or blocked is left out before anything of it is read, so that it answers like what was never held. Nothing of the
text is stored or logged: it is hashed and sketched in memory.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from core.errors import InvalidInput
from datasets_app import lookup, shard_indexes
from datasets_app.code_indexes import CODE
from datasets_app.models import ContentMask, Holding, Release
from datasets_app.pipeline.blobs import blob_id
from datasets_app.pipeline.code_index import LINE_ENDS, SAME, Asked, CodeIndex, ask
from datasets_app.services import masks

LARGEST = 1_000_000  # bytes of a text that is looked up; files in releases are rarely larger
LEAST_ALIKE = 0.5  # from which a near copy is shown
MOST = 100  # places that are shown
MOST_HITS = 1000  # rows of indexes that are looked at further, the best first
PUBLISHED, NEAR = "published", "near"
HOW = {
    SAME: "the same, byte by byte",
    LINE_ENDS: "the same but for line ends",
    PUBLISHED: "the same as it is published here",
    NEAR: "nearly the same",
}
_ORDER = {how: place for place, how in enumerate(HOW)}
_ARCHIVES = (
    (b"PK\x03\x04", "a ZIP archive"), (b"PK\x05\x06", "a ZIP archive"), (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"), (b"\xfd7zXZ\x00", "an xz archive"), (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"), (b"\x28\xb5\x2f\xfd", "a zstd archive"),
)  # fmt: skip


@dataclass
class Place:
    """One file that a release shows.

    Attributes:
        how: A key of ``HOW``.
        alike: Share of common runs of five words, estimated, 0..1; 1 where it is an exact copy.
        repository_id: Its row.
        origin: Whether it is the named origin; else its content stands in the release under another one.
        releases: Every published release that shows it, the newest first.
    """

    how: str
    alike: float
    forge: str
    owner: str
    repository: str
    repository_id: int
    url: str
    path: str
    language: str
    licence: str
    size: int
    blob_id: str
    origin: bool
    releases: list[Release] = field(default_factory=list)

    @property
    def release(self) -> Release:
        """The newest release that shows it."""
        return self.releases[0]

    @property
    def words(self) -> str:
        """In which way it is a copy, for people."""
        return HOW[self.how]

    @property
    def address(self) -> str:
        """By which the place can be asked for again: release, repository and path."""
        return f"{self.release.pk}:{self.repository_id}:{self.path}"


@dataclass
class Found:
    """The answer.

    Attributes:
        blob_id: The git blob id of the bytes as they came.
        places: Exact copies first, then the most alike; at most ``MOST``.
        more: How many further places there are.
        short: Whether the text has too few words to look for near copies.
        unready: How many shards of published releases cannot be searched yet.
        shards: How many there are.
    """

    blob_id: str
    places: list[Place] = field(default_factory=list)
    more: int = 0
    short: bool = False
    unready: int = 0
    shards: int = 0

    @property
    def held(self) -> bool:
        """Whether any published release shows it or something like it."""
        return bool(self.places)

    @property
    def exact(self) -> list[Place]:
        """The copies that are the same."""
        return [place for place in self.places if place.how != NEAR]

    @property
    def near(self) -> list[Place]:
        """The copies that are nearly the same."""
        return [place for place in self.places if place.how == NEAR]


def check(content: bytes) -> str:
    """The text of what was handed in.

    Raises:
        InvalidInput: It is empty, too large, an archive, or no text in UTF-8.
    """
    if not content.strip():
        raise InvalidInput("There is no code in it. Paste the text of a file, or choose a file.", "code")
    if len(content) > LARGEST:
        raise InvalidInput(f"This is larger than {LARGEST // 1_000_000} MB. Give one source file at a time.", "code")
    for start, name in _ARCHIVES:
        if content.startswith(start):
            raise InvalidInput(f"This is {name}. Unpack it, and give one of the files in it.", "code")
    if content[257:262] == b"ustar":
        raise InvalidInput("This is a tar archive. Unpack it, and give one of the files in it.", "code")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InvalidInput(
            "This text is in UTF-16. Releases hold texts in UTF-8 alone: save it as UTF-8, and try again.", "code"
        )
    if b"\x00" in content:
        raise InvalidInput("This is not a text: it has NUL bytes. Releases hold source texts alone.", "code")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise InvalidInput(
            "This text is not in UTF-8. Releases hold texts in UTF-8 alone: save it as UTF-8, and try again.", "code"
        ) from None


def search(content: bytes) -> Found:
    """What the public may know of a text.

    Raises:
        InvalidInput: It is nothing that could be looked up, see ``check``.
    """
    check(content)
    asked = ask(content)
    found = Found(blob_id(content), short=asked.sketch is None)
    hits: list[_Hit] = []
    seen: dict[str, list[_Hit]] = {}
    for release in shard_indexes.published():
        for digest in shard_indexes.shards_of(release):
            if digest not in seen:
                index = CODE.of_shard(digest)
                found.unready += index is None
                seen[digest] = [] if index is None else _in_shard(index, asked)
            hits += [hit.within(release) for hit in seen[digest]]
        copies = CODE.of(release)
        if copies is not None:
            hits += [hit.within(release) for hit in _in_copies(copies, asked)]
    found.shards = len(seen)
    if found.unready:
        CODE.ask()
    places = _places(hits)
    found.places, found.more = places[:MOST], max(0, len(places) - MOST)
    return found


@dataclass(frozen=True)
class _Hit:
    """A row of an index. The release is known where the shard stands."""

    index: CodeIndex
    row: int
    how: str
    alike: float
    repository_key: str
    origin: bool
    release: Release | None = None

    @property
    def blob_id(self) -> str:
        return bytes(self.index.arrays["blob_ids"][self.row]).hex()

    def within(self, release: Release) -> "_Hit":
        return _Hit(self.index, self.row, self.how, self.alike, self.repository_key, self.origin, release)


def _in_shard(index: CodeIndex, asked: Asked) -> list[_Hit]:
    ways: dict[int, tuple[str, float]] = {}
    if asked.sketch is not None and asked.bands is not None:
        ways = {one.row: (NEAR, one.alike) for one in index.alike(asked.sketch, asked.bands, LEAST_ALIKE)}
    ways |= dict.fromkeys(index.by_text(list(asked.texts)), (PUBLISHED, 1.0))
    ways |= {row: (_how(index, row, asked), 1.0) for row in index.by_blob(list(asked.blob_ids))}
    return _hits(index, ways, origin=True)


def _in_copies(index: CodeIndex, asked: Asked) -> list[_Hit]:
    ways = {row: (_how(index, row, asked), 1.0) for row in index.by_blob(list(asked.blob_ids))}
    return _hits(index, ways, origin=False)


def _how(index: CodeIndex, row: int, asked: Asked) -> str:
    return asked.blob_ids[bytes(index.arrays["blob_ids"][row])]


def _hits(index: CodeIndex, ways: dict[int, tuple[str, float]], origin: bool) -> list[_Hit]:
    keys = index.repository_keys(list(ways)) if ways else []
    return [_Hit(index, row, *way, key, origin) for (row, way), key in zip(ways.items(), keys, strict=True)]


def _places(hits: list[_Hit]) -> list[Place]:
    """The places of hits that the public may see, each once, whichever releases show it."""
    hits = sorted(hits, key=lambda hit: (_ORDER[hit.how], -hit.alike))[:MOST_HITS]
    shown = _shown({hit.repository_key for hit in hits})
    hidden = hidden_contents([hit.blob_id for hit in hits])
    places: dict[tuple[int, str, str], Place] = {}
    for hit in hits:
        assert hit.release is not None
        row = shown.get((hit.release.pk, hit.repository_key))
        if row is None:
            continue
        facts = hit.index.facts(hit.row)
        if (None, "", hit.blob_id) in hidden or (row["repository"], facts["path"], hit.blob_id) in hidden:
            continue
        key = (row["repository"], facts["path"], facts["blob_id"])
        place = places.setdefault(
            key,
            Place(
                how=hit.how, alike=hit.alike, forge=row["owner__forge"], owner=row["owner__login"],
                repository=row["repository__name"], repository_id=row["repository"], url=row["repository__url"],
                path=facts["path"], language=facts["language"] or "", licence=facts["licence"] or "", size=facts["size"],
                blob_id=facts["blob_id"], origin=hit.origin,
            ),
        )  # fmt: skip
        if hit.release not in place.releases:
            place.releases.append(hit.release)
    for place in places.values():
        place.releases.sort(key=lambda one: (one.published_at or one.created_at, one.pk), reverse=True)
    return sorted(
        places.values(),
        key=lambda place: (_ORDER[place.how], -place.alike, not place.origin, place.owner.casefold(), place.path),
    )


def _shown(keys: Iterable[str]) -> dict[tuple[int, str], dict[str, Any]]:
    """By release and repository key, the holdings that the public may see. Asked also where there is no key at all: what was never
    held takes the same way as what is hidden."""
    rows = lookup.held_by_public().filter(Q(repository__key__in=[*sorted(set(keys)), ""]))
    columns = (
        "release",
        "repository",
        "repository__key",
        "repository__name",
        "repository__url",
        "owner__login",
        "owner__forge",
    )
    return {(row["release"], row["repository__key"]): row for row in rows.values(*columns)}


def hidden_contents(blobs: Iterable[str]) -> set[tuple[int | None, str, str]]:
    """What the public may not see of these blobs: (None, "", blob) everywhere, else (repository, path, blob) there. Asked likewise."""
    wanted = [*sorted(set(blobs)), "0" * 40]
    found: set[tuple[int | None, str, str]] = {(None, "", blob) for blob in masks.hidden_blobs(wanted)}
    for start in range(0, len(wanted), masks.BATCH):
        live = ContentMask.objects.filter(lifted_at=None, blob__in=wanted[start : start + masks.BATCH])
        found |= set(live.exclude(repository=None).values_list("repository", "path", "blob"))
    return found


def shown_holding(release_id: int, repository_id: int) -> Holding | None:
    """The holding of a place, if the public may see it."""
    rows = lookup.held_by_public().select_related("release", "repository__owner")
    found: Holding | None = rows.filter(release=release_id, repository=repository_id).first()
    return found
