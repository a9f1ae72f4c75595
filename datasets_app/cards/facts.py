"""The facts that both cards tell, read once from the manifest and the rows of a release."""

import hashlib
from dataclasses import dataclass
from datetime import date

from django.core.cache import cache
from django.db.models import Count, Sum

from datasets_app import browsing
from datasets_app.models import Holding, Release, Source
from datasets_app.pipeline.manifest import Manifest
from datasets_app.pipeline.reasons import PUBLIC_TEXTS
from datasets_app.pipeline.recipe import Recipe
from datasets_app.pipeline.shards import ShardEntry
from datasets_app.readers import KINDS

FEWEST = 5  # accounts: a place with fewer is not named, since its name could be a person's
KEPT_FOR = 3600  # seconds that the sums over all repositories are kept


@dataclass(frozen=True)
class Place:
    """A forge or package index, with how much of the release comes from there."""

    name: str
    accounts: int
    repositories: int
    files: int


@dataclass(frozen=True)
class Facts:
    """A release as the cards tell it.

    Attributes:
        release: The row.
        manifest: As it lies on the disk.
        recipe: What decided which files are in it.
        places: Where the code comes from, most files first; small places are together.
        kinds: In which ways it was read, in words.
        last_read: The latest day on which anything was read before the build, or None.
        funnel: (what became of files, how many), in the public buckets.
        served: The shards by the names under which they are served.
        pending: Whether the release is being issued again, so that its shards are not served now.
    """

    release: Release
    manifest: Manifest
    recipe: Recipe
    places: list[Place]
    kinds: list[str]
    last_read: date | None
    funnel: list[tuple[str, int]]
    served: dict[str, ShardEntry]
    pending: bool

    @property
    def predecessor(self) -> Release | None:
        """The release in whose place this one stands, or that it goes on from."""
        return self.release.reissue_of or self.release.parent


def of(release: Release) -> Facts:
    """The facts of a release that its reader may see.

    Raises:
        Http404: Its bytes are gone.
    """
    opened = browsing.open_release(release)
    sources = Source.objects.filter(last_ingested_at__isnull=False)
    if release.built_at:
        sources = sources.filter(last_ingested_at__lte=release.built_at)
    days = [source.last_ingested_at.date() for source in sources if source.last_ingested_at]
    return Facts(
        release=release,
        manifest=opened.manifest,
        recipe=Recipe.from_dict(opened.manifest.recipe, any_rules=True),
        places=_places(release),
        kinds=sorted({KINDS[source.kind] for source in sources if source.kind in KINDS}),
        last_read=max(days, default=None),
        served=opened.served_names(),
        pending=release.reissue_pending is not None,
        funnel=[(PUBLIC_TEXTS[row["reason"]], row["files"]) for row in opened.manifest.funnel],
    )


def _places(release: Release) -> list[Place]:
    """Summed over all repositories of the release, and kept for a while under its digest: a released thing does not change."""
    key = "places:" + hashlib.sha256(f"{release.pk}:{release.digest_bytes}".encode()).hexdigest()
    kept: list[Place] | None = cache.get(key)
    if kept is None:
        rows = (
            Holding.objects.filter(release=release, files__gt=0)
            .values("owner__forge")
            .annotate(accounts=Count("owner", distinct=True), repositories=Count("pk"), held=Sum("files"))
            .order_by("-held", "owner__forge")
        )
        kept = _folded([Place(row["owner__forge"], row["accounts"], row["repositories"], row["held"]) for row in rows])
        cache.set(key, kept, KEPT_FOR)
    return kept


def _folded(rows: list[Place]) -> list[Place]:
    """Places of few accounts together, without their names."""
    small = [row for row in rows if row.accounts < FEWEST]
    large = [row for row in rows if row.accounts >= FEWEST]
    if not small:
        return large
    rest = Place(
        "other places",
        sum(row.accounts for row in small),
        sum(row.repositories for row in small),
        sum(row.files for row in small),
    )
    return [*large, rest]
