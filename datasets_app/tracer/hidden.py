"""What of the indexes the public may not see now: masked, or blocked since the release was decided.

It is found out once for each state of masks and block-list, and kept by this process. What the state is, is asked anew for each
trace, by the same question whatever is traced: so a mask works from the next trace on.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from django.db.models import QuerySet, Subquery

from datasets_app import hidden_files
from datasets_app.models import Holding, Mask, Release
from datasets_app.services.masks import hidden_filter
from datasets_app.tracing.shard_index import ShardIndex

KEPT = 8  # states
_known: "OrderedDict[tuple[Any, ...], Hidden]" = OrderedDict()
_lock = Lock()


@dataclass(frozen=True)
class Hidden:
    """What may not be shown of some releases.

    Attributes:
        repositories: Keys of repositories.
        files: Repository key and path of single files.
    """

    repositories: frozenset[str]
    files: frozenset[tuple[str, str]]
    _rows: "WeakKeyDictionary[ShardIndex, npt.NDArray[np.bool_]]" = field(
        default_factory=WeakKeyDictionary, compare=False, repr=False
    )

    def __call__(self, index: ShardIndex, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Which of these rows of an index may not be shown, as the engine asks it."""
        if not self.repositories and not self.files:
            return np.zeros(len(rows), dtype=np.bool_)
        known = self._rows.get(index)
        if known is None:
            known = self._rows[index] = self._of(index.table)
        return known[rows]

    def _of(self, facts: pa.Table) -> npt.NDArray[np.bool_]:
        """The same for all rows."""
        keys = facts["repository_key"]
        hidden: npt.NDArray[np.bool_] = np.asarray(pc.is_in(keys, pa.array(sorted(self.repositories), pa.string())))
        if self.files:
            narrowed = pa.array(sorted({repository for repository, _ in self.files}), pa.string())
            hidden = hidden.copy()
            for row in np.flatnonzero(np.asarray(pc.is_in(keys, narrowed))).tolist():
                hidden[row] |= (keys[row].as_py(), facts["path"][row].as_py()) in self.files
        return hidden


def with_state(releases: QuerySet[Release]) -> QuerySet[Release]:
    """Releases with all that tells whether anything was hidden or shown again: each a look into an index."""
    lifted = Mask.objects.filter(lifted_at__isnull=False).order_by("-lifted_at")
    return hidden_files.with_state(releases).annotate(
        last_owner_mask=Subquery(Mask.objects.order_by("-pk").values("pk")[:1]),
        last_owner_unmasked=Subquery(lifted.values("lifted_at")[:1]),
    )


def of_releases(releases: Sequence[Release]) -> Hidden:
    """What may not be shown of these releases now; they come from ``with_state``."""
    state = tuple(_state(release) for release in releases)
    with _lock:
        if state in _known:
            _known.move_to_end(state)
            return _known[state]
    found = _find(releases)
    with _lock:
        _known[state] = found
        while len(_known) > KEPT:
            _known.popitem(last=False)
    return found


def _state(release: Any) -> tuple[Any, ...]:
    return (
        release.pk, release.tree_root, release.last_mask, release.last_masked, release.last_unmasked, release.last_block,
        release.last_blocked, release.last_lifted, release.last_owner_mask, release.last_owner_unmasked,
    )  # fmt: skip


def _find(releases: Iterable[Release]) -> Hidden:
    repositories: set[str] = set()
    files: set[tuple[str, str]] = set()
    for release in releases:
        held = Holding.objects.filter(hidden_filter(), release=release)
        repositories.update(held.values_list("repository__key", flat=True))
        files |= hidden_files.of_release(release).files
    return Hidden(frozenset(repositories), frozenset(files))
