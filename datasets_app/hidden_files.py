"""Files of a release that are hidden by what they hold: masked as content or as files, or blocked since the release was decided.

Which rows these are is found out once for each release and each state of masks and block-list, and kept by this process: shards
never change, and a change of masks shows in the newest row and in the last time that anything was lifted.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import polars as pl
from django.db.models import Max

from datasets_app.models import BlockEntry, ContentMask, Release
from datasets_app.pipeline import held
from datasets_app.pipeline.decide import Blocks
from datasets_app.pipeline.release import Release as OpenRelease
from datasets_app.services import blocklist

KEPT = 16  # releases
_known: "OrderedDict[tuple[Any, ...], HiddenFiles]" = OrderedDict()
_lock = Lock()


@dataclass(frozen=True)
class HiddenFiles:
    """The hidden files of one release.

    Attributes:
        rows: As ``held.KEYS``.
        files: Repository key and path of each.
    """

    rows: pl.DataFrame
    files: frozenset[tuple[str, str]] = field(default=frozenset())

    def __contains__(self, file: object) -> bool:
        return file in self.files

    def count(self, **where: str | None) -> int:
        """How many there are with these values in columns of ``rows``; None narrows nothing."""
        narrowed = {column: value for column, value in where.items() if value is not None}
        return len(self.rows.filter(**narrowed)) if len(self.rows) else 0

    def by_repository(self) -> dict[str, tuple[int, int]]:
        """Files and bytes by repository key."""
        sums = self.rows.group_by("repository_key").agg(pl.len(), pl.col("size").sum())
        return {key: (files, size) for key, files, size in sums.iter_rows()}


NONE = HiddenFiles(pl.DataFrame(schema={**dict.fromkeys(held.KEYS, pl.String), "size": pl.Int64}))


def of_release(release: Release, opened: OpenRelease) -> HiddenFiles:
    """The files of a release that are hidden now by what they hold. Accounts and repositories are another matter."""
    state = _state(release)
    if not any(state[4:]):
        return NONE
    with _lock:
        if state in _known:
            _known.move_to_end(state)
            return _known[state]
    found = _find(release, opened)
    with _lock:
        _known[state] = found
        while len(_known) > KEPT:
            _known.popitem(last=False)
    return found


def _state(release: Release) -> tuple[Any, ...]:
    """What changes whenever anything is masked, blocked or shown again; the last two are empty where nothing is hidden."""
    mask = ContentMask.objects.order_by("-pk").values_list("pk", "since").first()
    block = BlockEntry.objects.order_by("-position").values_list("position", "created_at").first()
    if block is not None and block[0] <= release.blocklist_position:
        block = None  # the release honours them all
    if mask is None and block is None:
        return (None,) * 6
    lifted = [
        model.objects.filter(lifted_at__isnull=False).aggregate(last=Max("lifted_at"))["last"]
        for model in (ContentMask, BlockEntry)
    ]
    return release.pk, release.tree_root, *lifted, mask, block


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
    rows = held.rows(opened, Blocks(blobs=frozenset(wanted) | blocked.blobs, authors=blocked.authors))
    if rows.is_empty():
        return NONE
    whole = pl.col("blob_id").is_in(pl.Series(sorted(blobs | blocked.blobs), dtype=pl.String).implode())
    single = pl.struct("repository_key", "path").map_elements(
        lambda row: (row["repository_key"], row["path"]) in files, return_dtype=pl.Boolean
    )
    theirs = held.rows(opened, Blocks(authors=blocked.authors)) if blocked.authors else NONE.rows
    rows = pl.concat([rows.filter(whole | single), theirs]).unique(["repository_key", "path"], maintain_order=True)
    return HiddenFiles(rows, frozenset(rows.select("repository_key", "path").iter_rows()))
