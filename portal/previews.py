"""What a draft is about, before it is sent: repositories, releases, models, and copies elsewhere, as far as anybody may see them.

Nothing is proven yet, so nothing is shown that the public could not find: what is published, and not hidden. Once a request is
proven its own page shows everything.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl
from django.db.models import Q, Sum

from datasets_app import hidden_files, purging
from datasets_app.models import Holding, Release
from datasets_app.pipeline import contents, copies
from datasets_app.pipeline.clusters import Hidden
from datasets_app.pipeline.errors import PipelineError
from datasets_app.pipeline.recipe import Recipe
from datasets_app.pipeline.release import Release as OpenRelease
from datasets_app.services import masks
from datasets_app.side_by_side import Comparison, compare
from modelzoo.models import Revision
from portal.models import OptOutRequest
from portal.services.accounts import covered_by, held_owners
from portal.services.copies import newest_release

LISTED = 50  # repositories, and copies a page


@dataclass(frozen=True)
class PublicCopies:
    """Copies that anybody can find in the newest published release.

    Attributes:
        release: That one; None where none is published.
        rows: Of both rings, the exact ones first: ``ring``, and the columns of ``datasets_app.pipeline.copies``.
        exact: Files with the same content.
        near: Files with nearly the same text.
        trivial: Of the exact ones, those that stay whoever asks.
    """

    release: Release | None = None
    rows: list[dict[str, Any]] = field(default_factory=list)
    exact: int = 0
    near: int = 0
    trivial: int = 0


@dataclass(frozen=True)
class Preview:
    """What a draft concerns.

    Attributes:
        repositories: Those with most files first, at most ``LISTED``: ``owner``, ``name``, ``files``, ``copies``, ``bytes``, of the
            newest release that holds anything.
        more: How many further repositories there are.
        files: Of all repositories, whose named origin lies there.
        copied: Files of theirs whose content is held under another origin.
        bytes: Of the files.
        releases: Published releases that hold any of it, the newest first, with ``files``.
        models: Published models that were trained on one of these.
    """

    repositories: list[dict[str, Any]] = field(default_factory=list)
    more: int = 0
    files: int = 0
    copied: int = 0
    bytes: int = 0
    releases: list[dict[str, Any]] = field(default_factory=list)
    models: list[dict[str, Any]] = field(default_factory=list)


def of_draft(draft: OptOutRequest) -> Preview:
    """What the draft concerns; nothing where it is about what a person wrote alone, which is known once the address is proven."""
    if draft.scope == OptOutRequest.AUTHORED:
        return Preview()
    shown = Holding.objects.filter(Q(files__gt=0) | Q(copies__gt=0), release__state="published")
    shown = shown.filter(owner__in=held_owners(draft)).exclude(masks.hidden_filter())
    if draft.scope == OptOutRequest.REPOSITORIES:
        shown = shown.filter(repository__name_folded__in=draft.repositories.values("name_folded"))
    sums = {row["release"]: row["sum"] for row in shown.order_by().values("release").annotate(sum=Sum("files"))}
    rows = Release.objects.filter(pk__in=sums).defer("recipe", "funnel", "languages", "licences")
    releases = list(rows.order_by("-published_at", "-pk"))
    if not releases:
        return Preview()
    held = list(
        shown.filter(release=releases[0])
        .order_by("-files", "-copies", "repository__name_folded")
        .values("repository__owner__login", "repository__name", "files", "copies", "bytes")
    )
    repositories = [
        {
            "owner": row["repository__owner__login"],
            "name": row["repository__name"],
            **{column: row[column] for column in ("files", "copies", "bytes")},
        }
        for row in held
    ]
    return Preview(
        repositories=repositories[:LISTED],
        more=max(0, len(repositories) - LISTED),
        files=sum(row["files"] for row in held),
        copied=sum(row["copies"] for row in held),
        bytes=sum(row["bytes"] for row in held),
        releases=[{"release": one, "files": sums[one.pk]} for one in releases],
        models=_models(releases),
    )


def _models(releases: Sequence[Release]) -> list[dict[str, Any]]:
    revisions = Revision.objects.filter(release__in=releases, withdrawn_at=None).select_related("model", "release")
    found: dict[int, dict[str, Any]] = {}
    for revision in revisions.order_by("model__pk", "-created_at"):
        found.setdefault(revision.model_id, {"model": revision.model, "release": revision.release})
    return list(found.values())


def copies_of(draft: OptOutRequest) -> PublicCopies:
    """The copies elsewhere that anybody can find; empty where they are not asked for."""
    release = newest_release()
    if not draft.copies or draft.scope == OptOutRequest.AUTHORED or release is None:
        return PublicCopies()
    try:
        opened = OpenRelease.open(purging.releases_folder(), release.name, release.version)
        hidden = hidden_files.of_release(release, opened)
        found = copies.of_release(
            release.folder, covered_by(draft), Hidden(*masks.hidden_keys()), masks.every_hidden_blob(release)
        )
    except PipelineError:
        return PublicCopies()
    exact, near = (
        [
            row | {"ring": ring}
            for row in frame.iter_rows(named=True)
            if (row["repository_key"], row["path"]) not in hidden
        ]
        for ring, frame in (("A", found.exact), ("B", found.near))
    )
    trivial = found.exact.filter(pl.col("verdict") == copies.LEAVE).height
    return PublicCopies(release, [*exact, *near], len(exact), len(near), trivial)


def side_by_side(release: Release, mine: str, other: str, *, fold: bool = True) -> Comparison | None:
    """Two texts beside each other, as the release publishes them; None where the corpus holds one of them no more.

    The caller has made sure that whoever asks may see both.
    """
    recipe = Recipe.from_dict(release.recipe, any_rules=True)
    try:
        texts = contents.shown_texts(purging.corpus_folder(), recipe, {mine, other})
    except PipelineError:
        return None
    if mine not in texts or other not in texts:
        return None
    return compare(texts[mine], texts[other], fold=fold)
