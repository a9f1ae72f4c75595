"""What an opt-out would change, for the desk: shown before anybody decides."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Sum

from datasets_app import purging
from datasets_app.models import Holding, Owner, Release, Repository
from datasets_app.pipeline import held as held_rows
from datasets_app.pipeline.decide import Blocks
from datasets_app.pipeline.errors import PipelineError
from datasets_app.pipeline.preview import preview
from datasets_app.pipeline.release import Release as OpenRelease


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


def effects(
    owner: Owner | Sequence[Owner], repositories: Iterable[Repository] | None = None, contents: Blocks | None = None
) -> Effects:
    """Figures of what blocking whole accounts (``repositories`` None) or these repositories of them would change.

    Args:
        owner: The account, or every row of it.
        repositories: Of it; None for all.
        contents: Blobs and lone authors that would be blocked, too.
    """
    owners = [owner] if isinstance(owner, Owner) else list(owner)
    contents = contents or Blocks()
    concerned = Holding.objects.filter(owner__in=owners, release__state="published")
    keys: frozenset[str] = frozenset()
    if repositories is not None:
        chosen = list(repositories)
        keys = frozenset(repository.key for repository in chosen)
        concerned = concerned.filter(repository__in=chosen)
    releases = Release.objects.filter(pk__in=concerned.values("release"))
    if contents.blobs or contents.authors:
        held_too = [one.pk for one in Release.objects.filter(state="published") if _holds(one, contents)]
        releases = releases | Release.objects.filter(pk__in=held_too)
    releases = releases.order_by("-published_at", "-pk")
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
            blocked_owners=frozenset(one.key for one in owners) if repositories is None else frozenset(),
            blocked_repositories=keys,
            blocked_blobs=contents.blobs,
            blocked_authors=contents.authors,
        )
    except PipelineError:  # the corpus was emptied, say: what the rows tell is still true
        sums = concerned.filter(release=newest).aggregate(files=Sum("files", default=0), bytes=Sum("bytes", default=0))
        files, size = sums["files"], sums["bytes"]
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


def _holds(release: Release, contents: Blocks) -> bool:
    try:
        opened = OpenRelease.open(purging.releases_folder(), release.name, release.version)
    except PipelineError:
        return False
    return bool(len(held_rows.rows(opened, contents)))
