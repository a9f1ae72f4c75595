"""Files of a release that are hidden by what they hold: masked as content or as files, or blocked since the release was decided.

Which rows these are is found out once for each release and each state of masks and block-list, and kept by this process: shards
never change, and a change of masks shows in the newest row and in the last time that anything was lifted.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, NamedTuple

import polars as pl
from django.db.models import QuerySet, Subquery

from datasets_app import purging
from datasets_app.models import BlockEntry, ContentMask, Release
from datasets_app.pipeline import held, holdings, state
from datasets_app.pipeline.decide import Blocks, is_blocked
from datasets_app.pipeline.release import Release as OpenRelease
from datasets_app.pipeline.release_errors import ReleaseError
from datasets_app.services import blocklist

KEPT = 16  # releases
_known: "OrderedDict[tuple[Any, ...], HiddenFiles]" = OrderedDict()
_lock = Lock()


class Left(NamedTuple):
    """What the public may know of a repository in a release; the columns of a holding."""

    files: int
    copies: int
    bytes: int
    licences: list[str]
    languages: list[str]


@dataclass(frozen=True)
class HiddenFiles:
    """The hidden files of one release.

    Attributes:
        rows: As ``held.KEYS``.
        files: Repository key and path of each.
        left: By repository key, what is held of each repository besides its hidden files, copies among them.
    """

    rows: pl.DataFrame
    files: frozenset[tuple[str, str]] = field(default=frozenset())
    left: Mapping[str, Left] = field(default_factory=dict)

    def __contains__(self, file: object) -> bool:
        return file in self.files

    def count(self, **where: str | None) -> int:
        """How many there are with these values in columns of ``rows``; None narrows nothing."""
        narrowed = {column: value for column, value in where.items() if value is not None}
        return len(self.rows.filter(**narrowed)) if len(self.rows) else 0


NONE = HiddenFiles(pl.DataFrame(schema={**dict.fromkeys(held.KEYS, pl.String), "size": pl.Int64}))


def of_release(release: Release, opened: OpenRelease | None = None) -> HiddenFiles:
    """The files of a release that are hidden now by what they hold. Accounts and repositories are another matter.

    Args:
        release: The release; with ``with_state`` it takes no query unless something changed.
        opened: Its reader, where there is one already. Where its bytes are gone, nothing of it is hidden.
    """
    now = _state(release)
    if not any(now[4:]):
        return NONE
    with _lock:
        if now in _known:
            _known.move_to_end(now)
            return _known[now]
    try:
        found = _find(release, opened or OpenRelease.open(purging.releases_folder(), release.name, release.version))
    except ReleaseError:
        return NONE
    with _lock:
        _known[now] = found
        while len(_known) > KEPT:
            _known.popitem(last=False)
    return found


def left(releases: Iterable[Release]) -> dict[tuple[int, str], Left]:
    """By release and repository key, what the public may know of the repositories that hold hidden files."""
    return {(release.pk, key): figures for release in releases for key, figures in of_release(release).left.items()}


def with_state(releases: QuerySet[Release]) -> QuerySet[Release]:
    """The releases, each with what tells whether anything was masked, blocked or shown again: each a look into an index."""
    masks, blocks = ContentMask.objects.order_by("-pk"), BlockEntry.objects.order_by("-position")
    lifted = [
        model.objects.filter(lifted_at__isnull=False).order_by("-lifted_at").values("lifted_at")
        for model in (ContentMask, BlockEntry)
    ]
    return releases.annotate(
        last_mask=Subquery(masks.values("pk")[:1]),
        last_masked=Subquery(masks.values("since")[:1]),
        last_block=Subquery(blocks.values("position")[:1]),
        last_blocked=Subquery(blocks.values("created_at")[:1]),
        last_unmasked=Subquery(lifted[0][:1]),
        last_lifted=Subquery(lifted[1][:1]),
    )


def _state(release: Release) -> tuple[Any, ...]:
    """What changes whenever anything is masked, blocked or shown again; the last two are empty where nothing is hidden."""
    if not hasattr(release, "last_mask"):
        release = with_state(Release.objects.only("tree_root", "blocklist_position")).get(pk=release.pk)
    known: Any = release
    mask = known.last_mask and (known.last_mask, known.last_masked)
    block = known.last_block and (known.last_block, known.last_blocked)
    if block and block[0] <= release.blocklist_position:
        block = None  # the release honours them all
    if not mask and not block:
        return (None,) * 6
    return release.pk, release.tree_root, known.last_unmasked, known.last_lifted, mask, block


def _find(release: Release, opened: OpenRelease) -> HiddenFiles:
    blobs, files = set[str](), set[tuple[str, str]]()
    live = ContentMask.objects.filter(lifted_at=None)
    wanted = set[str]()
    for blob, repository, path in live.values_list("blob", "repository__key", "path").iterator(chunk_size=5000):
        wanted.add(blob)
        if repository is None:
            blobs.add(blob)
        else:
            files.add((repository, path))
    blocked = blocklist.blocked_contents(after=release.blocklist_position)
    looked_for = Blocks(blobs=frozenset(wanted) | blocked.blobs, authors=blocked.authors)
    whole = pl.col("blob_id").is_in(pl.Series(sorted(blobs | blocked.blobs), dtype=pl.String).implode())
    single = pl.struct("repository_key", "path").map_elements(
        lambda row: (row["repository_key"], row["path"]) in files, return_dtype=pl.Boolean
    )
    rows = held.rows(opened, looked_for)
    if len(rows):
        theirs = held.rows(opened, Blocks(authors=blocked.authors)) if blocked.authors else NONE.rows
        rows = pl.concat([rows.filter(whole | single), theirs]).unique(["repository_key", "path"], maintain_order=True)
    hidden = frozenset(rows.select("repository_key", "path").iter_rows())
    decisions = state.decisions(opened.folder)
    if not decisions.paths():
        return HiddenFiles(rows, hidden)
    gone = whole | single
    if blocked.authors:
        gone = gone | is_blocked(Blocks(authors=blocked.authors)).fill_null(False)
    remaining = holdings.without(decisions, looked_for, gone)
    figures = remaining.select("repository_key", *Left._fields).iter_rows()
    return HiddenFiles(rows, hidden, {key: Left(*values) for key, *values in figures})
