"""What an opt-out would change, for the desk: shown before anybody decides."""

from collections.abc import Iterable
from dataclasses import dataclass

from datasets_app import purging
from datasets_app.models import Holding, Owner, Release, Repository
from datasets_app.pipeline.errors import PipelineError
from datasets_app.pipeline.preview import preview


@dataclass(frozen=True)
class Effects:
    """The effect of blocking an account, or some repositories of it.

    Attributes:
        files: Rows of the newest published release whose named origin is concerned.
        bytes: Of source in them.
        releases: Published releases that hold any of it: they are withdrawn when the next one is published.
        repositories: Repositories concerned that are held.
        shards: Shards of the newest release that the next build writes anew or leaves out.
        promoted: Rows that stay, under the next best origin that is not blocked.
        gone: Rows whose content leaves the data set.
        newest: The release that the figures are of, or None where none is published or its bytes cannot be read.
    """

    files: int = 0
    bytes: int = 0
    releases: int = 0
    repositories: int = 0
    shards: int = 0
    promoted: int = 0
    gone: int = 0
    newest: Release | None = None


def effects(owner: Owner, repositories: Iterable[Repository] | None = None) -> Effects:
    """Figures of what blocking the whole account (``repositories`` None) or these repositories would change."""
    concerned = Holding.objects.filter(owner=owner, release__state="published")
    keys: frozenset[str] = frozenset()
    if repositories is not None:
        chosen = list(repositories)
        keys = frozenset(repository.key for repository in chosen)
        concerned = concerned.filter(repository__in=chosen)
    releases = Release.objects.filter(pk__in=concerned.values("release")).order_by("-published_at", "-pk")
    newest = releases.first()
    if newest is None:
        return Effects()
    counted = releases.count()
    held = concerned.filter(release=newest).count()
    try:
        found = preview(
            purging.corpus_folder(),
            purging.releases_folder(),
            newest.name,
            newest.version,
            blocked_owners=frozenset({owner.key}) if repositories is None else frozenset(),
            blocked_repositories=keys,
        )
    except PipelineError:  # the corpus was emptied, say: what the rows tell is still true
        sums = concerned.filter(release=newest).values_list("files", "bytes")
        files, size = (sum(column) for column in zip(*sums, strict=True))
        return Effects(files=files, bytes=size, releases=counted, repositories=held)
    return Effects(
        files=found.files,
        bytes=found.bytes,
        releases=counted,
        repositories=held,
        shards=found.shards,
        promoted=found.promoted,
        gone=found.gone,
        newest=newest,
    )
