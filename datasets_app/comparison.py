"""A release beside its parent, for those who approve."""

from dataclasses import dataclass

from datasets_app import purging
from datasets_app.models import Release
from datasets_app.pipeline.errors import PipelineError
from datasets_app.pipeline.manifest import load


@dataclass(frozen=True)
class Row:
    """One figure before and now. ``unit`` is ``bytes`` or empty."""

    label: str
    before: int
    now: int
    unit: str = ""

    @property
    def change(self) -> int:
        """How much more it is now."""
        return self.now - self.before


@dataclass(frozen=True)
class Comparison:
    """A release and its parent. ``shards_kept`` counts the shards that both share, byte by byte (0 where the parent's are gone)."""

    parent: Release
    rows: list[Row]
    languages: list[Row]
    shards_kept: int


def compare(release: Release) -> Comparison | None:
    """The release beside its parent; None where it has none."""
    parent = release.parent
    if parent is None:
        return None
    rows = [
        Row("Files", parent.files, release.files),
        Row("Size", parent.bytes, release.bytes, "bytes"),
        Row("Shards", parent.shards, release.shards),
        Row("Languages", len(parent.languages), len(release.languages)),
        Row("Licences", len(parent.licences), len(release.licences)),
    ]
    before = {row["language"]: row["files"] for row in parent.languages}
    now = {row["language"]: row["files"] for row in release.languages}
    changed = [
        Row(language, before.get(language, 0), now.get(language, 0)) for language in sorted(before.keys() | now.keys())
    ]
    languages = sorted((row for row in changed if row.change), key=lambda row: (-abs(row.change), row.label))
    return Comparison(parent, rows, languages[:15], _shards_kept(release, parent))


def _shards_kept(release: Release, parent: Release) -> int:
    try:
        digests = [
            {shard["digest"] for shard in load(purging.releases_folder(), one.name, one.version).shards}
            for one in (release, parent)
        ]
    except PipelineError:
        return 0
    return len(digests[0] & digests[1])
