"""The exposure matrix: each repository and file of an account, by release and by model, and what was done about it.

For the verified owner and those who read the desk alone (``portal.may_see``). A release *has* what it holds now; what is *masked* is
held, and hidden; what is *removed* was held, or was kept out on request; *never* is the rest. A model was *trained before* on what its
release held, or that of the model it started from; it *excluded* what these did not hold; *unknown* where no release is recorded.

Everything is paged: a page asks for the cells of its own rows, however many the account has.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, Sum

from datasets_app.models import BlockEntry, Holding, Mask, Owner, Release, Repository
from modelzoo.models import Revision

STATES = ("published", "built", "withdrawn")
IN, MASKED, REMOVED, NEVER = "in", "masked", "removed", "never"
TRAINED, EXCLUDED, UNKNOWN = "trained before", "excluded", "unknown"
WORDS = {
    IN: "in it", MASKED: "in it, hidden", REMOVED: "removed", NEVER: "never",
    TRAINED: "trained before", EXCLUDED: "excluded", UNKNOWN: "unknown",
}  # fmt: skip
COLUMNS = 6  # releases, and models, on a page; the downloads have them all
ROWS = 50
BATCH = 500  # repositories of which a download asks at once
_LARGE = ("recipe", "funnel", "languages", "licences")


@dataclass(frozen=True)
class Cell:
    """How one repository stands in one column. ``files`` and ``copies`` are of the release; 0 for models."""

    standing: str
    files: int = 0
    copies: int = 0

    @property
    def words(self) -> str:
        """For people."""
        return WORDS[self.standing]


@dataclass
class ModelColumn:
    """One revision of a model, and the releases whose text it has seen; ``known`` is false where one is not recorded."""

    revision: Revision
    releases: set[int]
    known: bool

    @property
    def name(self) -> str:
        """For people."""
        return str(self.revision)


@dataclass
class Row:
    """One repository, with a cell for each release and each model."""

    repository: Repository
    releases: list[Cell]
    models: list[Cell]


@dataclass
class Total:
    """What one release holds or held of the whole account."""

    release: Release
    standing: str
    repositories: int = 0
    files: int = 0
    copies: int = 0
    bytes: int = 0

    @property
    def words(self) -> str:
        """For people."""
        return WORDS[self.standing]


@dataclass
class Matrix:
    """What is known of an account, but for its rows.

    Attributes:
        owner: The account.
        releases: Columns, the newest first.
        models: Columns, the newest first.
        blocked_since: When the whole account came on the block-list; None where it is not.
        masked: Whether the whole account is hidden now.
    """

    owner: Owner
    releases: list[Release]
    models: list[ModelColumn]
    blocked_since: datetime | None
    masked: bool
    _blocks: dict[int | None, list[int]] = field(default_factory=dict, repr=False)
    _masks: set[int | None] = field(default_factory=set, repr=False)

    def rows(self, repositories: Sequence[Repository]) -> list[Row]:
        """The cells of these repositories: one query, whatever their number."""
        wanted = {release.pk for release in self.releases} | {pk for model in self.models for pk in model.releases}
        held: dict[int, dict[int, tuple[int, int]]] = defaultdict(dict)
        found = Holding.objects.filter(repository__in=repositories, release__in=wanted)
        for repository, release, files, copies in found.values_list("repository", "release", "files", "copies"):
            if files or copies:
                held[repository][release] = (files, copies)
        return [
            Row(
                one,
                [self._in_release(one, release, held[one.pk].get(release.pk)) for release in self.releases],
                [Cell(_in_model(model, held[one.pk])) for model in self.models],
            )
            for one in repositories
        ]

    def hidden(self, repository: Repository) -> bool:
        """Whether a repository is masked or blocked now."""
        return bool({None, repository.pk} & (self._masks | self._blocks.keys()))

    def kept_out(self, repository: Repository, release: Release) -> bool:
        """Whether a release was made without it, because it was blocked then."""
        positions = self._blocks.get(None, []) + self._blocks.get(repository.pk, [])
        return any(position <= release.blocklist_position for position in positions)

    def _in_release(self, repository: Repository, release: Release, held: tuple[int, int] | None) -> Cell:
        if held is None:
            return Cell(REMOVED if self.kept_out(repository, release) else NEVER)
        if release.state == "withdrawn":
            return Cell(REMOVED, *held)
        return Cell(MASKED if self.hidden(repository) else IN, *held)


def of(owner: Owner, most: int | None = COLUMNS) -> Matrix:
    """The matrix of an account, with at most ``most`` releases and models. The caller has made sure who asks."""
    live = Q(lifted_at=None)
    blocks: dict[int | None, list[int]] = defaultdict(list)
    since = None
    entries = BlockEntry.objects.filter(live, Q(owner=owner) | Q(repository__owner=owner))
    for repository, position, at in entries.values_list("repository", "position", "created_at"):
        blocks[repository].append(position)
        if repository is None:
            since = min(since, at) if since else at
    masks: set[int | None] = set(Mask.objects.filter(live, owner=owner).values_list("repository", flat=True))
    releases = Release.objects.filter(state__in=STATES).defer(*_LARGE).order_by("-published_at", "-pk")
    revisions = Revision.objects.filter(withdrawn_at=None).select_related("model").order_by("-created_at", "-pk")
    revisions = revisions.defer("lineage", "training", "card", "config", "parameters")
    return Matrix(
        owner, list(releases[:most]), _models(list(revisions[:most])), since, None in masks, dict(blocks), masks
    )


def totals(matrix: Matrix) -> list[Total]:
    """By release, what it holds of the whole account: one query. Releases that hold nothing of it are ``never``, or ``removed``."""
    sums = Holding.objects.filter(owner=matrix.owner, release__in=matrix.releases).filter(
        Q(files__gt=0) | Q(copies__gt=0)
    )
    figures = {
        row["release"]: row
        for row in sums.order_by()
        .values("release")
        .annotate(count=Count("pk"), all_files=Sum("files"), all_copies=Sum("copies"), all_bytes=Sum("bytes"))
    }
    found = []
    for release in matrix.releases:
        row = figures.get(release.pk)
        if row is None:
            kept_out = any(position <= release.blocklist_position for position in matrix._blocks.get(None, []))
            found.append(Total(release, REMOVED if kept_out else NEVER))
            continue
        standing = REMOVED if release.state == "withdrawn" else MASKED if _whole(matrix) else IN
        found.append(Total(release, standing, row["count"], row["all_files"], row["all_copies"], row["all_bytes"]))
    return found


def repositories_of(owner: Owner, begins: str = "") -> Any:
    """The repositories of an account by name, those that begin with some letters where there are any."""
    rows = owner.repositories.order_by("name_folded", "pk")
    return rows.filter(name_folded__startswith=begins.strip().casefold()) if begins.strip() else rows


def to_dict(found: Matrix, row: Row) -> dict[str, Any]:
    """A row as plain JSON."""
    return {
        "repository": row.repository.name,
        "releases": {
            str(release): {"standing": cell.standing, "files": cell.files, "copies": cell.copies}
            for release, cell in zip(found.releases, row.releases, strict=True)
        },
        "models": {model.name: cell.standing for model, cell in zip(found.models, row.models, strict=True)},
    }


def everything(owner: Owner) -> Iterator[tuple[Matrix, Row]]:
    """Every row with every column, a batch at a time, for downloads."""
    matrix = of(owner, most=None)
    last: tuple[str, int] | None = None
    while True:
        rows = repositories_of(owner)
        if last is not None:
            rows = rows.filter(Q(name_folded__gt=last[0]) | Q(name_folded=last[0], pk__gt=last[1]))
        batch = list(rows[:BATCH])
        if not batch:
            return
        for row in matrix.rows(batch):
            yield matrix, row
        last = (batch[-1].name_folded, batch[-1].pk)


def _whole(matrix: Matrix) -> bool:
    return matrix.masked or matrix.blocked_since is not None


def _models(revisions: list[Revision]) -> list[ModelColumn]:
    """The releases of each revision and of all that it started from."""
    known = {one.pk: (one.release_id, one.base_id) for one in revisions}
    columns = []
    for revision in revisions:
        releases: set[int] = set()
        complete = True
        at: int | None = revision.pk
        seen: set[int] = set()
        while at is not None and at not in seen:
            seen.add(at)
            if at not in known:
                known[at] = Revision.objects.values_list("release_id", "base_id").get(pk=at)
            release, base = known[at]
            complete = complete and release is not None
            releases |= {release} - {None}  # type: ignore[arg-type]
            at = base
        columns.append(ModelColumn(revision, releases, complete))
    return columns


def _in_model(model: ModelColumn, held: dict[int, tuple[int, int]]) -> str:
    if model.releases & held.keys():
        return TRAINED
    return EXCLUDED if model.known else UNKNOWN
